"""What is known of fetched projects and for how long, in simulated time."""

from __future__ import annotations

import asyncio

import pytest

from scrubjay.core.plan import PENDING
from scrubjay.core.relays.config_reply import DISABLED, WAITING, Enabled
from scrubjay.errors import UpstreamError
from scrubjay.runtime.managed.fetched import DISABLED_PLAN
from support.fetched_world import K1, K2, World, cached


def test_a_key_is_pending_until_it_is_known_and_asked_for_once() -> None:
    world = World()

    async def work() -> None:
        assert world.plans.peek(K1) is PENDING
        assert world.plans.find(K1) is PENDING
        assert world.plans.find(K1) is PENDING
        assert world.plans.document_of(K1) is WAITING
        await asyncio.sleep(0.5)
        assert world.plans.find(K1).revision == "r1 60"
        assert world.plans.peek(K1) is world.plans.find(K1)
        state = world.plans.document_of(K1)
        assert isinstance(state, Enabled)
        assert state.document == {"rev": "r1"}
        world.plans.sweep()
        assert (world.counts, repr(world.plans)) == ((1, 0, 0, 0.0), "<FetchedPlans 1 keys, 0 pending, 0 refused>")

    world.run(work)
    assert world.asked == [(0.1, K1, None)]
    assert world.known == [(0.1, K1)]
    assert world.kept == {K1: {"rev": "r1"}}


def test_operations_52_a_key_that_is_left_out_is_refused() -> None:
    world = World(lambda key, revision: None)

    async def work() -> None:
        assert world.plans.find(K1) is PENDING
        await asyncio.sleep(0.5)
        assert world.plans.find(K1) is DISABLED_PLAN
        assert world.plans.document_of(K1) is DISABLED
        world.plans.sweep()
        assert world.counts == (0, 1, 0, 0.0)

    world.run(work)
    assert world.known == [(0.1, K1)]
    assert world.told == ["1 of 1"], "a relay that nobody trusts sees all projects disabled"


@pytest.mark.parametrize(("grace_s", "state"), [(0.0, "pending"), (5.0, "disabled")])
def test_operations_53_a_refusal_ends_with_the_grace_period(grace_s: float, state: str) -> None:
    world = World(lambda key, revision: None, cached(project_expiry=1.0, project_grace_period=grace_s))

    async def work() -> None:
        await world.learn(K1)
        assert await world.at(2.0) == state
        await asyncio.sleep(0.5)
        assert world.plans.find(K1) is DISABLED_PLAN

    world.run(work)
    assert [time for time, _, _ in world.asked] == [0.1, 2.1], "in either case it was asked for again"


def test_decisions_50_a_stale_state_is_used_as_long_as_asking_fails() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1)
        assert await world.at(299.0) == "r1 60"
        assert len(world.asked) == 1, "fresh"
        world.says = lambda key, revision: UpstreamError("away")
        assert await world.at(350.0) == "r1 60"
        assert await world.at(900.0) == "r1 60"
        world.plans.sweep()
        assert world.counts == (1, 0, 0, pytest.approx(599.9))
        assert await world.at(9_000.0) == "r1 60"
        world.says = lambda key, revision: {"rev": "r2"}
        await asyncio.sleep(100.0)
        assert world.plans.find(K1).revision == "r2 60"

    world.run(work)
    assert {revision for _, _, revision in world.asked[1:]} == {"r1"}
    assert world.kept == {K1: {"rev": "r2"}}


def test_an_answer_ends_the_back_off() -> None:
    world = World(lambda key, revision: "pending")

    async def work() -> None:
        await world.learn(K1)
        await asyncio.sleep(9.5)
        world.says = lambda key, revision: {"rev": "r1"}
        await asyncio.sleep(10.0)
        assert world.plans.find(K1).revision == "r1 60"
        world.asked.clear()
        world.says = lambda key, revision: "pending"
        assert await world.at(330.0) == "r1 60"
        await asyncio.sleep(1.0)

    world.run(work)
    assert [time for time, _, _ in world.asked] == [330.1, 330.2], "the second time at once"


