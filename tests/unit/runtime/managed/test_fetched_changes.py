"""What takes the place of what is known of fetched projects, and what ends it, in simulated time."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from scrubjay.core.plan import PENDING
from scrubjay.core.relays.config_reply import Enabled
from scrubjay.errors import UpstreamError
from scrubjay.runtime.managed import fetched
from scrubjay.runtime.managed.fetched import DISABLED_PLAN
from scrubjay.settings.global_config import NOTHING_SHARED
from support.fetched_world import K1, K2, SETTINGS, World, cached


def test_a_project_that_was_seen_enabled_is_disabled_by_the_second_answer() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1)
        world.says = lambda key, revision: None
        assert await world.at(310.0) == "r1 60"
        assert await world.at(360.0) == "r1 60", "it may have been a hiccup"
        assert await world.at(372.0) == "r1 60"
        assert await world.at(373.0) == "disabled"
        assert world.kept == {}
        world.says = lambda key, revision: {"rev": "r1"}
        assert await world.at(700.0) == "disabled"
        assert await world.at(701.0) == "r1 60"

    world.run(work)
    assert [time for time, _, _ in world.asked] == [0.1, 310.1, 372.1, 700.1]
    assert [time for time, _ in world.known] == [0.1, 372.1, 700.1]


def test_a_hiccup_disables_nobody() -> None:
    world = World()

    async def work() -> None:
        await world.learn(K1)
        world.says = lambda key, revision: None
        await world.at(310.0)
        await world.at(311.0)
        world.says = lambda key, revision: "unchanged"
        await world.at(375.0)
        await world.at(376.0)
        world.says = lambda key, revision: None
        assert await world.at(690.0) == "r1 60"
        assert await world.at(691.0) == "r1 60", "again the first of two"

    world.run(work)


def test_what_is_refreshed_is_kept_no_longer_for_it() -> None:
    world = World(settings=cached(project_refresh_interval=350.0))

    async def work() -> None:
        await world.learn(K1)
        world.says = lambda key, revision: {"rev": "r2"}
        for _ in range(90):
            await asyncio.sleep(5.0)
            world.plans.sweep()

    world.run(work)
    assert [round(time, 1) for time, _, _ in world.asked] == [0.1, 350.6]
    assert world.evicted == 1


def test_who_uses_what_is_being_refreshed_keeps_it() -> None:
    world = World(settings=cached(project_refresh_interval=350.0))

    async def work() -> None:
        await world.learn(K1)
        await asyncio.sleep(360.0)
        world.plans.sweep()
        assert world.plans.find(K1).revision == "r1 60"
        assert await world.at(500.0) == "r1 60"

    world.run(work)
    assert len(world.asked) == 2


def test_a_refresh_interval_outside_the_grace_period_does_not_count() -> None:
    world = World(settings=cached(project_refresh_interval=300.0))

    async def work() -> None:
        await world.learn(K1)
        await asyncio.sleep(410.0)
        world.plans.sweep()
        await asyncio.sleep(1.0)

    world.run(work)
    assert len(world.asked) == 1


def test_a_key_that_nobody_asks_for_is_asked_for_no_more_unless_something_waits() -> None:
    world = World(lambda key, revision: "pending")
    world.awaited = {K1}

    async def work() -> None:
        await world.learn(K1, K2)
        await asyncio.sleep(600.0)
        world.plans.sweep()
        assert world.counts == (0, 0, 1, 0.0)
        world.awaited = set()
        await asyncio.sleep(100.0)
        world.plans.sweep()
        assert world.counts == (0, 0, 0, 0.0)

    world.run(work)
    assert world.evicted == 2


def test_of_more_keys_than_may_wait_the_last_are_asked_for_when_others_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetched, "MAX_WAITING", 3)
    world = World(lambda key, revision: UpstreamError("away"))

    async def work() -> None:
        for number in range(3):
            world.plans.find(f"{number:032x}")
        assert world.plans.find(K1) is PENDING
        await asyncio.sleep(1.0)
        assert K1 not in {key for _, key, _ in world.asked}
        assert world.plans.find(f"{0:032x}") is PENDING
        world.says = lambda key, revision: None
        await asyncio.sleep(10.0)
        assert world.plans.find(K1) is PENDING
        await asyncio.sleep(1.0)
        assert K1 in {key for _, key, _ in world.asked}

    world.run(work)


def test_no_more_refused_keys_are_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_DISABLED", 3)
    world = World(lambda key, revision: None)

    async def work() -> None:
        keys = [f"{number:032x}" for number in range(5)]
        await world.learn(*keys)
        assert [world.plans.peek(key).revision for key in keys] == ["pending"] * 2 + ["disabled"] * 3
        world.plans.sweep()
        assert world.counts == (0, 3, 0, 0.0)
        world.says = lambda key, revision: {"rev": "r1"}
        await world.learn(keys[0])
        assert world.plans.peek(keys[0]).revision == "r1 60"

    world.run(work)
    assert len(world.known) == 6


def test_an_answer_about_a_key_that_was_forgotten_meanwhile_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_DISABLED", 2)
    world = World(lambda key, revision: None)

    async def work() -> None:
        keys = [f"{number:032x}" for number in range(6)]
        await world.learn(*keys[:2])
        await asyncio.sleep(301.0)
        await world.learn(keys[2], keys[0])  # the former's answer comes first, and the latter is the oldest
        assert repr(world.plans) == "<FetchedPlans 2 keys, 0 pending, 2 refused>"
        await world.learn(*keys[3:])
        assert repr(world.plans) == "<FetchedPlans 2 keys, 0 pending, 2 refused>"
        assert [key for _, key in world.known] == keys

    world.run(work)


def test_a_plan_for_a_key_that_was_forgotten_meanwhile_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_DISABLED", 1)
    world = World(lambda key, revision: None)
    world.compile_s = 1.0

    async def work() -> None:
        await world.learn(K1)
        await asyncio.sleep(301.0)
        world.says = lambda key, revision: {"rev": "r1"} if key == K1 else None
        await world.learn(K1)
        await world.learn(K2)  # K1 is the one refused for longest, and its plan is being made
        await asyncio.sleep(1.0)
        assert repr(world.plans) == "<FetchedPlans 1 keys, 0 pending, 1 refused>"
        assert [key for _, key in world.known] == [K1, K2]
        assert K1 not in world.kept

    world.run(work)


def test_before_what_goes_for_all_is_known_only_refusals_count() -> None:
    world = World(lambda key, revision: {"rev": "r1"} if key == K1 else None)

    async def work() -> None:
        await world.learn(K1, K2)
        assert world.plans.find(K1) is world.plans.peek(K1) is PENDING
        assert isinstance(world.plans.document_of(K1), Enabled)
        assert world.plans.find(K2) is DISABLED_PLAN
        assert world.known == [(0.1, K2)]
        await world.plans.share(NOTHING_SHARED, {"quotas": []})
        assert world.plans.shared_document == {"quotas": []}
        assert world.plans.find(K1).revision == "r1 60"
        assert [key for _, key in world.known] == [K2, K1]

    world.run(work, is_open=False)


def test_other_settings_make_other_plans_and_what_fails_stays_as_it_was() -> None:
    world = World()
    other = replace(SETTINGS, limits=replace(SETTINGS.limits, bare_429=7))

    async def work() -> None:
        await world.learn(K1, K2)
        before = world.plans.find(K1)
        await world.plans.recompile(SETTINGS, {})
        assert world.plans.find(K1) is before
        assert len(world.compiled) == 2, "nothing changed"
        await world.plans.recompile(other, {K2: "over it"})  # type: ignore[dict-item]
        assert (world.plans.find(K1).revision, world.plans.find(K2).revision) == ("r1 7", "r1 7 over it")
        world.plans._entries[K1].document = {"rev": "r1", "bad": 1}
        await world.plans.recompile(SETTINGS, {})
        assert (world.plans.find(K1).revision, world.plans.find(K2).revision) == ("r1 7", "r1 60")

    world.run(work)
    assert [key for _, key in world.known] == [K1, K2, K1, K2, K2]


def test_what_was_kept_is_stale_and_in_use_at_once() -> None:
    world = World(lambda key, revision: "unchanged")

    async def work() -> None:
        await world.plans.restore({K1: {"rev": "r1"}, K2: {"rev": "r1", "bad": 1}})
        assert world.plans.find(K1).revision == "r1 60"
        assert world.plans.peek(K2) is PENDING
        await asyncio.sleep(0.5)
        assert world.asked == [(0.1, K1, "r1")]
        assert world.plans.find(K1).revision == "r1 60"
        assert world.kept == {K1: {"rev": "r1"}}, "whoever keeps it learns that it is in use"

    world.run(work)
    assert world.told == [(K2, "bad: bad member")]


def test_more_may_be_kept_than_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_WAITING", 2)
    world = World()

    async def work() -> None:
        await world.plans.restore({f"{number:032x}": {"rev": "r1"} for number in range(5)})
        world.plans.sweep()
        assert world.counts[:3] == (5, 0, 0)

    world.run(work)


def test_what_is_asked_for_already_is_not_taken_from_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_WAITING", 1)
    world = World(lambda key, revision: UpstreamError("away"))

    async def work() -> None:
        world.plans.find(K1)
        await world.plans.restore({K1: {"rev": "r1"}, K2: {"rev": "r1"}})
        assert world.plans.peek(K1) is world.plans.peek(K2) is PENDING

    world.run(work)
    assert world.compiled == []


def test_what_was_asked_when_everything_stops_is_not_asked_again() -> None:
    world = World(lambda key, revision: "pending")

    async def work() -> None:
        await world.learn(K1)
        await world.plans.stop()
        await asyncio.sleep(100.0)

    world.run(work)
    assert len(world.asked) == 2


def test_a_refusal_that_is_confirmed_is_no_news() -> None:
    world = World(lambda key, revision: None)

    async def work() -> None:
        await world.learn(K1)
        assert await world.at(310.0) == "disabled"
        assert await world.at(311.0) == "disabled"

    world.run(work)
    assert [time for time, _, _ in world.asked] == [0.1, 310.1]
    assert [time for time, _ in world.known] == [0.1]


def test_what_is_compiled_already_is_not_compiled_twice_for_other_settings() -> None:
    world = World()
    other = replace(SETTINGS, limits=replace(SETTINGS.limits, bare_429=7))

    async def work() -> None:
        await world.learn(K1)
        world.says = lambda key, revision: {"rev": "r2"}
        document = {"rev": "r2"}
        world.lane.submit(K1, document, None, lambda plan: None)
        await world.plans.recompile(other, {})
        assert world.plans.find(K1).revision == "r1 60"

    world.run(work)
    assert world.compiled == [K1, K1]
