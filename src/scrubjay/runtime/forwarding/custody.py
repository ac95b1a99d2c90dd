"""The account of what is held: which parcels, where, counted as what, and the one way in which each ends.

Follows `upstream-and-operations.md` 7.5 and 7.7. When a parcel is sent, and what becomes of it, is decided in `outbox`.

Invariants: what is held = what was put or found at start, less what ended; a parcel in the spool counts there, whether or not a
copy is in memory; a record is acknowledged when its end is booked, never before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, Protocol

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.ledger import Account, Booking, Ledger
from scrubjay.reasons import Reason
from scrubjay.runtime.forwarding.backlog import Spool
from scrubjay.runtime.forwarding.parcel_record import decode_quantities, owner_of
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import Evicted, StoredRecord

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

    # Coming

    def count_stored(self, quantities: Quantities) -> None:
        """A record is on disk, with or without a copy in memory."""
        _add(self._on_disk, quantities, 1)

    def count_unstored(self, quantities: Quantities) -> None:
        """A parcel is in memory alone."""
        _add(self._in_memory_alone, quantities, 1)

    def keep(self, waiting: Waiting) -> None:
        """A parcel is in memory, counted already."""
        if waiting.sequence:
            self.copies[waiting.sequence] = waiting
        self._count_memory(waiting, 1)

    def _count_memory(self, waiting: Waiting, sign: int) -> None:
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
        if waiting.sequence:
            _add(self._on_disk, parcel.quantities, -1)
            self._acknowledge(waiting.sequence)
        else:
            _add(self._in_memory_alone, parcel.quantities, -1)
        if reason in _GIVEN_UP:
            self._observer.spool_dropped(_GIVEN_UP[reason], 1, detail)

    def end_unreadable(self, record: StoredRecord) -> None:
        """A record whose bytes are sound and whose facts are not."""
        self._end_record(record.meta, reasons.SPOOL_CORRUPT, "facts of a record cannot be read")
        self._observer.spool_dropped(_GIVEN_UP[reasons.SPOOL_CORRUPT])
        self._acknowledge(record.sequence)

    def evicted(self, event: Evicted) -> None:
        """The spool gave up its oldest records. A parcel that is in memory too may still be sent; from now on it is there alone."""
        self._forget_old_ends()
        lost = 0
        for sequence, meta in event.records:
            copy = self.copies.pop(sequence, None)
            if copy is not None:
                copy.sequence = 0
                _add(self._on_disk, copy.parcel.quantities, -1)
                _add(self._in_memory_alone, copy.parcel.quantities, 1)
            elif sequence not in self._ended_numbers:
                self._end_record(meta, reasons.SPOOL_EVICTED, "")
                lost += 1
        if lost:
            self._observer.spool_dropped(_GIVEN_UP[reasons.SPOOL_EVICTED], lost)

    def damaged(self, records: int, detail: str) -> None:
        """Records were lost to damage; which ones is not known, so what they counted as shows when everything else has ended."""
        if records:
            self._damaged_records += records
            self._observer.spool_dropped(_GIVEN_UP[reasons.SPOOL_CORRUPT], records, detail)

    def settle(self) -> None:
        """Nothing that could be read waits on disk alone: what still counts there when no copy is left was in the damaged records."""
        if not self._damaged_records or self.copies:
            return
        lost = tuple((category, amount) for category, amount in self._on_disk.items() if amount)
        if lost:
            account = Account("", None, "", None, self._clock.wall_ms() / 1000)
            detail = f"{self._damaged_records} damaged records"
            self._ledger.book(Booking(reasons.SPOOL_CORRUPT, lost, account, stage=STAGE, detail=detail))
        self._on_disk.clear()
        self._damaged_records = 0

    def _end_record(self, meta: bytes, reason: Reason, detail: str) -> None:
        quantities = decode_quantities(meta)
        account = owner_of(meta, self._clock.wall_ms() / 1000)
        self._ledger.book(Booking(reason, quantities, account, stage=STAGE, detail=detail))
        _add(self._on_disk, quantities, -1)

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
