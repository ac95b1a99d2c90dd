"""Which questions an envelope raises before limits and quotas, and in which order (`decisions.md` 2.6).

Owns the list of checks: what is asked for, in which amount, and what falls if the answer is no. Who answers is `enforcement`'s
business. One list serves both stages: known limits look at it without the indexed categories, quotas with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import Item
from scrubjay.core.items.blobs import is_trace_attachment
from scrubjay.core.quotas import bit, mask_of

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
"""An attachment may be an event, or belong to a span."""
_OF_ATTACHMENTS: Final = mask_of(_ATTACHMENT[1:])
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


def checks_of(items: Sequence[Item], about: int, *, counted: bool) -> list[Check]:
    """In the order of 2.6; those of the categories in the mask `about`, since nobody would answer the others.

    `counted` adds the indexed categories and leaves out metric buckets, which are counted one by one.
    """
    listed = _List(about, counted=counted)
    listed.add_event(items)
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(_GROUPS.get(item.kind.type, item.kind.type), []).append(item)
    of_events: list[Item] = []
    of_traces: list[Item] = []
    of_spans: list[Item] = []
    for item in groups.get("attachment", ()) if about & _OF_ATTACHMENTS else ():
        # What counts as nothing was limited by a relay before us.
        if item.kind.quantities(item):
            if not is_trace_attachment(item):
                of_events.append(item)
            elif "span_id" in item.headers:
                of_spans.append(item)
            else:
                of_traces.append(item)
    if of_spans or "span" in groups:
        listed.add_spans(groups.get("span", []), of_spans)
    listed.add_attachments(of_events, listed.on_event)
    listed.add_attachments(of_traces, listed.on_event)
    listed.add_groups(groups, _BEFORE_PROFILES)
    if "profile" in groups:
        listed.add_profiles(groups["profile"])
    listed.add_groups(groups, _AFTER_PROFILES)
    for category in (_C.PROFILE_CHUNK, _C.PROFILE_CHUNK_UI) if "profile_chunk" in groups else ():
        listed.add_subset(groups["profile_chunk"], category, None)
    if not counted and "metric_buckets" in groups:
        listed.add(_C.METRIC_BUCKET, 0, [], None)
    return listed.checks


class _List:
    """Checks as they are found. Each method returns, or hands on, the number of the last check that what follows depends on."""

    __slots__ = ("_about", "_counted", "_has_event", "checks", "on_event")

    def __init__(self, about: int, *, counted: bool) -> None:
        self._about = about
        self._counted = counted
        self._has_event = False
        self.checks: list[Check] = []
        self.on_event: int | None = None
        """The last check that all that rides on the event depends on."""

    def add(
        self, category: DataCategory, amount: int, items: list[Item], after: int | None, event: Item | None = None
    ) -> int | None:
        if not self._about & bit(category):
            return after
        self.checks.append(Check(category, amount, items, after, event=event))
        return len(self.checks) - 1

    def add_event(self, items: Sequence[Item]) -> None:
        event = next((item for item in items if item.creates_event), None)
        if event is None:
            return
        self._has_event = True
        bound = [item for item in items if item.rides_on_event or item.creates_event]
        category = _EVENT_CATEGORIES.get(event.kind.type, _C.ERROR)
        self.on_event = self.add(category, 1, bound, None, event)
        if self._counted and category is _C.TRANSACTION:
            self.on_event = self.add(_C.TRANSACTION_INDEXED, 1, bound, self.on_event, event)

    def add_spans(self, spans: list[Item], attachments: list[Item]) -> None:
        falling, after = spans + attachments, None
        for category in (_C.SPAN, _C.SPAN_INDEXED) if self._counted else (_C.SPAN,):
            after = self.add(category, _amount(spans, category), falling, after)
        self.add_attachments(attachments, after)

    def add_attachments(self, attachments: list[Item], after: int | None) -> None:
        if not attachments:
            return
        crashes = [item for item in attachments if item.creates_event]
        plain = [item for item in attachments if not item.creates_event]
        for category in (_C.ATTACHMENT, _C.ATTACHMENT_ITEM):
            if self._about & bit(category):
                self.checks.append(Check(category, _amount(attachments, category), plain, after, crashes))
                after = len(self.checks) - 1

    def add_groups(
        self, groups: Mapping[str, list[Item]], kinds: Iterable[tuple[str, tuple[DataCategory, ...]]]
    ) -> None:
        for name, categories in kinds:
            group = groups.get(name)
            if group is not None:
                after = self.on_event if all(item.rides_on_event for item in group) else None
                for category in categories:
                    after = self.add(category, _amount(group, category), group, after)

    def add_profiles(self, profiles: list[Item]) -> None:
        after = self.on_event
        for category in (_C.PROFILE, _C.PROFILE_INDEXED) if self._counted else (_C.PROFILE,):
            after = self.add(category, _amount(profiles, category), profiles, after)
        if not self._has_event:
            # A profile without its transaction obeys the transaction's limit.
            after = self.add(_C.TRANSACTION, 0, profiles, after)
        for category in (_C.PROFILE_BACKEND, _C.PROFILE_UI):
            self.add_subset(profiles, category, after)

    def add_subset(self, items: Iterable[Item], category: DataCategory, after: int | None) -> None:
        """Those of a group that count as this category, if any."""
        subset = [item for item in items if amount_of(item, category)]
        if subset:
            self.add(category, _amount(subset, category), subset, after)


def _amount(items: Iterable[Item], category: DataCategory) -> int:
    return sum(amount_of(item, category) for item in items)
