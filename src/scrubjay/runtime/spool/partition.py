"""One partition of the spool, as the event loop sees it: append, read, acknowledge, close. All file work is in its one thread.

Follows `upstream-and-operations.md` 7. Owns the partition's lock, the thread and the group commit: while one frame is written and
synced, the appends that arrive form the next. What is on disk and what a failing disk means is `segment_log`; what records
mean, and when they are sent, is `runtime.outbox`.

Invariants: an append resolves after its records are as durable as the mode says, never before; the records of one append are all
stored or none; a call on the loop never waits for the disk; events reach `on_event` on the loop, in order, and before the answer to
the append that caused them.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from scrubjay.core.spool_format import Record, age_ms
from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import (
    Committed,
    Faulted,
    Recovered,
    SpoolEvent,
    SpoolOptions,
    StoredFacts,
    StoredRecord,
    Usage,
)

__all__ = ["Partition", "Record", "Recovered", "SpoolEvent", "SpoolOptions", "StoredRecord", "Usage"]
T = TypeVar("T")

_FRAME_RECORDS = 256
_ACK_DELAY_S = 1.0
_ACK_ENTRIES = 1024
_READ_STEP_BYTES = 1024 * 1024
_CHORE_RETRY_S = 1.0


class _Append(NamedTuple):
    records: Sequence[Record]
    size_bytes: int
    done: asyncio.Future[int]


class _Job(NamedTuple):
    """Work for the thread that is no append. Without `done`, nobody waits for it."""

    work: Callable[[], object]
    done: asyncio.Future[object] | None
    last: bool = False


class Partition:
    """An open partition. Made by `open`; methods belong to the event loop that opened it."""

    def __init__(
        self,
        lock: PartitionLock,
        log: SegmentLog,
        clock: Clock,
        options: SpoolOptions,
        *,
        adopted: bool,
        on_event: Callable[[SpoolEvent], None] | None,
    ) -> None:
        self.slot = lock.slot
        self.recovered = log.recovered
        self.next_sequence_at_start = log.next_sequence
        self._lock = lock
        self._log = log
        self._clock = clock
        self._options = options
        self._adopted = adopted
        self._on_event = on_event
        self._opened_s = clock.mono_s()
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[list[_Append] | _Job] = SimpleQueue()
        self._gathered: list[_Append] = []
        self._acks: list[int] = []
        self._ack_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"spool-p{lock.slot:02d}", daemon=True)
        self._thread.start()

    @classmethod
    async def open(
        cls,
        root: Path,
        slot: int | None = None,
        *,
        options: SpoolOptions,
        at_least: int = 0,
        adopt: bool = False,
        instance: str = "",
        clock: Clock | None = None,
        disk: Disk | None = None,
        on_event: Callable[[SpoolEvent], None] | None = None,
    ) -> Partition:
        """Locks partition `slot` of the spool at `root` (without a slot, the lowest free one from `at_least` on) and recovers what is in it.

        With `adopt` it only drains: nothing can be appended. Raises `SpoolLocked` if another process has it, `SpoolError` if the
        folder cannot be used, `SpoolSealed` if what is in it was encrypted with another key.
        """
        clock = clock or Clock()
        disk = disk or Disk()
        owner: dict[str, object] = {
            "pid": os.getpid(),
            "boot_id": clock.boot_id.hex(),
            "started_ms": clock.wall_ms(),
            "instance": instance,
        }

        def prepare() -> tuple[PartitionLock, SegmentLog]:
            lock = PartitionLock.claim(root, slot, owner, at_least=at_least)
            try:
                log = SegmentLog(disk, lock.directory, options, clock, partition=uuid.uuid4().bytes)
            except OSError as error:
                lock.release()
                raise SpoolError(f"{lock.directory} cannot be recovered: {error.strerror}") from error
            except BaseException:
                lock.release()
                raise
            return lock, log

        lock, log = await asyncio.to_thread(prepare)
        return cls(lock, log, clock, options, adopted=adopt, on_event=on_event)

    # State

    @property
    def has_capacity(self) -> bool:
        """Whether appends are expected to succeed."""
        return not self._closed and not self._adopted and self._log.has_capacity

    @property
    def fullness(self) -> float:
        """How much of what may be on disk is, as a share."""
        return self._log.size_bytes / self._options.max_bytes

    @property
    def failed(self) -> bool:
        return self._log.failed

    @property
    def usage(self) -> Usage:
        return self._log.shelf.usage()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "adopted" if self._adopted else "open"
        return f"<Partition p{self.slot:02d} {state}: {self.usage.records} records, {self.usage.size_bytes} bytes>"

    # Operations

    async def append(self, records: Sequence[Record]) -> list[int]:
        """Stores `records` and returns their sequence numbers once they are durable as the mode says.

        Raises `SpoolFull` without space, `SpoolError` if the disk failed, `ValueError` for a meta over 65,535 bytes. Whoever is cancelled
        here does not know: the records may be stored, and are then read with the backlog.
        """
        if not records:
            return []
        if self._closed or self._adopted:
            raise SpoolError("the partition takes no records")
        if self._log.disk_full:
            raise SpoolFull("no space on the disk")
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        size_bytes = sum([len(meta) + len(body) for meta, body in records])
        self._gathered.append(_Append(records, size_bytes, self._loop.create_future()))
        first = await self._gathered[-1].done
        return list(range(first, first + len(records)))

    def _hand_over(self) -> None:
        """What one turn of the loop brought goes to the thread at once: one frame of many is much cheaper than many frames."""
        self._queue.put(self._gathered)
        self._gathered = []

    async def read(self, after: int, max_bytes: int, until: int | None = None) -> list[StoredRecord]:
        """The oldest waiting records numbered above `after` (and below `until`), about `max_bytes` before compression, at least one.

        Empty means that there are none. Damaged records are passed over, and reported as events. Raises `SpoolError` if files cannot be
        opened or read.
        """
        self._flush_acks()
        found: list[StoredRecord] = []
        while max_bytes > 0:
            step = min(max_bytes, _READ_STEP_BYTES)  # appends get their turn between steps
            part = await self._call(partial(self._log.shelf.read, after, step, until))
            if not part:
                break
            found += part
            after = part[-1].sequence
            max_bytes -= sum([len(record.meta) + len(record.body) for record in part])
        return found

    async def survey(self, after: int) -> list[StoredFacts]:
        """The next of what waited when the partition was opened and still does, numbered above `after`. Empty: that was all.

        Raises `SpoolError` if files cannot be opened or read.
        """
        return await self._call(partial(self._survey, after))

    def _survey(self, after: int) -> list[StoredFacts]:
        found = self._log.shelf.read(after, _READ_STEP_BYTES, self.next_sequence_at_start)
        return [StoredFacts(record.sequence, record.meta, len(record.body)) for record in found]

    def acknowledge(self, sequence: int) -> None:
        """This record is done. It leaves the disk within a second or so; a crash before that brings it back."""
        if self._closed:
            return
        self._acks.append(sequence)
        if len(self._acks) >= _ACK_ENTRIES:
            self._flush_acks()
        elif self._ack_timer is None:
            self._ack_timer = self._loop.call_later(_ACK_DELAY_S, self._flush_acks)

    def expired(self, record: StoredRecord, received_unix: float) -> bool:
        """Whether a record has waited longer than allowed. Nothing has for some time after start, nor by a step of the clock."""
        if self._clock.mono_s() - self._opened_s < self._options.expiry_holdoff_s:
            return False
        age = age_ms(
            received_ms=int(received_unix * 1000),
            written_ms=record.written_ms,
            written_boot_ms=record.written_boot_ms,
            same_boot=record.same_boot,
            now_ms=self._clock.wall_ms(),
            now_boot_ms=self._clock.boot_ms(),
        )
        return age > self._options.max_age_s * 1000

    async def close(self) -> None:
        """Writes what is queued, syncs unless the mode is `never`, and releases the partition. An adopted one that is empty is removed."""
        if self._closed:
            return
        self._flush_acks()
        self._hand_over()
        self._closed = True
        done: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Job(self._shut, done, last=True))
        await done
        self._thread.join()

    def _shut(self) -> None:
        try:
            self._log.close()
            if self._adopted and self._log.shelf.is_whole and not self._log.shelf.segments:
                self._lock.remove_directory()
        finally:
            self._lock.release()

    def _flush_acks(self) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        if self._acks and not self._closed:
            self._queue.put(_Job(partial(self._log.shelf.acknowledge, self._acks), None))
            self._acks = []

    async def _call(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise SpoolError("the partition is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._hand_over()
        self._queue.put(_Job(work, done))  # type: ignore[arg-type]  # `done` takes what `work` returns
        return await done

    # The thread

    def _run(self) -> None:
        appends: deque[_Append] = deque()
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
                self._commit(_batch(appends, self._options.frame_bytes))
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

    def _commit(self, batch: list[_Append]) -> None:
        started = time.perf_counter()
        records = [record for append in batch for record in append.records]
        try:
            first = self._log.append(records)
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

    def _answer(self, batch: list[_Append], first: int | None, error: Exception | None) -> None:
        events, self._log.shelf.events = self._log.shelf.events, []
        if batch or events:
            self._to_loop(partial(self._resolve, batch, first, error, events))

    def _to_loop(self, call: Callable[[], None]) -> None:
        """One wake-up of the loop for all that a step brought. A loop that was closed has nobody left who waits."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    # Back on the loop

    def _resolve(
        self, batch: list[_Append], first: int | None, error: Exception | None, events: list[SpoolEvent]
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


def _batch(appends: deque[_Append], frame_bytes: int) -> list[_Append]:
    """Takes whole appends off the queue, as many as a frame should hold; a larger one alone."""
    batch = [appends.popleft()]
    count, size_bytes = len(batch[0].records), batch[0].size_bytes
    while appends:
        count += len(appends[0].records)
        size_bytes += appends[0].size_bytes
        if count > _FRAME_RECORDS or size_bytes > frame_bytes:
            break
        batch.append(appends.popleft())
    return batch
