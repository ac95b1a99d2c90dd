"""What happens once in a while: named background work that neither stops nor fails in silence.

Owns the rhythm, and measures by it how late the event loop is. What is done is the caller's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from scrubjay.runtime.tasks import Tasks

Work = Callable[[], Awaitable[None] | None]
Interval = float | Callable[[], float]
"""Seconds; asked anew before each beat where a reload may change them."""


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def loop_lag(self, seconds: float) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


_GRID_S: Final = 0.5
"""Work that comes no oftener falls together: an idle process then wakes up twice a second, whatever it has to look after."""


class Pulse:
    """All regular work of one owner."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._tasks = Tasks(observer.internal_error)
        self._phase_mono = time.monotonic()

    def every(self, interval: Interval, work: Work, name: str) -> None:
        """Runs `work` from now on; a beat that fails is reported, and the next one comes."""
        self._tasks.start(f"every-{name}", self._beat(interval, work, name))

    def once(self, work: Work, name: str) -> None:
        """Runs `work` now, beside everything else."""
        self._tasks.start(name, self._do(work, name))

    async def stop(self) -> None:
        await self._tasks.stop()

    async def _beat(self, interval: Interval, work: Work, name: str) -> None:
        while True:
            interval_s = interval() if callable(interval) else interval
            due_mono = time.monotonic() + interval_s
            if interval_s >= _GRID_S:
                due_mono = on_grid(due_mono, self._phase_mono)
            await asyncio.sleep(due_mono - time.monotonic())
            self._observer.loop_lag(max(0.0, time.monotonic() - due_mono))
            await self._do(work, name)

    async def _do(self, work: Work, name: str) -> None:
        try:
            waiting = work()
            if waiting is not None:
                await waiting
        except Exception as error:  # noqa: BLE001  one failing pulse ends neither the others nor itself
            self._observer.internal_error(name, error)

    def __repr__(self) -> str:
        return f"<Pulse {self._tasks!r}>"


def on_grid(due_mono: float, phase_mono: float) -> float:
    """The moment next to `due_mono` at which others are awake too. Each process has a phase of its own: not all of a machine wake up at once."""
    return phase_mono + round((due_mono - phase_mono) / _GRID_S) * _GRID_S
