"""When the upstream is asked for which projects, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from scrubjay.core.relays.config_reply import DISABLED, UNCHANGED, WAITING, Enabled, State
from scrubjay.errors import UpstreamError
from scrubjay.runtime.managed.config_fetch import ConfigFetch, FetchOptions, fetch_options
from scrubjay.settings.schema import Settings
from support.simulated_time import now_s, simulated

K1, K2 = "1" * 32, "2" * 32


def documents(body: Any) -> dict[str, object]:
    return {"configs": {key: {"rev": f"of {key}"} for key in body["publicKeys"]}}


class Upstream:
    """Answers by what `says` makes of the body: an answer, an error to raise, or something to wait for."""

    def __init__(self, says: Callable[[Any], Any] = documents, **options: Any) -> None:
        self.says = says
        self.asked: list[tuple[float, Any]] = []
        self.results: list[str] = []
        self.told: list[tuple[float, int, bool]] = []
        self.unreadable: list[str] = []
        self.errors: list[BaseException] = []
        self.fetch = ConfigFetch(FetchOptions(**options), self.ask, self, mono=now_s)

    async def ask(self, route: str, path: str, body: object) -> object:
        assert (route, path) == ("projectconfigs", "/api/0/relays/projectconfigs/?version=3")
        self.asked.append((round(now_s(), 3), body))
        said = self.says(body)
        if callable(said):
            said = said(body)
        if isinstance(said, Awaitable):
            said = await said
        if isinstance(said, BaseException):
            raise said
        return said

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.asked]

    @property
    def sizes(self) -> list[int]:
        return [len(body["publicKeys"]) for _, body in self.asked]

    def config_query(self, result: str, seconds: float) -> None:
        self.results.append(result)

    def configs_failed(self, keys: int, detail: str, *, failing_s: float, is_outage: bool) -> None:
        self.told.append((round(now_s(), 3), keys, is_outage))

    def config_unreadable(self, key: str, problem: str) -> None:
        self.unreadable.append(key)

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(error)


def of(*said: object) -> Callable[[Any], Any]:
    """One after the other; the last stays."""
    left = list(said)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


def run(upstream: Upstream, *keys: str) -> list[State]:
    async def work() -> list[State]:
        states = await asyncio.gather(*(upstream.fetch.want(key, None) for key in keys))
        await upstream.fetch.stop()
        return states

    states = simulated(work())
    assert not upstream.errors
    return states


def test_keys_that_are_wanted_within_a_moment_travel_together() -> None:
    upstream = Upstream()
    first, second = run(upstream, K1, K2)
    assert isinstance(first, Enabled)
    assert isinstance(second, Enabled)
    assert (first.revision, second.revision) == (f"of {K1}", f"of {K2}")
    assert upstream.asked == [
        (0.1, {"publicKeys": [K1, K2], "revisions": [None, None], "fullConfig": False, "noCache": False})
    ]
    assert upstream.results == ["ok"]


def test_all_that_wait_for_a_key_share_one_fetch() -> None:
    upstream = Upstream(of({"unchanged": [K1]}))

    async def work() -> None:
        fetch = upstream.fetch
        assert await asyncio.gather(fetch.want(K1, "r1"), fetch.want(K1, "r1")) == [UNCHANGED, UNCHANGED]
        upstream.says = documents
        first, second = await asyncio.gather(fetch.want(K1, "r1"), fetch.want(K1, "r2"))
        assert isinstance(first, Enabled)
        assert first is second
        await fetch.stop()

    simulated(work())
    assert [body["revisions"] for _, body in upstream.asked] == [["r1"], [None]]


def test_who_comes_while_the_key_is_asked_for_shares_the_answer_if_it_is_to_the_same_question() -> None:
    async def slowly(body: Any) -> object:
        await asyncio.sleep(5.0)
        return documents(body)

    upstream = Upstream(slowly)

    async def work() -> None:
        fetch = upstream.fetch
        first = fetch.want(K1, "r1")
        await asyncio.sleep(1.0)
        again, other, anew = fetch.want(K1, "r1"), fetch.want(K1, "r2"), fetch.want(K1, "r1", no_cache=True)
        assert "1 keys wait, 1 are asked for" in repr(fetch)
        states = await asyncio.gather(first, again, other, anew)
        assert states[0] is states[1]
        assert states[2] is states[3]
        await fetch.stop()

    simulated(work())
    assert [(body["revisions"], body["noCache"]) for _, body in upstream.asked] == [(["r1"], False), ([None], True)]
    assert upstream.times == [0.1, 1.1]


def test_what_is_asked_for_past_the_cache_travels_apart() -> None:
    upstream = Upstream(wants_full=True)

    async def work() -> None:
        await asyncio.gather(upstream.fetch.want(K1, None), upstream.fetch.want(K2, None, no_cache=True))
        await upstream.fetch.stop()

    simulated(work())
    assert [(body["publicKeys"], body["noCache"], body["fullConfig"]) for _, body in upstream.asked] == [
        ([K1], False, True),
        ([K2], True, True),
    ]


def test_operations_56_many_keys_are_split_and_asked_for_at_once() -> None:
    upstream = Upstream()
    keys = [f"{number:032x}" for number in range(1200)]
    assert len(run(upstream, *keys)) == 1200
    assert upstream.times == [0.1, 0.1, 0.1]
    assert upstream.sizes == [500, 500, 200]


def test_no_more_are_asked_for_at_once_than_allowed() -> None:
    async def slowly(body: Any) -> object:
        await asyncio.sleep(1.0)
        return documents(body)

    upstream = Upstream(slowly, batch_size=2, max_queries=2)
    run(upstream, *(f"{number:032x}" for number in range(7)))
    assert list(zip(upstream.times, upstream.sizes, strict=True)) == [(0.1, 2), (0.1, 2), (1.2, 2), (1.2, 1)]


def test_operations_54_two_failures_and_the_third_time_it_works() -> None:
    async def never(body: Any) -> object:
        await asyncio.sleep(5.0)
        raise UpstreamError("timed out")

    upstream = Upstream(of(never, never, documents))
    (state,) = run(upstream, K1)
    assert isinstance(state, Enabled)
    # 0.1, five seconds, a second; five seconds, one and a half.
    assert upstream.times == [0.1, 6.2, 12.8]
    assert upstream.results == ["failed", "failed", "ok"]
    assert upstream.told == [(11.2, 1, False)], "the first failure may be chance"


def test_operations_55_the_pause_grows_until_the_key_is_given_up() -> None:
    upstream = Upstream(of(UpstreamError("500")))
    assert run(upstream, K1) == [WAITING]
    pauses = [round(after - before, 3) for before, after in pairwise(upstream.times)]
    assert upstream.times[0] == 0.1
    assert pauses == [1.1, 1.6, 2.35, 3.475, 5.162, 7.694, 11.491]
    assert upstream.times[-1] >= 30.0 > upstream.times[-2]


def test_a_success_ends_the_pauses() -> None:
    upstream = Upstream(of(UpstreamError("500"), UpstreamError("500"), documents))

    async def work() -> None:
        await upstream.fetch.want(K1, None)
        await upstream.fetch.want(K2, None)
        await upstream.fetch.stop()

    simulated(work())
    assert upstream.times == pytest.approx([0.1, 1.2, 2.8, 2.9])


def test_the_longest_pause_is_bounded_and_long_failures_are_an_outage() -> None:
    upstream = Upstream(of(UpstreamError("500")), timeout_s=600.0, longest_pause_s=20.0)
    run(upstream, K1)
    last = upstream.times[-3:]
    assert [round(after - before, 3) for before, after in pairwise(last)] == [20.1, 20.1]
    assert [is_outage for at_s, _, is_outage in upstream.told] == [
        at_s - upstream.times[0] >= 90.0 for at_s, _, _ in upstream.told
    ]
    assert {is_outage for _, _, is_outage in upstream.told} == {True, False}


def test_one_success_in_a_cycle_ends_the_pauses() -> None:
    def says(body: Any) -> object:
        return UpstreamError("500") if body["publicKeys"] == [K2] and now_s() < 3.0 else documents(body)

    upstream = Upstream(says, batch_size=1)
    run(upstream, K1, K2)
    pauses = {round(after - before, 3) for before, after in pairwise(upstream.times[2:])}
    assert upstream.times[:3] == [0.1, 0.1, 0.2], "K1 was answered"
    assert 1.1 in pauses, "then K2 alone failed"


def test_a_key_that_comes_while_others_fail_waits_its_turn() -> None:
    upstream = Upstream(of(UpstreamError("500"), UpstreamError("500"), {"configs": {}}))

    async def work() -> None:
        first = upstream.fetch.want(K1, None)
        await asyncio.sleep(0.5)
        assert await asyncio.gather(first, upstream.fetch.want(K2, None)) == [DISABLED, DISABLED]
        await upstream.fetch.stop()

    simulated(work())
    assert list(zip(upstream.times, upstream.sizes, strict=True)) == [(0.1, 1), (1.2, 2), (2.8, 2)]


def test_cycles_that_fail_at_the_same_time_count_once() -> None:
    async def never(body: Any) -> object:
        await asyncio.sleep(5.0)
        raise UpstreamError("timed out")

    upstream = Upstream(never, timeout_s=1.0)

    async def work() -> None:
        first = upstream.fetch.want(K1, None)
        await asyncio.sleep(2.0)
        await asyncio.gather(first, upstream.fetch.want(K2, None))
        assert "1 failures" in repr(upstream.fetch)
        await upstream.fetch.stop()

    simulated(work())
    assert upstream.times == [0.1, 2.1]


def test_a_failed_key_that_is_wanted_otherwise_meanwhile_is_asked_for_without_a_revision() -> None:
    async def fails(body: Any) -> object:
        await asyncio.sleep(5.0)
        raise UpstreamError("timed out")

    upstream = Upstream(of(fails, documents), max_queries=1)

    async def work() -> None:
        first = upstream.fetch.want(K1, "r1")
        await asyncio.sleep(1.0)
        states = await asyncio.gather(first, upstream.fetch.want(K1, "r2"))
        assert states[0] is states[1]
        await upstream.fetch.stop()

    simulated(work())
    assert [body["revisions"] for _, body in upstream.asked] == [["r1"], [None]]


@pytest.mark.parametrize("reply", [None, [], "text", {"configs": []}, {"pending": {}}])
def test_an_answer_that_is_none_is_a_failure(reply: object) -> None:
    upstream = Upstream(of(reply, {"configs": {}}))
    assert run(upstream, K1) == [DISABLED]
    assert upstream.results == ["failed", "ok"]


def test_what_is_wrong_with_one_entry_is_told_and_costs_no_other() -> None:
    upstream = Upstream(of({"configs": {K1: 7, K2: None}}))
    assert run(upstream, K1, K2) == [WAITING, DISABLED]
    assert upstream.unreadable == [K1]


def test_a_bug_is_told_and_ends_nothing() -> None:
    upstream = Upstream(of(RuntimeError("bug"), {"configs": {}}))

    async def work() -> State:
        state = await upstream.fetch.want(K1, None)
        await upstream.fetch.stop()
        return state

    assert simulated(work()) is DISABLED
    assert [str(error) for error in upstream.errors] == ["bug"]


def test_who_has_gone_is_not_answered_and_stop_cancels_the_rest() -> None:
    async def never(body: Any) -> object:
        await asyncio.sleep(3600.0)
        return {}

    upstream = Upstream(of({"configs": {}}))

    async def work() -> None:
        gone, there = upstream.fetch.want(K1, None), upstream.fetch.want(K1, None)
        gone.cancel()
        assert await there is DISABLED
        upstream.says = never
        asked = upstream.fetch.want(K1, None)
        await asyncio.sleep(1.0)
        upstream.fetch.reconfigure(FetchOptions(batch_interval_s=50.0))
        queued = upstream.fetch.want(K2, None)
        await upstream.fetch.stop()
        assert (asked.cancelled(), queued.cancelled()) == (True, True)

    simulated(work())


def test_options_are_those_of_the_settings() -> None:
    assert fetch_options(Settings()) == FetchOptions()
