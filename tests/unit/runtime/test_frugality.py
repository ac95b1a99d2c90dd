"""What a process does to stay small."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest
import uvloop

from scrubjay.runtime import frugality
from scrubjay.runtime.frugality import give_back, open_loop, settle
from scrubjay.settings.load import build


class Libc:
    """An allocator that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, ...]] = []

    def mallopt(self, option: int, value: int) -> None:
        self.told.append((option, value))

    def malloc_trim(self, left: int) -> None:
        self.told.append((left,))


@pytest.fixture
def libc(monkeypatch: pytest.MonkeyPatch) -> Libc:
    made = Libc()
    monkeypatch.setattr(frugality, "_libc", made)
    return made


async def busy_threads() -> set[str]:
    """The threads that took part in eight pieces of work at once."""

    def work() -> str:
        time.sleep(0.01)
        return threading.current_thread().name

    return set(await asyncio.gather(*[asyncio.to_thread(work) for _ in range(8)]))


def test_a_sidecar_has_one_thread_and_an_allocator_that_keeps_little(libc: Libc) -> None:
    settings = build({"relay.profile": "sidecar"})
    with asyncio.Runner(loop_factory=lambda: open_loop(settings)) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop)
        assert runner.run(busy_threads()) == {"heavy_0"}
    assert sorted(libc.told) == [(-8, 1), (-3, 65536), (-1, 131072)]


def test_other_profiles_are_left_as_they_are(libc: Libc) -> None:
    with asyncio.Runner(loop_factory=lambda: open_loop(build({}))) as runner:
        assert len(runner.run(busy_threads())) > 1
    assert libc.told == []


def test_what_was_built_is_not_looked_at_again(libc: Libc) -> None:
    before = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
    assert libc.told == [(0,)]


def test_other_allocators_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frugality, "_libc", object())
    give_back()
    open_loop(build({"relay.profile": "sidecar"})).close()
