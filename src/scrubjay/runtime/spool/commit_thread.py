"""The one thread of a partition: commits what was gathered, does other work between commits, and answers on the loop.

A part of `upstream-and-operations.md` 7.4: while one frame is written and synced, the appends that arrive form the next. What is done
to the disk is `segment_log`'s business, who may ask for it `partition`'s.

Invariants: an append is answered after its records are as durable as the mode says, never before; events reach `on_event` on the loop, in
order, and before the answer to the append that caused them; whatever is raised here, whoever waits hears of it, and the thread goes on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from scrubjay.core.spool_format import Record
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import Committed, Faulted, SpoolEvent

_FRAME_RECORDS: Final = 256
_CHORE_RETRY_S: Final = 1.0


class Append(NamedTuple):
    records: Sequence[Record]
    size_bytes: int
    done: asyncio.Future[int]
    raw: bool = False


class _Job(NamedTuple):
    """Work that is no append. Without `done`, nobody waits for it."""

    work: Callable[[], object]
    done: asyncio.Future[Any] | None
    last: bool = False


class CommitThread:
    """Runs until a job that is the last. Methods belong to the loop, except where it says otherwise.

    `frame_bytes`: how much is put together into one frame.
    """

    def __init__(
        self, name: str, log: SegmentLog, frame_bytes: int, on_event: Callable[[SpoolEvent], None] | None
    ) -> None:
        self.frame_bytes = frame_bytes
        self._log = log
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[list[Append] | _Job] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def append(self, appends: list[Append]) -> None:
        """What one turn of the loop brought, at once: one frame of many is much cheaper than many frames."""
        self._queue.put(appends)

    def do(self, work: Callable[[], object], done: asyncio.Future[Any] | None = None) -> None:
        self._queue.put(_Job(work, done))

    async def end(self, work: Callable[[], object]) -> None:
        """Does what is queued, then `work`, then ends."""
        done: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Job(work, done, last=True))
        await done
        self._thread.join()

    # The thread

    def _run(self) -> None:
        appends: deque[Append] = deque()
        jobs: deque[_Job] = deque()
        wait_s: float | None = None
        while True:
            try:
                work = self._queue.get(timeout=wait_s) if not appends and not jobs else self._queue.get_nowait()
                while True:
                    if isinstance(work, list):
                        appends.extend(work)
                    else:
                        jobs.append(work)
                    work = self._queue.get_nowait()
            except Empty:
                pass
            if appends:
                self._commit(_batch(appends, self.frame_bytes))
            if jobs and not (jobs[0].last and appends):
                job = jobs.popleft()
                self._do(job)
                if job.last:
                    return
            wait_s = self._chores()
            self._answer([], None, None)

    def _chores(self) -> float | None:
        try:
            return self._log.chores()
        except Exception as error:  # noqa: BLE001 (it must not end the thread that others wait for)
            self._log.shelf.events.append(Faulted(repr(error)))
            return _CHORE_RETRY_S

    def _commit(self, batch: list[Append]) -> None:
        started = time.perf_counter()
        records = [record for append in batch for record in append.records]
        try:
            first = self._log.append(records, raw=batch[0].raw)
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            if isinstance(error, ValueError) and len(batch) > 1:
                for append in batch:  # one of them is over the format: the others are not to suffer
                    self._commit([append])
                return
            self._answer(batch, None, error)
            return
        size_bytes, took_s = sum([append.size_bytes for append in batch]), time.perf_counter() - started
        self._log.shelf.events.append(Committed(len(records), size_bytes, took_s))
        self._answer(batch, first, None)

    def _do(self, job: _Job) -> None:
        try:
            result, error = job.work(), None
        except Exception as raised:  # noqa: BLE001 (whatever it is, whoever waits must hear of it)
            result, error = None, raised
        events, self._log.shelf.events = self._log.shelf.events, []
        self._to_loop(partial(self._finish, job, result, error, events))

    def _answer(self, batch: list[Append], first: int | None, error: Exception | None) -> None:
        events, self._log.shelf.events = self._log.shelf.events, []
        if batch or events:
            self._to_loop(partial(self._resolve, batch, first, error, events))

    def _to_loop(self, call: Callable[[], None]) -> None:
        """One wake-up of the loop for all that a step brought. A loop that was closed has nobody left who waits."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    # Back on the loop

    def _resolve(
        self, batch: list[Append], first: int | None, error: Exception | None, events: list[SpoolEvent]
    ) -> None:
        self._tell(events)
        for append in batch:
            _settle(append.done, first, error)
            if first is not None:
                first += len(append.records)

    def _finish(self, job: _Job, result: object, error: Exception | None, events: list[SpoolEvent]) -> None:
        self._tell(events)
        if job.done is not None:
            _settle(job.done, result, error)

    def _tell(self, events: list[SpoolEvent]) -> None:
        if self._on_event is not None:
            for event in events:  # each on its own, so that an error in the listener keeps nobody waiting
                self._loop.call_soon(self._on_event, event)


def _settle(done: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    """Answers whoever waits, unless they were cancelled meanwhile."""
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def _batch(appends: deque[Append], frame_bytes: int) -> list[Append]:
    """Takes whole appends off the queue, as many as a frame should hold; a larger one alone. What is raw shares a frame with its like."""
    batch = [appends.popleft()]
    count, size_bytes = len(batch[0].records), batch[0].size_bytes
    while appends:
        count += len(appends[0].records)
        size_bytes += appends[0].size_bytes
        if count > _FRAME_RECORDS or size_bytes > frame_bytes or appends[0].raw is not batch[0].raw:
            break
        batch.append(appends.popleft())
    return batch
