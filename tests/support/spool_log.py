"""Opens the synchronous part of a spool on a simulated disk, without thread, lock or event loop."""

from __future__ import annotations

from pathlib import Path

from scrubjay.core.spool_format import Record
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.segment_recovery import Recovery
from scrubjay.runtime.spool.types import SpoolOptions, StoredRecord
from support.simulated_disk import SimulatedClock, SimulatedDisk

FOLDER = Path("/spool/p00")
PARTITION = bytes(range(16))


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
