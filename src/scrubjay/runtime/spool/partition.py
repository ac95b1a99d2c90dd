"""One partition of the spool, as the event loop sees it: append, read, acknowledge, close. All file work is in its one thread.

Follows `upstream-and-operations.md` 7. Owns the partition's lock, and what may be asked of an open one; `commit_thread` is the thread.
What is on disk and what a failing disk means is `segment_log`; what records mean, and when they are sent, is `runtime.outbox`.

Invariants: an append resolves after its records are as durable as the mode says, never before; the records of one append are all
stored or none; a call on the loop never waits for the disk; events reach `on_event` on the loop, in order, and before the answer to
the append that caused them; what is acknowledged leaves the disk only after `before_acks`, so that whoever keeps books can write them first.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from scrubjay.core.spool_format import Record
from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.commit_thread import Append, CommitThread
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import (
    Recovered,
    SpoolEvent,
    SpoolOptions,
    StoredFacts,
    StoredRecord,
    Usage,
)

__all__ = ["Partition", "Record", "Recovered", "SpoolEvent", "SpoolOptions", "StoredRecord", "Usage"]
T = TypeVar("T")

_ACK_DELAY_S = 1.0
_ACK_ENTRIES = 1024
_READ_STEP_BYTES = 1024 * 1024
_SURVEY_STEP_BYTES = 64 * 1024


class Partition:
    """An open partition. Made by `open`; methods belong to the event loop that opened it."""

    def __init__(
        self,
        lock: PartitionLock,
        log: SegmentLog,
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
        self._options = options
        self._adopted = adopted
        self._loop = asyncio.get_running_loop()
        self._thread = CommitThread(f"spool-p{lock.slot:02d}", log, options.frame_bytes, on_event)
        self._gathered: list[Append] = []
        self.before_acks: Callable[[], object] = lambda: None
        self._acks: list[int] = []
        self._ack_timer: asyncio.TimerHandle | None = None
        self._closed = False

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
        return cls(lock, log, options, adopted=adopt, on_event=on_event)

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
    def condition(self) -> str:
        """In few words, for operators."""
        if self._log.failed:
            return "the disk failed repeatedly"
        return "no space on the disk" if self._log.disk_full else f"{self.fullness:.0%} full"

    @property
    def is_given_up(self) -> bool:
        """The disk failed so often that it is left alone for a while, and nobody was promised that it would hold (7.9): memory has to do."""
        return self._options.fsync == "never" and self._log.failed and not self._closed and not self._adopted

    @property
    def capacity_bytes(self) -> int:
        """What it may use; nothing, if it is only to be emptied."""
        return 0 if self._adopted else self._options.max_bytes

    @property
    def usage(self) -> Usage:
        return self._log.shelf.usage()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "adopted" if self._adopted else "open"
        return f"<Partition p{self.slot:02d} {state}: {self.usage.records} records, {self.usage.size_bytes} bytes>"

    def reconfigure(self, options: SpoolOptions) -> None:
        """Other bounds. How it is written stays as it was: level, key and mode."""
        old = self._options
        self._options = replace(
            options,
            fsync=old.fsync,
            compression_level=old.compression_level,
            encryption_key=old.encryption_key,
            when_full=old.when_full,
        )
        self._thread.frame_bytes = self._options.frame_bytes
        if not self._closed:
            self._thread.do(partial(self._log.reconfigure, self._options))

    # Operations

    async def append(self, records: Sequence[Record], *, raw: bool = False) -> list[int]:
        """Stores `records`, marked if they are `raw`, and returns their sequence numbers once they are durable as the mode says.

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
        self._gathered.append(Append(records, size_bytes, self._loop.create_future(), raw))
        first = await self._gathered[-1].done
        return list(range(first, first + len(records)))

    def _hand_over(self) -> None:
        self._thread.append(self._gathered)
        self._gathered = []

    async def read(
        self, after: int, max_bytes: int, until: int | None = None, *, raw: bool | None = False
    ) -> list[StoredRecord]:
        """The oldest waiting records numbered above `after` (and below `until`), about `max_bytes` before compression, at least one.

        Those that may be sent, unless somebody asks for the `raw` ones, or with None for all.
        Empty means that there are none. Damaged records are passed over, and reported as events. Raises `SpoolError` if files cannot be
        opened or read.
        """
        self._acks_due()
        found: list[StoredRecord] = []
        while max_bytes > 0:
            step = min(max_bytes, _READ_STEP_BYTES)  # appends get their turn between steps
            part = await self._call(partial(self._log.shelf.read, after, step, until, raw=raw))
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
        found = self._log.shelf.read(after, _SURVEY_STEP_BYTES, self.next_sequence_at_start)
        return [StoredFacts(record.sequence, record.meta, len(record.body), record.raw) for record in found]

    def acknowledge(self, sequence: int) -> None:
        """This record is done. It leaves the disk within a second or so; a crash before that brings it back."""
        if self._closed:
            return
        self._acks.append(sequence)
        if len(self._acks) >= _ACK_ENTRIES:
            self._acks_due()
        elif self._ack_timer is None:
            self._ack_timer = self._loop.call_later(_ACK_DELAY_S, self._acks_due)

    async def close(self) -> None:
        """Writes what is queued, syncs unless the mode is `never`, and releases the partition. An adopted one that is empty is removed."""
        if self._closed:
            return
        self._acks_due()
        self._hand_over()
        self._closed = True
        await self._thread.end(self._shut)

    def _shut(self) -> None:
        try:
            self._log.close()
            if self._adopted and self._log.shelf.is_whole and not self._log.shelf.segments:
                self._lock.remove_directory()
        finally:
            self._lock.release()

    def _acks_due(self) -> None:
        if self._acks:
            self.before_acks()
            self.flush_acks()

    def flush_acks(self) -> None:
        """What was acknowledged leaves the disk now."""
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        if self._acks and not self._closed:
            self._thread.do(partial(self._log.shelf.acknowledge, self._acks))
            self._acks = []

    async def _call(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise SpoolError("the partition is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._hand_over()
        self._thread.do(work, done)
        return await done
