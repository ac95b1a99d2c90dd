"""Partitions that nobody serves any more: found, taken over with their books, sent, removed (`upstream-and-operations.md` 7.8).

They are left by an instance that had more workers, by a slot that another instance took, or by a folder that was restored. Owns the looking,
and the life of what was taken over. Sending is an outbox's business as ever: each adopted partition has one of its own, to which nothing is put.

The books go with the partition: its slot's state file is closed against what the partition holds, as the slot itself would have done at its next
start. What had ended moves into ours, what is still held stays in that file and moves as it ends. So the sums over all slots stay what they were,
and whoever comes next, the slot itself or another that adopts, finds books that fit what the partition holds, also after a kill.

Invariants: only whoever holds the partition's lock touches its slot's files; the partitions of our own siblings are left to them, whose
supervisor starts them again; nothing is adopted that somebody may be about to take: it must have been without an owner twice in a row.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from scrubjay.categories import Quantities
from scrubjay.core.ledger import total
from scrubjay.errors import SpoolError, SpoolLocked
from scrubjay.runtime.forwarding.outage import Chance
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.partition_lock import adoptable, is_free
from scrubjay.runtime.spool.types import SpoolEvent

LOOK_S: Final = 4.0
"""How often somebody should look: an orphan is then found within 10 s, by the second look."""
_SPREAD: Final = 0.2
"""Siblings that look at the same moment would all but one do so in vain."""

OnEvent = Callable[[SpoolEvent], None]
Inherit = Callable[[int, Quantities, int], None]
"""Takes over the books of a slot whose partition held so much when it was adopted, not counting so many damaged records."""


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def adopted(self, partition: str, records: int) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class _Ward:
    partition: Partition
    outbox: Outbox

    @property
    def held(self) -> Quantities:
        return total(self.outbox.held().values())


class Adoption:
    """`own`: partitions that are ours or our siblings'. `take` locks and recovers one, `send` makes the outbox that empties it."""

    def __init__(
        self,
        root: Path,
        own: frozenset[int],
        take: Callable[[int, OnEvent], Awaitable[Partition | None]],
        send: Callable[[Partition], Outbox],
        inherit: Inherit,
        observer: Observer,
        mono: Callable[[], float] = time.monotonic,
        chance: Chance = random.random,
    ) -> None:
        self._root = root
        self._own = own
        self._take = take
        self._send = send
        self._inherit = inherit
        self._observer = observer
        self._mono = mono
        self._chance = chance
        self._wards: list[_Ward] = []
        self._seen_free: set[int] = set()
        self._is_paused = False
        self._next_mono = 0.0

    @property
    def partitions(self) -> list[Partition]:
        """Those that were adopted and are not empty yet."""
        return [ward.partition for ward in self._wards]

    @property
    def outboxes(self) -> list[Outbox]:
        """Of those whose books are ours: what they hold may end."""
        return [ward.outbox for ward in self._wards if ward.outbox.is_surveyed]

    def held(self) -> Mapping[int, Quantities]:
        """What the adopted partitions hold whose books were taken over, by slot."""
        return {ward.partition.slot: ward.held for ward in self._wards if ward.outbox.is_surveyed}

    async def look(self) -> None:
        """Ends what is empty, and adopts what has been without an owner since the last look. To be called every second or so."""
        if self._mono() < self._next_mono:
            return
        self._next_mono = self._mono() + LOOK_S * (1 + _SPREAD * (2 * self._chance() - 1))
        for ward in self._wards.copy():
            if ward.outbox.is_surveyed and not ward.held:
                await self._end(ward)
        if self._is_paused:
            return
        busy = self._own | {ward.partition.slot for ward in self._wards}
        free = {slot for slot in adoptable(self._root, busy) if is_free(self._root, slot)}
        for slot in sorted(free & self._seen_free):
            await self._adopt(slot)
        self._seen_free = free - self._seen_free

    async def _adopt(self, slot: int) -> None:
        outboxes: list[Outbox] = []

        def on_event(event: SpoolEvent) -> None:
            for outbox in outboxes:
                outbox.on_spool_event(event)

        try:
            partition = await self._take(slot, on_event)
        except SpoolLocked:  # somebody was faster
            return
        except SpoolError as error:
            self._observer.internal_error("adopting a partition", error)
            return
        assert partition is not None, "there is a folder"
        ward = _Ward(partition, self._send(partition))
        outboxes.append(ward.outbox)
        self._wards.append(ward)
        ward.outbox.start(partial(self._surveyed, ward))
        if not ward.outbox.is_surveyed:
            ward.outbox.pause()  # what ends is booked here, and so may not end before its books are ours

    def _surveyed(self, ward: _Ward, found: Quantities, damaged_records: int) -> None:
        """All that the partition held is known: now its books can be closed."""
        slot = ward.partition.slot
        self._inherit(slot, found, damaged_records)
        self._observer.adopted(f"p{slot:02d}", ward.partition.recovered.records)
        if not self._is_paused:
            ward.outbox.resume()

    async def _end(self, ward: _Ward) -> None:
        self._wards.remove(ward)
        await ward.outbox.drain(self._mono())
        await ward.partition.close()

    def reconfigure(self, options: OutboxOptions) -> None:
        for ward in self._wards:
            ward.outbox.reconfigure(options)

    def pause(self) -> None:
        self._is_paused = True
        for ward in self._wards:
            ward.outbox.pause()

    def resume(self) -> None:
        self._is_paused = False
        for ward in self._wards:
            if ward.outbox.is_surveyed:
                ward.outbox.resume()

    async def drain(self, deadline_mono: float) -> None:
        """Ends sending; what is left stays for the next who looks."""
        for ward in self._wards:
            await ward.outbox.drain(deadline_mono)

    async def close(self) -> None:
        """What is left is still told of afterwards, for the last books."""
        for ward in self._wards:
            await ward.partition.close()

    def __repr__(self) -> str:
        return f"<Adoption {[ward.partition for ward in self._wards]!r}>"
