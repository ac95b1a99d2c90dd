"""The file operations and clocks that the spool uses, and nothing else: the seam where tests put full, failing and crashing disks.

Calls raise `OSError` as the system does; what an error means is decided in `segment_log`. Files are 0600, folders 0700.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

_BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"


class Disk:
    """The real one."""

    def list(self, directory: Path) -> list[str]:
        return os.listdir(directory)  # noqa: PTH208 (names are all that is needed)

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)

    def create(self, path: Path) -> int:
        """A new file, opened for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    def open(self, path: Path) -> int:
        """An existing file, for reading: works on a file system that was mounted read-only."""
        return os.open(path, os.O_RDONLY)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def file_size(self, path: Path) -> int:
        return os.stat(path).st_size  # noqa: PTH116 (as the others)

    def is_removed(self, descriptor: int) -> bool:
        """Whether the file has no name any more: its bytes are gone when the last who has it open ends."""
        return not os.fstat(descriptor).st_nlink

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        """Fewer bytes than asked only at the end of the file."""
        data = os.pread(descriptor, length, offset)
        while 0 < len(data) < length:
            more = os.pread(descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def write(self, descriptor: int, parts: Sequence[bytes], offset: int) -> None:
        """All of `parts`, or an error; what was written before the error stays behind."""
        total = sum(map(len, parts))
        written = os.pwritev(descriptor, parts, offset)
        if written < total:  # no space for the rest, or a signal: only another try tells
            rest = memoryview(b"".join(parts))
            while written < total:
                written += os.pwrite(descriptor, rest[written:], offset + written)

    def write_file(self, path: Path, data: bytes, offset: int = 0) -> None:
        """Writes into a file that need not exist yet."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            self.write(descriptor, [data], offset)
        finally:
            os.close(descriptor)

    def truncate(self, path: Path, size_bytes: int) -> None:
        os.truncate(path, size_bytes)

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)

    def sync_directory(self, directory: Path) -> None:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Replaces `target` if it exists, in one step."""
        os.replace(source, target)  # noqa: PTH105 (one system call)

    def unlink(self, path: Path) -> None:
        """Does nothing if the file is gone already."""
        path.unlink(missing_ok=True)


class Clock:
    """The times a spool needs, and the identity of this boot of the machine."""

    boot_id: bytes

    def __init__(self) -> None:
        try:
            text = Path(_BOOT_ID_PATH).read_text("ascii")
        except OSError:
            text = ""
        self.boot_id = bytes.fromhex(text.strip().replace("-", ""))[:12].ljust(12, b"\0")

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def boot_ms(self) -> int:
        """Time since boot, sleep included where the system tells."""
        return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000

    def mono_s(self) -> float:
        return time.monotonic()
