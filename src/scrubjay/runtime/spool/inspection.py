"""The spool as it stands on the disk, for people: read without a lock, and without a change (`upstream-and-operations.md` 7.11).

Works on a folder whose relay runs, has died, or was copied from elsewhere. What is told is what the next start would find
(`segment_recovery`); how segments and frames are read is `segment`'s and `codec`'s, what is shown of it the verbs'.

Invariants: no byte of the spool is written, whatever stands in it; of a partition that is written to meanwhile every record is either told
whole or not at all, and what its owner is just writing or deleting is never called damage; a file that is no regular one is not opened.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NoReturn
from zlib import crc32

import msgspec

from scrubjay.core.spool_format import (
    FORMAT_LINE,
    FRAME_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    FrameHeader,
    SegmentHeader,
    Span,
)
from scrubjay.errors import SpoolCorrupt, SpoolError, SpoolSealed
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.partition_lock import is_free
from scrubjay.runtime.spool.quarantine import QUARANTINE
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.types import StoredRecord

FlawKind = Literal["header", "frames", "payload", "torn", "acks", "unreadable"]

_PARTITION_NAME: Final = re.compile(r"p[0-9]{2}")
_SEGMENT_NAME: Final = re.compile(r"[0-9]{20}\.seg")
_SMALL_BYTES: Final = 4096
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ELOOP, errno.EINVAL, errno.ENXIO})
"""Deleted meanwhile, a link, a pipe or device."""


class _ReadOnlyDisk(Disk):
    """What is read as if it were mounted read-only. Links, pipes and devices are not followed: whoever made them is not the relay."""

    def open(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return descriptor

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    create = make_directory = write = write_file = truncate = sync = sync_directory = rename = unlink = _refuse


@dataclass(frozen=True, slots=True)
class Flaw:
    """A stretch of a file that is not what was written. `records` of those in it had not been consumed; where nobody knows, 0."""

    kind: FlawKind
    file: str
    offset: int
    end: int
    records: int = 0


@dataclass(slots=True)
class SegmentView:
    """One segment. `live` records wait, damaged ones not among them; `stored` are in the file; `flaws` are those that its headers tell."""

    name: str
    base: int
    until: int
    size_bytes: int
    created_ms: int
    stored: int
    live: int
    is_written: bool
    flaws: list[Flaw] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound header, and what stands behind it. `waiting` are the numbers, in ranges, that were not consumed."""

    span: Span
    header: FrameHeader
    waiting: tuple[tuple[int, int], ...]


