"""What the books say after a kill, whenever it comes: as much was received as clients were told, and nothing ended that may come back.

A kill is what it leaves behind: the folders as they are at some moment, copied and opened by the next life.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scrubjay.core.ledger import Ledger
from scrubjay.runtime.account import Balance
from scrubjay.runtime.chronicle import Chronicle
from scrubjay.runtime.forwarding.shipment import SINGLE, Shipment
from scrubjay.runtime.outbox import Outbox
from scrubjay.runtime.spool.partition import Partition, SpoolOptions
from scrubjay.runtime.state import StateFile
from scrubjay.runtime.telemetry import Telemetry
from support.forwarding import parcel, until

ACK_ENTRIES = 1024
"""So many are acknowledged at once, however short they follow each other."""


class Server:
    """A sender that takes everything."""

    grouping = SINGLE

    async def send(self, shipment: Shipment, now_mono: float) -> list[None]:
        return [None] * len(shipment.members)

    def merge_tag(self, parcel: object) -> None:
        return None

    async def probe(self) -> bool:
        return True

    def came_back(self) -> None:
        pass


class Life:
    """One process, as far as books and spool go."""

    def __init__(self, folder: Path, partition: Partition, *, sends: bool) -> None:
        self.folder = folder
        self.partition = partition
        file = StateFile(folder / "run", 0)
        self.telemetry = Telemetry(previous=file.load())
        self.ledger = Ledger(self.telemetry, strict=True)
        self.outbox = Outbox(Server(), self.ledger, self.telemetry, spool=partition)  # type: ignore[arg-type]
        self.books = Chronicle(file, self.telemetry, self.outbox.held, lambda: [partition])
        if not sends:
            self.outbox.pause()
        self.outbox.start(self.telemetry.close_account)
        self.books.write()

    async def deliver(self, count: int) -> None:
        """So many more come, are promised, and reach the server."""
        for number in range(count):
            each = parcel(str(number))
            self.ledger.receive("event", each.quantities)
            await self.outbox.put(each)
        await until(lambda: not any(self.outbox.held().values()), 20.0)

    async def left_behind(self, copy: Path) -> Balance:
        """What the next life makes of it, if this one is killed now."""
        await self.partition.survey(0)  # what is queued for the disk is there after that
        shutil.copytree(self.folder, copy)
        async with life(copy, sends=False) as after:
            await until(lambda: after.outbox.is_surveyed)
            return after.telemetry.account(after.outbox.held()).get("error", Balance())


@asynccontextmanager
async def life(folder: Path, *, sends: bool = True) -> AsyncIterator[Life]:
    partition = await Partition.open(folder / "spool", 0, options=SpoolOptions(fsync="never"))
    made = Life(folder, partition, sends=sends)
    try:
        yield made
    finally:
        await made.outbox.drain(0)
        await partition.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "life").mkdir()
    return tmp_path / "life"


async def test_what_was_received_is_exact_whenever_it_is_killed(folder: Path, tmp_path: Path) -> None:
    async with life(folder) as relay:
        await relay.deliver(5)
        assert _received(await relay.left_behind(tmp_path / "soon")) == 5
        relay.books.write()
        assert await relay.left_behind(tmp_path / "written") == Balance(received=5, forwarded=5)
        await relay.deliver(7)
        assert _received(await relay.left_behind(tmp_path / "later")) == 12


async def test_what_ends_leaves_the_disk_by_itself_and_is_in_the_books_then(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrubjay.runtime.spool.partition._ACK_DELAY_S", 0.01)
    async with life(folder) as relay:
        await relay.deliver(5)
        await until(lambda: relay.partition.usage.records == 0)
        assert await relay.left_behind(tmp_path / "dead") == Balance(received=5, forwarded=5)


async def test_what_ends_by_the_thousand_is_in_the_books_too(folder: Path, tmp_path: Path) -> None:
    async with life(folder) as relay:
        await relay.deliver(ACK_ENTRIES + 1)
        assert _received(await relay.left_behind(tmp_path / "dead")) == ACK_ENTRIES + 1


def _received(balance: Balance) -> int:
    assert balance.open == 0
    return balance.received
