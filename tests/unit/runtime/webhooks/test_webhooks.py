"""Who looks, when, and what a changed setting does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from scrubjay.runtime import webhooks as module
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.standing import Window
from scrubjay.runtime.state import Merged
from scrubjay.runtime.webhooks import Webhooks, start_webhooks
from scrubjay.settings.decisions import Webhooks as Options
from scrubjay.settings.setting import Secret
from support.mini_upstream import Answer, MiniUpstream, mini_upstream

FULL = Window("q", "project 42", time.time() + 3600, 10, 10, window_s=3600, categories=("error",))


class Observer:
    def __init__(self) -> None:
        self.results: list[tuple[str, str]] = []
        self.errors: list[BaseException] = []

    def webhook(self, event_type: str, result: str, detail: str = "") -> None:
        self.results.append((event_type, result))

    def loop_lag(self, seconds: float) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(error)


class Bench:
    """Webhooks, and everything that they see and tell."""

    def __init__(self, server: MiniUpstream) -> None:
        self.server = server
        self.options = Options(url=Secret(f"{server.url}/a"))
        self.windows: list[Window] = []
        self.looks = 0
        self.observer = Observer()
        self.pulse = Pulse(self.observer)
        self.webhooks = Webhooks(lambda: self.options, self.read, self.pulse, self.observer)

    def read(self) -> Merged:
        self.looks += 1
        return Merged([], time.time(), windows=self.windows)

    async def look(self, *windows: Window) -> None:
        self.windows = list(windows)
        await self.webhooks.look()

    async def told(self, results: int) -> None:
        await until(lambda: len(self.observer.results) >= results)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with mini_upstream() as server:
        one = Bench(server)
        yield one
        await one.pulse.stop()
        assert one.observer.errors == []


async def test_what_happens_is_told(bench: Bench) -> None:
    await bench.look()
    await bench.look(FULL)
    await bench.told(1)
    assert bench.observer.results == [("quota.exhausted", "delivered")]
    assert [arrival.path for arrival in bench.server.arrivals] == ["/a"]
    assert "Courier to" in repr(bench.webhooks)


async def test_only_events_that_are_wanted(bench: Bench) -> None:
    bench.options = Options(url=bench.options.url, events=("quota.recovered",))
    await bench.look()
    await bench.look(FULL)
    await bench.look(Window("q", "project 42", FULL.ends_unix + 3600, 1, 10, window_s=3600))
    await bench.told(1)
    assert bench.observer.results == [("quota.recovered", "delivered")]


async def test_without_an_address_nobody_looks(bench: Bench) -> None:
    bench.options = Options()
    await bench.look(FULL)
    assert bench.looks == 0
    bench.options = Options(url=Secret(f"{bench.server.url}/a"))
    await bench.look(FULL)  # as it is when one comes to look
    await bench.look(FULL)
    assert bench.looks == 2
    assert bench.observer.results == []


async def test_another_address_is_told_what_happens_from_then_on(bench: Bench) -> None:
    await bench.look()
    await bench.look(FULL)
    bench.options = Options(url=Secret(f"{bench.server.url}/b"), secret=Secret("s"))
    await bench.look(Window("q", "project 42", FULL.ends_unix + 3600, 1, 10, window_s=3600))
    await bench.told(2)
    assert sorted(arrival.path for arrival in bench.server.arrivals) == ["/a", "/b"]


async def test_everything_ends_with_the_pulse(bench: Bench) -> None:
    bench.server.by_path["/a"] = Answer(hangs=True)
    await bench.look()
    await bench.look(FULL)
    await bench.server.until(lambda: bench.server.arrivals)
    async with asyncio.timeout(30):
        await bench.pulse.stop()
    assert bench.observer.results == [("quota.exhausted", "dropped")]


@pytest.mark.parametrize(("number", "looks"), [(None, True), (0, True), (1, False)])
async def test_one_worker_looks_for_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int | None, looks: bool
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    begun: list[Any] = []
    monkeypatch.setattr(bench.pulse, "once", lambda work, name: begun.append(work))
    start_webhooks(number, lambda: bench.options, bench.read, bench.pulse, bench.observer)
    assert bool(begun) is looks
    if looks:
        await begun[0]()
        await until(lambda: bench.looks >= 3)
