"""What was read back from disk, where keys take turns (`upstream-and-operations.md` 7.5).

Deficit round-robin: a key is served while it has credit, in bytes, and gets more when its turn comes again. Within a key first in is
first out, but that a parcel takes along those behind it that may share its envelope.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from scrubjay.runtime.forwarding.companies import Company
from scrubjay.runtime.forwarding.shipment import Waiting

_QUANTUM_BYTES: Final = 64 * 1024
_LOOK_BEHIND: Final = 256
"""So far down its key's queue a parcel looks for company."""


class Turns:
    """Waiting parcels by key. Truth: whether there are any."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Waiting]] = {}
        self._turns: deque[str] = deque()
        self._credit: dict[str, int] = {}

    def add(self, waiting: Waiting) -> None:
        key = waiting.parcel.key
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            self._turns.append(key)
            self._credit[key] = _QUANTUM_BYTES
        queue.append(waiting)

    def next(self) -> Waiting:
        """Whose turn it is; it stays."""
        turns, credit = self._turns, self._credit
        while credit[turns[0]] <= 0 and len(turns) > 1:
            credit[turns[0]] += _QUANTUM_BYTES
            turns.rotate(-1)
        return self._queues[turns[0]][0]

    def pop(self) -> Waiting:
        waiting = self.next()
        self._queues[waiting.parcel.key].popleft()
        self._served(waiting.parcel.key, waiting.size_bytes)
        return waiting

    def pop_company(self, most: int) -> Company:
        """Whose turn it is, with up to `most` parcels in all that may share an envelope."""
        first = self.next()
        assert first.tag is not None
        company, key = Company(first), first.parcel.key
        queue = self._queues[key]
        for waiting in islice(queue, 1, _LOOK_BEHIND):
            if len(company.members) >= most:
                break
            if waiting.tag is not None and waiting.tag.key == first.tag.key and not company.takes(waiting):
                break
        taken = {id(waiting) for waiting in company.members}
        self._queues[key] = deque([waiting for waiting in queue if id(waiting) not in taken])
        self._served(key, sum([waiting.size_bytes for waiting in company.members]))
        return company

    def _served(self, key: str, size_bytes: int) -> None:
        if len(self._turns) > 1:  # who is alone takes nothing from anybody, and owes nothing to those who come later
            self._credit[key] -= size_bytes
        if not self._queues[key]:
            self._turns.remove(key)
            del self._queues[key], self._credit[key]

    def take(self, wanted: Callable[[Waiting], bool]) -> list[Waiting]:
        """Takes out those that are `wanted`."""
        everybody = [waiting for queue in self._queues.values() for waiting in queue]
        for container in (self._queues, self._turns, self._credit):
            container.clear()
        for waiting in everybody:
            if not wanted(waiting):
                self.add(waiting)
        return [waiting for waiting in everybody if wanted(waiting)]

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __bool__(self) -> bool:
        return bool(self._turns)
