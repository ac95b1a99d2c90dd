"""A worker from the path to the sender, without its port: real plans that are learnt when told, a real spool on a simulated disk."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from scrubjay.categories import Quantities
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.pipeline import process
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.errors import Rejected
from scrubjay.runtime.forwarding.shipment import SINGLE, Shipment
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import SpoolOptions
from scrubjay.runtime.waiting_room import RoomOptions, WaitingRoom
from support.forwarding import Observed
from support.path import KEY, Accounts, Path, Plans, envelope
from support.simulated_disk import SimulatedClock, SimulatedDisk

CANARY = "canary-7f3e@lab.example"
"""Stands in each event where every plan takes it out: what is raw can be told from what is scrubbed."""


class Server:
    """Takes all that is sent, once it is there."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.is_there = asyncio.Event()
        self.is_there.set()
        self.grouping = SINGLE
        self.on_change = lambda: None

    @property
    def names(self) -> list[str]:
        return [name_of(body) for body in self.bodies]

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[None]:
        await self.is_there.wait()
        for waiting in shipment.members:
            assert waiting.parcel.raw is None
            assert CANARY.encode() not in waiting.parcel.body
            self.bodies.append(waiting.parcel.body)
        return [None] * len(shipment.members)

    def merge_tag(self, parcel: object) -> None:
        return None

    async def probe(self) -> bool:
        return True

    def came_back(self) -> None:
        pass


class RoomObserved(Observed):
    def __init__(self) -> None:
        super().__init__()
        self.room: tuple[int, int, int, float] = (0, 0, 0, 0.0)

    def waiting_room(self, *told: Any) -> None:
        self.room = told  # type: ignore[assignment]


class _Noting:
    def __init__(self, outbox: Outbox, names: list[str]) -> None:
        self._outbox = outbox
        self._names = names

    def has_capacity(self) -> bool:
        return self._outbox.has_capacity()

    async def put(self, parcel: Parcel) -> None:
        self._names.append(name_of(parcel.body))
        await self._outbox.put(parcel)


class LearningPlans(Plans):
    """`None` in `plans`: nothing is known of the key. `asked` counts."""

    def __init__(self) -> None:
        super().__init__({})
        self.asked: dict[str, int] = {}

    def find(self, key: str) -> ProjectPlan | None:
        self.asked[key] = self.asked.get(key, 0) + 1
        return self.plans.get(key, PENDING)


class Worker:
    """One life after another of a worker on one disk, with one server. Without `root` there is no spool."""

    def __init__(self, root: FilePath | None = None, *, spool: SpoolOptions | None = None, **options: Any) -> None:
        self.root = root
        self.disk = SimulatedDisk()
        self.clock = SimulatedClock()
        self.spool_options = spool or SpoolOptions()
        self.options = RoomOptions(
            **{"policy": "memory" if root is None else "disk", "expiry_holdoff_s": 0.0} | options
        )
        self.plans = LearningPlans()
        self.server = Server()
        self.observed = RoomObserved()
        self.account = Accounts()
        self.found: Quantities = ()
        self.others: list[Outbox] = []
        self.partition: Partition | None = None
        self.ports: Ports

    async def start(self, *, slot: int = 0, is_surveyed: bool = True) -> Worker:
        """`is_surveyed`: returns when what was on disk is known."""
        self.account, self.found = Accounts(), ()
        self.partition = None
        if self.root is not None:
            self.partition = await Partition.open(
                self.root, slot, options=self.spool_options, clock=self.clock, disk=self.disk, on_event=self._on_event
            )
        self.outbox = self.outbox_on(self.partition)
        self.room = WaitingRoom(
            self.plans,
            self.outbox,
            lambda: self.others,
            self.observed,
            self.options,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        self.handed_over: list[str] = []
        """Names, in the order in which the path gave them to the outbox: who sends them may be quicker with one than with another."""
        noting = _Noting(self.outbox, self.handed_over)
        path = Path(None, plans=self.plans, waiting=self.room, outbox=noting)
        self.ports = ports = path.ports
        numbers = iter(range(1, 10**9))
        ports.new_id = lambda: f"{next(numbers):032x}"
        ports.ledger = Ledger(self.account, strict=True)
        self.room.process = lambda ingress: process(ingress, ports)
        self.outbox.start(self._surveyed)
        if is_surveyed:
            await self.until(lambda: self.outbox.is_surveyed)
        return self

    def outbox_on(self, partition: Partition | None) -> Outbox:
        return Outbox(
            self.server,  # type: ignore[arg-type]
            Ledger(self.account, strict=True),
            self.observed,
            OutboxOptions(),
            spool=partition,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def _surveyed(self, found: Quantities, damaged: int) -> None:
        self.found = found

    def _on_event(self, event: Any) -> None:
        self.outbox.on_spool_event(event)

    def learn(self, key: str, plan: ProjectPlan | None) -> None:
        self.plans.plans[key] = plan
        self.room.known(key)

    def forget(self, key: str) -> None:
        self.plans.plans.pop(key, None)

    async def send(self, name: str, key: str = KEY, *, size: int = 0, **facts: Any) -> Verdict:
        payload = json.dumps({"message": name, "extra": {"password": CANARY, "pad": "x" * size}})
        fields: dict[str, Any] = {
            "body": envelope(("event", payload), header="{}"),
            "read": lambda body, auth: parse_envelope(body),
            "auth": Auth(key, 7, "demo/1.0", False, "header"),
            "path_project": 7,
            "received_unix": self.clock.wall_ms() / 1000,
            "now_mono": self.clock.mono_s(),
        }
        return await process(Ingress(**fields | facts), self.ports)

    async def is_taken(self, name: str, key: str = KEY, **more: Any) -> bool:
        try:
            return (await self.send(name, key, **more)).status == 200
        except Rejected:
            return False

    def closes(self) -> bool:
        """Of this life: what was there at first and what came is held or has ended."""
        self.account.came.append(self.found)
        try:
            return self.account.closes_with(*self.outbox.held().values())
        finally:
            self.account.came.pop()

    async def until(self, holds: Any, what: str = "") -> None:
        """Lets everybody work until something holds; looks as the pulse does."""
        async with asyncio.timeout(20):
            while not holds():
                self.room.look()
                await asyncio.sleep(0.001)

    @property
    def is_quiet(self) -> bool:
        """Nobody waits in the room, and all that was held has ended."""
        is_known = self.outbox.is_surveyed and self.outbox.withheld.is_empty
        return is_known and not any(dict(part) for part in self.outbox.held().values())

    async def stop(self) -> int:
        """In order. How many parcels were lost."""
        lost = await self.room.drain(0.0)
        lost += await self.outbox.drain(0.0)
        if self.partition is not None:
            await self.partition.close()
        return lost

    async def die(self) -> None:
        """As by kill -9: from this moment on nothing reaches the disk."""
        self.disk.before = _dead
        await self.stop()
        self.disk.kill()
        self.disk.before = lambda operation, path: None


def _dead(operation: str, path: FilePath | None) -> None:
    raise OSError(errno.EIO, "the process is no more")


def name_of(body: bytes) -> str:
    item = parse_envelope(body).items[0]
    document: dict[str, str] = json.loads(bytes(item.payload))
    return document["message"]
