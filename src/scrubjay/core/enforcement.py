"""Which items a limit takes: the order of checks and their consequences (`decisions.md` 2.6).

One list of checks serves both stages. `judge` holds it against limits that are known; `draw_up` turns it into the charges of one
backend call, whose answer `Bill.settle` reads by the same rules. Nothing is dropped here: a `Ruling` says what falls, to which limit, and
what the client should be told. What rides on the event is named in full, so that the account shows each item's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import count_spans
from scrubjay.core.limits import ActiveLimit, Scoping, merge
from scrubjay.core.quotas import Charge, Quota, Refusal, counters_for, zero_limits
from scrubjay.reasons import DataCategory, Quantities

_C = DataCategory

_TRACE_ATTACHMENTS: Final = ("application/vnd.sentry.trace-attachment", "application/vnd.sentry.attachment.v2")
"""A tuple, because a header may hold what cannot be hashed."""
_ATTACHMENT_CATEGORIES: Final = frozenset({_C.ATTACHMENT, _C.ATTACHMENT_ITEM})

_EVENT_CATEGORIES: Final = {
    "transaction": _C.TRANSACTION,
    "security": _C.SECURITY,
    "raw_security": _C.SECURITY,
    "feedback": _C.FEEDBACK,
}
"""Of event-creating items; all others (crash reports of any form) are errors."""

_GROUPS: Final = {
    "sessions": "session",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
}
"""Types that fall together; all others go by their own name."""

_SIMPLE: Final = (
    ("session", (_C.SESSION,)),
    ("trace_metric", (_C.TRACE_METRIC, _C.TRACE_METRIC_BYTE)),
    ("log", (_C.LOG_ITEM, _C.LOG_BYTE)),
    ("replay", (_C.REPLAY,)),
    ("user_report", (_C.FEEDBACK,)),
    ("check_in", (_C.MONITOR,)),
)
"""Groups, and the categories that they are checked for, one after the other."""


@dataclass(frozen=True, slots=True)
class Fall:
    """An item that must go. `uncounted`: spans inside it that its headers did not announce; they are lost with it."""

    item: Item
    limit: ActiveLimit
    uncounted: Quantities = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A crash report that stays as the event that it creates, but is lost as an attachment: gets `rate_limited: true`."""

    item: Item
    limit: ActiveLimit
    lost: Quantities


@dataclass(frozen=True, slots=True)
class Ruling:
    """`limits` are those that the client should be told; if there are any, the answer is 429."""

    falls: tuple[Fall, ...] = ()
    marks: tuple[Mark, ...] = ()
    limits: tuple[ActiveLimit, ...] = ()


NOTHING: Final = Ruling()


@dataclass(slots=True)
class _Check:
    """One question: is there room for `amount` of `category`? If not, `items` fall and `crashes` are marked.

    `after`: only asked if that earlier check passed; else its items have fallen already.
    """

    category: DataCategory
    amount: int
    items: list[Item]
    after: int | None = None
    crashes: list[Item] = field(default_factory=list)


def judge(items: Sequence[Item], limits: Sequence[ActiveLimit]) -> Ruling:
    """What known limits take from an envelope. Indexed categories are not looked at (`decisions.md` 1.1)."""
    if not limits or not items:
        return NOTHING
    checks = _checks(items, counted=False)
    return _rule(checks, lambda check: [limit for limit in limits if limit.takes(checks[check].category)])


@dataclass(frozen=True, slots=True)
class Bill:
    """What an envelope would use up; `charges` go to the backend in one call."""

    charges: tuple[Charge, ...]
    _checks: list[_Check]
    _positions: dict[int, int]
    """Of checks: where their charges are."""
    _known: dict[int, list[ActiveLimit]]
    """Of checks: the zero quotas that refuse without counting."""

    def settle(self, refusals: Sequence[Sequence[Refusal]], now_mono: float, *, cap_s: int = 300) -> Ruling:
        """The ruling that follows from the backend's answer; nobody is told to wait longer than `cap_s`."""

        def answer(check: int) -> list[ActiveLimit]:
            known = self._known.get(check)
            if known or check not in self._positions:
                return known or []
            return [
                refusal.quota.refusal(now_mono + min(refusal.left_s, cap_s))
                for refusal in refusals[self._positions[check]]
            ]

        return _rule(self._checks, answer)


def draw_up(items: Sequence[Item], quotas: Sequence[Quota], scoping: Scoping, now_mono: float) -> Bill | None:
    """The charges for what the gate left of an envelope; None if no quota is about it."""
    bound = [quota for quota in quotas if quota.binds(scoping)]
    if not bound or not items:
        return None
    zero = zero_limits(bound, scoping, now_mono)
    checks = _checks(items, counted=True)
    charges: list[Charge] = []
    positions: dict[int, int] = {}
    known: dict[int, list[ActiveLimit]] = {}
    for number, check in enumerate(checks):
        after = check.after
        while after is not None and after not in positions and after not in known:
            after = checks[after].after
        if after in known:
            known[number] = []
            continue
        refused = [limit for limit in zero if limit.takes(check.category)]
        if refused:
            known[number] = refused
            continue
        counters = counters_for(bound, check.category, scoping)
        if counters:
            positions[number] = len(charges)
            charges.append(Charge(check.amount, counters, None if after is None else positions[after]))
    if not charges and not known:
        return None
    return Bill(tuple(charges), checks, positions, known)


