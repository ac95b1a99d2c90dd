"""Which of several upstreams is used (upstream-and-operations 6.10)."""

from __future__ import annotations

import asyncio
from typing import Any

from scrubjay.runtime.forwarding.failover import Choice, FailOver
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment, Waiting
from support.forwarding import Observed, parcel, until

NAMES = ["first", "second", "third"]


class Observer(Observed):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[tuple[str, str]] = []

    def upstream_chosen(self, upstream: str, instead_of: str) -> None:
        self.chosen.append((upstream, instead_of))


class Road:
    """A carrier: whether its server is there, and what came."""

    def __init__(self) -> None:
        self.up = True
        self.sent = 0
        self.backs = 0
        self.grouping = SINGLE
        self.on_change: Any = None

    def merge_tag(self, parcel: object) -> None:
        return None

    async def send(self, shipment: Shipment, now_mono: float) -> list[None]:
        self.sent += 1
        return [None]

    async def probe(self) -> bool:
        await asyncio.sleep(0)
        return self.up

    def came_back(self) -> None:
        self.backs += 1


class Crossing:
    def __init__(self, **times: float) -> None:
        self.roads = [Road() for _ in NAMES]
        self.observer = Observer()
        self.choice = Choice(NAMES, [road.probe for road in self.roads], self.observer, **times)
        self.sender = self.another()

    def another(self) -> FailOver:
        return FailOver(self.roads, self.choice)

    async def sends(self, sender: FailOver | None = None) -> str:
        before = [road.sent for road in self.roads]
        await (sender or self.sender).send(Shipment([Waiting(parcel(), 0, 0.0)]), 0.0)
        return next(name for name, road, sent in zip(NAMES, self.roads, before, strict=True) if road.sent > sent)

    def ups(self, *ups: bool) -> None:
        for road, up in zip(self.roads, ups, strict=True):
            road.up = up


async def test_the_first_is_used_until_it_is_out_and_then_the_next_that_is_there() -> None:
    one, used = Crossing(), []
    one.choice.on_use = used.append
    assert await one.sends() == "first"
    one.ups(False, False, True)
    assert await one.sender.probe()
    assert await one.sends() == "third"
    assert one.observer.chosen == [("third", "first")]
    assert used == ["third"]
    one.sender.came_back()
    assert [road.backs for road in one.roads] == [0, 0, 1]
    assert repr(one.sender) == "<FailOver <Choice third>>"
    await one.choice.close()


async def test_one_that_answers_probes_and_takes_nothing_is_left_all_the_same() -> None:
    one = Crossing()
    await one.sends()
    assert await one.sender.probe()
    assert await one.sends() == "second"
    await one.choice.close()


async def test_nobody_waits_for_the_one_that_is_away() -> None:
    one = Crossing()
    await one.sends()

    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    one.choice._probes[0] = hangs  # type: ignore[index]
    async with asyncio.timeout(30):
        assert await one.sender.probe()
    assert await one.sends() == "second"
    await one.choice.close()


async def test_after_everybodys_outage_the_first_is_used_again() -> None:
    one = Crossing()
    await one.sends()
    one.ups(False, False, False)
    assert not await one.sender.probe()
    one.ups(True, True, True)
    assert await one.sender.probe()
    assert await one.sends() == "first"
    assert one.observer.chosen == []


async def test_who_is_alone_there_is_used_even_after_its_outage() -> None:
    one = Crossing()
    await one.sends()
    one.ups(True, False, False)
    assert await one.sender.probe()
    assert await one.sends() == "first"


async def test_what_one_sender_found_the_others_use() -> None:
    one = Crossing()
    other, told = one.another(), []
    other.on_change = lambda: told.append(1)
    await one.sends()
    await one.sends(other)
    one.ups(False, True, True)
    assert await one.sender.probe()
    assert told == [1]
    one.ups(True, True, True)
    assert await other.probe()
    assert await one.sends(other) == "second"
    one.ups(True, False, True)
    assert await other.probe()
    assert await one.sends(other) == "first"
    await one.choice.close()


async def test_the_first_is_used_again_once_it_was_well_for_a_while() -> None:
    one = Crossing(look_every_s=0.002, well_for_s=0.05)
    one.ups(False, True, True)
    assert await one.sender.probe()
    loop = asyncio.get_running_loop()
    started = loop.time()
    one.ups(True, True, True)
    await until(lambda: one.choice.active == 0)
    assert loop.time() - started >= 0.05
    assert one.observer.chosen[-1] == ("first", "second")
    one.ups(False, True, True)
    assert await one.sender.probe()
    assert one.choice.active == 1
    one.ups(True, True, True)
    await until(lambda: one.choice.active == 0)
    await until(lambda: repr(one.choice._tasks) == "<Tasks []>")


async def test_one_that_is_well_only_now_and_then_is_not() -> None:
    one = Crossing(look_every_s=0.0, well_for_s=0.5)
    one.ups(False, True, True)
    assert await one.sender.probe()
    asked: list[bool] = []

    async def now_and_then() -> bool:
        asked.append(len(asked) % 3 > 0)
        await asyncio.sleep(0)
        return asked[-1]

    one.choice._probes[0] = now_and_then  # type: ignore[index]
    await until(lambda: len(asked) > 300)
    assert one.choice.active == 1
    await one.choice.close()


async def test_how_parcels_are_put_together_is_asked_of_the_one_in_use() -> None:
    one = Crossing()
    one.roads[1].grouping = Grouping("batch", live_records=9)
    told = []
    one.sender.on_change = lambda: told.append(1)
    one.roads[1].on_change()
    assert told == []
    assert one.sender.grouping is SINGLE
    one.ups(False, True, True)
    assert await one.sender.probe()
    assert told == [1]
    one.roads[1].on_change()
    assert told == [1, 1]
    assert one.sender.grouping.live_records == 9
    assert one.sender.merge_tag(parcel()) is None
    await one.choice.close()
