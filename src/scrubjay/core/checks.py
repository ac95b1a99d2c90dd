"""Which questions an envelope raises before limits and quotas, and in which order (`decisions.md` 2.6).

Owns the list of checks: what is asked for, in which amount, and what falls if the answer is no. Who answers is `enforcement`'s
business. One list serves both stages: known limits look at it without the indexed categories, quotas with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.envelope import Item
from scrubjay.core.items.blobs import is_trace_attachment
from scrubjay.core.quotas import mask_of
from scrubjay.reasons import DataCategory

_C = DataCategory

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

_BEFORE_PROFILES: Final = (
    ("session", (_C.SESSION,)),
    ("trace_metric", (_C.TRACE_METRIC, _C.TRACE_METRIC_BYTE)),
    ("log", (_C.LOG_ITEM, _C.LOG_BYTE)),
)
_AFTER_PROFILES: Final = (
    ("replay", (_C.REPLAY,)),
    ("user_report", (_C.FEEDBACK,)),
    ("check_in", (_C.MONITOR,)),
)
"""Groups, and the categories that they are checked for, one after the other."""

_ATTACHMENT: Final = (_C.ERROR, _C.SPAN, _C.SPAN_INDEXED, _C.ATTACHMENT, _C.ATTACHMENT_ITEM)
_PROFILE: Final = (_C.PROFILE, _C.PROFILE_INDEXED, _C.TRANSACTION, _C.PROFILE_BACKEND, _C.PROFILE_UI)
_TOUCHED: Final = {
    item_type: mask_of(categories)
    for item_type, categories in {
        "event": (_C.ERROR,),
        "unreal_report": (_C.ERROR,),
        "transaction": (_C.TRANSACTION, _C.TRANSACTION_INDEXED),
        "security": (_C.SECURITY,),
        "raw_security": (_C.SECURITY,),
        "feedback": (_C.FEEDBACK,),
        "attachment": _ATTACHMENT,
        "span": (_C.SPAN, _C.SPAN_INDEXED),
        "profile": _PROFILE,
        "profile_chunk": (_C.PROFILE_CHUNK, _C.PROFILE_CHUNK_UI),
        "sessions": (_C.SESSION,),
        "replay_event": (_C.REPLAY,),
        "replay_recording": (_C.REPLAY,),
        "replay_video": (_C.REPLAY,),
        "metric_buckets": (_C.METRIC_BUCKET,),
        **dict(_BEFORE_PROFILES),
        **dict(_AFTER_PROFILES),
    }.items()
}
"""By item type the categories that its checks may be about. Types that are not here are never limited."""


@dataclass(slots=True)
class Check:
    """One question: is there room for `amount` of `category`? If not, `items` fall and `crashes` are marked.

    `after`: only asked if that earlier check passed; else its items have fallen already. `event`: the item that the envelope is
    about, where the question is about it; `items` are then all that go with it.
    """

    category: DataCategory
    amount: int
    items: list[Item]
    after: int | None = None
    crashes: list[Item] = field(default_factory=list)
    event: Item | None = None


def touched(items: Iterable[Item]) -> int:
    """The categories that any check of these items may be about, as a mask."""
    mask = 0
    for item in items:
        mask |= _TOUCHED.get(item.kind.type, 0)
    return mask


def amount_of(item: Item, category: DataCategory) -> int:
    """What an item counts as in one category."""
    for counted, amount in item.kind.quantities(item):
        if counted is category:
            return amount
    return 0


def checks_of(items: Sequence[Item], *, counted: bool) -> list[Check]:
    """In the order of 2.6. `counted` adds the indexed categories and leaves out metric buckets, which are counted one by one."""
    checks: list[Check] = []
    on_event = _add_event(checks, items, counted)
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(_GROUPS.get(item.kind.type, item.kind.type), []).append(item)
    # Attachments that count as nothing were limited by a relay before us.
    attachments = [item for item in groups.get("attachment", ()) if item.kind.quantities(item)]
    spans, of_spans = groups.get("span", []), _of_kind(attachments, "span")
    if spans or of_spans:
        _add_spans(checks, spans, of_spans, counted)
    if attachments:
        _add_attachments(checks, _of_kind(attachments, "event"), on_event)
        _add_attachments(checks, _of_kind(attachments, "trace"), on_event)
    _add_groups(checks, groups, _BEFORE_PROFILES, on_event)
    if "profile" in groups:
        _add_profiles(checks, groups["profile"], on_event, counted)
    _add_groups(checks, groups, _AFTER_PROFILES, on_event)
    for category in (_C.PROFILE_CHUNK, _C.PROFILE_CHUNK_UI) if "profile_chunk" in groups else ():
        chunks = _counted_as(groups["profile_chunk"], category)
        if chunks:
            _chain(checks, chunks, (category,), None)
    if not counted and "metric_buckets" in groups:
        checks.append(Check(_C.METRIC_BUCKET, 0, []))
    return checks


def _add_event(checks: list[Check], items: Sequence[Item], counted: bool) -> int | None:
    """Returns the last check that all that rides on the event depends on."""
    event = next((item for item in items if item.creates_event), None)
    if event is None:
        return None
    bound = [item for item in items if item.rides_on_event or item.creates_event]
    category = _EVENT_CATEGORIES.get(event.kind.type, _C.ERROR)
    checks.append(Check(category, 1, bound, event=event))
    if counted and category is _C.TRANSACTION:
        checks.append(Check(_C.TRANSACTION_INDEXED, 1, bound, after=0, event=event))
    return len(checks) - 1


def _add_spans(checks: list[Check], spans: list[Item], attachments: list[Item], counted: bool) -> None:
    falling = spans + attachments
    after = None
    for category in (_C.SPAN, _C.SPAN_INDEXED) if counted else (_C.SPAN,):
        checks.append(Check(category, _amount(spans, category), falling, after))
        after = len(checks) - 1
    _add_attachments(checks, attachments, after)


def _add_attachments(checks: list[Check], attachments: list[Item], after: int | None) -> None:
    crashes = [item for item in attachments if item.creates_event]
    plain = [item for item in attachments if not item.creates_event]
    for category in (_C.ATTACHMENT, _C.ATTACHMENT_ITEM) if attachments else ():
        checks.append(Check(category, _amount(attachments, category), plain, after, crashes))
        after = len(checks) - 1


def _add_groups(
    checks: list[Check],
    groups: dict[str, list[Item]],
    kinds: Iterable[tuple[str, tuple[DataCategory, ...]]],
    on_event: int | None,
) -> None:
    for name, categories in kinds:
        if name in groups:
            bound = on_event is not None and all(item.rides_on_event for item in groups[name])
            _chain(checks, groups[name], categories, on_event if bound else None)


def _add_profiles(checks: list[Check], profiles: list[Item], on_event: int | None, counted: bool) -> None:
    after = _chain(checks, profiles, (_C.PROFILE, _C.PROFILE_INDEXED) if counted else (_C.PROFILE,), on_event)
    if on_event is None:
        # A profile without its transaction obeys the transaction's limit.
        checks.append(Check(_C.TRANSACTION, 0, profiles, after))
        after = len(checks) - 1
    for category in (_C.PROFILE_BACKEND, _C.PROFILE_UI):
        subset = _counted_as(profiles, category)
        if subset:
            checks.append(Check(category, _amount(subset, category), subset, after))


def _of_kind(attachments: Iterable[Item], owner: str) -> list[Item]:
    return [item for item in attachments if _owner_of(item) == owner]


def _owner_of(attachment: Item) -> str:
    """What an attachment belongs to (`ingest.md` 6.7)."""
    if not is_trace_attachment(attachment):
        return "event"
    return "span" if "span_id" in attachment.headers else "trace"


def _chain(checks: list[Check], group: list[Item], categories: Iterable[DataCategory], after: int | None) -> int | None:
    """Checks a group for one category after the other; returns the last check's number."""
    for category in categories:
        checks.append(Check(category, _amount(group, category), group, after))
        after = len(checks) - 1
    return after


def _counted_as(items: Iterable[Item], category: DataCategory) -> list[Item]:
    return [item for item in items if amount_of(item, category)]


def _amount(items: Iterable[Item], category: DataCategory) -> int:
    return sum(amount_of(item, category) for item in items)
