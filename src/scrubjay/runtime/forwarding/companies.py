"""Parcels that will share an envelope and wait for others (`upstream-and-operations.md` 8.2).

Who may share one is said by the tag of a parcel (`core.merging`), which also bounds what an envelope holds. Pure: times are handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Final

from scrubjay.core.merging import MAX_BYTES, MAX_ENTRIES, MAX_MEMBERS
from scrubjay.runtime.forwarding.shipment import Shipment, Waiting

_JOIN_FOR_S: Final = 1.0


class Company:
    """Parcels with equal tags. `due_mono` is when they leave, complete or not."""

    __slots__ = ("_entries", "_size_bytes", "due_mono", "members")

    def __init__(self, first: Waiting, due_mono: float = 0.0) -> None:
        assert first.tag is not None
        self.due_mono = due_mono
        self.members = [first]
        self._entries = first.tag.entries
        self._size_bytes = first.size_bytes

    def takes(self, waiting: Waiting) -> bool:
        """Whether the envelope keeps its bounds with this one in it; if so, it is in it now."""
        assert waiting.tag is not None
        entries, size_bytes = self._entries + waiting.tag.entries, self._size_bytes + waiting.size_bytes
        if len(self.members) == MAX_MEMBERS or entries > MAX_ENTRIES or size_bytes > MAX_BYTES:
            return False
        self.members.append(waiting)
        self._entries, self._size_bytes = entries, size_bytes
        return True

    def shipment(self) -> Shipment:
        return Shipment(self.members, "merged" if len(self.members) > 1 else "envelope")


class Companies:
    """Those that wait, oldest first, and those that are complete."""

    def __init__(self) -> None:
        self._joining: dict[Hashable, Company] = {}
        self._complete: deque[Company] = deque()

    def add(self, waiting: Waiting) -> None:
        assert waiting.tag is not None
        key = waiting.tag.key
        company = self._joining.get(key)
        if company is not None and company.takes(waiting):
            return
        if company is not None:
            self._complete.append(self._joining.pop(key))
        self._joining[key] = Company(waiting, waiting.since_mono + _JOIN_FOR_S)

    def due_mono(self, *, hurried: bool) -> float:
        """When the next one leaves; infinite if nobody waits."""
        if self._complete or (hurried and self._joining):
            return 0.0
        return next(iter(self._joining.values())).due_mono if self._joining else float("inf")

    def pop(self) -> Shipment:
        """The next one, due or not."""
        if self._complete:
            return self._complete.popleft().shipment()
        return self._joining.pop(next(iter(self._joining))).shipment()

    def take(self, wanted: Callable[[Waiting], bool]) -> list[Waiting]:
        """Takes out those that are `wanted`; the others wait on."""
        everybody = [waiting for company in self for waiting in company.members]
        self._complete.clear()
        self._joining.clear()
        for waiting in everybody:
            if not wanted(waiting):
                self.add(waiting)
        return [waiting for waiting in everybody if wanted(waiting)]

    def __iter__(self) -> Iterator[Company]:
        yield from self._complete
        yield from self._joining.values()

    def __len__(self) -> int:
        """Parcels."""
        return sum([len(company.members) for company in self])

    def __bool__(self) -> bool:
        return bool(self._complete or self._joining)
