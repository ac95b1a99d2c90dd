"""Looks closer at what was captured, in the background: the exact report of each item, and what it still holds (`capture.md` 8).

Examining costs three times what scrubbing does, so it happens in a thread, one envelope at a time, when nothing has arrived for a moment;
beside forwarding it rests nine times as long as it works. What somebody asks for goes first. What waits for it is bounded: of what is too much the scrubbed form alone is looked at, and what is
evicted meanwhile not at all. Originals wait packed, and go when they were looked at.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from scrubjay.core.capture.examination import examine, examine_left
from scrubjay.core.capture.item import Packed
from scrubjay.core.capture.report import Mode, Report
from scrubjay.core.capture.store import Captured, CaptureStore
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import ItemKind
from scrubjay.core.ledger import Account
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.runtime.capturing.showing import Rules, Showing, occasion_of
from scrubjay.runtime.frugality import give_back
from scrubjay.runtime.log import LimitedLog

MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
"""Of originals that wait, uncompressed; they are kept packed."""
MAX_EXAMINED_BYTES: Final = 1024 * 1024
"""Of one item. More takes seconds, and nobody reads such a report."""


MANY: Final = 100
"""After so many envelopes what looking took goes back to the system."""
QUIET_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0


@dataclass(slots=True)
class _Waiting:
    """An item to be looked at; `came` None: the original is in the store, or gone, or what is shown is it."""

    index: int
    kind: ItemKind
    headers: dict[str, object]
    came: Packed | None
    is_unchanged: bool


@dataclass(slots=True, eq=False)
class _Job:
    captured: Captured
    account: Account
    rules: Rules
    items: list[_Waiting] = field(default_factory=list)
    heads: dict[str, object] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        return sum(one.came.size_bytes for one in self.items if one.came is not None)


class Examiner:
    """`tell` hears of each envelope of which more is known. `rest`: how many times as long as it works it rests."""

    def __init__(self, store: CaptureStore, mode: Mode, tell: Callable[[Captured], None], *, rest: float) -> None:
        self._store = store
        self._mode: Mode = mode
        self._tell = tell
        self._rest = rest
        self._jobs: deque[_Job] = deque()
        self._held_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._hurried = 0
        """How many wait for what is there to be looked into."""
        self._current: list[Captured] = []
        """What is being looked into: the next in order, and what somebody asked for."""
        self._step = asyncio.Event()
        """Set, and replaced, whenever one envelope less waits."""
        self._added_mono = 0.0
        self._looked = 0
        self._log = LimitedLog("capture")
        self._closed = False

    def add(self, captured: Captured, shown: Showing, rules: Rules, heads: dict[str, object]) -> None:
        """`heads`: the envelope's headers as they came."""
        if self._closed or not shown.came:
            return
        job = _Job(captured, shown.account, rules, heads=heads)
        untouched = shown.untouched()
        for index, came in enumerate(shown.came):
            is_unchanged = index in untouched
            holds = self._mode != "full" and not is_unchanged and len(came.payload) <= MAX_EXAMINED_BYTES
            packed = Packed(came.payload) if holds else None
            job.items.append(_Waiting(index, came.kind, came.headers, packed, is_unchanged))
        self._jobs.append(job)
        self._added_mono = time.monotonic()
        self._held_bytes += job.held_bytes
        self._bound()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="examiner")

    @property
    def pending(self) -> int:
        """Envelopes that were not looked into yet."""
        return len(self._jobs)

    async def first(self, captured: Captured) -> None:
        """Looks into one envelope before all others; returns when that is done, or at once if it waits for nothing."""
        job = next((job for job in self._jobs if job.captured is captured), None)
        if job is not None:
            self._take(job)
            await self._look_into(job)
        while captured in self._current:
            await self._step.wait()

    async def examined(self) -> None:
        """Returns when nothing waits of what had come when it was asked; until then there is no rest."""
        waiting = [*self._current, *(job.captured for job in self._jobs)]
        last_id = max((captured.id for captured in waiting), default="")
        self._hurried += 1
        self._hurry.set()
        try:
            while self._is_waiting(last_id):
                await self._step.wait()
        finally:
            self._hurried -= 1
            if not self._hurried:
                self._hurry.clear()

    def _is_waiting(self, last_id: str) -> bool:
        """Whether anything up to this capture id is still to be looked into: they wait in the order in which they came."""
        if self._closed:
            return False
        is_first_left = bool(self._jobs) and self._jobs[0].captured.id <= last_id
        return is_first_left or any(captured.id <= last_id for captured in self._current)

    def close(self) -> None:
        """What is being looked at is the last."""
        self._closed = True
        self._jobs.clear()
        self._hurry.set()
        self._progress()

    def _bound(self) -> None:
        while len(self._jobs) > self._store.max_envelopes:
            self._held_bytes -= self._jobs.popleft().held_bytes
            self._progress()
        for job in self._jobs:
            if self._held_bytes <= MAX_WAITING_BYTES:
                break
            self._held_bytes -= job.held_bytes
            for one in job.items:
                one.came = None

    async def _work(self) -> None:
        try:
            while self._jobs:
                await self._await_quiet()
                if not self._jobs:
                    break
                job = self._jobs[0]
                self._take(job)
                if self._store.envelope(job.captured.id) is not job.captured:
                    self._progress()
                    continue
                began_mono = time.monotonic()
                await self._look_into(job)
                self._looked += 1
                await self._pause((time.monotonic() - began_mono) * self._rest)
        finally:
            if self._looked >= MANY:
                self._looked = 0
                give_back()

    def _progress(self) -> None:
        self._step.set()
        self._step = asyncio.Event()

    def _take(self, job: _Job) -> None:
        self._jobs.remove(job)
        self._held_bytes -= job.held_bytes

    async def _await_quiet(self) -> None:
        """What arrives goes first, but not for ever."""
        end_mono = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < min(end_mono, self._added_mono + QUIET_S) and not self._hurry.is_set():
            await self._pause(QUIET_S)

    async def _look_into(self, job: _Job) -> None:
        self._current.append(job.captured)
        try:
            await self._examine(job)
        finally:
            self._current.remove(job.captured)
            self._progress()

    async def _examine(self, job: _Job) -> None:
        try:
            reports = await asyncio.to_thread(_reports, job, self._mode)
        except Exception as error:  # noqa: BLE001  one envelope that nobody understands must not end the looking
            self._log.line(logging.ERROR, "examine", "an envelope could not be examined", {"error": repr(error)})
            return
        for index, report in reports:
            self._store.examined(job.captured, index, report)
        if self._store.envelope(job.captured.id) is job.captured:
            self._tell(job.captured)

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._hurry.wait()
        except TimeoutError:
            pass

    def __repr__(self) -> str:
        return f"<Examiner {len(self._jobs)} waiting, {self._held_bytes} bytes>"