def test_decisions_50_what_nobody_asks_for_is_forgotten() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1, K2)
        assert await world.at(419.0) == "r1 60"
        assert await world.at(430.0, K2) == "pending"
        world.plans.sweep()
        assert world.counts == (1, 0, 1, 0.0)
        await asyncio.sleep(0.5)
        assert world.plans.find(K2).revision == "r1 60"
        await asyncio.sleep(430.0)
        world.plans.sweep()
        assert world.counts == (0, 0, 0, 0.0)

    world.run(work)
    assert world.evicted == 3


def test_where_items_of_a_project_go_outlives_its_configuration() -> None:
    world = World(lambda key, revision: {"rev": "r1", "upstream": "https://there.example/"})

    async def work() -> None:
        assert world.plans.upstream_of(K1) is None
        await world.learn(K1)
        assert world.plans.upstream_of(K1) == "https://there.example/"
        await asyncio.sleep(430.0)
        world.plans.sweep()
        assert world.plans.peek(K1) is PENDING
        assert world.plans.upstream_of(K1) == "https://there.example/"
        world.says = lambda key, revision: None
        await world.learn(K1)
        assert world.plans.peek(K1) is DISABLED_PLAN
        assert world.plans.upstream_of(K1) == "https://there.example/"
        await asyncio.sleep(430.0)
        world.says = lambda key, revision: {"rev": "r2"}
        await world.learn(K1)
        assert world.plans.upstream_of(K1) is None

    world.run(work)


def test_in_an_outage_nothing_is_forgotten() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1, K2)
        world.is_out = True
        world.says = lambda key, revision: UpstreamError("away")
        assert await world.at(10_000.0) == "r1 60"
        world.plans.sweep()
        assert world.counts[:3] == (2, 0, 0)
        world.is_out = False
        world.plans.sweep()
        assert world.counts[:3] == (1, 0, 0), "the one in use stays while it is asked for"

    world.run(work)
    assert world.evicted == 1


def test_an_unchanged_state_is_fresh_again_and_keeps_its_plan() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1)
        plan = world.plans.find(K1)
        world.says = lambda key, revision: "unchanged"
        assert await world.at(310.0) == "r1 60"
        assert await world.at(600.0) == "r1 60"
        assert world.plans.find(K1) is plan

    world.run(work)
    assert [time for time, _, _ in world.asked] == [0.1, 310.1]
    assert len(world.known) == 1


def test_a_pending_answer_takes_nothing_away_and_is_asked_again_after_growing_pauses() -> None:
    world = World(lambda key, revision: "pending")

    async def work() -> None:
        assert world.plans.find(K1) is PENDING
        await asyncio.sleep(6.0)
        assert [time for time, _, _ in world.asked] == [0.1, 0.2, 1.3, 2.9, 5.25]
        world.says = lambda key, revision: {"rev": "r1"}
        await asyncio.sleep(6.0)
        world.says = lambda key, revision: "pending"
        assert await world.at(400.0) == "r1 60"
        await asyncio.sleep(1.0)
        assert world.plans.find(K1).revision == "r1 60"

    world.run(work)


def test_a_document_nobody_can_use_leaves_the_key_waiting_or_its_last_good_plan() -> None:
    world = World(lambda key, revision: {"rev": "x", "bad": 1} if key == K1 else {"rev": "x", "bug": 1})

    async def work() -> None:
        await world.learn(K1, K2)
        assert world.plans.find(K1) is PENDING
        assert world.plans.find(K2) is PENDING
        world.says = lambda key, revision: {"rev": "r1"}
        await asyncio.sleep(2.0)
        assert world.plans.find(K1).revision == world.plans.find(K2).revision == "r1 60"
        world.says = lambda key, revision: {"rev": "r2", "bad": 1}
        assert await world.at(400.0) == "r1 60"
        assert await world.at(500.0) == "r1 60"
        assert world.kept[K1] == {"rev": "r1"}

    world.run(work)
    assert (K1, "bad: bad member") in world.told
    assert "bug" in world.told


def test_a_state_lives_from_when_it_is_in_force_however_long_compiling_takes() -> None:
    world = World(settings=cached(project_expiry=1.0, project_grace_period=0.0))
    world.compile_s = 5.0

    async def work() -> None:
        world.plans.find(K1)
        await asyncio.sleep(5.6)
        assert world.plans.find(K1).revision == "r1 60"
        await asyncio.sleep(1.0)
        assert world.plans.find(K1) is PENDING

    world.run(work)
    assert world.known == [(5.1, K1)]
