"""Quotas: what may be counted, which apply to whom, and what an envelope would use up.

Owns `Quota`, its JSON form and validity (`decisions.md` 2.1, 2.2), matching (2.3), the window arithmetic and the protocol that
backends count by (2.4). Which checks an envelope needs is `enforcement`'s business, where counters live a backend's.

Invariants: a quota with limit 0 is never sent to a backend, it is known without counting; a charge is granted or refused as a
whole, and a refused one leaves every counter as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from scrubjay.core.conditions import Condition
from scrubjay.core.limits import (
    KEY,
    METRIC_NAMESPACES,
    ORGANIZATION,
    PROJECT,
    ActiveLimit,
    Scoping,
    widened,
    wire_reason,
)
from scrubjay.reasons import DataCategory

ZERO_QUOTA_S: Final = 60
"""How long a client is told to wait by a quota that allows nothing (`decisions.md` 2.4)."""

_MAX_COUNT: Final = 2**63 - 1
"""A limit above it never rejects."""

_MAX_U64: Final = 2**64 - 1
_NEVER: Final = -1
"""The scope id of a quota that applies to nobody."""

_BYTES: Final = frozenset({DataCategory.ATTACHMENT, DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE})
_MILLISECONDS: Final = frozenset({DataCategory.PROFILE_DURATION, DataCategory.PROFILE_DURATION_UI})


Algorithm = Literal["fixed", "sliding", "bucket"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """One counter for each combination of the values of `dimensions`, at most `max_cardinality` of them in a window.

    Beyond: all further ones share one counter (`shares_overflow`), or are refused.
    """

    dimensions: tuple[str, ...]
    max_cardinality: int
    shares_overflow: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` of `categories` (none: of all) per `window_s`; `limit` 0 refuses all, None only counts.

    `algorithm`, `burst` (depth of a bucket, None: the limit), `condition`, `grouping` and `sampled_excess` are of the extended form
    (`decisions.md` 9.1). `sampled_excess`: share of the excess that is kept; 0 drops it, 1 only observes.
    """

    id: str
    scope: str
    categories: frozenset[DataCategory]
    limit: int | None
    window_s: int = 0
    scope_id: int | None = None
    reason: str | None = None
    namespace: str | None = None
    algorithm: Algorithm = "fixed"
    burst: int | None = None
    condition: Condition | None = None
    grouping: Grouping | None = None
    sampled_excess: float = 0

    def binds(self, scoping: Scoping) -> bool:
        """Whether it is about this key, project or organisation."""
        if self.scope_id is None:
            return True
        if self.scope == ORGANIZATION:
            return self.scope_id == scoping.organization_id
        return self.scope_id == (scoping.project_id if self.scope == PROJECT else scoping.key_id)

    def counts(self, category: DataCategory) -> bool:
        """Whether items of `category` use it up; one with a namespace is about metric buckets alone."""
        return self.namespace is None and (not self.categories or category in self.categories)

    def window(self, organization_id: int, now_unix: float) -> tuple[int, int]:
        """The slot that `now_unix` falls into and the time at which it ends.

        Windows are fixed, and shifted by the organisation's id so that not all of them end at once.
        """
        shift = organization_id % self.window_s
        slot = (int(now_unix) - shift) // self.window_s
        return slot, (slot + 1) * self.window_s + shift

    def refusal(self, until_mono: float) -> ActiveLimit:
        """The limit that stands for a refusal by this quota."""
        namespaces = frozenset({self.namespace} if self.namespace else ())
        return ActiveLimit(self.scope, self.categories, until_mono, self.reason, self.id, namespaces)


# Counting


@dataclass(frozen=True, slots=True)
class Counter:
    """One number that grows: a quota as it counts for one organisation, project or key (`subscope`).

    `group`: a hash of the values of the quota's dimensions.
    """

    quota: Quota
    organization_id: int
    subscope: str | int | None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """`amount` against all `counters` together; an amount of 0 asks whether there is room for one more.

    `after`: the position of a charge in the same call that must have been granted, or this one is not made at all.
    """

    amount: int
    counters: tuple[Counter, ...]
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A quota without room, and the seconds until its window ends (not capped)."""

    quota: Quota
    left_s: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one counter is, as people and `explain` want to know it. `held`: granted to this process and not used yet (leases).

    `consumed` is None for a counter that only its authority knows and this process has not asked about.
    """

    counter: Counter
    consumed: int | None
    ends_unix: float
    held: int = 0


class QuotaBackend(Protocol):
    """Where counters live. Fails open: what cannot be counted is granted."""

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        """Makes the charges in order. Per charge the quotas that refused it; none if it was granted or not made."""
        ...

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        """The counters of windows that have not ended, those nearest to their limit first."""
        ...

    def rehearsal(self) -> QuotaBackend:
        """A copy in this process of what is known now: what it counts, it counts for itself."""
        ...

    async def close(self) -> None: ...


