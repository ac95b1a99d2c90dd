"""Limits in force: the wire grammar of rate limits, and the table of what is refused until when.

Owns `ActiveLimit`, reading and writing `X-Sentry-Rate-Limits` and `Retry-After` (`decisions.md` 3.1, 3.2, 3.5), and `LimitTable`
(3.3, 3.4), the one place where limits learnt from the upstream and refusals of our own quotas meet. Which items a limit takes is
`enforcement`'s business; counting is `quotas`'. Clocks are handed in: `now_mono` for expiry, `now_unix` for HTTP dates alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from scrubjay.categories import DataCategory

ORGANIZATION: Final = "organization"
PROJECT: Final = "project"
KEY: Final = "key"

UPSTREAM: Final = "upstream"
"""The origin of limits that the server named; those of our own have their quota's id."""

METRIC_NAMESPACES: Final = frozenset({"sessions", "spans", "transactions", "outcomes"})

_NO_NAMESPACES: Final[frozenset[str]] = frozenset()
_ROUNDING_S: Final = 1e-6
"""Far below a second, far above the error of a monotonic clock's float: 59 s left must not become 60."""

_MAX_REASON: Final = 200
"""Client reports with longer reasons are refused (`decisions.md` 8.6)."""


@dataclass(frozen=True, slots=True)
class Scoping:
    """Whose envelope it is. Ids that are not known are None; two keys share a limit only through ids that are known."""

    key: str
    project_id: int | None = None
    organization_id: int | None = None
    key_id: int | None = None


@dataclass(frozen=True, slots=True)
class ActiveLimit:
    """A refusal known until `until_mono`. No categories: all of them. Namespaces: only metric buckets of those."""

    scope: str
    categories: frozenset[DataCategory]
    until_mono: float
    reason: str | None = None
    origin: str = UPSTREAM
    namespaces: frozenset[str] = _NO_NAMESPACES

    def takes(self, category: DataCategory) -> bool:
        """Whether an item of `category` falls under it; such items carry no metric namespace."""
        return not self.namespaces and (not self.categories or category in self.categories)

    def described(self, now_mono: float) -> str:
        """In the words of the wire: how long, of what, for whom, why; and whose rule it is."""
        seconds = max(0, math.ceil(self.until_mono - now_mono - _ROUNDING_S))
        return f"{_piece(seconds, self)} (by {self.origin})"


def merge(limits: Iterable[ActiveLimit]) -> tuple[ActiveLimit, ...]:
    """Of limits for the same categories, scope and namespaces the one that ends last, with its reason."""
    return tuple(_merge_into({}, limits).values())


_Same = tuple[str, frozenset[DataCategory], frozenset[str]]


def _merge_into(kept: dict[_Same, ActiveLimit], limits: Iterable[ActiveLimit]) -> dict[_Same, ActiveLimit]:
    for limit in limits:
        same = (limit.scope, limit.categories, limit.namespaces)
        known = kept.get(same)
        if known is None or limit.until_mono > known.until_mono:
            kept[same] = limit
    return kept


# Reading what a server says


_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)
_NOT_WIRE = re.compile(r"[^ -~]|[:,]")


def parse_rate_limits(header: str | Iterable[str], now_mono: float, *, cap_s: int = 86_400) -> tuple[ActiveLimit, ...]:
    """The unexpired limits of `X-Sentry-Rate-Limits`; a header that came more than once is a list of its values."""
    text = header if isinstance(header, str) else ",".join(header)
    return merge(limit for piece in text.split(",") if (limit := _parse_piece(piece, now_mono, cap_s)) is not None)


def _parse_piece(piece: str, now_mono: float, cap_s: int) -> ActiveLimit | None:
    retry, *parts = (part.strip() for part in piece.split(":"))
    seconds = _seconds(retry)
    if not seconds:
        return None
    names, scope, reason, namespaces = (*parts, "", "", "", "")[:4]
    return ActiveLimit(
        scope=scope if scope in (ORGANIZATION, PROJECT) else KEY,
        categories=frozenset(DataCategory.parse(name) for name in _names(names)),
        until_mono=now_mono + min(seconds, cap_s),
        reason=wire_reason(reason),
        namespaces=frozenset(name if name in METRIC_NAMESPACES else "unsupported" for name in _names(namespaces)),
    )


def _names(text: str) -> Iterator[str]:
    return (name for part in text.split(";") if (name := part.strip()))


