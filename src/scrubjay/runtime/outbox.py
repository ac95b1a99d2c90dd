"""Where parcels wait: on disk before the answer to the client, in memory as far as there is room, and on their way.

Owns the promise of the 200, which of what waits is in memory, and the end of the process (`upstream-and-operations.md` 7.4, 7.5, 7.10,
9.6). What is raw waits here too, apart (`forwarding.withheld`). Sending is `forwarding.dispatcher`, the account of what is held `forwarding.custody`, reading back `forwarding.backlog`.

Invariants: `put` returns only when the parcel is as durable as configured; each parcel that was put ends once in the ledger, and
leaves the disk only then; what is held = what was put and recovered, less what ended.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from scrubjay import reasons
from scrubjay.categories import Quantities
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import ActiveLimit
from scrubjay.errors import SpoolError, Unavailable
from scrubjay.runtime.forwarding import custody, dispatcher
from scrubjay.runtime.forwarding.backlog import WINDOW_BYTES, Backlog, Spool
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.dispatcher import Dispatcher, DispatchOptions
from scrubjay.runtime.forwarding.outage import Chance
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.forwarding.shipment import Sender, Waiting
from scrubjay.runtime.forwarding.withheld import Withheld
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.types import Damaged, Evicted, SpoolEvent
from scrubjay.runtime.tasks import Tasks

_READ_AGAIN_S: Final = 1.0
_LEAST_PAUSE_S: Final = 5
_MOST_PAUSE_S: Final = 60
_SHRINKING: Final = 8
"""The window of a spool is so much smaller while memory is short."""


OnSurveyed = Callable[[Quantities, int], object]


class Observer(custody.Observer, dispatcher.Observer, Protocol):
    """What is counted and logged here; `runtime.telemetry` is the real one."""

    def spool_read(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """`max_memory_bytes`: with a spool a window of it, without one all that can be held. `ephemeral`: send at the end, do not keep."""

    max_memory_bytes: int = 64 * 1024 * 1024
    ephemeral: bool = False
    spool_evicts: bool = False
    """`spool.envelopes.when_full: drop_oldest`."""
    dispatch: DispatchOptions = field(default_factory=DispatchOptions)


class Outbox:
    """`limit_of` tells of a limit that takes the whole of a parcel now, `is_disabled` whether its project is not served any more;
    parcels that waited are checked before they are sent. `may_read` says whether there is memory for what is on disk.
    """

    def __init__(
        self,
        upstream: Sender,
        ledger: Ledger,
        observer: Observer,
        options: OutboxOptions = OutboxOptions(),
        *,
        spool: Spool | None = None,
        limit_of: Callable[[Parcel], ActiveLimit | None] = lambda parcel: None,
        is_disabled: Callable[[Parcel], bool] = lambda parcel: False,
        may_read: Callable[[], bool] = lambda: True,
        clock: Clock | None = None,
        chance: Chance = random.random,
    ) -> None:
        self._observer = observer
        self._options = options
        self._spool = spool
        self._clock = clock or Clock()
        self._chance = chance
        self._may_read = may_read
        self._custody = Custody(ledger, observer, self._clock, spool, spool_evicts=options.spool_evicts)
        window_bytes = min(WINDOW_BYTES, options.max_memory_bytes // 2)
        self._backlog = Backlog(spool, self._clock, window_bytes) if spool is not None else None
        self.withheld = Withheld(self._custody, spool, self._clock, self._on_room)
        """What waits here and is not sent, for it is raw."""
        self._dispatcher = Dispatcher(
            upstream,
            self._custody,
            observer,
            options.dispatch,
            limit_of=limit_of,
            is_disabled=is_disabled,
            leave_on_disk=self._leave_on_disk,
            on_room=self._on_room,
            clock=self._clock,
            chance=chance,
        )
        self._tasks = Tasks(observer.internal_error)
        self._read_more = asyncio.Event()
        self._drained: asyncio.Event | None = None
        self._closed = False

    def start(self, on_surveyed: OnSurveyed, on_found: Callable[[bytes], None] | None = None) -> None:
        """Begins to send. `on_surveyed` hears once what the spool held at start, and how many records of it were damaged; `on_found` before
        of the facts of each.

        With a spool that is later: going through it takes seconds per GiB, and nothing has to wait for that. What is seen is sent.
        """
        self._dispatcher.start()
        if self._backlog is None:
            on_surveyed((), 0)
            return
        self._tasks.start("outbox-survey", self._survey(self._backlog, on_surveyed, on_found))
        self._tasks.start("outbox-backlog", self._read_backlog(self._backlog))

    @property
    def is_surveyed(self) -> bool:
        """Whether all that was on disk at start is counted in what is held."""
        return self._custody.is_surveyed

    async def _survey(
        self, backlog: Backlog, on_surveyed: OnSurveyed, on_found: Callable[[bytes], None] | None
    ) -> None:
        while True:
            begun_mono = self._clock.mono_s()
            try:
                found = await backlog.survey()
            except SpoolError as error:
                self._observer.internal_error("reading the spool", error)
                await asyncio.sleep(_READ_AGAIN_S)
                continue
            if not found:
                break
            self._custody.find(found)
            self.withheld.find(found)
            if on_found is not None:
                for record in found:
                    on_found(record.meta)
            self._on_room()
            await asyncio.sleep(self._clock.mono_s() - begun_mono)  # half of the time is for what is new
        self.withheld.end_survey()
        on_surveyed(*self._custody.end_survey())
        self._on_room()

    # Taking

    @property
    def is_out(self) -> bool:
        """Whether the server is away."""
        return self._dispatcher.is_out

    def has_capacity(self) -> bool:
        """Whether `put` is expected to succeed."""
        if self._spool is not None and not self._spool.is_given_up:
            return self._spool.has_capacity
        return not self._closed and self._custody.memory_bytes < self._options.max_memory_bytes

    @property
    def must_be_sent(self) -> bool:
        """Whether something waits that is lost at the end if it is not sent: in memory alone, or on a disk that goes with the process."""
        return not self._keeps and any(self.held().values())

    @property
    def _keeps(self) -> bool:
        """Whether what is not sent is there for the next process."""
        return self._spool is not None and not self._options.ephemeral

    @property
    def fullness(self) -> float:
        """How much of what may wait here does, as a share."""
        if self._spool is not None:
            return self._spool.fullness
        return self._custody.memory_bytes / self._options.max_memory_bytes

    @property
    def condition(self) -> str:
        """In few words, for operators."""
        return f"{self.fullness:.0%} full"

    def share_of(self, key: str) -> float:
        """How much of the spool's space is taken by what waits for a key, from 0 to 1."""
        return self._custody.share_of(key)

    async def put(self, parcel: Parcel) -> None:
        """Takes a parcel over. Raises `Unavailable` if it cannot be held."""
        if parcel.raw is not None:
            raise AssertionError("a raw parcel never leaves")
        sequence = 0
        if self._spool is None or self._spool.is_given_up:
            if self._closed or not self._has_room(parcel):
                raise self._unavailable("no room in memory")
            self._custody.count_unstored(parcel.quantities)
        else:
            try:
                (sequence,) = await self._spool.append((encode_record(parcel),))
            except SpoolError as error:
                raise self._unavailable(str(error)) from error
            self._custody.count_stored(parcel)
        waiting = Waiting(parcel, sequence, self._since_mono(parcel))
        keeps_copy = not sequence or (not self._closed and not self._dispatcher.is_out and self._has_room(parcel))
        self._custody.keep(waiting)
        if keeps_copy:
            self._dispatcher.lanes.add_live(waiting)
        else:
            self._leave_on_disk(waiting)
        self._dispatcher.dispatch()

    async def hold(self, parcel: Parcel, *, on_disk: bool) -> None:
        """Takes over a raw parcel, which is not sent. Raises `Unavailable` if it cannot be held."""
        on_disk = on_disk and self._spool is not None and not self._spool.is_given_up
        if self._closed and not on_disk:
            raise self._unavailable("no room in memory")
        try:
            await self.withheld.put(parcel, on_disk=on_disk)
        except SpoolError as error:
            raise self._unavailable(str(error)) from error

    def _since_mono(self, parcel: Parcel) -> float:
        """Since when it waits; the wall clock may be set at any moment, so it is asked only where nothing else is known."""
        if parcel.received_mono is not None:
            return parcel.received_mono
        return self._clock.mono_s() - max(0.0, self._clock.wall_ms() / 1000 - parcel.received_unix)

    def _has_room(self, parcel: Parcel) -> bool:
        """One parcel is always let in, however large: its own limit was checked before."""
        held_bytes, most_bytes = self._custody.memory_bytes, self._options.max_memory_bytes
        if not self._may_read() and self._spool is not None and not self._spool.is_given_up:
            most_bytes //= _SHRINKING
        return not held_bytes or held_bytes + len(parcel.body) <= most_bytes

    def _unavailable(self, detail: str) -> Unavailable:
        pause_s = _LEAST_PAUSE_S + int(self._chance() * (_MOST_PAUSE_S - _LEAST_PAUSE_S))
        return Unavailable(reasons.QUEUE_FAILED, detail, retry_after_s=pause_s)

    def held(self) -> Mapping[str, Quantities]:
        """What was accepted and has not ended, by where it is: `memory` (alone) or `spool`."""
        return self._custody.held()

    def on_spool_event(self, event: SpoolEvent) -> None:
        """What the spool lost must end in the account."""
        if isinstance(event, Evicted):
            self._custody.evicted(event)
            self.withheld.evicted(event.records)
        elif isinstance(event, Damaged):
            self._custody.damaged(event.records, event.detail, event.reason)

    def reconfigure(self, options: OutboxOptions) -> None:
        """Other bounds; what is on its way goes on under the old ones."""
        self._options = options
        self._dispatcher.reconfigure(options.dispatch)

    def pause(self) -> None:
        """Stops sending and reading; what comes is held (SIGUSR1)."""
        self._dispatcher.pause()

    def resume(self) -> None:
        self._dispatcher.resume()

    # Reading back

    def _leave_on_disk(self, waiting: Waiting) -> None:
        assert self._backlog is not None
        self._custody.release(waiting)
        self._backlog.leave(waiting.sequence)

    def _on_room(self) -> None:
        if self._backlog is not None and not self._backlog.waits:
            if self.withheld.is_empty:
                self._custody.settle()
        elif self._wants_backlog():
            self._read_more.set()
        if self._drained is not None and self._is_drained():
            self._drained.set()

    def _wants_backlog(self) -> bool:
        backlog, dispatcher = self._backlog, self._dispatcher
        return (
            backlog is not None
            and backlog.is_readable
            and dispatcher.is_sending
            and not dispatcher.is_out
            and self._custody.backlog_bytes < backlog.window_bytes // 2
            # Where nothing of ours fills the memory, waiting frees none of it, and the disk would never empty.
            and (self._may_read() or not self._custody.backlog_bytes + self._custody.memory_bytes)
        )

    def look_again(self) -> None:
        """There may be memory again for what is on disk."""
        if self._wants_backlog():
            self._read_more.set()

    async def _read_backlog(self, backlog: Backlog) -> None:
        while True:
            await self._read_more.wait()
            self._read_more.clear()
            while self._wants_backlog():
                begun_mono = self._clock.mono_s()
                try:
                    found, unreadable = await backlog.read(self._custody.copies)
                except SpoolError as error:
                    self._observer.internal_error("reading the spool", error)
                    await asyncio.sleep(_READ_AGAIN_S)
                    continue
                self._observer.spool_read(self._clock.mono_s() - begun_mono)
                for record in unreadable:
                    self._custody.end_unreadable(record)
                for waiting in found:
                    self._custody.keep(waiting)
                    self._dispatcher.lanes.add_backlog(waiting)
                self._dispatcher.dispatch()

    # Ending

    async def drain(self, deadline_mono: float) -> int:
        """Steps 5 to 7 of the shutdown (`upstream-and-operations.md` 9.6). Returns how many parcels were lost, being in memory alone.

        With a spool, what is on its way may take half of the time that is left; without one, or with an `ephemeral` one, sending goes
        on until the deadline. Parcels put after it only reach the disk.
        """
        left_s = max(0.0, deadline_mono - self._clock.mono_s())
        self._drained = asyncio.Event()
        self._dispatcher.hurry()  # who waited for company leaves now
        if self._keeps:
            self._dispatcher.pause()
            left_s /= 2
        self._on_room()
        try:
            async with asyncio.timeout(left_s):
                await self._drained.wait()
        except TimeoutError:
            pass
        self._closed = True
        await self._tasks.stop()
        lost = [waiting for waiting in await self._dispatcher.stop() if not waiting.sequence]
        for waiting in lost:
            self._custody.end(waiting, reasons.DRAIN_TIMEOUT)
        return len(lost)

    def _is_drained(self) -> bool:
        if not self._dispatcher.is_sending:
            return self._dispatcher.is_quiet
        return self._dispatcher.is_empty and (self._backlog is None or not self._backlog.waits)

    def __repr__(self) -> str:
        return f"<Outbox {self._dispatcher!r} {self._custody!r}>"
