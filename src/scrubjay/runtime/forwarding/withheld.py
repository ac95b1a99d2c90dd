"""What is held raw until a configuration is known: where each parcel is, whom it waits for, in which order they came.

Raw parcels are in memory alone, or in frames of their own in the same partition as everything else (`upstream-and-operations.md` 7.4); of
those only the number is in memory. They count in `custody` like all that was accepted. When they are taken up, and what becomes of them, is
`waiting_room`'s business; nothing here gives one to a sender, and the backlog never reads them.

Invariants: a raw record is acknowledged only after what was made of it is held, or its end is booked; parcels of a key are taken in the
order in which they came; work is proportional to what is taken, however many wait.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scrubjay.core.ledger import Parcel
from scrubjay.core.spool_format import age_ms
from scrubjay.errors import SpoolCorrupt
from scrubjay.outcomes import Reason
from scrubjay.runtime.forwarding.backlog import Spool
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.parcel_record import decode_facts, decode_record, encode_record
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import StoredFacts, StoredRecord

_AT_ONCE: Final = 256
"""Parcels that are taken together at most."""


_LEAST_BYTES: Final = 1024
"""What a parcel takes beside its texts: many small ones must not weigh nothing."""


def weight_bytes(parcel: Parcel) -> int:
    """What a raw parcel takes, about: its body, what it keeps of its request, and itself."""
    raw = parcel.raw
    assert raw is not None
    said = (
        parcel.user_agent,
        parcel.forwarded_for,
        parcel.via,
        parcel.origin,
        raw.client,
        raw.client_ip,
        raw.signature,
    )
    hints = sum([len(name) + len(value) for name, value in raw.client_hints.items()])
    return _LEAST_BYTES + len(parcel.body) + hints + sum([len(text) for text in said if text is not None])


@dataclass(slots=True)
class _Place:
    """`waiting` None: it is on disk alone. `since_mono` is a guess for what was there at start."""

    size_bytes: int
    since_mono: float
    waiting: Waiting | None = None


_Line = OrderedDict[int, _Place]
"""By number of the record, or below 0 of what is in memory alone; in order."""


class Withheld:
    """The raw parcels of one outbox. `on_empty` hears when there are none any more."""

    def __init__(self, custody: Custody, spool: Spool | None, clock: Clock, on_empty: Callable[[], None]) -> None:
        self._on_empty = on_empty
        self._custody = custody
        self._spool = spool
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._key_of: dict[int, str] = {}
        self._memory_number = 0
        self._in_memory = 0
        self._under_way = 0
        self._line_bytes: dict[str, int] = {}
        self.size_bytes = 0
        """The weight of all that wait in a line."""

    @property
    def is_empty(self) -> bool:
        """Nothing waits, and nothing that was taken is without an end."""
        return not self._lines and not self._under_way

    def __len__(self) -> int:
        """How many wait in a line."""
        return len(self._key_of)

    def awaits(self, key: str) -> bool:
        return key in self._lines

    @property
    def holds_in_memory(self) -> bool:
        """Whether something would be lost with the process, or may be: what is under way may come back."""
        return bool(self._in_memory or self._under_way)

    def bytes_of(self, key: str) -> int:
        return self._line_bytes.get(key, 0)

    # Coming

    async def put(self, parcel: Parcel, *, on_disk: bool) -> None:
        """Takes a raw parcel over. Raises `SpoolError`."""
        assert parcel.raw is not None
        since_mono = self._clock.mono_s() if parcel.received_mono is None else parcel.received_mono
        if on_disk:
            assert self._spool is not None
            (sequence,) = await self._spool.append((encode_record(parcel),), raw=True)
            self._custody.count_stored(parcel)
            self._add(parcel.raw.awaits, sequence, _Place(weight_bytes(parcel), since_mono))
            return
        self._memory_number -= 1
        self._custody.count_unstored(parcel.quantities)
        waiting = Waiting(parcel, 0, since_mono)
        self._custody.keep(waiting)
        self._add(parcel.raw.awaits, self._memory_number, _Place(weight_bytes(parcel), since_mono, waiting))

    def find(self, records: Sequence[StoredFacts]) -> None:
        """Of what was there at start, what is raw. It waits for its own key first: whose else it needs shows when that one is known."""
        for record in records:
            if record.raw:
                waited_s = max(0.0, self._clock.wall_ms() / 1000 - _received_unix(record.meta))
                place = _Place(_LEAST_BYTES + len(record.meta) + record.body_bytes, self._clock.mono_s() - waited_s)
                self._add(decode_facts(record.meta).key, record.sequence, place)

    def end_survey(self) -> None:
        """All that was there at start has been found: it is before what came meanwhile."""
        for key, line in self._lines.items():
            self._lines[key] = OrderedDict(sorted(line.items(), key=_age))

    def _add(self, key: str, number: int, place: _Place) -> None:
        self._lines.setdefault(key, OrderedDict())[number] = place
        self._key_of[number] = key
        self._in_memory += number < 0
        self._weigh(key, place.size_bytes)

    def _weigh(self, key: str, size_bytes: int) -> None:
        self.size_bytes += size_bytes
        left = self._line_bytes.get(key, 0) + size_bytes
        if left:
            self._line_bytes[key] = left
        else:
            self._line_bytes.pop(key, None)

    # Going

    async def take(self, key: str, max_bytes: int) -> list[Waiting]:
        """The next parcels that wait for a key, about so many bytes, at least one; each must be `handed_on`, ended or `put_back`.

        Empty: none is left. Raises `SpoolError`; then all of them wait as before.
        """
        while line := self._lines.get(key):
            numbers = _first(line, max_bytes)
            read = await self._read(sorted(number for number in numbers if number > 0))
            taken: list[Waiting] = []
            for number in numbers:
                place = self._forget(number)
                if place is None:
                    continue  # evicted while it was read
                waiting = place.waiting or read.get(number)
                if waiting is not None:
                    self._under_way += 1
                    taken.append(waiting)
                    if waiting.sequence:
                        self._custody.keep(waiting)
            if taken:
                return taken
        return []

    async def _read(self, numbers: Sequence[int]) -> dict[int, Waiting]:
        """What can be read of these records, in order; what is damaged is in the account already, and what has no facts ends here."""
        found: dict[int, Waiting] = {}
        wanted = set(numbers)
        after = 0
        for number in numbers:
            if number <= after:
                continue
            assert self._spool is not None
            for record in await self._spool.read(number - 1, 1, numbers[-1] + 1, raw=True):
                after = record.sequence
                if record.sequence in wanted and record.sequence in self._key_of:
                    self._decode(record, found)
        return found

    def _decode(self, record: StoredRecord, found: dict[int, Waiting]) -> None:
        try:
            parcel = decode_record(record.meta, record.body, raw=True)
        except SpoolCorrupt:
            self._custody.end_unreadable(record)
            return
        waited_ms = age_ms(
            received_ms=int(parcel.received_unix * 1000),
            written_ms=record.written_ms,
            written_boot_ms=record.written_boot_ms,
            same_boot=record.same_boot,
            now_ms=self._clock.wall_ms(),
            now_boot_ms=self._clock.boot_ms(),
        )
        found[record.sequence] = Waiting(parcel, record.sequence, self._clock.mono_s() - waited_ms / 1000, True)

    def _forget(self, number: int) -> _Place | None:
        key = self._key_of.pop(number, None)
        if key is None:
            return None
        self._in_memory -= number < 0
        line = self._lines[key]
        place = line.pop(number)
        if not line:
            del self._lines[key]
        self._weigh(key, -place.size_bytes)
        return place

    def put_back(self, taken: Sequence[Waiting], key: str) -> None:
        """These go on waiting, before all others that wait for the key."""
        for waiting in reversed(taken):
            self._under_way -= 1
            place = _Place(weight_bytes(waiting.parcel), waiting.since_mono)
            if waiting.sequence:
                self._custody.release(waiting)
                number = waiting.sequence
            else:
                self._memory_number -= 1
                number, place.waiting = self._memory_number, waiting
            self._add(key, number, place)
            self._lines[key].move_to_end(number, last=False)

    def hand_on(self, waiting: Waiting) -> None:
        """What was made of it is held elsewhere or ended, and booked there: the raw one goes."""
        self._custody.hand_on(waiting)
        self._gone()

    def end(self, waiting: Waiting, reason: Reason, *, detail: str = "") -> None:
        """The one end of a parcel that was taken."""
        self._custody.end(waiting, reason, detail=detail)
        self._gone()

    def _gone(self) -> None:
        self._under_way -= 1
        if self.is_empty:
            self._on_empty()

    def lose(self, reason: Reason) -> int:
        """Ends what is in memory alone and waits in a line; how many parcels that were."""
        lost = [place.waiting for line in self._lines.values() for place in line.values() if place.waiting is not None]
        for number in [number for number in self._key_of if number < 0]:
            self._forget(number)
        for waiting in lost:
            self._custody.end(waiting, reason)
        return len(lost)

    def evicted(self, records: Sequence[StoredFacts]) -> None:
        """The spool gave these up; `custody` has booked it. What was taken already is in memory alone from now on."""
        for record in records:
            self._forget(record.sequence)

    def oldest(self) -> Iterator[tuple[str, float]]:
        """Whom somebody waits for, and since when the first does."""
        for key, line in self._lines.items():
            yield key, next(iter(line.values())).since_mono

    def __repr__(self) -> str:
        return f"<Withheld {len(self._key_of)} for {len(self._lines)} keys, {self._under_way} under way>"


def _age(entry: tuple[int, _Place]) -> tuple[bool, int]:
    """Records by their number, then what is in memory alone."""
    number, _ = entry
    return number < 0, abs(number)


def _first(line: _Line, max_bytes: int) -> list[int]:
    numbers: list[int] = []
    for number, place in line.items():
        if numbers and (place.size_bytes > max_bytes or len(numbers) >= _AT_ONCE):
            break
        max_bytes -= place.size_bytes
        numbers.append(number)
    return numbers


def _received_unix(meta: bytes) -> float:
    """For a guess at the age; what is wrong with it shows when the record is read."""
    try:
        return decode_record(meta, b"").received_unix
    except SpoolCorrupt:
        return 0.0
