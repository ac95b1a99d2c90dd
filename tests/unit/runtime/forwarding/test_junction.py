"""Projects with an upstream of their own (upstream-and-operations 6.10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from scrubjay.errors import Divide, Refused, Transient, UpstreamError
from scrubjay.reasons import UPSTREAM_REJECTED
from scrubjay.runtime.forwarding.junction import Junction
from scrubjay.runtime.forwarding.shipment import SINGLE, Shipment, Waiting
from support.forwarding import parcel

THERE, HERE = "https://there.example/", "https://here.example/"


class Way:
    """A sender that keeps what it was given, and answers what the test says."""

    def __init__(self) -> None:
        self.sent: list[Shipment] = []
        self.error: UpstreamError | None = None
        self.holds: asyncio.Event | None = None
        self.grouping = SINGLE
        self.backs = 0
        self.on_change = lambda: None

    def merge_tag(self, parcel):
        return None

    async def send(self, shipment, now_mono):
        self.sent.append(shipment)
        if self.holds is not None:
            await self.holds.wait()
        if self.error is not None:
            raise self.error
        return [None] * len(shipment.members)

    async def probe(self):
        return True

    def came_back(self):
        self.backs += 1


class Crossing:
    def __init__(self, **places: str) -> None:
        self.places = places
        self.diverts = bool(places)
        self.common, self.there = Way(), Way()
        self.asked: list[str] = []
        self.now_s = 100.0
        self.one = Junction(self.common, self, self.way_to, mono=lambda: self.now_s, chance=lambda: 1.0)

    def upstream_of(self, key):
        return self.places.get(key)

    async def way_to(self, place):
        self.asked.append(place)
        return None if place == HERE else self.there

    def begun(self, key: str):
        return asyncio.get_running_loop().create_task(self.send(key), name="test")

    async def send(self, *keys: str, kind="envelope"):
        members = [Waiting(replace(parcel(), key=key), 0, 0.0) for key in keys]
        return await self.one.send(Shipment(members, kind), 0.0)


async def test_where_no_project_names_an_upstream_nothing_is_looked_up():
    case = Crossing()
    case.upstream_of = None
    assert await case.send("a", "b", kind="batch") == [None, None]
    assert len(case.common.sent) == 1


async def test_operations_51_what_a_project_names_is_where_its_items_go():
    case = Crossing(a=THERE, b=HERE)
    for key in "abc":
        assert await case.send(key) == [None]
    assert await case.send("a", "a", kind="merged") == [None, None]
    assert [[waiting.parcel.key for waiting in each.members] for each in case.there.sent] == [["a"], ["a", "a"]]
    assert [each.members[0].parcel.key for each in case.common.sent] == ["b", "c"]
    assert case.asked == [THERE, HERE, THERE]


async def test_what_went_elsewhere_says_so_and_nothing_of_the_common_way():
    case = Crossing(a=THERE, b=HERE)
    told = []
    for key in "abc":
        shipment = Shipment([Waiting(replace(parcel(), key=key), 0, 0.0)])
        await case.one.send(shipment, 0.0)
        told.append(shipment.elsewhere)
    assert told == [True, False, False]


async def test_a_batch_for_several_upstreams_is_taken_apart():
    case = Crossing(a=THERE)
    with pytest.raises(Divide) as caught:
        await case.send("a", "b", kind="batch")
    assert caught.value.apart
    with pytest.raises(Divide):
        await case.send("a", kind="batch")
    assert await case.send("b", "c", kind="batch") == [None, None]
    assert (case.there.sent, len(case.common.sent)) == ([], 1)


async def test_trouble_there_is_no_outage_here():
    case = Crossing(a=THERE)
    case.there.error = Transient("connect: refused", retry_after_s=3, capped=True, ambiguous=True, status=503)
    with pytest.raises(Transient, match=r"there\.example/: connect: refused") as caught:
        await case.send("a")
    error = caught.value
    assert (error.network, error.retry_after_s, error.capped, error.ambiguous, error.status) == (
        False,
        3,
        True,
        True,
        503,
    )
    case.there.error = Refused("no", UPSTREAM_REJECTED, status=400)
    case.now_s += 1
    with pytest.raises(Refused):
        await case.send("a")
    case.common.error = Transient("connect: refused")
    with pytest.raises(Transient) as caught:
        await case.send("b")
    assert caught.value.network


async def test_one_that_does_not_answer_is_tried_by_one_request_at_a_time():
    case = Crossing(a=THERE, b=THERE)
    case.there.holds = asyncio.Event()
    case.there.error = Transient("no answer")
    first = [case.begun(key) for key in "abab"]
    await asyncio.sleep(0)
    assert len(case.there.sent) == 4, "nothing is known against it yet"
    case.there.holds.set()
    await asyncio.gather(*first, return_exceptions=True)
    with pytest.raises(Transient, match="did not answer") as caught:
        await case.send("a")
    assert (caught.value.network, caught.value.capped, caught.value.retry_after_s) == (False, False, 1.0)
    assert await case.send("c") == [None], "others go on"
    case.now_s += 1
    case.there.holds.clear()
    trial = case.begun("a")
    await asyncio.sleep(0)
    with pytest.raises(Transient, match="did not answer"):
        await case.send("b")
    case.there.holds.set()
    await asyncio.gather(trial, return_exceptions=True)
    assert len(case.there.sent) == 5
    case.now_s += 1
    with pytest.raises(Transient, match="did not answer") as caught:
        await case.send("a")
    assert caught.value.retry_after_s == 1.5, "the pauses grow"
    case.there.error = None
    case.now_s += 1
    for key in "abab":
        assert await case.send(key) == [None]
    case.there.error = Transient("busy", status=500, network=False, capped=True)
    for _ in range(2):
        with pytest.raises(Transient, match="busy"):
            await case.send("a")


async def test_who_is_given_up_while_it_tries_leaves_the_way_to_others():
    case = Crossing(a=THERE)
    case.there.error = Transient("no answer")
    with pytest.raises(Transient):
        await case.send("a")
    case.now_s += 1
    case.there.holds, case.there.error = asyncio.Event(), None
    trial = case.begun("a")
    await asyncio.sleep(0)
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    case.there.holds.set()
    assert await case.send("a") == [None]


async def test_all_else_is_the_common_way_s():
    case, changes = Crossing(a=THERE), []
    case.one.on_change = lambda: changes.append(1)
    case.common.on_change()
    assert changes == [1]
    assert case.one.grouping is SINGLE
    assert case.one.merge_tag(parcel()) is None
    assert await case.one.probe()
    case.one.came_back()
    assert case.common.backs == 1
    assert repr(case.one).startswith("<Junction ")
