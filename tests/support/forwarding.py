"""What tests of forwarding share: parcels, a clock that is set by hand, a spool in memory, a book that keeps what is booked."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.ledger import Booking, Parcel
from scrubjay.core.spool_format import Record
from scrubjay.errors import SpoolError
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import StoredFacts, StoredRecord

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
ERROR: Quantities = ((DataCategory.ERROR, 1),)


def parcel(name: str = "0", **changes: Any) -> Parcel:
    """An envelope with one event that says `name`."""
    payload = b'{"message":"%s"}' % name.encode()
    header = changes.pop("header", b'{"event_id":"%s"}' % EVENT_ID.encode())
    facts: dict[str, Any] = {
        "id": f"id-{name}",
        "key": KEY,
        "project_id": 42,
        "body": b'%s\n{"type":"event","length":%d}\n%s\n' % (header, len(payload), payload),
        "quantities": ERROR,
        "received_unix": 1_767_323_045.0,
        "event_id": EVENT_ID,
        "item_types": ("event",),
        "revision": "r1",
    }
    return Parcel(**(facts | changes))


def name_of(parcel: Parcel) -> str:
    return parcel.id.removeprefix("id-")


class SetClock(Clock):
    """Stands still until it is moved."""

    boot_id = b"boot-id-0000"

    def __init__(self, wall_unix: float = 1_767_323_045.0) -> None:
        self.wall_unix = wall_unix
        self.now_mono = 1_000.0

    def wall_ms(self) -> int:
        return round(self.wall_unix * 1000)

    def boot_ms(self) -> int:
        return round(self.now_mono * 1000)

    def mono_s(self) -> float:
        return self.now_mono

    def move(self, by_s: float) -> None:
        self.wall_unix += by_s
        self.now_mono += by_s


class Observed:
    """Counts what telemetry would count."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int | None, str, str]] = []
        self.refusals: list[tuple[int, int, str]] = []
        self.ups: list[bool] = []
        self.bodies: list[tuple[str, int]] = []
        self.reads = 0
        self.inflight = 0
        self.retries = 0
        self.dropped: Counter[str] = Counter()
        self.errors: list[tuple[str, BaseException]] = []

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None:
        assert seconds >= 0
        self.requests.append((result, status, route, detail))

    def upstream_refused(self, project_id: int, status: int, detail: str) -> None:
        self.refusals.append((project_id, status, detail))

    def upstream_body(self, route: str, size_bytes: int) -> None:
        self.bodies.append((route, size_bytes))

    def spool_read(self, seconds: float) -> None:
        self.reads += 1

    def upstream_inflight(self, change: int) -> None:
        self.inflight += change

    def upstream_up(self, up: bool, upstream: str = "default", detail: str = "") -> None:
        self.ups.append(up)

    def retry(self) -> None:
        self.retries += 1

    def spool_dropped(self, reason: str, records: int = 1, detail: str = "") -> None:
        self.dropped[reason] += records

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append((place, error))


class KeptBook:
    """All bookings, in order."""

    def __init__(self) -> None:
        self.bookings: list[Booking] = []

    def received(self, item_type: str, quantities: Quantities) -> None:
        raise AssertionError("forwarding receives nothing")

    def ended(self, booking: Booking) -> None:
        self.bookings.append(booking)

    def accepted(self, item_types: object) -> None:
        raise AssertionError("forwarding accepts nothing")

    @property
    def codes(self) -> list[str]:
        return [booking.reason.code for booking in self.bookings]


class MemorySpool:
    """A partition without a disk. `refuses` makes appends fail, `fails_reading` reads."""

    def __init__(self, recovered: Sequence[Record] = ()) -> None:
        self.records: dict[int, StoredRecord] = {}
        self.acknowledged: list[int] = []
        self.reads = 0
        self.refuses: SpoolError | None = None
        self.fails_reading = 0
        self.has_capacity = True
        self.is_given_up = False
        self.fullness = 0.0
        self.surveyed_at_once = 1_000
        self._next = 1
        for record in recovered:
            self._store(record)
        self.next_sequence_at_start = self._next

    def _store(self, record: Record, *, raw: bool = False) -> int:
        sequence, self._next = self._next, self._next + 1
        self.records[sequence] = StoredRecord(
            sequence, record.meta, record.body, 1_767_323_045_000, 1_000_000, True, raw
        )
        return sequence

    async def append(self, records: Sequence[Record], *, raw: bool = False) -> list[int]:
        await asyncio.sleep(0)
        if self.refuses is not None:
            raise self.refuses
        return [self._store(record, raw=raw) for record in records]

    async def read(
        self, after: int, max_bytes: int, until: int | None = None, *, raw: bool | None = False
    ) -> list[StoredRecord]:
        await asyncio.sleep(0)
        self.reads += 1
        if self.fails_reading:
            self.fails_reading -= 1
            raise SpoolError("cannot be read")
        found: list[StoredRecord] = []
        taken = 0
        for sequence in sorted(self.records):
            if sequence <= after or (until is not None and sequence >= until):
                continue
            if raw is not None and self.records[sequence].raw is not raw:
                continue
            size = len(self.records[sequence].body)
            if found and taken + size > max_bytes:
                break
            taken += size
            found.append(self.records[sequence])
        return found

    async def survey(self, after: int) -> list[StoredFacts]:
        await asyncio.sleep(0)
        below = self.next_sequence_at_start
        numbers = [number for number in sorted(self.records) if after < number < below][: self.surveyed_at_once]
        records = [self.records[number] for number in numbers]
        return [StoredFacts(record.sequence, record.meta, len(record.body), record.raw) for record in records]

    def acknowledge(self, sequence: int) -> None:
        self.acknowledged.append(sequence)
        del self.records[sequence]


async def until(holds: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Lets the loop run until something holds."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 (whatever it is that must hold)
            await asyncio.sleep(0.001)
