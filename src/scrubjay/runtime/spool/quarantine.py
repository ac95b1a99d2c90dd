"""Bytes that are not what was written, kept for the operator: what was damaged in a segment, or the whole of it.

A part of `upstream-and-operations.md` 7.6. What is damaged is decided by whoever reads. Bounded: the newest damage stays, for a disk
that fails would fill itself with its own remains.

Invariants: nothing raises; `size_bytes` is what the folder holds, and never more than `max_bytes`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from scrubjay.runtime.spool.disk import Disk

QUARANTINE: Final = "quarantine"


class Quarantine:
    """The folder of one partition. It is made when it is needed."""

    def __init__(self, disk: Disk, partition: Path, max_bytes: int) -> None:
        self._disk = disk
        self._folder = partition / QUARANTINE
        self._sizes: dict[str, int] = {}
        self.max_bytes = max_bytes
        with suppress(OSError):
            for name in sorted(disk.list(self._folder)):
                with suppress(OSError):
                    self._sizes[name] = disk.file_size(self._folder / name)
        self.size_bytes = sum(self._sizes.values())

    def keep(self, name: str, data: bytes) -> None:
        """Writes `data` down, once. Without space for them there is no copy."""
        if name in self._sizes or not self._make_room(len(data)):
            return
        try:
            self._disk.make_directory(self._folder)
            self._disk.write_file(self._folder / name, data)
        except OSError:
            with suppress(OSError):
                self._disk.unlink(self._folder / name)
        else:
            self._add(name, len(data))

    def take(self, path: Path) -> None:
        """Moves a file here, or deletes it if it is too large. On a disk that refuses both it stays where it is."""
        with suppress(OSError):
            size_bytes = self._disk.file_size(path)
            if self._make_room(size_bytes):
                self._disk.make_directory(self._folder)
                self._disk.rename(path, self._folder / path.name)
                self._add(path.name, size_bytes)
            else:
                self._disk.unlink(path)

    def _add(self, name: str, size_bytes: int) -> None:
        self.size_bytes += size_bytes - self._sizes.pop(name, 0)
        self._sizes[name] = size_bytes

    def _make_room(self, size_bytes: int) -> bool:
        """Gives up the oldest as far as that helps."""
        if size_bytes > self.max_bytes:
            return False
        while self.size_bytes + size_bytes > self.max_bytes:
            name = next(iter(self._sizes))
            with suppress(OSError):
                self._disk.unlink(self._folder / name)
            self.size_bytes -= self._sizes.pop(name)
        return True

    def __repr__(self) -> str:
        return f"<Quarantine {len(self._sizes)} files, {self.size_bytes} bytes>"
