"""The order in which waiting parcels are sent, and in what company (`upstream-and-operations.md` 6.7, 7.5, 8).

Pure: what is due now is asked with the time. Retries that are due come first, each as it was. Then what just arrived, in order, and
what was read back from disk: the backlog gets one turn in four while there is any, more when nothing fresh waits (`turns`).

What may share an envelope waits a little for others (`companies`), and so does what goes in a batch, until the batch is full. Nothing
else waits for anybody.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MergeTag
from scrubjay.runtime.forwarding.companies import Companies
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment, Waiting
from scrubjay.runtime.forwarding.turns import Turns

_FRESH_PER_BACKLOG: Final = 3
_NEVER: Final = float("inf")
_NO_BOUND: Final = 1 << 30


class Lanes:
    """What is in memory and not on its way. `tag_of` says with whom a parcel may share an envelope; None: with nobody."""

    def __init__(self, tag_of: Callable[[Parcel], MergeTag | None] = lambda parcel: None) -> None:
        self._tag_of = tag_of
        self._live: deque[Waiting] = deque()
        self._live_bytes = 0
        self._joining = Companies()
        self._blocked: deque[Shipment] = deque()
        self._timed: list[tuple[float, int, Shipment]] = []
        self._pushed = 0
        self._backlog = Turns()
        self._fresh_in_row = 0
        self.count = 0
        """Parcels. The dispatcher asks several times for each, so it is kept."""
        self.is_hurried = False
        """Nobody waits for company any more."""

    # Coming

    def add_live(self, waiting: Waiting) -> None:
        self.count += 1
        waiting.tag = self._tag_of(waiting.parcel)
        if waiting.tag is not None:
            self._joining.add(waiting)
        else:
            self._live.append(waiting)
            self._live_bytes += waiting.size_bytes

    def add_backlog(self, waiting: Waiting) -> None:
        self.count += 1
        waiting.tag = self._tag_of(waiting.parcel)
        self._backlog.add(waiting)

    def add_blocked(self, shipment: Shipment) -> None:
        """To be tried again when the network is thought to work."""
        self.count += len(shipment.members)
        self._blocked.append(shipment)

    def add_timed(self, shipment: Shipment, due_mono: float) -> None:
        """To be tried again at a time of its own."""
        self.count += len(shipment.members)
        self._pushed += 1
        heapq.heappush(self._timed, (due_mono, self._pushed, shipment))

    # Going

    def pop(
        self,
        now_mono: float,
        blocked_from_mono: float,
        backlog_from_mono: float = 0.0,
        grouping: Grouping = SINGLE,
        *,
        most_backlog: int = _NO_BOUND,
    ) -> Shipment | None:
        """What to send next; the other times say from when on the blocked ones, and the next of the backlog, may go.

        It takes along at most `most_backlog` of what was read back.
        """
        shipment = self._choose(now_mono, blocked_from_mono, backlog_from_mono, grouping, most_backlog)
        if shipment is not None:
            self.count -= len(shipment.members)
        return shipment

    def _choose(
        self,
        now_mono: float,
        blocked_from_mono: float,
        backlog_from_mono: float,
        grouping: Grouping,
        most_backlog: int,
    ) -> Shipment | None:
        if self._blocked and blocked_from_mono <= now_mono:
            return self._blocked.popleft()
        if self._timed and self._timed[0][0] <= now_mono:
            return heapq.heappop(self._timed)[2]
        backlog = self._backlog and backlog_from_mono <= now_mono
        if (not backlog or self._fresh_in_row < _FRESH_PER_BACKLOG) and self._fresh_from_mono(grouping) <= now_mono:
            self._fresh_in_row += 1
            return self._pop_fresh(now_mono, grouping)
        if backlog:
            self._fresh_in_row = 0
            return self._pop_backlog(grouping, most_backlog)
        return None

    def next_due_mono(
        self, blocked_from_mono: float, backlog_from_mono: float = 0.0, grouping: Grouping = SINGLE
    ) -> float:
        """When something will be due; infinite if nothing waits."""
        return min(
            blocked_from_mono if self._blocked else _NEVER,
            self._timed[0][0] if self._timed else _NEVER,
            backlog_from_mono if self._backlog else _NEVER,
            self._fresh_from_mono(grouping),
        )

    def _fresh_from_mono(self, grouping: Grouping) -> float:
        return min(self._live_from_mono(grouping), self._joining.due_mono(hurried=self.is_hurried))

    def _live_from_mono(self, grouping: Grouping) -> float:
        if not self._live:
            return _NEVER
        is_full = len(self._live) >= grouping.live_records or self._live_bytes >= grouping.most_bytes
        return 0.0 if is_full or self.is_hurried else self._live[0].since_mono + grouping.linger_s

    def _pop_fresh(self, now_mono: float, grouping: Grouping) -> Shipment:
        if self._live_from_mono(grouping) > now_mono:
            return self._joining.pop()
        return _packed(self._take_live(grouping), grouping)

    def _take_live(self, grouping: Grouping) -> list[Waiting]:
        """At least one, however large."""
        members: list[Waiting] = []
        left_bytes = grouping.most_bytes
        while self._live and len(members) < grouping.live_records:
            size_bytes = self._live[0].size_bytes
            left_bytes -= size_bytes
            if members and left_bytes < 0:
                break
            members.append(self._live.popleft())
            self._live_bytes -= size_bytes
        return members

    def _pop_backlog(self, grouping: Grouping, most: int) -> Shipment:
        first = self._backlog.next()
        if grouping.kind == "envelope" and first.tag is not None:
            return self._backlog.pop_company(most).shipment()
        members = [self._backlog.pop()]
        left_bytes = grouping.most_bytes - first.size_bytes
        while self._backlog and len(members) < min(grouping.backlog_records, most):
            left_bytes -= self._backlog.next().size_bytes
            if left_bytes < 0:
                break
            members.append(self._backlog.pop())
        return _packed(members, grouping)

    # All

    def take_stored(self) -> list[Waiting]:
        """Takes out what is on disk too, in no order that matters. What is in memory alone waits on where it is."""
        return self._take(lambda waiting: bool(waiting.sequence))

    def take_all(self) -> list[Waiting]:
        """Empties all lanes, in no order that matters."""
        return self._take(lambda waiting: True)

    def _take(self, wanted: Callable[[Waiting], bool]) -> list[Waiting]:
        taken = [waiting for shipment in self._retries() for waiting in shipment.members if wanted(waiting)]
        for shipment in self._retries():
            shipment.members = [waiting for waiting in shipment.members if not wanted(waiting)]
        self._blocked = deque([shipment for shipment in self._blocked if shipment.members])
        self._timed = [entry for entry in self._timed if entry[2].members]
        heapq.heapify(self._timed)
        taken += [waiting for waiting in self._live if wanted(waiting)]
        self._live = deque([waiting for waiting in self._live if not wanted(waiting)])
        self._live_bytes = sum([waiting.size_bytes for waiting in self._live])
        taken += self._joining.take(wanted) + self._backlog.take(wanted)
        self.count -= len(taken)
        return taken

    def _retries(self) -> Iterator[Shipment]:
        return chain(self._blocked, (entry[2] for entry in self._timed))

    def __repr__(self) -> str:
        retries = sum([len(shipment.members) for shipment in self._retries()])
        return f"<Lanes live={len(self._live) + len(self._joining)} retries={retries} backlog={len(self._backlog)}>"


def _packed(members: list[Waiting], grouping: Grouping) -> Shipment:
    """What is too large for a batch goes as it is."""
    fits = len(members) > 1 or members[0].size_bytes <= grouping.most_bytes
    return Shipment(members, "batch" if grouping.kind == "batch" and fits else "envelope")
