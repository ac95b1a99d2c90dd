"""What a partition's folder holds at start, or when it is adopted: segments that can be read, and an account of what cannot.

Follows `upstream-and-operations.md` 7.6. Whatever the bytes on disk are, recovery ends and says what was lost. Payloads are verified
when they are read, but for the very last frame, where a crash may have left a header without its bytes.

How many records were lost at the end of a damaged segment is taken from the number at which the next one begins: an upper bound if
a finished segment between them was deleted.
"""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scrubjay.core.spool_format import FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.segment import QUARANTINE, Segment
from scrubjay.runtime.spool.types import Recovered

_SEGMENT_NAME = re.compile(r"[0-9]{20}\.seg")


@dataclass(slots=True)
class Recovery:
    """Segments with waiting records, oldest first, and the number at which the log goes on."""

    segments: list[Segment] = field(default_factory=list)
    next_sequence: int = 1
    found: Recovered = field(default_factory=Recovered)


def recover(disk: Disk, directory: Path, *, sync: bool) -> Recovery:
    """With `sync` what was found is on the disk on return, too: a killed process may have left it in the page cache alone.

    Raises `OSError` only where the system refuses access altogether, not for what stands in the files.
    """
    recovery = Recovery()
    names = disk.list(directory)
    paths = sorted(directory / name for name in names if _SEGMENT_NAME.fullmatch(name))
    for position, path in enumerate(paths):
        following = int(paths[position + 1].stem) if position + 1 < len(paths) else None
        segment = _open(disk, path, recovery.found)
        if segment is None:
            continue
        _recover_segment(disk, segment, following, recovery.found)
        recovery.next_sequence = max(recovery.next_sequence, segment.until)
        if segment.live:
            if sync:
                with suppress(OSError):
                    segment.sync()
            segment.close()
            recovery.segments.append(segment)
        else:
            with suppress(OSError):
                segment.delete()
    kept = {segment.path.stem for segment in recovery.segments}
    for name in names:
        if name.endswith(".tmp") or (name.endswith(".ack") and name[:-4] not in kept):
            with suppress(OSError):
                disk.unlink(directory / name)
    if sync and recovery.segments:
        with suppress(OSError):
            disk.sync_directory(directory)
    recovery.found.segments = len(recovery.segments)
    recovery.found.records = sum([segment.live for segment in recovery.segments])
    recovery.found.size_bytes = sum([segment.size_bytes + segment.ack_bytes for segment in recovery.segments])
    return recovery


def _open(disk: Disk, path: Path, found: Recovered) -> Segment | None:
    """The segment, or `None` after its file was put aside."""
    try:
        return Segment.recover(disk, path)
    except SpoolCorrupt:
        headless = Segment(disk, path, SegmentHeader(int(path.stem), 0, b"", b""))
        headless.measure()
        if headless.size_bytes < SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES:  # the crash came while it was created
            found.torn_tails += 1
            headless.delete()
            return None
        headless.recover_frames()
        headless.recover_acks()
        headless.close()
        found.lost_records += headless.live
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    found.quarantined += 1
    with suppress(OSError):
        disk.make_directory(path.parent / QUARANTINE)
        disk.rename(path, path.parent / QUARANTINE / path.name)
    return None


def _recover_segment(disk: Disk, segment: Segment, following: int | None, found: Recovered) -> None:
    file_bytes = segment.size_bytes
    damage = segment.recover_frames()
    broken_end = bool(damage) and damage[-1].end == file_bytes
    if following is None:
        if broken_end:
            damage.pop()
            found.torn_tails += 1
        elif segment.until > segment.base:
            broken_end = _last_frame_is_torn(segment, found)
    elif broken_end:
        damage[-1] = damage[-1]._replace(until=max(following, damage[-1].first))
        segment.until = damage[-1].until
    segment.recover_acks()
    for span in damage:
        lost = list(segment.consumed.missing(span.first, span.until))
        if lost:
            segment.quarantine(span)
            found.quarantined += 1
            found.lost_records += sum([segment.consume(first, until) for first, until in lost])
    with suppress(OSError):  # mounted read-only: the same will be found again at the next start
        if broken_end:
            disk.truncate(segment.path, segment.size_bytes)
        segment.write_acks()


def _last_frame_is_torn(segment: Segment, found: Recovered) -> bool:
    """A crash of the machine may leave the header of the last frame without its payload."""
    last = next(span for span in segment.spans(segment.until - 1) if span.header)
    if any(segment.load(last, Codec(level=1))):
        return False
    segment.forget(last)
    found.torn_tails += 1
    return True
