"""The account of what is held: which parcels, where, counted as what, and the one way in which each ends.

Follows `upstream-and-operations.md` 7.5 and 7.7. When a parcel is sent, and what becomes of it, is decided in `outbox`.

Invariants: what is held = what was put or found at start, less what ended; a parcel in the spool counts there, whether or not a
copy is in memory; a record is acknowledged when its end is booked, never before. What was found at start is added when all of it has been
seen, in one piece: until then whoever keeps the books goes by what they said when the last process ended, and what ended meanwhile is
subtracted here already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.ledger import Account, Booking, Ledger, Parcel
from scrubjay.outcomes import Reason
from scrubjay.runtime.forwarding.backlog import Spool
from scrubjay.runtime.forwarding.parcel_record import decode_facts, owner_of
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import Evicted, StoredFacts, StoredRecord

STAGE: Final = "forward"
_ACKS_SEEN_AFTER_S: Final = 30.0


class Observer(Protocol):
    def spool_dropped(self, reason: str, records: int = ..., detail: str = ...) -> None: ...


class Custody:
    """Everything that was accepted and has not ended."""

    def __init__(
        self, ledger: Ledger, observer: Observer, clock: Clock, spool: Spool | None, *, spool_evicts: bool = False
    ) -> None:
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._spool = spool
        self._spool_evicts = spool_evicts
        self._on_disk: dict[DataCategory, int] = {}
        self._in_memory_alone: dict[DataCategory, int] = {}
        self._ended: deque[tuple[float, int]] = deque()
        self._ended_numbers: set[int] = set()
        self._damaged_records = 0
        self._found: dict[DataCategory, int] | None = None if spool is None else {}
        self._found_until = 0
        self._key_bytes: dict[str, int] = {}
        self._all_bytes = 0
        self.copies: dict[int, Waiting] = {}
        """What is on disk and in memory, by sequence number."""
        self.memory_bytes = 0
        """The bodies in memory, but for those that were read back."""
        self.backlog_bytes = 0
        """The bodies that were read back."""

    def held(self) -> Mapping[str, Quantities]:
        """By where it is: on disk, or in memory alone."""
        return {
            "memory": tuple((category, amount) for category, amount in self._in_memory_alone.items() if amount),
            "spool": tuple((category, amount) for category, amount in self._on_disk.items() if amount),
        }

    @property
    def is_surveyed(self) -> bool:
        """Whether all that was found at start is counted."""
        return self._found is None

    def share_of(self, key: str) -> float:
        """How much of the spool's space is taken by what waits for a key: its part of the bytes, of the part that is used.

        Nothing as long as not everything that waits is known.
        """
        key_bytes = self._key_bytes.get(key)
        if not key_bytes or self._spool is None or self._found is not None:
            return 0.0
        return key_bytes / self._all_bytes * self._spool.fullness

    # Coming

    def find(self, records: Sequence[StoredFacts]) -> None:
        """These were there at start. They come in order, each once."""
        for record in records:
            self._count_found(record)
        self._found_until = records[-1].sequence + 1

    def _count_found(self, record: StoredFacts) -> None:
        assert self._found is not None
        key, quantities = decode_facts(record.meta)
        _add(self._found, quantities, 1)
        self._weigh(key, record.body_bytes)

    def end_survey(self) -> tuple[Quantities, int]:
        """All that was there at start has been seen: from now on it counts. Returns what it was, and how many records were damaged."""
        assert self._found is not None
        found = tuple(self._found.items())
        self._found = None
        _add(self._on_disk, found, 1)
        damaged, self._damaged_records = self._damaged_records, 0
        return found, damaged

    def count_stored(self, parcel: Parcel) -> None:
        """A record is on disk, with or without a copy in memory."""
        _add(self._on_disk, parcel.quantities, 1)
        self._weigh(parcel.key, len(parcel.body))

    def _weigh(self, key: str, size_bytes: int) -> None:
        """So much more waits on disk for a key."""
        self._all_bytes += size_bytes
        key_bytes = self._key_bytes.get(key, 0) + size_bytes
        if key_bytes:
            self._key_bytes[key] = key_bytes
        else:
            self._key_bytes.pop(key, None)

    def count_unstored(self, quantities: Quantities) -> None:
        """A parcel is in memory alone."""
        _add(self._in_memory_alone, quantities, 1)

    def keep(self, waiting: Waiting) -> None:
        """A parcel is in memory, counted already."""
        if waiting.sequence:
            self.copies[waiting.sequence] = waiting
        self._count_memory(waiting, 1)

    def _count_memory(self, waiting: Waiting, sign: int) -> None:
        if waiting.parcel.raw is not None:
            return  # it has a bound of its own (`withheld`)
        if waiting.from_backlog:
            self.backlog_bytes += sign * waiting.size_bytes
        else:
            self.memory_bytes += sign * waiting.size_bytes

    # Going

    def release(self, waiting: Waiting) -> None:
        """Memory lets go of a parcel, which goes on waiting on disk or has ended."""
        if waiting.sequence:
            del self.copies[waiting.sequence]
        self._count_memory(waiting, -1)

    def end(self, waiting: Waiting, reason: Reason, *, origin: str = "", detail: str = "") -> None:
        """The one end of a parcel."""
        self.release(waiting)
        parcel = waiting.parcel
        now_unix = self._clock.wall_ms() / 1000
        self._ledger.end(parcel, reason, now_unix=now_unix, stage=STAGE, origin=origin, detail=detail)
        self._forget(waiting)
        if reason in _GIVEN_UP:
            self._observer.spool_dropped(_GIVEN_UP[reason], 1, detail)

    def hand_on(self, waiting: Waiting) -> None:
        """What was made of a raw parcel is held as another one, or has ended, and is booked: this one goes."""
        self.release(waiting)
        self._forget(waiting)

    def _forget(self, waiting: Waiting) -> None:
        parcel = waiting.parcel
        if waiting.sequence:
            _add(self._on_disk, parcel.quantities, -1)
            self._weigh(parcel.key, -len(parcel.body))
            self._acknowledge(waiting.sequence)
        else:
            _add(self._in_memory_alone, parcel.quantities, -1)

    def end_unreadable(self, record: StoredRecord) -> None:
        """A record whose bytes are sound and whose facts are not."""
        self._end_record(record.meta, len(record.body), reasons.SPOOL_CORRUPT, "facts of a record cannot be read")
        self._observer.spool_dropped(_GIVEN_UP[reasons.SPOOL_CORRUPT])
        self._acknowledge(record.sequence)

    def evicted(self, event: Evicted) -> None:
        """The spool gave up its oldest records. A parcel that is in memory too may still be sent; from now on it is there alone."""
        self._forget_old_ends()
        lost = 0
        for record in event.records:
            copy = self.copies.pop(record.sequence, None)
            if copy is not None:
                copy.sequence = 0
                _add(self._on_disk, copy.parcel.quantities, -1)
                self._weigh(copy.parcel.key, -len(copy.parcel.body))
                _add(self._in_memory_alone, copy.parcel.quantities, 1)
            elif record.sequence not in self._ended_numbers:
                if self._is_unseen(record.sequence):
                    self._count_found(record)  # the survey comes too late for it
                self._end_record(record.meta, record.body_bytes, reasons.SPOOL_EVICTED, "")
                lost += 1
        if lost:
            self._observer.spool_dropped(_GIVEN_UP[reasons.SPOOL_EVICTED], lost)

    def _is_unseen(self, sequence: int) -> bool:
        """Whether a record was there at start, and the survey has not come to it."""
        return (
            self._found is not None
            and self._spool is not None
            and self._found_until <= sequence < self._spool.next_sequence_at_start
        )

    def damaged(self, records: int, detail: str, reason: str = "corrupt") -> None:
        """Records were lost to damage; which ones is not known, so what they counted as shows when everything else has ended."""
        if records:
            self._damaged_records += records
            self._observer.spool_dropped(reason, records, detail)

    def settle(self) -> None:
        """Nothing that could be read waits on disk alone: what still counts there when no copy is left was in the damaged records."""
        if not self._damaged_records or self.copies or not self.is_surveyed:
            return
        lost = tuple((category, amount) for category, amount in self._on_disk.items() if amount)
        if lost:
            account = Account("", None, "", None, self._clock.wall_ms() / 1000)
            detail = f"{self._damaged_records} damaged records"
            self._ledger.book(Booking(reasons.SPOOL_CORRUPT, lost, account, stage=STAGE, detail=detail))
        self._on_disk.clear()
        self._key_bytes.clear()
        self._all_bytes = 0
        self._damaged_records = 0

    def _end_record(self, meta: bytes, body_bytes: int, reason: Reason, detail: str) -> None:
        key, quantities = decode_facts(meta)
        account = owner_of(meta, self._clock.wall_ms() / 1000)
        self._ledger.book(Booking(reason, quantities, account, stage=STAGE, detail=detail))
        _add(self._on_disk, quantities, -1)
        self._weigh(key, -body_bytes)

    def _acknowledge(self, sequence: int) -> None:
        assert self._spool is not None
        self._spool.acknowledge(sequence)
        if self._spool_evicts:
            # The spool hears of it a little later; until then it may report as evicted what has ended here.
            self._ended.append((self._clock.mono_s(), sequence))
            self._ended_numbers.add(sequence)
            self._forget_old_ends()

    def _forget_old_ends(self) -> None:
        before_mono = self._clock.mono_s() - _ACKS_SEEN_AFTER_S
        while self._ended and self._ended[0][0] < before_mono:
            self._ended_numbers.discard(self._ended.popleft()[1])

    def __repr__(self) -> str:
        return f"<Custody copies={len(self.copies)} memory_bytes={self.memory_bytes}>"


_GIVEN_UP: Final[Mapping[Reason, str]] = {
    reasons.SPOOL_EXPIRED: "expired",
    reasons.SPOOL_EVICTED: "evicted",
    reasons.SPOOL_CORRUPT: "corrupt",
}


def _add(sums: dict[DataCategory, int], quantities: Quantities, sign: int) -> None:
    for category, amount in quantities:
        sums[category] = sums.get(category, 0) + sign * amount
