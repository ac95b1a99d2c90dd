"""An outbox with all that is around it: a server whose gate the test opens, a book that keeps what is booked, a clock set by hand."""

import asyncio

from scrubjay.core.ledger import Ledger
from scrubjay.core.merging import MergeTag
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.forwarding.shipment import SINGLE
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from support.forwarding import KeptBook, Observed, SetClock, name_of, parcel, until


class Server:
    """Takes what it is sent once its gate is open; fails with `failure` while there is one."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.there = False
        self.grouping = SINGLE
        self.on_change = lambda: None

    async def send(self, shipment, now_mono):
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.sent += [name_of(waiting.parcel) for waiting in shipment.members]
        return [None] * len(shipment.members)

    def merge_tag(self, parcel):
        return MergeTag("sessions", 1) if parcel.item_types == ("session",) else None

    async def probe(self):
        await asyncio.sleep(0)
        if self.there:
            self.failure = None
        return self.there

    def came_back(self):
        pass


class Box:
    """An outbox with all that is around it."""

    def __init__(self, spool=None, *, dispatch=None, limits=(), **options) -> None:
        self.server, self.book, self.observed, self.clock, self.spool = (
            Server(),
            KeptBook(),
            Observed(),
            SetClock(),
            spool,
        )
        self.surveyed = []
        self.is_paused = False
        self.outbox = Outbox(
            self.server,
            Ledger(self.book),
            self.observed,
            OutboxOptions(dispatch=DispatchOptions(**(dispatch or {})), **options),
            spool=spool,
            limit_of=lambda parcel: next(iter(limits), None),
            clock=self.clock,
            chance=lambda: 0.5,
        )

    async def __aenter__(self):
        await self.start()
        return self

    async def start(self):
        self.outbox.start(lambda *found: self.surveyed.append(found))
        if self.is_paused:
            self.outbox.pause()
        await until(lambda: self.surveyed)

    async def __aexit__(self, *exc_info):
        await self.outbox.drain(0.0)
        assert self.observed.errors == []
        assert self.observed.inflight == 0

    def held(self, where):
        return sum(amount for _, amount in self.outbox.held()[where])

    async def sent(self, count):
        await until(lambda: len(self.server.sent) >= count)
        return self.server.sent

    async def ended(self, count):
        await until(lambda: len(self.book.bookings) >= count)
        return self.book.codes


def records(*names):
    return [encode_record(parcel(name)) for name in names]
