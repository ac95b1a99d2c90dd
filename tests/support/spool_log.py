"""Opens the synchronous part of a spool on a simulated disk, without thread, lock or event loop."""

from __future__ import annotations

import random
from pathlib import Path

from scrubjay.core.spool_format import Record
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.segment_recovery import Recovery
from scrubjay.runtime.spool.types import SpoolOptions, StoredRecord
from support.simulated_disk import SimulatedClock, SimulatedDisk

FOLDER = Path("/spool/p00")
PARTITION = bytes(range(16))
NOISE = random.Random(2).randbytes(5_000)
_MUCH_NOISE = random.Random(1).randbytes(100_000)
FIRST = FOLDER / "00000000000000000001.seg"
OPTIONS = SpoolOptions(fsync="never", segment_bytes=1_000)
"""Two small records fill a segment."""
SMALL = SpoolOptions(segment_bytes=400, max_bytes=1 << 20)
"""One small record fills a segment."""


def noise(length: int) -> bytes:
    """Bytes that do not compress."""
    return _MUCH_NOISE[:length]


def open_log(
    disk: SimulatedDisk,
    clock: SimulatedClock | None = None,
    options: SpoolOptions | None = None,
    *,
    is_whole: bool = True,
) -> tuple[SegmentLog, Recovery]:
    """With `is_whole` all of the folder has been looked into."""
    options = options or SpoolOptions()
    log = SegmentLog(disk, FOLDER, options, clock or SimulatedClock(), partition=PARTITION)
    while is_whole and not log.shelf.is_whole:
        log.shelf.reveal()
    return log, log.shelf._recovery


def record(body: bytes | str, meta: bytes = b"{}") -> Record:
    return Record(meta, body.encode() if isinstance(body, str) else body)


def waiting(log: SegmentLog) -> list[StoredRecord]:
    """All that waits, oldest first, read in small steps."""
    found: list[StoredRecord] = []
    while part := log.shelf.read(found[-1].sequence if found else 0, 5_000, None):
        found += part
    return found


def bodies(log: SegmentLog) -> list[bytes]:
    return [each.body for each in waiting(log)]


def segments(disk: SimulatedDisk) -> list[str]:
    return sorted(path.name for path in disk.names if path.suffix == ".seg" and path.parent == FOLDER)


def three_segments() -> SimulatedDisk:
    """Records 1 to 6, two in a segment, each in a frame of 472 bytes."""
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=OPTIONS)
    for number in range(1, 7):
        log.append([record(NOISE[number * 400 : number * 400 + 400])])
    assert [segment.size_bytes for segment in log.shelf.segments] == [1008, 1008, 1008]
    disk.kill()
    return disk


def path(base: int) -> Path:
    return FOLDER / f"{base:020d}.seg"


def numbers(disk: SimulatedDisk) -> list[int]:
    return [each.sequence for each in waiting(open_log(disk, options=OPTIONS)[0])]
