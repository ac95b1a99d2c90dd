"""The writing side of one partition: append, roll, evict, clean, and what a full or failing disk means.

Follows `upstream-and-operations.md` 7.4, 7.5 (cleaning), 7.7 and 7.9. Synchronous, for one thread at a time: `partition` owns the
thread, the lock and the futures. Reading and acknowledging are `runtime.segment_shelf`; what is found at start,
`runtime.segment_recovery`.

Invariants: what `append` returned for is in a good frame, synced if the mode says so; after an error none of it counts; only the
last segment is written to, and none after a sync of it failed.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path

from scrubjay.core.spool_format import SEGMENT_HEADER_BYTES, Record, SegmentHeader
from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.quarantine import Quarantine
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.segment_recovery import Recovery
from scrubjay.runtime.spool.segment_shelf import DELETE_ACTIVE_BYTES, Shelf
from scrubjay.runtime.spool.types import FRAME_TARGET_BYTES, Evicted, Faulted, SpoolOptions, StoredFacts, Synced

_MAX_SEGMENTS = 4096
_CLEAN_BYTES_PER_S = 1024 * 1024
_PROBE_BYTES = 64 * 1024
_PROBE_EVERY_S = 1.0
_FAULTS_WITHIN_S = 60.0
_FAULTS_TO_FAIL = 3
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})


class SegmentLog:
    """Goes on where a former process ended. `partition` is the UUID that segments carry if there are none before.

    Raises `OSError` where the system refuses access, `SpoolSealed` if what is there is encrypted with another key.
    """

    def __init__(
        self, disk: Disk, directory: Path, options: SpoolOptions, clock: Clock, *, partition: bytes = b""
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._options = options
        self._clock = clock
        self._codec = Codec(options.compression_level, options.encryption_key)
        self._quarantine = Quarantine(disk, directory, options.quarantine_bytes)
        recovery = Recovery(disk, directory, self._codec, self._quarantine, sync=options.fsync != "never")
        self.shelf = Shelf(recovery, self._quarantine, self._codec, clock.boot_id)
        self.recovered = recovery.found
        self.next_sequence = recovery.next_sequence
        self._partition = recovery.partition or partition
        self.reconfigure(options)
        self.disk_full = False
        self._is_removed = False
        self._refused_bytes = 0
        self._dirty_since: float | None = None
        self._faults: deque[float] = deque(maxlen=_FAULTS_TO_FAIL)
        self._probe_at = 0.0
        self._cleaning: tuple[Segment, Generator[int, None, None]] | None = None
        self._clean_at = 0.0

    def reconfigure(self, options: SpoolOptions) -> None:
        """Other bounds, from the next append on. What is over them already stays."""
        self._options = options
        self._quarantine.max_bytes = options.quarantine_bytes
        self.shelf.delete_active_bytes = min(DELETE_ACTIVE_BYTES, options.max_bytes // 4)

    @property
    def failed(self) -> bool:
        """The disk failed three times within a minute; when the first of them is a minute old, it is tried again.

        Or somebody removed the files: then the lock is gone with them, and only a new start may use the folder again.
        """
        often = len(self._faults) == _FAULTS_TO_FAIL
        return self._is_removed or (often and self._clock.mono_s() - self._faults[0] < _FAULTS_WITHIN_S)

    @property
    def has_capacity(self) -> bool:
        """Whether an append of the size that was refused last, if one was, would be taken."""
        if self.disk_full or self.failed:
            return False
        fits = self.size_bytes + self._refused_bytes <= self._options.max_bytes
        return fits or self._options.when_full == "drop_oldest"

    @property
    def size_bytes(self) -> int:
        """All that counts against the bound. May be asked from any thread."""
        return self.shelf.size_bytes + self._quarantine.size_bytes

    # Appending

    def append(self, records: Sequence[Record], *, raw: bool = False) -> int:
        """Writes one frame, marked if it is `raw`, as durable as the mode asks, and returns its first sequence number.

        Raises `SpoolFull` (no space, by our bound or the disk's), `SpoolError` (the disk failed), `ValueError` (over the format).
        Then none of the records counts, though after a failing disk they may turn up again at the next start.
        """
        if self.failed:
            raise SpoolError("the disk failed repeatedly")
        if self.disk_full:
            raise SpoolFull("no space on the disk")
        first = self.next_sequence
        written_ms = self._clock.wall_ms()
        parts = self._codec.pack(
            records, first=first, written_ms=written_ms, written_boot_ms=self._clock.boot_ms(), raw=raw
        )
        size = sum(map(len, parts))
        self._make_room(size)
        try:
            segment = self._write(parts, size)
            if self._options.fsync == "always":
                self._sync(segment)
        except SpoolFull:
            raise
        except SpoolError:
            self.next_sequence += len(records)  # they may be on the disk under these numbers
            raise
        self.next_sequence += len(records)
        self.shelf.committed(segment, size, first, self.next_sequence, written_ms)
        self._refused_bytes = 0
        if self._dirty_since is None and self._options.fsync == "interval":
            self._dirty_since = self._clock.mono_s()
        return first

    def _make_room(self, size: int) -> None:
        size += SEGMENT_HEADER_BYTES
        limit = self._options.max_bytes
        while self.size_bytes + size > limit or self.shelf.usage().segments >= _MAX_SEGMENTS:
            if self._options.when_full == "reject" or not self._evict():
                self._refused_bytes = min(size, FRAME_TARGET_BYTES, limit // 8)
                raise SpoolFull("the spool holds as much as it may")

    def _write(self, parts: Sequence[bytes], size: int) -> Segment:
        while True:
            try:
                segment = self._writable()
                segment.write(parts)
            except OSError as error:
                if error.errno not in _NO_SPACE:
                    self._poison(self.shelf.active, error)
                    raise SpoolError(f"the disk failed: {error.strerror}") from error
                if self._options.when_full == "drop_oldest" and error.errno == errno.ENOSPC and self._evict():
                    continue
                self.shelf.close_reader()
                self.disk_full = True
                self._refused_bytes = min(size, FRAME_TARGET_BYTES)
                self._probe_at = self._clock.mono_s() + _PROBE_EVERY_S
                raise SpoolFull(f"no space on the disk: {error.strerror}") from error
            if segment.is_removed:
                self._is_removed = True
                detail = f"{segment.path.name} was removed while in use; nothing more is kept there before a restart"
                self.shelf.events.append(Faulted(detail))
                raise SpoolError(detail)
            return segment

    def _writable(self) -> Segment:
        active = self.shelf.active
        if active is not None and active.size_bytes >= self._options.roll_bytes:
            self._seal(active)
            active = None
        if active is None:
            header = SegmentHeader(self.next_sequence, self._clock.wall_ms(), self._partition, self._clock.boot_id)
            path = self._directory / f"{self.next_sequence:020d}.seg"
            active = Segment.create(self._disk, path, header, sync=self._options.fsync != "never")
            self.shelf.add(active)
        return active

    def _seal(self, segment: Segment) -> None:
        if self._dirty_since is not None:
            self._sync(segment)
        self.shelf.active = None
        segment.close()

    def _evict(self) -> bool:
        """Gives up the oldest segment, with a report of what was waiting in it."""
        try:
            segment = self.shelf.oldest()
            if segment is None or segment.size_bytes == SEGMENT_HEADER_BYTES:
                return False  # an empty one would come back with the next try
            waiting = tuple(
                StoredFacts(number, record.meta, len(record.body), header.is_raw)
                for header, live in self.shelf.live(segment, segment.base)
                for number, record in live
            )
            self._remove(segment)
        except OSError:
            return False
        if waiting:
            self.shelf.events.append(Evicted(waiting))
        return True

    def _remove(self, segment: Segment) -> None:
        if segment is self.shelf.active:
            self._dirty_since = None
        self.shelf.remove(segment)

    # Failing disks

    def _sync(self, segment: Segment) -> None:
        """Raises `SpoolError` if the disk does not confirm; the segment's file has been replaced then, for it is never synced again."""
        started = self._clock.mono_s()
        try:
            segment.sync()
        except OSError as error:
            self._poison(segment, error)
            raise SpoolError(f"the disk failed: {error.strerror}") from error
        self._dirty_since = None
        self.shelf.events.append(Synced(self._clock.mono_s() - started))

    def _poison(self, segment: Segment | None, error: OSError) -> None:
        """What a failed sync left on the disk is unknown: all of the segment that still waits is written again, into a new file."""
        self._faults.append(self._clock.mono_s())
        self._dirty_since = None
        self.shelf.active = None
        detail = error.strerror or str(error)
        if segment is not None:
            try:
                if segment.live:
                    deque(self.shelf.rewrite(segment), maxlen=0)
                    segment.close()
                else:
                    self.shelf.remove(segment)
            except OSError as second:
                segment.close()
                self._faults.append(self._clock.mono_s())
                detail += f"; {segment.live} records in {segment.path.name} may be lost: {second.strerror}"
        self.shelf.events.append(Faulted(detail))

    def _probe(self) -> None:
        """Tries whether the disk has space again for what it refused."""
        path = self._directory / "probe.tmp"
        try:
            self._disk.write_file(path, bytes(max(_PROBE_BYTES, self._refused_bytes)))
        except OSError:
            self._probe_at = self._clock.mono_s() + _PROBE_EVERY_S
        else:
            self.disk_full = False
            self._refused_bytes = 0
        finally:
            with suppress(OSError):
                self._disk.unlink(path)

    # Chores

    def chores(self) -> float | None:
        """Does what is due: sync, probe, a step of cleaning. Returns the seconds until the next is, `None` if nothing is coming."""
        now = self._clock.mono_s()
        due = []
        if self._dirty_since is not None and self.shelf.active is not None:
            if now - self._dirty_since >= self._options.fsync_interval_s:
                with suppress(SpoolError):  # reported as an event; what waited has been rewritten
                    self._sync(self.shelf.active)
            else:
                due.append(self._dirty_since + self._options.fsync_interval_s)
        if self.disk_full:
            if now >= self._probe_at:
                self._probe()
            if self.disk_full:
                due.append(self._probe_at)
        if now >= self._clean_at:
            self._clean(now)
        if self._cleaning is not None or self.shelf.sparse:
            due.append(self._clean_at)
        return max(0.0, min(due) - now) if due else None

    def _clean(self, now: float) -> None:
        """Rewrites one frame of a sparse segment, at a bounded rate."""
        if self._cleaning is None or self._cleaning[0] not in self.shelf.segments:
            self._stop_cleaning()
            if not self.shelf.sparse:
                return
            segment = self.shelf.sparse.pop()
            if segment not in self.shelf.segments:
                return
            self._cleaning = (segment, self.shelf.rewrite(segment))
        try:
            copied = next(self._cleaning[1], None)
        except OSError:
            copied = None
            self._cleaning[0].keep()
        if copied is None:
            self._cleaning[0].close()
            self._cleaning = None
        self._clean_at = now + (copied or 0) / _CLEAN_BYTES_PER_S

    def _stop_cleaning(self) -> None:
        if self._cleaning is not None:
            with suppress(OSError):
                self._cleaning[1].close()
            self._cleaning = None

    def close(self) -> None:
        """Syncs and closes. A last segment in which nothing waits is removed; errors are reported as events."""
        self._stop_cleaning()
        self.shelf.settle()
        active = self.shelf.active
        with suppress(OSError, SpoolError):
            if active is not None and not active.live:
                self._remove(active)
            elif active is not None:
                self._seal(active)
        for segment in self.shelf.segments:
            segment.close()