def wire_reason(text: str) -> str | None:
    """A reason code as it may stand in a header: no separators, nothing unprintable; None if nothing is left."""
    return _NOT_WIRE.sub("_", text.strip())[:_MAX_REASON] or None


def _seconds(text: str) -> int | None:
    """Whole seconds, rounded up; what is negative, infinite or no number is 0; None if it is not written as one."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return math.ceil(max(0.0, value)) if math.isfinite(value) else 0


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
# The three forms of an HTTP date: RFC 9110 5.6.7, its obsolete RFC 850 form, and that of C's asctime.
_DATES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"[a-z]{3}, (?P<day>\d\d) (?P<month>[a-z]{3}) (?P<year>\d{4}) " + _CLOCK + " GMT",
        r"[a-z]+, (?P<day>\d\d)-(?P<month>[a-z]{3})-(?P<year>\d\d) " + _CLOCK + " GMT",
        r"[a-z]{3} (?P<month>[a-z]{3}) (?P<day>[ \d]\d) " + _CLOCK + r" (?P<year>\d{4})",
    )
)


def parse_retry_after(text: str, now_unix: float) -> int | None:
    """Seconds to wait, rounded up and never negative; None if it is neither a number nor an HTTP date."""
    text = text.strip()
    seconds = _seconds(text)
    if seconds is not None:
        return seconds
    then_unix = _http_date(text)
    return None if then_unix is None else max(0, math.ceil(then_unix - now_unix))


def _http_date(text: str) -> float | None:
    found = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    year = int(found["year"])
    if year < 100:
        year += 2000
    month = _MONTHS.index(found["month"].lower()) + 1
    clock = (int(found["hour"]), int(found["minute"]), min(int(found["second"]), 59))
    try:
        return datetime(year, month, int(found["day"]), *clock, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def limits_of_response(
    status: int,
    rate_limits: Iterable[str],
    retry_after: str | None,
    *,
    now_mono: float,
    now_unix: float,
    bare_s: int = 60,
    cap_s: int = 86_400,
) -> tuple[ActiveLimit, ...]:
    """What an upstream's answer puts in force (`decisions.md` 3.2). `rate_limits`: all values of the header, maybe none."""
    if status != 429 and not 200 <= status < 300:
        return ()
    named = parse_rate_limits(rate_limits, now_mono, cap_s=cap_s)
    if named or status != 429:
        return named
    seconds = parse_retry_after(retry_after, now_unix) if retry_after else None
    seconds = bare_s if seconds is None else min(seconds, cap_s)
    if seconds <= 0:
        return ()
    return (ActiveLimit(KEY, frozenset(), now_mono + seconds, "generic"),)


# Telling clients


def format_rate_limits(
    limits: Iterable[ActiveLimit], now_mono: float, *, most: int | None = None
) -> tuple[int, str] | None:
    """`Retry-After` in seconds and the text of `X-Sentry-Rate-Limits`, longest first; None if nothing is left to say.

    Whole seconds, rounded up: clients parse an integer and ignore the piece otherwise. Limits on categories that
    nobody knows are not passed on, their names are lost.
    """
    left = [(math.ceil(limit.until_mono - now_mono - _ROUNDING_S), limit) for limit in merge(limits)]
    left = [(seconds, limit) for seconds, limit in left if seconds > 0 and _can_be_told(limit)]
    if not left:
        return None
    left.sort(key=lambda pair: -pair[0])
    pieces = dict.fromkeys(_piece(seconds, limit) for seconds, limit in left[:most])
    return left[0][0], ", ".join(pieces)


def _can_be_told(limit: ActiveLimit) -> bool:
    return not limit.categories or any(category is not DataCategory.UNKNOWN for category in limit.categories)


def _piece(seconds: int, limit: ActiveLimit) -> str:
    names = ";".join(category.wire for category in sorted(limit.categories) if category is not DataCategory.UNKNOWN)
    parts = [str(seconds), names, limit.scope]
    if limit.reason or limit.namespaces:
        parts.append(limit.reason or "")
    if limit.namespaces:
        parts.append(";".join(sorted(limit.namespaces)))
    return ":".join(parts)


# What is in force


_WIDER: Final = {DataCategory.TRANSACTION: DataCategory.SPAN, DataCategory.SPAN: DataCategory.TRANSACTION}


