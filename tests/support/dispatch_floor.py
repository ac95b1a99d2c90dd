"""A dispatcher with all that is around it, at a time that stands still unless it is moved."""

import asyncio
from collections import deque

from scrubjay.core.ledger import Ledger
from scrubjay.core.merging import MergeTag
from scrubjay.errors import Transient
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.dispatcher import Dispatcher, DispatchOptions
from scrubjay.runtime.forwarding.shipment import SINGLE, Shipment, Waiting
from support.forwarding import KeptBook, Observed, SetClock, name_of, parcel, until

NETWORK = Transient("connect: refused")
ERROR_500 = Transient("500", status=500, network=False, capped=True)


class Server:
    """Answers by a script; when that is empty it takes everything. `gate` holds requests back."""

    def __init__(self, *script) -> None:
        self.script = deque(script)
        self.tried: list[str] = []
        self.waited: list[float] = []
        self.probes: deque[bool] = deque()
        self.probed = 0
        self.backs = 0
        self.at_once = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.grouping = SINGLE
        self.on_change = lambda: None
        self.shipments: list[Shipment] = []

    def merge_tag(self, parcel):
        return MergeTag("all", 1) if self.grouping.kind == "envelope" and parcel.item_types == ("session",) else None

    async def send(self, shipment, now_mono):
        self.shipments.append(shipment)
        self.tried.append("".join(name_of(waiting.parcel) for waiting in shipment.members))
        self.waited.append(now_mono - shipment.members[0].since_mono)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.script.popleft() if self.script else None
        if isinstance(answer, Exception):
            raise answer
        return answer or [None] * len(shipment.members)

    async def probe(self):
        await asyncio.sleep(0)
        self.probed += 1
        return self.probes.popleft() if self.probes else False

    def came_back(self):
        self.backs += 1


class Floor:
    """A dispatcher with all that is around it; time stands still unless moved."""

    def __init__(
        self, *script, limit_of=lambda parcel: None, is_disabled=lambda parcel: False, clock=None, **options
    ) -> None:
        self.server, self.book, self.observed = Server(*script), KeptBook(), Observed()
        self.clock = clock or SetClock()
        self.custody = Custody(Ledger(self.book), self.observed, self.clock, None)
        self.on_disk: list[str] = []
        self.dispatcher = Dispatcher(
            self.server,
            self.custody,
            self.observed,
            DispatchOptions(**options),
            limit_of=limit_of,
            is_disabled=is_disabled,
            leave_on_disk=lambda waiting: self.on_disk.append(name_of(waiting.parcel)),
            on_room=lambda: None,
            clock=self.clock,
            chance=lambda: 1.0,
        )

    def add(self, *names, sequence=0, from_backlog=False, attempts=0, waited_s=0.0, **facts):
        for name in names:
            each = parcel(name, attempts=attempts, **facts)
            waiting = Waiting(each, sequence, self.clock.now_mono - waited_s, from_backlog)
            self.custody.count_unstored(each.quantities)
            if not sequence:
                self.custody.keep(waiting)
            (self.dispatcher.lanes.add_backlog if from_backlog else self.dispatcher.lanes.add_live)(waiting)
        self.dispatcher.dispatch()

    async def __aenter__(self):
        self.dispatcher.start()
        return self

    async def __aexit__(self, *exc_info):
        await self.dispatcher.stop()
        assert self.observed.inflight == 0

    async def ended(self, count=1):
        await until(lambda: len(self.book.bookings) >= count)
        return self.book.codes

    async def tried(self, count):
        await until(lambda: len(self.server.tried) >= count)
        return self.server.tried

    async def calm(self):
        """Until the loop has nothing left to do at this time."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def later(self, by_s):
        """Moves the clock, and does what timers would have done."""
        await self.calm()
        self.clock.move(by_s)
        self.dispatcher.dispatch()
        await self.calm()
