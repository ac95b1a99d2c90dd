"""One segment of the spool: its file, the file of acknowledgements beside it, and the frames inside.

Knows how a segment is created, appended to, read, recovered and removed (`upstream-and-operations.md` 7.3 to 7.6). Which segment is
written, evicted or cleaned, and what a failing disk means, is decided in `segment_log`; bytes are `core.spool_format`.

Invariants: `size_bytes` is the end of the last good frame, and nothing behind it is ever read; every number from `base` to `until`
is either consumed or in a frame; numbers lost to damage count as consumed, so a segment is finished when all are.
"""

from __future__ import annotations

import errno
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Literal

from scrubjay.core.spool_format import (
    ACK_BYTES,
    FRAME_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    Ranges,
    Record,
    SegmentHeader,
    Span,
    decode_acks,
    decode_segment_header,
    encode_acks,
    encode_segment_header,
    walk,
)
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Disk

_MARK_BYTES = 64 * 1024
_PAGE_BYTES = 4096
_MOST_UNREADABLE = 64


class Segment:
    """A segment file. `until` is the number behind its last record."""

    __slots__ = (
        *("_ack_path", "_disk", "_unwritten"),
        *(
            "ack_bytes",
            "consumed",
            "descriptor",
            "header",
            "marks",
            "path",
            "size_bytes",
            "stored",
            "unreadable_pages",
            "until",
        ),
    )

    def __init__(self, disk: Disk, path: Path, header: SegmentHeader, descriptor: int | None = None) -> None:
        self._disk = disk
        self.descriptor = descriptor
        self._ack_path = path.with_suffix(".ack")
        self._unwritten: list[tuple[int, int]] = []
        self.marks: list[tuple[int, int]] = []
        self.path = path
        self.header = header
        self.until = header.base
        self.size_bytes = SEGMENT_HEADER_BYTES
        self.ack_bytes = 0
        self.stored = 0
        self.unreadable_pages = 0
        self.consumed = Ranges()

    @classmethod
    def create(cls, disk: Disk, path: Path, header: SegmentHeader, *, sync: bool) -> Segment:
        """A new file with its header; with `sync`, file and name are on the disk when this returns. Leaves nothing after an error."""
        descriptor = disk.create(path)
        try:
            disk.write(descriptor, [encode_segment_header(header)], 0)
            if sync:
                disk.sync(descriptor)
                disk.sync_directory(path.parent)
        except OSError:
            disk.close(descriptor)
            disk.unlink(path)
            raise
        return cls(disk, path, header, descriptor)

    @property
    def base(self) -> int:
        return self.header.base

    @property
    def live(self) -> int:
        """How many records wait."""
        return self.until - self.base - self.consumed.total

    @property
    def sparse(self) -> bool:
        """Less than a quarter of the records in the file waits, though something does: rewriting it gives most of its space back."""
        return 0 < self.live < self.stored / 4

    @property
    def unsettled(self) -> bool:
        """Something was consumed that the disk does not know of."""
        return bool(self._unwritten)

    # Writing

    def write(self, parts: Sequence[bytes]) -> None:
        """Puts a frame behind the last good one. It counts after `commit` only; after an error nothing of it is left."""
        assert self.descriptor is not None
        try:
            self._disk.write(self.descriptor, parts, self.size_bytes)
        except OSError:
            self._disk.truncate(self.path, self.size_bytes)
            raise

    @property
    def is_removed(self) -> bool:
        """Whether somebody else removed the file that is written to."""
        assert self.descriptor is not None
        return self._disk.is_removed(self.descriptor)

    def sync(self) -> None:
        assert self.descriptor is not None
        self._disk.sync(self.descriptor)

    def commit(self, size_bytes: int, first: int, until: int) -> None:
        self._mark(first, self.size_bytes)
        self.size_bytes += size_bytes
        self.consumed.add(self.until, first)
        self.until = until
        self.stored += until - first

    def _mark(self, number: int, offset: int) -> None:
        """Every 64 KiB a place to start reading from."""
        if not self.marks or offset - self.marks[-1][1] >= _MARK_BYTES:
            self.marks.append((number, offset))

    # Reading

    def spans(self, number: int) -> Iterator[Span]:
        """Frames and damage from the one that holds `number` on."""
        at = bisect_right(self.marks, number, key=itemgetter(0)) - 1
        first, offset = self.marks[at] if at >= 0 else (self.base, SEGMENT_HEADER_BYTES)
        for span in walk(self._read, self.size_bytes, first=first, offset=offset):
            if span.until > number:
                yield span

    def load(self, span: Span, codec: Codec) -> list[Record | None]:
        """The records of a frame; what cannot be read is `None`. Raises `SpoolSealed`."""
        assert span.header is not None
        return codec.unpack(span.header, self._read(span.offset + FRAME_HEADER_BYTES, span.header.stored_bytes))

    def _read(self, offset: int, length: int) -> bytes:
        """Unreadable sectors read as zeros: then they are damage, like any other. Other errors are raised."""
        if self.descriptor is None:
            self.descriptor = self._disk.open(self.path)
        try:
            return self._disk.read(self.descriptor, length, offset)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        return b"".join([self._read_page(at, offset + length) for at in range(offset, offset + length, _PAGE_BYTES)])

    def _read_page(self, at: int, end: int) -> bytes:
        assert self.descriptor is not None
        length = min(_PAGE_BYTES, end - at)
        if self.unreadable_pages < _MOST_UNREADABLE:  # each may take the disk seconds
            try:
                return self._disk.read(self.descriptor, length, at)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                self.unreadable_pages += 1
        return bytes(length)

    @property
    def is_missing(self) -> bool:
        """Whether somebody removed the file. Not if the whole folder is gone: it may come back, and the error that tells so is raised."""
        if self.descriptor is None:
            try:
                self.descriptor = self._disk.open(self.path)
            except FileNotFoundError:
                return self.path.name not in self._disk.list(self.path.parent)
        return False

    @property
    def loss(self) -> Literal["corrupt", "io"]:
        """Why records of this file are lost, if some are."""
        return "io" if self.unreadable_pages else "corrupt"

    def piece(self, span: Span) -> tuple[str, bytes]:
        """The bytes of `span`, and a name for them."""
        name = f"{self.base:020d}-{self.header.created_ms}-{span.offset}.bin"
        return name, self._read(span.offset, span.end - span.offset)

    # Consuming

    def consume(self, first: int, until: int) -> int:
        """Notes that these records are done, in memory, and returns how many were not before."""
        fresh = self.consumed.add(first, until)
        if fresh:
            self._unwritten.append((first, until))
        return fresh

    def write_acks(self) -> None:
        """Appends what was consumed since the last time. An error keeps it for the next time; a torn entry is then overwritten."""
        if not self._unwritten:
            return
        entries = encode_acks(self._unwritten)
        self._disk.write_file(self._ack_path, entries, self.ack_bytes)
        self.ack_bytes += len(entries)
        self._unwritten.clear()

    def keep(self) -> None:
        """Takes note that rewriting does not work out: not sparse any more until as much again has been consumed."""
        self.stored = self.live

    def delete(self) -> None:
        """The segment first: an ack file alone is harmless, a segment without its acks would be sent again."""
        self.close()
        self._disk.unlink(self.path)
        self._disk.unlink(self._ack_path)

    def close(self) -> None:
        if self.descriptor is not None:
            self._disk.close(self.descriptor)
            self.descriptor = None

    # Rewriting

    def rewrite(self, frames: Iterable[tuple[int, int, Sequence[bytes]]]) -> Generator[int, None, None]:
        """Replaces the file by one with only `frames` (first, until, parts), in one step; yields after each the bytes written.

        Numbers stay as they are, so acknowledgements, order and readers do not notice. Whoever stops early must `close` the iterator.
        """
        temporary = self.path.with_suffix(".tmp")
        self._disk.unlink(temporary)
        copy = Segment.create(self._disk, temporary, self.header, sync=False)
        try:
            for first, until, parts in frames:
                copy.write(parts)
                size = sum(map(len, parts))
                copy.commit(size, first, until)
                yield size
            copy.sync()
            self._disk.rename(temporary, self.path)
        except BaseException:
            copy.close()
            self._disk.unlink(temporary)
            raise
        self.close()
        self.descriptor = copy.descriptor
        self.size_bytes = copy.size_bytes
        self.stored = copy.stored
        self.marks = copy.marks
        self._disk.sync_directory(self.path.parent)

    # Recovering

    @classmethod
    def recover(cls, disk: Disk, path: Path) -> Segment:
        """Opens a segment that a former process wrote, without its frames. Raises `SpoolCorrupt` if the header is no good."""
        descriptor = disk.open(path)
        try:
            header = decode_segment_header(disk.read(descriptor, SEGMENT_HEADER_BYTES, 0))
            if header.base != int(path.stem):
                raise SpoolCorrupt("segment header belongs to another file")
        except (SpoolCorrupt, OSError):
            disk.close(descriptor)
            raise
        segment = cls(disk, path, header, descriptor)
        segment.measure()
        return segment

    def measure(self) -> None:
        """Takes the whole file for good, until `recover_frames` has looked."""
        if self.descriptor is None:
            self.descriptor = self._disk.open(self.path)
        self.size_bytes = self._disk.size(self.descriptor)

    def recover_frames(self) -> list[Span]:
        """Walks the whole file, learns what is there and returns the damage; damage at the end is behind `size_bytes` afterwards."""
        damage = []
        expected = self.base
        for span in walk(self._read, self.size_bytes, first=self.base):
            if span.header is None:
                damage.append(span)
                expected = span.until
                if span.end == self.size_bytes:
                    self.size_bytes = span.offset
                continue
            self._mark(span.first, span.offset)
            self.consumed.add(expected, span.first)
            expected = self.until = span.until
            self.stored += span.until - span.first
        return damage

    def recover_acks(self) -> None:
        """Reads the acknowledgements up to the first bad entry and cuts the rest off."""
        try:
            descriptor = self._disk.open(self._ack_path)
        except FileNotFoundError:
            return
        data = b""
        try:
            data = self._disk.read(descriptor, self._disk.size(descriptor), 0)
        except OSError as error:  # unreadable: what it said is sent again
            if error.errno != errno.EIO:
                raise
        finally:
            self._disk.close(descriptor)
        ranges = decode_acks(data)
        self.ack_bytes = len(ranges) * ACK_BYTES
        if len(data) > self.ack_bytes:
            with suppress(OSError):  # mounted read-only: nothing will be written behind it either
                self._disk.truncate(self._ack_path, self.ack_bytes)
        for first, until in ranges:
            self.consumed.add(max(first, self.base), min(until, self.until))

    def forget(self, last: Span) -> None:
        """Takes the last frame out of what is known of the file."""
        self.size_bytes = last.offset
        self.stored -= last.until - last.first
        self.until = last.first
        if self.marks[-1][1] == last.offset:
            self.marks.pop()
