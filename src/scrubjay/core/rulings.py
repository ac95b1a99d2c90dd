"""What limits take: the words in which `enforcement` answers, and the hand that gathers them.

Owns `Ruling` and `Losses`. Invariants: nothing falls twice, since what falls is counted when it falls; records that leave a batch are
named with what is left of it, so that the account closes whatever several quotas take of one item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.items.buckets import Buckets
from scrubjay.core.items.partial import Container, Dropped, Thinned, uncounted_spans
from scrubjay.core.limits import ActiveLimit, merge

_ATTACHMENT_CATEGORIES: Final = frozenset({DataCategory.ATTACHMENT, DataCategory.ATTACHMENT_ITEM})


@dataclass(frozen=True, slots=True)
class Fall:
    """An item that must go. `uncounted`: what is inside it that its headers did not announce; it is lost with it.

    `is_reported` False: the server is told nothing of it.
    """

    item: Item
    limit: ActiveLimit
    uncounted: Quantities = ()
    is_reported: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A crash report that stays as the event that it creates, but is lost as an attachment: gets `rate_limited: true`."""

    item: Item
    limit: ActiveLimit
    lost: Quantities


@dataclass(frozen=True, slots=True)
class Cut:
    """Some records of an item must go, or the last that were left of it. `uncounted` as of a `Fall`."""

    item: Item
    ruling: Dropped | Thinned
    uncounted: Quantities = ()


@dataclass(frozen=True, slots=True)
class Excess:
    """What was beyond a quota that does not simply refuse: how much, and how much of it was kept all the same."""

    quota: str
    category: DataCategory
    amount: int
    kept: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """`limits` are those that the client should be told; if there are any, the answer is 429."""

    falls: tuple[Fall, ...] = ()
    marks: tuple[Mark, ...] = ()
    limits: tuple[ActiveLimit, ...] = ()
    cuts: tuple[Cut, ...] = ()
    excess: tuple[Excess, ...] = ()


NOTHING: Final = Ruling()


Batch = Container | Buckets
"""An item opened record by record."""


class Losses:
    """Gathers what falls; `ruling` puts it together."""

    __slots__ = ("_cuts", "_excess", "_fallen", "_falls", "_lost", "_marked", "_marks", "_told")

    def __init__(self) -> None:
        self._falls: list[Fall] = []
        self._fallen: set[int] = set()
        self._marks: list[Mark] = []
        self._marked: set[int] = set()
        self._lost: dict[int, tuple[Item, Batch, dict[int, ActiveLimit]]] = {}
        self._cuts: list[Cut] = []
        self._told: list[ActiveLimit] = []
        self._excess: list[Excess] = []

    def tell(self, limits: Iterable[ActiveLimit]) -> None:
        self._told += limits

    def fall(self, item: Item, limit: ActiveLimit, *, is_reported: bool = True) -> None:
        if id(item) not in self._fallen:
            self._fallen.add(id(item))
            self._falls.append(Fall(item, limit, uncounted_spans(item), is_reported))

    def mark(self, item: Item, limit: ActiveLimit) -> None:
        if id(item) not in self._marked and id(item) not in self._fallen:
            self._marked.add(id(item))
            lost = tuple(pair for pair in item.kind.quantities(item) if pair[0] in _ATTACHMENT_CATEGORIES)
            self._marks.append(Mark(item, limit, lost))

    def lose(self, item: Item, batch: Batch, positions: Iterable[int], limit: ActiveLimit) -> None:
        """Records that leave; the first limit that takes one has it."""
        *_, lost = self._lost.setdefault(id(item), (item, batch, {}))
        for position in positions:
            lost.setdefault(position, limit)

    def exceed(self, excess: Excess) -> None:
        self._excess.append(excess)

    def ruling(self) -> Ruling:
        for item, batch, lost in self._lost.values():
            if id(item) not in self._fallen:
                self._cut(item, batch, lost)
        if not (self._falls or self._marks or self._told or self._cuts or self._excess):
            return NOTHING
        return Ruling(
            tuple(self._falls),
            # A crash report that was marked may have fallen as an event since.
            tuple(mark for mark in self._marks if id(mark.item) not in self._fallen),
            merge(self._told),
            tuple(self._cuts),
            tuple(self._excess),
        )

    def _cut(self, item: Item, batch: Batch, lost: Mapping[int, ActiveLimit]) -> None:
        causes = {
            position: Dropped(reasons.rate_limited(limit.reason), limit.origin) for position, limit in lost.items()
        }
        left = len(batch.records)
        for ruling in batch.let_fall([causes.get(position) for position in range(left)]):
            stay = ruling.item_count if isinstance(ruling, Thinned) else 0
            # How many buckets there are no header says; the records of a container are known since it came.
            uncounted = batch.counted(left - stay) if isinstance(batch, Buckets) else ()
            self._cuts.append(Cut(item, ruling, uncounted))
            left = stay
