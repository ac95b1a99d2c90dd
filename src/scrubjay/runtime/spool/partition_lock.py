"""Who owns which partition folder: format marker, slots `p00` to `p99`, file locks (`upstream-and-operations.md` 7.3, 7.8).

Invariant: a partition has one owner at most. The lock hangs on an open descriptor that is not passed on to children, so the kernel
releases it with the owner, however it dies. File contents and names are never trusted for that.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

import msgspec

from scrubjay.core.spool_format import FORMAT_LINE
from scrubjay.errors import SpoolError, SpoolLocked
from scrubjay.runtime.spool.quarantine import QUARANTINE

_SLOTS = 100
_SLOT_NAME = re.compile(r"p[0-9]{2}")


class PartitionLock:
    """The ownership of one partition, from `claim` to `release`."""

    def __init__(self, directory: Path, slot: int, descriptor: int) -> None:
        self.directory = directory
        self.slot = slot
        self._descriptor: int | None = descriptor

    @classmethod
    def claim(cls, root: Path, slot: int | None, owner: dict[str, object], *, at_least: int = 0) -> PartitionLock:
        """Takes partition `slot`, or the lowest from `at_least` on that is free. `owner` is written down for people to read.

        Raises `SpoolLocked` if somebody holds it, `SpoolError` if the folder cannot be used.
        """
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_format(root)
            for each in range(at_least, _SLOTS) if slot is None else (slot,):
                descriptor = _lock(root / f"p{each:02d}")
                if descriptor is not None:
                    lock = cls(root / f"p{each:02d}", each, descriptor)
                    lock._introduce(owner)
                    _sync_names(root)
                    return lock
        except OSError as error:
            raise SpoolError(f"the spool folder {root} cannot be used: {error.strerror}") from error
        raise SpoolLocked(f"{root}: all partitions are in use" if slot is None else f"{root}: slot {slot} is in use")

    def _introduce(self, owner: dict[str, object]) -> None:
        path = self.directory / "OWNER"
        with suppress(OSError):  # information only; a full disk must not keep us from draining
            path.write_bytes(msgspec.json.encode(owner))
            path.chmod(0o600)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove_directory(self) -> bool:
        """Removes the folder if nothing of value is left in it. Quarantined bytes are: they stay for the operator."""
        with suppress(OSError):
            (self.directory / QUARANTINE).rmdir()
        if {path.name for path in self.directory.iterdir()} - {"LOCK", "OWNER"}:
            return False
        try:
            for name in ("OWNER", "LOCK"):
                (self.directory / name).unlink(missing_ok=True)
            self.directory.rmdir()
        except OSError:  # somebody moved in meanwhile
            return False
        return True


def adoptable(root: Path, but: Container[int] = ()) -> list[int]:
    """Slots, other than `but`, whose folders hold segments: candidates for adoption. Whether they have an owner, `claim` tells."""
    with suppress(FileNotFoundError):
        return sorted(
            int(path.name[1:])
            for path in root.iterdir()
            if _SLOT_NAME.fullmatch(path.name) and int(path.name[1:]) not in but and any(path.glob("*.seg"))
        )
    return []


def is_free(root: Path, slot: int) -> bool:
    """Whether nobody owns a partition that is there, at this moment."""
    try:
        descriptor = os.open(root / f"p{slot:02d}" / "LOCK", os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _check_format(root: Path) -> None:
    path = root / "FORMAT"
    try:
        text = path.read_text("utf-8", errors="replace").strip()
    except FileNotFoundError:
        temporary = root / f"FORMAT.{os.getpid()}.tmp"
        temporary.write_text(FORMAT_LINE + "\n", "utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)
        return
    if text != FORMAT_LINE:
        raise SpoolError(f"{path} says {text[:40]!r}; this version reads {FORMAT_LINE!r} only")


def _sync_names(root: Path) -> None:
    """What is synced inside a folder is safe only if the folder's own name is."""
    for path in (root, root.parent):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _lock(directory: Path) -> int | None:
    """The locked descriptor, `None` if another process has it. A folder that an adopter just removed is made anew."""
    while True:
        directory.mkdir(mode=0o700, exist_ok=True)
        path = directory / "LOCK"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        except OSError:
            descriptor = os.open(path, os.O_RDONLY)  # full or mounted read-only: what is there can still be drained
        mine = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.stat(path).st_ino == os.fstat(descriptor).st_ino  # noqa: PTH116 (compared with fstat)
        except BlockingIOError:
            return None
        except FileNotFoundError:
            continue
        finally:
            if not mine:
                os.close(descriptor)
        if mine:
            return descriptor
