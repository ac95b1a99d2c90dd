"""Waiting for what is still to come: `/wait` and `/assert` (`capture.md` 9.3, 9.4).

Whoever waits is woken by what happens, never by a clock but its own end, and looks only at what it has not seen: many can wait for long
while much arrives. Invariant: nobody waits beyond its time and its quiet period, nor beyond the end of the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from scrubjay.core.capture.expectations import Assertion, Trial
from scrubjay.core.capture.near import Miss
from scrubjay.core.capture.query import Query
from scrubjay.core.capture.select import Selection
from scrubjay.core.capture.store import Captured, Found
from scrubjay.core.capture.verdicts import report
from scrubjay.runtime.capturing.looking import Look, look_through, nearest_misses
from scrubjay.runtime.capturing.sink import CaptureSink


@dataclass(frozen=True, slots=True)
class _State:
    """How it stands. `count` changes whenever a further record matches, which begins the quiet period anew."""

    reached: bool
    lost: bool
    count: int


class _Gathering:
    """The records that match, as they arrive; of those that the answer has no room for only the number."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.restart()

    def restart(self) -> None:
        is_ascending = self._query.order == "asc"
        self._kept: deque[Found] = deque(maxlen=None if is_ascending else self._query.limit)
        self.matched = self.total = 0

    def look(self, founds: Sequence[Found]) -> None:
        self.total += len(founds)
        for found in founds:
            if self._query.matches(found):
                self.matched += 1
                if self._query.order == "desc" or len(self._kept) < self._query.limit:
                    self._kept.append(found)

    def answer(self) -> dict[str, object]:
        shown = Selection(replace(self._query, conditions=(), cursor=""))
        is_newest_first = self._query.order == "desc"
        shown.look(sorted(self._kept, key=lambda found: found.captured.id, reverse=is_newest_first))
        more = self.matched > len(self._kept)
        return {"events": shown.answer()["events"], "more": more, "matched": self.matched, "total": self.total}


async def wait(sink: CaptureSink, query: Query) -> dict[str, object]:
    """Returns when `query.count` records match and it is quiet, when that is hopeless, or when the time is over."""
    gathering = _Gathering(query)

    def state() -> _State:
        lost = query.exactly and gathering.matched > query.count
        return _State(gathering.matched >= query.count and not lost, lost, gathering.matched)

    follower = _Follower(
        sink, gathering.look, gathering.restart, costly=query.looks_inside, needs_reports=query.needs_reports
    )
    waited_s = await _until(sink, follower.update, state, query.timeout_s, query.settle_s)
    now = state()
    answer = {"satisfied": now.reached, "waited_ms": round(waited_s * 1000)} | gathering.answer()
    if now.reached:
        return answer
    near = [] if now.lost else await nearest_misses(sink, query)
    return answer | {"near_misses": [miss.document() for miss in near]}


async def judge(sink: CaptureSink, assertion: Assertion) -> dict[str, object]:
    """The report on an assertion, as soon as it holds and it is quiet, cannot hold any more, or the time is over."""
    trials = [Trial(expectation) for expectation in assertion.expectations]

    def look(founds: Sequence[Found]) -> None:
        for trial in trials:
            trial.look(founds)

    def restart() -> None:
        for trial in trials:
            trial.restart()

    def state() -> _State:
        return _State(
            all(trial.passed for trial in trials),
            any(trial.doomed for trial in trials),
            sum(trial.matched for trial in trials),
        )

    follower = _Follower(sink, look, restart, costly=True, needs_reports=assertion.needs_reports)
    waited_s = await _until(sink, follower.update, state, assertion.within_s, assertion.settle_s)
    near: dict[int, list[Miss]] = {}
    for place, trial in enumerate(trials):
        if trial.matched < trial.expectation.least:
            near[place] = await nearest_misses(sink, trial.expectation.query)
    return report(trials, near, waited_s)


class _Follower:
    """Shows what arrived since the last time, in the order of its arrival; all that is kept, when what was seen last is gone."""

    def __init__(
        self, sink: CaptureSink, look: Look, restart: Callable[[], None], *, costly: bool, needs_reports: bool
    ) -> None:
        self._sink = sink
        self._look = look
        self._restart = restart
        self._costly = costly
        self._needs_reports = needs_reports
        self._seen = ""

    async def update(self) -> None:
        fresh = self._fresh()
        if self._needs_reports:
            await self._sink.examined()
        founds = [Found(captured, record) for captured in fresh for record in captured.records]
        await look_through(founds, self._look, costly=self._costly)

    def _fresh(self) -> list[Captured]:
        store = self._sink.store
        fresh = store.after(self._seen) if self._seen else None
        if fresh is None:
            self._restart()
            fresh = list(store.newest_first())[::-1]
            self._seen = ""
        if fresh:
            self._seen = fresh[-1].id
        return fresh


async def _until(
    sink: CaptureSink,
    update: Callable[[], Awaitable[None]],
    state: Callable[[], _State],
    timeout_s: float,
    settle_s: float,
) -> float:
    """Seconds that passed. The quiet period may end after the time is over, by no more than itself."""
    clock = asyncio.get_running_loop().time
    start_mono = clock()
    deadline_mono = start_mono + timeout_s
    quiet_mono: float | None = None
    count = -1
    async with sink.arrivals() as happened:
        while True:
            happened.clear()
            await update()
            now, now_mono = state(), clock()
            if not now.reached:
                quiet_mono = None
            elif quiet_mono is None or now.count != count:
                quiet_mono = min(now_mono, deadline_mono) + settle_s
            count = now.count
            end_mono = deadline_mono if quiet_mono is None else quiet_mono
            if now.lost or now_mono >= end_mono or sink.is_closed:
                return now_mono - start_mono
            with suppress(TimeoutError):
                async with asyncio.timeout(end_mono - now_mono):
                    await happened.wait()
