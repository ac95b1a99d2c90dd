"""Answers that are remembered, and work that others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from scrubjay.runtime.gateway.once import GivenUp, Once

pytestmark = pytest.mark.asyncio
Answer = TypeVar("Answer")


def started(work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
    return asyncio.get_running_loop().create_task(work, name="one of several")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Counts how often it is done, and can be held up."""

    def __init__(self, answer: str = "done", error: BaseException | None = None) -> None:
        self.times = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._answer = answer
        self._error = error

    async def __call__(self) -> str:
        self.times += 1
        await self.gate.wait()
        if self._error is not None:
            raise self._error
        return self._answer


async def test_what_was_done_is_not_done_again() -> None:
    once: Once[int, str] = Once(10)
    work = Work()
    assert await once.run(1, work) == ("done", True)
    assert await once.run(1, work) == ("done", False)
    assert await once.run(2, work) == ("done", True)
    assert work.times == 2
    assert repr(once) == "<Once 2 done, 0 running>"


async def test_others_wait_for_who_is_at_it() -> None:
    once: Once[int, str] = Once(10)
    work = Work()
    work.gate.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(once.run(1, work)) for _ in range(3)]
        await asyncio.sleep(0)
        work.gate.set()
    assert [task.result() for task in tasks] == [("done", True), ("done", False), ("done", False)]
    assert work.times == 1


async def test_a_failure_is_shared_and_forgotten() -> None:
    once: Once[int, str] = Once(10)
    work = Work(error=ValueError("no"))
    work.gate.clear()
    tasks = [started(once.run(1, work)) for _ in range(2)]
    await asyncio.sleep(0)
    work.gate.set()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, ValueError)
    assert await once.run(1, Work("better")) == ("better", True)


async def test_who_is_stopped_leaves_the_others_without_an_answer() -> None:
    once: Once[int, str] = Once(10)
    work = Work()
    work.gate.clear()
    first, second = started(once.run(1, work)), started(once.run(1, work))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(GivenUp):
        await second
    assert await once.run(1, Work()) == ("done", True)


async def test_who_waits_and_is_stopped_stops_nobody() -> None:
    once: Once[int, str] = Once(10)
    work = Work()
    work.gate.clear()
    first, second = started(once.run(1, work)), started(once.run(1, work))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await first == ("done", True)


async def test_answers_that_are_not_final_are_given_once() -> None:
    once: Once[int, str] = Once(10, keeps=lambda answer: answer == "done")
    assert await once.run(1, Work("later")) == ("later", True)
    assert await once.run(1, Work()) == ("done", True)


async def test_the_oldest_are_forgotten_first() -> None:
    clock = Clock()
    once: Once[int, str] = Once(3, keep_s=10, now_mono=clock)
    for key in range(5):
        once.note(key, str(key))
    assert [key for key in range(5) if once.find(key) is not None] == [2, 3, 4]
    clock.now = 5.0
    once.note(9, "9")
    once.note(4, "another")
    clock.now = 11.0
    assert once.find(4) is None, "noting it again does not renew it"
    assert (once.find(9), len(once)) == ("9", 1)


async def test_answers_together_weigh_no_more_than_allowed() -> None:
    once: Once[int, str] = Once(100, most_bytes=10, size_of=len)
    for key in range(4):
        once.note(key, "1234")
    assert len(once) == 2
    once.note(7, "x" * 50)
    assert (once.find(7), len(once)) == ("x" * 50, 1), "one alone may be larger"
    once.note(8, "y")
    assert (once.find(8), len(once)) == ("y", 1)