class OpenSegment:
    """A segment while it is looked at: what it holds stays readable even if its owner deletes or rewrites it meanwhile."""

    def __init__(self, segment: Segment, view: SegmentView, boot_id: bytes) -> None:
        self._segment = segment
        self._boot_id = boot_id
        self.view = view

    def frames(self, *, waiting_only: bool = True) -> Iterator[Frame]:
        """With `waiting_only` those in which something waits."""
        segment = self._segment
        for span in segment.spans(segment.base):
            if span.header is not None:
                waiting = tuple(segment.consumed.missing(span.first, span.until))
                if waiting or not waiting_only:
                    yield Frame(span, span.header, waiting)

    def records(self, frame: Frame, codec: Codec) -> list[StoredRecord]:
        """The records of a frame that wait and can be read. Raises `SpoolSealed` if the key does not open it."""
        loaded, header = self._segment.load(frame.span, codec), frame.header
        same_boot = self._segment.header.boot == self._boot_id
        return [
            StoredRecord(number, *record, header.written_ms, header.written_boot_ms, same_boot, header.is_raw)
            for first, until in frame.waiting
            for number in range(first, until)
            if (record := loaded[number - frame.span.first]) is not None
        ]

    def check(self, frame: Frame, codec: Codec) -> Flaw | None:
        """Reads a frame whole: its checksum, then each record. Of what our key does not open only the checksum is known."""
        if self._stored_crc(frame) == frame.header.payload_crc:
            try:
                loaded = self._segment.load(frame.span, codec)
            except SpoolSealed:
                return None
            if all(loaded):
                return None
        try:
            readable = len(self.records(frame, codec))
        except SpoolSealed:  # the checksum is wrong and so cannot be told from a wrong key
            readable = 0
        waiting = sum([until - first for first, until in frame.waiting])
        return Flaw("payload", self.view.name, frame.span.offset, frame.span.end, waiting - readable)

    def _stored_crc(self, frame: Frame) -> int | None:
        descriptor = self._segment.descriptor
        assert descriptor is not None
        with suppress(OSError):
            return crc32(_DISK.read(descriptor, frame.header.stored_bytes, frame.span.offset + FRAME_HEADER_BYTES))
        return None


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One partition's folder. `is_owned`: a process holds it now; `owner` is what that one, or the last, wrote down."""

    directory: Path
    slot: int
    is_owned: bool
    owner: dict[str, object]
    quarantined_files: int
    quarantined_bytes: int

    @property
    def name(self) -> str:
        return self.directory.name

    def segments(self, boot_id: bytes = b"") -> Iterator[OpenSegment]:
        """Oldest first, each open until the next is asked for. Raises `SpoolError` if the folder cannot be read."""
        try:
            names = sorted(name for name in _DISK.list(self.directory) if _SEGMENT_NAME.fullmatch(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise SpoolError(f"{self.directory} cannot be read: {error.strerror}") from error
        for position, name in enumerate(names):
            following = int(names[position + 1][:-4]) if position + 1 < len(names) else None
            segment = _open(self.directory / name)
            if segment is None:
                continue
            try:
                view = self._look(segment, following)
                if view is not None:
                    yield OpenSegment(segment, view, boot_id)
            finally:
                segment.close()

    def _look(self, segment: Segment, following: int | None) -> SegmentView | None:
        """None: its owner has deleted it meanwhile."""
        is_written = self.is_owned and following is None
        file_bytes, name = segment.size_bytes, segment.path.name
        view = SegmentView(name, segment.base, 0, file_bytes, segment.header.created_ms, 0, 0, is_written)
        try:
            damage = segment.recover_frames()
            segment.recover_acks()
            flaws = [] if self.is_owned else _torn_acks(segment)
        except OSError as error:
            view.flaws = [Flaw("unreadable", f"{name}: {error.strerror}", 0, file_bytes)]
            segment.size_bytes = SEGMENT_HEADER_BYTES
            return view
        if not segment.path.exists():
            return None
        if not segment.header.partition:  # set aside whole at the next start
            lost = segment.live
            segment.consume(segment.base, segment.until)
            flaws.append(Flaw("header", name, 0, SEGMENT_HEADER_BYTES, lost))
        for span in damage:
            is_end = span.end == file_bytes
            until = max(following, span.first) if is_end and following is not None else span.until
            if is_end and following is None:
                if not is_written:
                    flaws.append(Flaw("torn", name, span.offset, span.end))
                continue
            segment.until = max(segment.until, until)
            lost = sum([end - first for first, end in segment.consumed.missing(span.first, until)])
            segment.consume(span.first, until)
            flaws.append(Flaw("frames", name, span.offset, span.end, lost))
        view.until, view.stored, view.live, view.flaws = segment.until, segment.stored, segment.live, flaws
        return view


_DISK: Final = _ReadOnlyDisk()


def inspect(root: Path) -> list[PartitionView]:
    """The partitions of the spool at `root`, by slot. Raises `SpoolError` if that is no spool, or one of another version."""
    marker = root / "FORMAT"
    try:
        text = _begin(marker).decode("utf-8", "replace").strip()
        names = sorted(name for name in _DISK.list(root) if _PARTITION_NAME.fullmatch(name))
    except FileNotFoundError:
        raise SpoolError(f"there is no spool in {root}") from None
    except OSError as error:
        raise SpoolError(f"the spool in {root} cannot be read: {error.strerror}") from error
    if text != FORMAT_LINE:
        raise SpoolError(f"{marker} says {text[:40]!r}; this version reads {FORMAT_LINE!r} only")
    folders = (root / name for name in names)
    return [_partition(root, folder) for folder in folders if folder.is_dir() and not folder.is_symlink()]


def _partition(root: Path, folder: Path) -> PartitionView:
    slot = int(folder.name[1:])
    sizes: list[int] = []
    with suppress(OSError):
        sizes = [entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder / QUARANTINE)]
    return PartitionView(folder, slot, not is_free(root, slot), _owner(folder / "OWNER"), len(sizes), sum(sizes))


def _owner(path: Path) -> dict[str, object]:
    try:
        return msgspec.json.decode(_begin(path), type=dict[str, object])
    except (OSError, msgspec.DecodeError, RecursionError):
        return {}


def _begin(path: Path) -> bytes:
    """The first bytes of a small file."""
    descriptor = _DISK.open(path)
    try:
        return _DISK.read(descriptor, _SMALL_BYTES, 0)
    finally:
        _DISK.close(descriptor)


def _open(path: Path) -> Segment | None:
    """None for a file that is gone, that is no regular one, or that was just being made."""
    try:
        return Segment.recover(_DISK, path)
    except SpoolCorrupt:
        headless = Segment(_DISK, path, SegmentHeader(int(path.stem), 0, b"", b""))
        headless.measure()
        if headless.size_bytes >= SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES:
            return headless
        headless.close()
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise SpoolError(f"{path} cannot be read: {error.strerror}") from error
    return None


def _torn_acks(segment: Segment) -> list[Flaw]:
    """What stands behind the last good acknowledgement; the records that it meant are sent again."""
    path = segment.path.with_suffix(".ack")
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError:
        return []
    torn = size_bytes > segment.ack_bytes
    return [Flaw("acks", path.name, segment.ack_bytes, size_bytes)] if torn else []


def waiting(
    partitions: Sequence[PartitionView], codec: Codec, boot_id: bytes
) -> Iterator[tuple[PartitionView, StoredRecord]]:
    """All that waits and can be read, by partition, oldest first. Raises `SpoolSealed` where the key does not open it."""
    for partition in partitions:
        for segment in partition.segments(boot_id):
            for frame in segment.frames():
                for record in segment.records(frame, codec):
                    yield partition, record
