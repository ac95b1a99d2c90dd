"""A disk in memory for the spool's tests: it fills up, fails on demand, and loses power as real ones do.

Two kinds of end. `kill` is the process's: all that was written stays (page cache). `power_cut` is the machine's: what was synced stays;
of the rest each page survives or not, file sizes may be old or new, and of the changes of names since the folder was last synced a
random first part survives, in order. A sync that fails marks its pages clean without writing them, as Linux does: a second sync of
that descriptor succeeds and saves nothing.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scrubjay.runtime.spool.disk import Clock, Disk

PAGE_BYTES = 512


@dataclass(eq=False)
class Inode:
    cached: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    dirty: set[int] = field(default_factory=set)

    def touch(self, start: int, end: int) -> None:
        self.dirty.update(range(start // PAGE_BYTES, -(-end // PAGE_BYTES)))

    def after_power_cut(self, rng: random.Random) -> Inode:
        size = rng.choice([len(self.durable), len(self.cached)])
        data = bytearray(self.durable[:size].ljust(size, b"\0"))
        for page in self.dirty:
            if rng.random() < 0.5:
                start, end = page * PAGE_BYTES, min((page + 1) * PAGE_BYTES, size)
                piece = self.cached[start:end]
                data[start : start + len(piece)] = piece
        data = data[:size]
        return Inode(bytearray(data), data)


class SimulatedDisk(Disk):
    """`capacity_bytes` bounds the sum of all files; `faults` maps an operation to the error numbers of its next calls."""

    def __init__(self, capacity_bytes: int = 1 << 40) -> None:
        self.capacity_bytes = capacity_bytes
        self.faults: dict[str, list[int]] = {}
        self.before: Callable[[str, Path | None], None] = lambda operation, path: None
        self.names: dict[Path, Inode] = {}
        self.durable_names: dict[Path, Inode] = {}
        self._changes: list[tuple[Path, Inode | None]] = []
        self._open: dict[int, tuple[Path, Inode]] = {}
        self._next = 1000

    # The ends

    def kill(self) -> None:
        self._open.clear()
        self.faults.clear()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What a dead process's leftovers do inside, when Python clears them away, does not happen."""
        names, changes, faults = dict(self.names), list(self._changes), self.faults
        self.faults = {}
        yield
        self.names, self._changes, self.faults = names, changes, faults

    def power_cut(self, rng: random.Random) -> None:
        self.kill()
        survivors = dict(self.durable_names)
        for path, inode in self._changes[: rng.randint(0, len(self._changes))]:
            if inode is None:
                survivors.pop(path, None)
            else:
                survivors[path] = inode
        fresh: dict[int, Inode] = {}
        for inode in survivors.values():
            fresh.setdefault(id(inode), inode.after_power_cut(rng))
        self.names = {path: fresh[id(inode)] for path, inode in survivors.items()}
        self.durable_names = dict(self.names)
        self._changes = []

    # For the tests

    @property
    def used_bytes(self) -> int:
        return sum(len(inode.cached) for inode in self.names.values())

    @property
    def open_descriptors(self) -> int:
        return len(self._open)

    def content(self, path: Path) -> bytearray:
        """The bytes of a file, to look at or to damage."""
        return self.names[path].cached

    def put(self, path: Path, data: bytes) -> None:
        self.names[path] = self.durable_names[path] = Inode(bytearray(data), bytearray(data))

    def _call(self, operation: str, path: Path | None) -> None:
        self.before(operation, path)
        if self.faults.get(operation):
            number = self.faults[operation].pop(0)
            if number:
                raise OSError(number, os.strerror(number))

    # The operations

    def list(self, directory: Path) -> list[str]:
        self._call("list", directory)
        return [path.name for path in self.names if path.parent == directory]

    def make_directory(self, path: Path) -> None:
        self._call("make_directory", path)

    def _descriptor(self, path: Path, inode: Inode) -> int:
        self._next += 1
        self._open[self._next] = (path, inode)
        return self._next

    def _name(self, path: Path, inode: Inode | None) -> None:
        self._changes.append((path, inode))
        if inode is None:
            self.names.pop(path, None)
        else:
            self.names[path] = inode

    def create(self, path: Path) -> int:
        self._call("create", path)
        if path in self.names:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        self._name(path, Inode())
        return self._descriptor(path, self.names[path])

    def open(self, path: Path) -> int:
        self._call("open", path)
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self._descriptor(path, self.names[path])

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def size(self, descriptor: int) -> int:
        return len(self._open[descriptor][1].cached)

    def file_size(self, path: Path) -> int:
        return len(self.names[path].cached)

    def is_removed(self, descriptor: int) -> bool:
        _, inode = self._open[descriptor]
        return all(each is not inode for each in self.names.values())

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        path, inode = self._open[descriptor]
        self._call("read", path)
        return bytes(inode.cached[offset : offset + length])

    def write(self, descriptor: int, parts: Sequence[bytes], offset: int) -> None:
        path, inode = self._open[descriptor]
        data = b"".join(parts)
        try:
            self._call("write", path)
        except OSError:
            self._store(inode, data[: len(data) // 2], offset)  # errors come in the middle
            raise
        room = self.capacity_bytes - self.used_bytes + len(inode.cached) - offset
        self._store(inode, data[: max(0, room)], offset)
        if room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _store(self, inode: Inode, data: bytes, offset: int) -> None:
        if not data:
            return
        old = len(inode.cached)
        if old < offset:
            inode.cached.extend(bytes(offset - old))
        inode.cached[offset : offset + len(data)] = data
        inode.touch(min(old, offset), offset + len(data))

    def write_file(self, path: Path, data: bytes, offset: int = 0) -> None:
        self._call("write_file", path)
        if path not in self.names:
            self._name(path, Inode())
        descriptor = self._descriptor(path, self.names[path])
        try:
            self.write(descriptor, [data], offset)
        finally:
            self.close(descriptor)

    def truncate(self, path: Path, size_bytes: int) -> None:
        self._call("truncate", path)
        inode = self.names[path]
        inode.touch(size_bytes, max(size_bytes, len(inode.cached)))
        del inode.cached[size_bytes:]

    def sync(self, descriptor: int) -> None:
        path, inode = self._open[descriptor]
        try:
            self._call("sync", path)
        except OSError:
            inode.dirty.clear()
            raise
        for page in inode.dirty:
            start = page * PAGE_BYTES
            inode.durable.extend(bytes(max(0, min(start + PAGE_BYTES, len(inode.cached)) - len(inode.durable))))
            piece = inode.cached[start : start + PAGE_BYTES]
            inode.durable[start : start + len(piece)] = piece
        del inode.durable[len(inode.cached) :]
        inode.durable.extend(bytes(len(inode.cached) - len(inode.durable)))
        inode.dirty.clear()

    def sync_directory(self, directory: Path) -> None:
        self._call("sync_directory", directory)
        self.durable_names = dict(self.names)
        self._changes = []

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename", source)
        inode = self.names[source]
        self._name(source, None)
        self._name(target, inode)

    def unlink(self, path: Path) -> None:
        self._call("unlink", path)
        if path in self.names:
            self._name(path, None)


class SimulatedClock(Clock):
    """Stands still until told."""

    def __init__(self, boot_id: bytes = b"boot-one-abc") -> None:
        self.boot_id = boot_id
        self.wall_unix_ms = 1_767_323_045_000
        self.boot_time_ms = 123_456
        self.monotonic_s = 1000.0

    def wall_ms(self) -> int:
        return self.wall_unix_ms

    def boot_ms(self) -> int:
        return self.boot_time_ms

    def mono_s(self) -> float:
        return self.monotonic_s

    def advance(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.boot_time_ms += int(seconds * 1000)
        self.wall_unix_ms += int(seconds * 1000)