def _rule(checks: Sequence[_Check], answer: Callable[[int], Sequence[ActiveLimit]]) -> Ruling:
    blocked: set[int] = set()
    falls: list[Fall] = []
    marks: list[Mark] = []
    told: list[ActiveLimit] = []
    for number, check in enumerate(checks):
        if check.after in blocked:
            blocked.add(number)
            continue
        limits = answer(number)
        if not limits:
            continue
        blocked.add(number)
        longest = max(limits, key=lambda limit: limit.until_mono)
        falls += [Fall(item, longest, _uncounted(item)) for item in check.items]
        marks += [Mark(item, longest, _as_attachment(item)) for item in check.crashes]
        if check.items or not check.crashes:
            told += limits
    return Ruling(tuple(falls), tuple(marks), merge(told)) if told or marks else NOTHING


def _uncounted(item: Item) -> Quantities:
    if item.type != "transaction" or item.headers.get("span_count") is not None:
        return ()
    spans = count_spans(item.payload)
    return ((_C.SPAN, spans), (_C.SPAN_INDEXED, spans)) if spans else ()


def _as_attachment(item: Item) -> Quantities:
    return tuple(pair for pair in item.kind.quantities(item) if pair[0] in _ATTACHMENT_CATEGORIES)


# The checks of an envelope


def _checks(items: Sequence[Item], *, counted: bool) -> list[_Check]:
    """In the order of `decisions.md` 2.6. `counted` adds the indexed categories and leaves out what cannot be counted."""
    checks: list[_Check] = []
    on_event = _add_event(checks, items, counted)
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(_GROUPS.get(item.type, item.type), []).append(item)
    # Attachments that count as nothing were limited by a relay before us.
    attachments = [item for item in groups.get("attachment", ()) if item.kind.quantities(item)]
    spans, of_spans = groups.get("span", []), _of_kind(attachments, "span")
    if spans or of_spans:
        _add_spans(checks, spans, of_spans, counted)
    if attachments:
        _add_attachments(checks, _of_kind(attachments, "event"), on_event)
        _add_attachments(checks, _of_kind(attachments, "trace"), on_event)
    if "profile" in groups:
        _add_profiles(checks, groups["profile"], on_event, counted)
    for name, categories in _SIMPLE:
        if name in groups:
            bound = on_event is not None and all(item.rides_on_event for item in groups[name])
            _chain(checks, groups[name], categories, on_event if bound else None)
    for category in (_C.PROFILE_CHUNK, _C.PROFILE_CHUNK_UI) if "profile_chunk" in groups else ():
        chunks = _counted_as(groups["profile_chunk"], category)
        if chunks:
            _chain(checks, chunks, (category,), None)
    if not counted and "metric_buckets" in groups:
        checks.append(_Check(_C.METRIC_BUCKET, 0, []))
    return checks


def _add_event(checks: list[_Check], items: Sequence[Item], counted: bool) -> int | None:
    """Returns the last check that all that rides on the event depends on."""
    event = next((item for item in items if item.creates_event), None)
    if event is None:
        return None
    bound = [item for item in items if item.rides_on_event or item.creates_event]
    category = _EVENT_CATEGORIES.get(event.type, _C.ERROR)
    checks.append(_Check(category, 1, bound))
    if counted and category is _C.TRANSACTION:
        checks.append(_Check(_C.TRANSACTION_INDEXED, 1, bound, after=0))
    return len(checks) - 1


def _add_spans(checks: list[_Check], spans: list[Item], attachments: list[Item], counted: bool) -> None:
    checks.append(_Check(_C.SPAN, _amount(spans, _C.SPAN), spans + attachments))
    if counted:
        checks.append(_Check(_C.SPAN_INDEXED, _amount(spans, _C.SPAN_INDEXED), spans + attachments, len(checks) - 1))
    _add_attachments(checks, attachments, len(checks) - 1)


def _add_attachments(checks: list[_Check], attachments: list[Item], after: int | None) -> None:
    crashes = [item for item in attachments if item.creates_event]
    plain = [item for item in attachments if not item.creates_event]
    for category in (_C.ATTACHMENT, _C.ATTACHMENT_ITEM) if attachments else ():
        checks.append(_Check(category, _amount(attachments, category), plain, after, crashes))
        after = len(checks) - 1


def _add_profiles(checks: list[_Check], profiles: list[Item], on_event: int | None, counted: bool) -> None:
    after = _chain(checks, profiles, (_C.PROFILE, _C.PROFILE_INDEXED) if counted else (_C.PROFILE,), on_event)
    if on_event is None:
        # A profile without its transaction obeys the transaction's limit.
        checks.append(_Check(_C.TRANSACTION, 0, profiles, after))
        after = len(checks) - 1
    for category in (_C.PROFILE_BACKEND, _C.PROFILE_UI):
        subset = _counted_as(profiles, category)
        if subset:
            checks.append(_Check(category, _amount(subset, category), subset, after))


def _of_kind(attachments: Iterable[Item], owner: str) -> list[Item]:
    return [item for item in attachments if _owner_of(item) == owner]


def _owner_of(attachment: Item) -> str:
    """What an attachment belongs to (`ingest.md` 6.7)."""
    if attachment.headers.get("content_type") not in _TRACE_ATTACHMENTS:
        return "event"
    return "span" if "span_id" in attachment.headers else "trace"


def _chain(
    checks: list[_Check], group: list[Item], categories: Iterable[DataCategory], after: int | None
) -> int | None:
    """Checks a group for one category after the other; returns the last check's number."""
    for category in categories:
        checks.append(_Check(category, _amount(group, category), group, after))
        after = len(checks) - 1
    return after


def _counted_as(items: Iterable[Item], category: DataCategory) -> list[Item]:
    return [item for item in items if _amount((item,), category)]


def _amount(items: Iterable[Item], category: DataCategory) -> int:
    return sum(amount for item in items for counted, amount in item.kind.quantities(item) if counted is category)