def _reports(job: _Job, mode: Mode) -> list[tuple[int, Report]]:
    with occasion_of(job.rules, job.account):
        return [(one.index, _report(job, one, mode)) for one in job.items]


def _report(job: _Job, one: _Waiting, mode: Mode) -> Report:
    kept = job.captured.items[one.index]
    if kept.size_bytes > MAX_EXAMINED_BYTES or (one.came is not None and one.came.size_bytes > MAX_EXAMINED_BYTES):
        return Report(mode, reason="too large to be looked into")
    payload = one.came.bytes() if one.came is not None else kept.original() if mode == "full" else None
    if payload is None:
        shown = kept.payload()
        if shown is None:
            return Report(mode, reason="the payload is not kept")
        if not one.is_unchanged:
            item = Item(kept.headers, shown)
            item.kind = one.kind
            return replace(examine_left(job.rules.program, item), mode=mode)
        payload = shown
    came = Item(one.headers, payload)
    came.kind = one.kind
    program, policies = unhurried(job.rules.program), job.rules.plan.policies
    heads = job.heads if one.index == 0 else None
    return examine(program, policies, came, mode, heads, clock=time.perf_counter)


def unhurried(program: ScrubProgram) -> ScrubProgram:
    """The same without a bound of time: what passed the path in its time must not seem to fail on a busy machine."""
    bounds = replace(program.bounds, clock=None)
    passes = tuple(replace(one, bounds=bounds) for one in program.passes)
    return replace(program, bounds=bounds, passes=passes)
