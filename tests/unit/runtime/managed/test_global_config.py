"""What goes for all projects: asked for again and again, and waited for only so long. In simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from scrubjay.errors import UpstreamError
from scrubjay.runtime.managed.global_config import GlobalPoll, Shared
from scrubjay.settings.global_config import NOTHING_SHARED
from scrubjay.settings.schema import Settings
from support.simulated_time import now_s, simulated

READY: dict[str, object] = {"global": {"quotas": [{"id": "q"}], "options": {"relay.new": 1}}, "globalStatus": "ready"}


class World:
    """An upstream that says one thing after the other; the last stays."""

    def __init__(self, *says: object, known: dict[str, Any] | None = None) -> None:
        self.says = list(says)
        self.asked: list[float] = []
        self.shared: list[tuple[float, Shared]] = []
        self.results: list[str] = []
        self.failures: list[float] = []
        self.problems: list[str] = []
        self.errors: list[str] = []
        self.breaks = False
        self.known = known

    def run(self, work: Callable[[GlobalPoll], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            poll = GlobalPoll(Settings(), self.ask, self, self.on_shared, mono=now_s)
            await poll.start(self.known)
            await work(poll)
            await poll.stop()

        simulated(whole())

    def run_for(self, seconds: float) -> None:
        self.run(lambda poll: asyncio.sleep(seconds))

    async def ask(self, route: str, path: str, body: object) -> object:
        assert body == {"global": True, "publicKeys": []}
        self.asked.append(now_s())
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if said == "nothing":
            await asyncio.sleep(3600.0)
        if isinstance(said, Exception):
            raise said
        return said

    async def on_shared(self, shared: Shared) -> None:
        self.shared.append((now_s(), shared))
        if self.breaks:
            raise RuntimeError("bug")

    def global_fetched(self, result: str) -> None:
        self.results.append(result)

    def global_failed(self, detail: str, failing_s: float) -> None:
        self.failures.append(failing_s)

    def project_problem(self, project: str, problem: str, kind: str) -> None:
        self.problems.append(problem)

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(str(error))


def test_it_is_asked_for_every_ten_seconds_and_told_if_it_is_new() -> None:
    world = World(READY, READY, {"global": {}}, {"global": {}})
    world.run_for(35.0)
    assert world.asked == [0.0, 10.0, 20.0, 30.0]
    (first_s, first), (second_s, second) = world.shared
    assert (first_s, second_s) == (0.0, 20.0)
    assert first.config.quotas == ({"id": "q"},)
    assert first.document == READY["global"], "what is unknown is kept for others"
    assert second == Shared(NOTHING_SHARED, {})
    assert world.results == ["ready"] * 4


def test_operations_58_while_the_upstream_works_it_out_nothing_of_it_is_used() -> None:
    pending = {**READY, "globalStatus": "pending"}
    world = World(pending, pending, READY)
    world.run_for(9.0)
    assert world.asked == [0.0, 1.0, 2.5]
    assert [time for time, _ in world.shared] == [2.5]
    assert world.results == ["pending", "pending", "ready"]


def test_nobody_waits_longer_than_half_a_minute() -> None:
    world = World({"globalStatus": "pending"})
    world.run_for(95.0)
    assert world.shared == [(30.0, Shared())]
    assert len(world.asked) > 9, "it is still asked for"


def test_what_comes_late_still_counts() -> None:
    world = World("nothing")

    async def work(poll: GlobalPoll) -> None:
        assert repr(poll) == "<GlobalPoll waiting>"
        await asyncio.sleep(31.0)
        world.says = [READY]
        await asyncio.sleep(3000.0)
        assert repr(poll) == "<GlobalPoll settled>"

    world.run(work)
    assert [shared.document for _, shared in world.shared] == [None]
    late = World({"globalStatus": "pending"})

    async def later(poll: GlobalPoll) -> None:
        await asyncio.sleep(40.0)
        late.says = [READY]
        await asyncio.sleep(10.0)

    late.run(later)
    assert [shared.document for _, shared in late.shared] == [None, READY["global"]]


def test_failures_are_told_when_they_last() -> None:
    world = World(UpstreamError("away"))
    world.run_for(60.0)
    assert set(world.results) == {"failed"}
    assert world.failures
    assert min(world.failures) >= 35.0
    assert len(world.failures) < len(world.results)


def test_what_is_no_answer_is_a_failure_and_a_bug_ends_nothing() -> None:
    world = World([], RuntimeError("bug"), {"global": {"filters": 1, "quotas": 2}})
    world.run_for(5.0)
    assert world.errors == ["bug"]
    assert [shared for _, shared in world.shared] == [Shared(NOTHING_SHARED, {"filters": 1, "quotas": 2})]
    assert len(world.problems) == 2


def test_who_cannot_take_it_ends_nothing() -> None:
    world = World(READY)
    world.breaks = True
    world.run_for(15.0)
    assert (world.errors, len(world.asked)) == (["bug"] * 2, 2)
    assert [time for time, _ in world.shared] == [0.0, 10.0], "it is told again, since nobody has it"


def test_what_was_known_before_counts_at_once() -> None:
    world = World("nothing", known={"quotas": [{"id": "q"}]})
    world.run_for(100.0)
    assert [(time, shared.config.quotas) for time, shared in world.shared] == [(0.0, ({"id": "q"},))]


def test_another_interval_counts_from_the_next_question() -> None:
    world = World(READY)

    async def work(poll: GlobalPoll) -> None:
        settings = Settings()
        await asyncio.sleep(5.0)
        poll.reconfigure(replace(settings, cache=replace(settings.cache, global_config_fetch_interval=2.0)))
        await asyncio.sleep(10.0)

    world.run(work)
    assert world.asked == [0.0, 10.0, 12.0, 14.0]
