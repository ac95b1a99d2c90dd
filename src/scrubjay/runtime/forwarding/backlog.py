"""What is on disk alone, and reading it back, oldest first (`upstream-and-operations.md` 7.5, 7.7).

Owns the place up to which the partition has been read. Which record is in memory too, and when reading is wanted, is `outbox`'s
business; files are `spool`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from scrubjay.core.spool_format import Record, age_ms
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.forwarding.parcel_record import decode_record
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import StoredFacts, StoredRecord

WINDOW_BYTES: Final = 4 * 1024 * 1024
"""What is read ahead: about four frames."""


class Spool(Protocol):
    """One partition; `runtime.spool.partition` is the real one."""

    @property
    def has_capacity(self) -> bool: ...

    @property
    def is_given_up(self) -> bool: ...

    @property
    def fullness(self) -> float: ...

    @property
    def next_sequence_at_start(self) -> int: ...

    async def append(self, records: Sequence[Record], *, raw: bool = False) -> list[int]: ...

    async def read(
        self, after: int, max_bytes: int, until: int | None = None, *, raw: bool | None = False
    ) -> list[StoredRecord]: ...

    async def survey(self, after: int) -> list[StoredFacts]: ...

    def acknowledge(self, sequence: int) -> None: ...


class Backlog:
    """The records between the last one read and the last one that memory had no room for. `window_bytes` are read at once.

    What was found at start is surveyed before it is read: nothing is sent that is not in the account.
    """

    def __init__(self, spool: Spool, clock: Clock, window_bytes: int = WINDOW_BYTES) -> None:
        self.window_bytes = window_bytes
        self._spool = spool
        self._clock = clock
        self._after = 0
        self._until = spool.next_sequence_at_start
        self._left: set[int] | None = None
        """What was left on disk while it is being read."""
        self._surveyed = 0
        self._is_surveyed = False

    @property
    def waits(self) -> bool:
        """Whether something may be there that is on disk alone."""
        return self._after + 1 < self._until

    @property
    def is_readable(self) -> bool:
        """Whether some of it can be read now."""
        return self._after + 1 < self._readable_until

    @property
    def _readable_until(self) -> int:
        return self._until if self._is_surveyed else min(self._until, self._surveyed + 1)

    def leave(self, sequence: int) -> None:
        """This record is on disk alone from now on."""
        self._until = max(self._until, sequence + 1)
        self._after = min(self._after, sequence - 1)
        if self._left is not None:
            self._left.add(sequence)

    async def survey(self) -> list[StoredFacts]:
        """The next of what was found at start; empty when that was all. Raises `SpoolError`."""
        found = await self._spool.survey(self._surveyed)
        if found:
            self._surveyed = found[-1].sequence
        else:
            self._is_surveyed = True
        return found

    async def read(self, known: Collection[int]) -> tuple[list[Waiting], list[StoredRecord]]:
        """The next parcels that are not `known` to be in memory, and the records that are none; never raw ones. Raises `SpoolError`."""
        after, until = self._after, self._readable_until
        # What is in memory now and is not when the disk has been read has ended meanwhile, unless it was left there.
        known_before = frozenset(known)
        left = self._left = set()
        try:
            records = await self._spool.read(after, self.window_bytes, until)
        finally:
            self._left = None
        if self._after == after:  # else something before was left on disk meanwhile, and is read next
            self._after = records[-1].sequence if records else until - 1
        ended = known_before - left
        now_ms, now_boot_ms, now_mono = self._clock.wall_ms(), self._clock.boot_ms(), self._clock.mono_s()
        found: list[Waiting] = []
        unreadable: list[StoredRecord] = []
        for record in records:
            assert not record.raw
            if record.sequence in known or record.sequence in ended:
                continue
            try:
                parcel = decode_record(record.meta, record.body)
            except SpoolCorrupt:
                unreadable.append(record)
                continue
            waited_ms = age_ms(
                received_ms=int(parcel.received_unix * 1000),
                written_ms=record.written_ms,
                written_boot_ms=record.written_boot_ms,
                same_boot=record.same_boot,
                now_ms=now_ms,
                now_boot_ms=now_boot_ms,
            )
            found.append(Waiting(parcel, record.sequence, now_mono - waited_ms / 1000, from_backlog=True))
        return found, unreadable

    def __repr__(self) -> str:
        return f"<Backlog {self._after + 1} to {self._until - 1}>"