def counters_for(quotas: Iterable[Quota], category: DataCategory, scoping: Scoping) -> tuple[Counter, ...]:
    """The counters that an item of `category` uses up, of quotas that already are known to bind `scoping`.

    Without a known organisation the relay is one organisation, number 0.
    """
    return tuple(
        Counter(quota, scoping.organization_id or 0, _subscope(quota, scoping))
        for quota in quotas
        if quota.limit != 0 and quota.counts(category)
    )


def _subscope(quota: Quota, scoping: Scoping) -> str | int | None:
    if quota.scope == ORGANIZATION:
        return None
    if quota.scope == PROJECT:
        return scoping.project_id
    return scoping.key if scoping.key_id is None else scoping.key_id


def zero_limits(quotas: Iterable[Quota], scoping: Scoping, now_mono: float) -> tuple[ActiveLimit, ...]:
    """The limits of quotas that allow nothing, widened as those of the server are."""
    return tuple(
        widened(quota.refusal(now_mono + ZERO_QUOTA_S)) for quota in quotas if quota.limit == 0 and quota.binds(scoping)
    )


# Compiling


_PLAIN: Final = {"groupBy": None, "algorithm": "fixed", "burst": None, "condition": None, "action": "drop"}
"""Members of the extended form (`decisions.md` 9.1) with the only value that can be honoured so far."""


def compile_quotas(configs: Sequence[object]) -> tuple[tuple[Quota, ...], list[str]]:
    """The quotas that can be applied, and a sentence on each that cannot; a broken one disables nothing but itself."""
    quotas: list[Quota] = []
    problems: list[str] = []
    for position, config in enumerate(configs):
        try:
            quotas.append(_compile_quota(config))
        except ValueError as error:
            problems.append(f"quotas[{position}]: {error}; this quota is not applied")
    return tuple(quotas), problems


def _compile_quota(config: object) -> Quota:
    if not isinstance(config, Mapping):
        raise ValueError("not an object")
    unsupported = [member for member, plain in _PLAIN.items() if config.get(member) not in (None, plain)]
    if unsupported:
        raise ValueError(f"`{unsupported[0]}` is not supported yet")
    quota = Quota(
        id=_text(config, "id") or "",
        scope=_text(config, "scope") or ORGANIZATION,
        categories=_categories(config.get("categories", [])),
        limit=_whole(config, "limit"),
        window_s=_whole(config, "window") or 0,
        scope_id=_scope_id(config),
        reason=wire_reason(_text(config, "reasonCode") or ""),
        namespace=_text(config, "namespace"),
    )
    _check(quota, config)
    known = quota.scope in (ORGANIZATION, PROJECT, KEY)
    scope_id = quota.scope_id if known or quota.scope_id is None else _NEVER
    limit = quota.limit if quota.limit is None or quota.limit <= _MAX_COUNT else None
    return replace(quota, scope=quota.scope if known else KEY, scope_id=scope_id, limit=limit)


def _check(quota: Quota, config: Mapping[str, object]) -> None:
    """Validity (`decisions.md` 2.2)."""
    if quota.namespace is not None and quota.namespace not in METRIC_NAMESPACES:
        raise ValueError(f"unknown namespace {quota.namespace!r}")
    if quota.categories and quota.categories <= {DataCategory.UNKNOWN}:
        raise ValueError("no known category")
    if quota.limit == 0:
        return
    if not quota.categories:
        raise ValueError("without categories only a limit of 0 makes sense, as units differ")
    if len({_unit(category) for category in quota.categories if category is not DataCategory.UNKNOWN}) > 1:
        raise ValueError("its categories are counted in different units")
    if not quota.id:
        raise ValueError("`id` is missing")
    if not quota.window_s:
        raise ValueError("`window` is missing or 0")


def _unit(category: DataCategory) -> str:
    if category in _BYTES:
        return "bytes"
    return "milliseconds" if category in _MILLISECONDS else "items"


def _text(config: Mapping[str, object], member: str) -> str | None:
    value = config.get(member)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"`{member}` must be text")


def _whole(config: Mapping[str, object], member: str) -> int | None:
    value = config.get(member)
    if value is None:
        return None
    if type(value) is int and 0 <= value <= _MAX_U64:
        return value
    raise ValueError(f"`{member}` must be a whole number, not negative")


def _categories(value: object) -> frozenset[DataCategory]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(name, str) for name in value):
        raise ValueError("`categories` must be a list of names")
    return frozenset(map(DataCategory.parse, value))


def _scope_id(config: Mapping[str, object]) -> int | None:
    text = _text(config, "scopeId")
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else _NEVER
