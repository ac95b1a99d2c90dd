"""Regular work: it comes again, and survives its own failures."""

from __future__ import annotations

import asyncio
import time

import pytest

from scrubjay.runtime.pulse import Pulse, on_grid


class Observer:
    def __init__(self) -> None:
        self.lags: list[float] = []
        self.errors: list[tuple[str, BaseException]] = []

    def loop_lag(self, seconds: float) -> None:
        self.lags.append(seconds)

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append((place, error))


async def test_a_beat_that_fails_is_told_and_the_next_one_comes() -> None:
    observer, beats, enough = Observer(), [], asyncio.Event()

    def work() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise RuntimeError("boom")
        enough.set()

    pulse = Pulse(observer)
    pulse.every(0.0, work, "work")
    await enough.wait()
    assert repr(pulse) == "<Pulse <Tasks ['every-work']>>"
    await pulse.stop()
    assert [(place, str(error)) for place, error in observer.errors] == [("work", "boom")]
    assert len(observer.lags) == len(beats) >= 2
    assert min(observer.lags) >= 0


async def test_a_rhythm_may_change() -> None:
    intervals, enough = iter([0.0, 0.0, 3600.0]), asyncio.Event()
    pulse = Pulse(Observer())
    beats: list[int] = []

    def work() -> None:
        beats.append(1)
        if len(beats) == 2:
            enough.set()

    pulse.every(lambda: next(intervals), work, "work")
    await enough.wait()
    await asyncio.sleep(0)
    await pulse.stop()
    assert len(beats) == 2


async def test_work_may_wait_and_may_be_wanted_once() -> None:
    observer, done = Observer(), asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    pulse = Pulse(observer)
    pulse.once(work, "once")
    await done.wait()
    await pulse.stop()
    assert observer.errors == []
    assert observer.lags == []


async def test_stopping_waits_for_what_runs() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    pulse = Pulse(Observer())
    pulse.once(work, "endless")
    await asyncio.sleep(0)
    await pulse.stop()
    assert ended == [1]


@pytest.mark.parametrize(
    ("due_mono", "moment"),
    [(10.2, 10.2), (10.21, 10.2), (10.44, 10.2), (10.46, 10.7), (10.7, 10.7), (1010.3, 1010.2)],
)
def test_beats_fall_together(due_mono: float, moment: float) -> None:
    """Whatever is due is next to a moment of the grid by less than a quarter of a second, before it or after it."""
    assert on_grid(due_mono, 3.2) == pytest.approx(moment)


async def test_beats_of_the_grid_come_whole_steps_apart() -> None:
    observer, moments, enough = Observer(), [], asyncio.Event()

    def work() -> None:
        moments.append(time.monotonic())
        if len(moments) == 2:
            enough.set()

    pulse = Pulse(observer)
    pulse.every(0.5, work, "work")
    await enough.wait()
    await pulse.stop()
    first, second = (moment - lag for moment, lag in zip(moments, observer.lags, strict=True))
    steps = (second - first) / 0.5
    assert round(steps) >= 1
    assert steps == pytest.approx(round(steps), abs=0.1)
