"""What an outbox does while memory is short: nothing is given up, it only stays on disk (`upstream-and-operations.md` 9.3)."""

from __future__ import annotations

import asyncio

import pytest

from scrubjay.core.ledger import Ledger
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.forwarding.shipment import SINGLE
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from support.forwarding import KeptBook, MemorySpool, Observed, SetClock, name_of, parcel, until

SIZE = len(parcel("a").body)


class Server:
    """Takes what it is sent once its gate is open."""

    grouping = SINGLE

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.on_change = lambda: None

    async def send(self, shipment, now_mono):
        await self.gate.wait()
        self.sent += [name_of(waiting.parcel) for waiting in shipment.members]
        return [None] * len(shipment.members)

    def merge_tag(self, parcel):
        return None


class Tight:
    """An outbox on a spool, and memory that is short or is not."""

    def __init__(self, spool: MemorySpool) -> None:
        self.server, self.spool, self.is_short = Server(), spool, True
        self.outbox = Outbox(
            self.server,
            Ledger(KeptBook()),
            Observed(),
            OutboxOptions(max_memory_bytes=16 * SIZE),
            spool=spool,
            may_read=lambda: not self.is_short,
            clock=SetClock(),
            chance=lambda: 0.5,
        )

    async def __aenter__(self) -> Tight:
        self.outbox.start(lambda *found: None)
        await until(lambda: self.outbox.is_surveyed)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.outbox.drain(0.0)

    @property
    def in_memory(self) -> int:
        return self.outbox._custody.memory_bytes // SIZE


def test_without_a_spool_memory_is_all_there_is_and_is_not_shrunk() -> None:
    box = Outbox(Server(), Ledger(KeptBook()), Observed(), OutboxOptions(max_memory_bytes=16), may_read=lambda: False)
    assert box.fullness == 0
    assert box.has_capacity()


async def test_the_window_shrinks_and_grows() -> None:
    async with Tight(MemorySpool()) as box:
        for name in "abcdefgh":
            await box.outbox.put(parcel(name))
        assert box.in_memory == 2
        box.is_short = False
        for name in "ijkl":
            await box.outbox.put(parcel(name))
        assert box.in_memory == 6
        box.server.gate.set()
        await until(lambda: len(box.server.sent) == 12)
        assert sorted(box.server.sent) == list("abcdefghijkl")


async def test_the_backlog_stays_on_disk_while_anything_of_ours_fills_the_memory() -> None:
    async with Tight(MemorySpool()) as box:
        for name in "abcd":
            await box.outbox.put(parcel(name))
        for _ in range(10):
            await asyncio.sleep(0)
        assert box.spool.reads == 0
        box.is_short = False
        box.outbox.look_again()
        await until(lambda: box.spool.reads)
        box.server.gate.set()
        await until(lambda: len(box.server.sent) == 4)


async def test_memory_that_is_short_for_others_does_not_stop_the_disk_from_emptying() -> None:
    async with Tight(MemorySpool([encode_record(parcel(name)) for name in "abc"])) as box:
        box.server.gate.set()
        await until(lambda: len(box.server.sent) == 3)
        assert box.is_short


@pytest.mark.parametrize(("given_up", "count"), [(False, 2), (True, 8)])
async def test_where_the_disk_is_given_up_memory_is_all_there_is(given_up: bool, count: int) -> None:
    spool = MemorySpool()
    async with Tight(spool) as box:
        spool.is_given_up = given_up
        for name in "abcdefgh":
            await box.outbox.put(parcel(name))
        assert box.in_memory == count


async def test_fullness_is_the_spools() -> None:
    spool = MemorySpool()
    async with Tight(spool) as box:
        spool.fullness = 0.6
        assert box.outbox.fullness == 0.6
        assert box.outbox.condition == "60% full"