def widened(limit: ActiveLimit) -> ActiveLimit:
    """A limit on transactions is one on spans, and the other way round (`decisions.md` 3.4)."""
    more = {_WIDER[category] for category in limit.categories if category in _WIDER}
    return limit if more <= limit.categories else replace(limit, categories=limit.categories | more)


Owner = tuple[str, str | int]
"""What a limit binds: a scope, and the key or the id of the project or organisation."""

_SAME_END_S: Final = 1.0


class LimitTable:
    """Limits in force, by the key, project or organisation that they bind.

    A limit on a project or an organisation binds all keys of it once its id is known, else only the key that learnt it.
    Expired limits go when they are read, or when the table is full; of too many owners the one whose limits end first goes.
    """

    def __init__(self, *, max_owners: int = 10_000) -> None:
        self._owned: dict[Owner, dict[_Same, ActiveLimit]] = {}
        self._max_owners = max_owners
        self.version = 0
        """Another one whenever something was put in force."""

    def learn(self, scoping: Scoping, limits: Iterable[ActiveLimit], now_mono: float) -> None:
        """Puts limits in force for `scoping`; equal ones merge, the later end wins."""
        for limit in limits:
            owner = _owner(scoping, limit.scope)
            owned = self._owned.get(owner)
            if owned is None:
                self._make_room(now_mono)
                owned = self._owned[owner] = {}
            _merge_into(owned, (widened(limit),))
            self.version += 1

    def active(self, scoping: Scoping, now_mono: float) -> tuple[ActiveLimit, ...]:
        """What is in force for `scoping` now."""
        if not self._owned:
            return ()
        found: list[ActiveLimit] = []
        for owner in dict.fromkeys(_owner(scoping, scope) for scope in (KEY, PROJECT, ORGANIZATION)):
            if owner in self._owned:
                found += self._unexpired(owner, now_mono)
        return tuple(found)

    def entries(self) -> Iterator[tuple[Owner, ActiveLimit]]:
        """Everything in the table, expired or not."""
        return ((owner, limit) for owner, owned in self._owned.items() for limit in owned.values())

    def adopt(self, owner: Owner, limit: ActiveLimit, now_mono: float) -> None:
        """Puts in force what another process learnt. What ends at about the time that is known already changes nothing."""
        owned = self._owned.get(owner)
        if owned is None:
            self._make_room(now_mono)
            owned = self._owned[owner] = {}
        known = owned.get((limit.scope, limit.categories, limit.namespaces))
        if known is None or limit.until_mono > known.until_mono + _SAME_END_S:
            _merge_into(owned, (limit,))

    def copy(self) -> LimitTable:
        """A table that learns for itself."""
        table = LimitTable(max_owners=self._max_owners)
        table._owned = {owner: dict(owned) for owner, owned in self._owned.items()}
        return table

    def expire(self, now_mono: float) -> None:
        """Forgets what has ended."""
        for owner in list(self._owned):
            self._unexpired(owner, now_mono)

    def forget_own(self) -> None:
        """Forgets what quotas refused, since they may be others now: who counts refuses anew what is still too much. What the server named stays."""
        for owner, owned in list(self._owned.items()):
            for same in [same for same, limit in owned.items() if limit.origin != UPSTREAM]:
                del owned[same]
            if not owned:
                del self._owned[owner]

    def _unexpired(self, owner: Owner, now_mono: float) -> Iterable[ActiveLimit]:
        owned = self._owned[owner]
        for same in [same for same, limit in owned.items() if limit.until_mono <= now_mono]:
            del owned[same]
        if not owned:
            del self._owned[owner]
        return owned.values()

    def _make_room(self, now_mono: float) -> None:
        if len(self._owned) < self._max_owners:
            return
        self.expire(now_mono)
        if len(self._owned) >= self._max_owners:
            del self._owned[min(self._owned, key=self._end_of)]

    def _end_of(self, owner: Owner) -> float:
        return max(limit.until_mono for limit in self._owned[owner].values())

    def __len__(self) -> int:
        return sum(map(len, self._owned.values()))

    def __repr__(self) -> str:
        return f"<LimitTable {len(self)} limits of {len(self._owned)} owners>"


def _owner(scoping: Scoping, scope: str) -> Owner:
    if scope == PROJECT and scoping.project_id is not None:
        return PROJECT, scoping.project_id
    if scope == ORGANIZATION and scoping.organization_id is not None:
        return ORGANIZATION, scoping.organization_id
    return KEY, scoping.key
