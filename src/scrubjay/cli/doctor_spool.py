"""What `scrubjay doctor` finds of the spool: whether its folder can be written to and locked, whose it is, how much room there is, and
whether the key opens what waits.

Looks only, but for one small file that is written, locked, renamed and removed beside the partitions: that is what the relay will do.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from scrubjay.cli.check import nearest
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.cli.spool_folder import disk_bytes, size_text
from scrubjay.cli.tables import ago
from scrubjay.core.spool_format import FORMAT_LINE
from scrubjay.errors import ConfigError, SpoolError, SpoolSealed
from scrubjay.runtime.spool.inspection import PartitionView, inspect, waiting
from scrubjay.runtime.spool_opening import codec_of
from scrubjay.runtime.state import Merged
from scrubjay.settings.load import Loaded

_LEAST_ROOM_BYTES: Final = 16 * 1024 * 1024
_START_S: Final = 10.0
"""Until then a relay that has its spool may still be reading it, and has written no state."""
_ROOM: Final = "make room on the disk, lower `spool.envelopes.max_disk_size`, or give the spool a disk of its own"


def spool(loaded: Loaded, merged: Merged) -> Iterator[Finding]:
    """`merged`: the workers of this configuration, whose locks are no surprise."""
    settings = loaded.settings
    if settings.relay.mode == "capture":
        yield skipped("spool", "a capture has none")
        return
    path = settings.spool.envelopes.path
    if path is None:
        yield skipped("spool", "none is configured: what waits is in memory, and gone after a crash")
        return
    root = Path(path)
    unusable = _try_out(root)
    if unusable is not None:
        yield unusable
        return
    partitions: list[PartitionView] = []
    if (root / "FORMAT").exists():
        try:
            partitions = inspect(root)
        except SpoolError as error:
            yield failed("spool", str(error), f"another folder, or the version that wrote it ({FORMAT_LINE})")
            return
    yield from _owners(partitions, merged)
    try:
        waits = next(waiting(partitions, codec_of(settings.spool.envelopes), b""), None) is not None
    except SpoolSealed as error:
        yield failed("spool key", str(error), "set `spool.envelopes.encryption_key` to the key it was written with")
    except (ConfigError, SpoolError) as error:
        yield failed("spool", str(error), "see `scrubjay spool verify`")
    else:
        yield from _state(root, partitions, merged, waits=waits)
    yield from _room(root, partitions, settings.spool.envelopes.max_disk_size)


def _try_out(root: Path) -> Finding | None:
    """Writes, locks and renames a file, in the folder or where it will be made."""
    try:
        place = nearest(root)
    except OSError as error:
        return failed("spool", f"{error.filename} cannot be looked at: {error.strerror}", _remedy(error, root))
    if not place.is_dir():
        return failed("spool", f"{place} is no folder", "remove it, or change `spool.envelopes.path`")
    draft, name = place / f".doctor.{os.getpid()}", place / f".doctor.{os.getpid()}.moved"
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, b"scrubjay doctor\n")
            os.fsync(descriptor)
            draft.rename(name)
        finally:
            os.close(descriptor)
    except OSError as error:
        return failed("spool", f"{place} cannot be written to: {error.strerror}", _remedy(error, place))
    finally:
        for left in (draft, name):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return None


def _remedy(error: OSError, place: Path) -> str:
    no_locks = "take a file system of this machine: this one cannot lock files"
    return {
        errno.ENOSPC: _ROOM,
        errno.EDQUOT: _ROOM,
        errno.EROFS: f"mount {place} for writing, or change `spool.envelopes.path` (in a container: a volume)",
        errno.EACCES: f"give the folder to the user that runs the relay: chown -R {os.geteuid()} {place}",
        errno.ENOLCK: no_locks,
        errno.EOPNOTSUPP: no_locks,
    }.get(error.errno or 0, "look at the file system; or change `spool.envelopes.path`")


def _owners(partitions: list[PartitionView], merged: Merged) -> Iterator[Finding]:
    """Who has a partition that is in use must be one of our workers."""
    ours = {worker.pid for worker in merged.alive}
    for partition in partitions:
        holder = partition.owner.get("pid", "?")
        if not partition.is_owned or holder in ours:
            continue
        taken_s = time.time() - (partition.directory / "OWNER").stat().st_mtime
        if taken_s < _START_S:
            yield warning(
                "spool",
                f"process {holder} took {partition.directory} {ago(taken_s)} ago, and has not said yet who it is",
                "a relay that is starting? ask again in a moment",
            )
        else:
            yield failed(
                "spool",
                f"{partition.directory} is locked by process {holder}, which is no worker of this configuration",
                "two relays cannot share a spool: stop the other, or give each a folder of its own",
            )


def _state(root: Path, partitions: list[PartitionView], merged: Merged, *, waits: bool) -> Iterator[Finding]:
    if waits and not merged.alive and not any(each.is_owned for each in partitions):
        yield warning(
            "spool",
            f"{size_text(disk_bytes(partitions))} in {root} wait to be sent, and no relay runs that would",
            "start the relay; `scrubjay spool stat` shows what waits",
        )
    else:
        yield ok("spool", f"{root} can be written to and locked; {'something' if waits else 'nothing'} waits")
    set_aside = sum(each.quarantined_files for each in partitions)
    if set_aside:
        yield warning(
            "spool", f"{set_aside} damaged pieces were set aside", "see `scrubjay spool ls`; delete what nobody needs"
        )


def _room(root: Path, partitions: list[PartitionView], most_bytes: int) -> Iterator[Finding]:
    place = nearest(root)
    free_bytes, used_bytes = shutil.disk_usage(place).free, disk_bytes(partitions)
    wanted_bytes = max(0, most_bytes - used_bytes)
    text = f"{size_text(free_bytes)} free on its disk, and it may take {size_text(wanted_bytes)} more"
    if free_bytes < min(_LEAST_ROOM_BYTES, wanted_bytes):
        yield failed("spool room", text, _ROOM)
    elif free_bytes < wanted_bytes:
        yield warning("spool room", text, _ROOM)
    else:
        yield ok("spool room", text)
