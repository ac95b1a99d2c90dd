"""The order in which waiting parcels are sent (`upstream-and-operations.md` 6.7, 7.5).

Pure: what is due now is asked with the time. Retries that are due come first. Then what just arrived, in order, and what was read
back from disk: the backlog gets one turn in four while there is any, more when nothing fresh waits, and inside it the keys take
turns by bytes, so that a large project does not hold up a small one. Within a key the backlog is first in, first out.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Final

from scrubjay.core.ledger import Parcel

_FRESH_PER_BACKLOG: Final = 3
_QUANTUM_BYTES: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class Waiting:
    """A parcel in memory. `sequence` is its number in the spool, 0 if it is in memory alone; `since_mono` when it was received."""

    parcel: Parcel
    sequence: int
    since_mono: float
    from_backlog: bool = False
    failures: int = 0
    """Answers that count against the parcel itself (5xx), not against the network."""
    round: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.parcel.body)


class Lanes:
    """What is in memory and not on its way."""

    def __init__(self) -> None:
        self._live: deque[Waiting] = deque()
        self._blocked: deque[Waiting] = deque()
        self._timed: list[tuple[float, int, Waiting]] = []
        self._pushed = 0
        self._queues: dict[str, deque[Waiting]] = {}
        self._turns: deque[str] = deque()
        self._credit: dict[str, int] = {}
        self._fresh_in_row = 0

    def add_live(self, waiting: Waiting) -> None:
        self._live.append(waiting)

    def add_backlog(self, waiting: Waiting) -> None:
        key = waiting.parcel.key
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            self._turns.append(key)
            self._credit[key] = _QUANTUM_BYTES
        queue.append(waiting)

    def add_blocked(self, waiting: Waiting) -> None:
        """To be tried again when the network is thought to work."""
        self._blocked.append(waiting)

    def add_timed(self, waiting: Waiting, due_mono: float) -> None:
        """To be tried again at a time of its own."""
        self._pushed += 1
        heapq.heappush(self._timed, (due_mono, self._pushed, waiting))

    def pop(self, now_mono: float, blocked_from_mono: float, backlog_from_mono: float = 0.0) -> Waiting | None:
        """The next parcel to send; the other times say from when on the blocked ones, and the next of the backlog, may go."""
        if self._blocked and blocked_from_mono <= now_mono:
            return self._blocked.popleft()
        if self._timed and self._timed[0][0] <= now_mono:
            return heapq.heappop(self._timed)[2]
        backlog = self._turns and backlog_from_mono <= now_mono
        if self._live and (not backlog or self._fresh_in_row < _FRESH_PER_BACKLOG):
            self._fresh_in_row += 1
            return self._live.popleft()
        if backlog:
            self._fresh_in_row = 0
            return self._pop_backlog()
        return None

    def _pop_backlog(self) -> Waiting:
        """Deficit round-robin: a key is served while it has credit, and gets more when its turn comes again."""
        turns, credit = self._turns, self._credit
        while credit[turns[0]] <= 0 and len(turns) > 1:
            credit[turns[0]] += _QUANTUM_BYTES
            turns.rotate(-1)
        key = turns[0]
        queue = self._queues[key]
        waiting = queue.popleft()
        credit[key] -= waiting.size_bytes
        if not queue:
            turns.popleft()
            del self._queues[key], credit[key]
        return waiting

    def next_due_mono(self, blocked_from_mono: float, backlog_from_mono: float = 0.0) -> float:
        """When something that waits for a time will be due; infinite if nothing does."""
        return min(
            blocked_from_mono if self._blocked else float("inf"),
            self._timed[0][0] if self._timed else float("inf"),
            backlog_from_mono if self._turns else float("inf"),
        )

    def take_all(self) -> list[Waiting]:
        """Empties all lanes, in no order that matters."""
        taken = [*self._blocked, *(entry[2] for entry in self._timed), *self._live]
        for queue in self._queues.values():
            taken += queue
        for container in (self._blocked, self._timed, self._live, self._queues, self._turns, self._credit):
            container.clear()
        return taken

    @property
    def is_empty(self) -> bool:
        return not (self._live or self._blocked or self._timed or self._turns)

    def __repr__(self) -> str:
        backlog = sum(map(len, self._queues.values()))
        return f"<Lanes live={len(self._live)} retries={len(self._blocked) + len(self._timed)} backlog={backlog}>"
