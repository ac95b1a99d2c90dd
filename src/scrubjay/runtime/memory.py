"""How full the memory is: our own pages against the limit that would kill us.

Owns the measurement of `upstream-and-operations.md` 9.3: the numerator is the anonymous memory of this process, or of all workers and their
supervisor, the denominator the nearest finite control-group limit (version 2, then 1), else the machine's memory. What other processes use
never makes us refuse traffic. What is done at the marks is `pressure`'s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED_V1_BYTES = 1 << 60
"""Version 1 writes "no limit" as a page-rounded 2^63."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_NEAR = 4
"""A part of what is left that is not yet near."""


class MemoryGauge:
    """Remembers the last measurement, so that asking on the hot path costs nothing. Without marks there is always room.

    Above the hard mark, `max_share` of the limit or `max_bytes` if that is less, envelopes are refused. The soft mark lies below it as `soft_share`
    lies below `max_share`: from there on memory is saved. `family`: the parent of this process and all of its children count too.
    """

    def __init__(self, *, family: bool = False, root: Path = Path("/")) -> None:
        self._root = root
        self._family = family
        self.limit_bytes = memory_limit(root)
        self.set_marks(1.0, None, 1.0)
        self.used_bytes = 0
        self.measure()

    def set_marks(self, max_share: float, max_bytes: int | None, soft_share: float) -> None:
        """`soft_share` and `max_share` are of the limit."""
        hard = int(self.limit_bytes * max_share)
        self._hard_bytes = hard if max_bytes is None else min(hard, max_bytes)
        self._soft_bytes = int(self._hard_bytes * min(1.0, soft_share / max_share))

    def measure(self) -> None:
        processes = family_of(os.getppid(), self._root) if self._family else ["self"]
        self.used_bytes = sum([anonymous_memory(each, self._root) for each in processes])

    @property
    def ratio(self) -> float:
        return self.used_bytes / self.limit_bytes

    @property
    def is_soft(self) -> bool:
        """Whether memory is to be saved."""
        return self.used_bytes >= self._soft_bytes

    def has_room(self) -> bool:
        """Whether more may be taken."""
        return self.used_bytes < self._hard_bytes

    def has_room_for(self, size_bytes: int) -> bool:
        """Whether so much more may be taken; what would come near the hard mark is asked of the system anew."""
        if size_bytes > (self._hard_bytes - self.used_bytes) // _NEAR:
            self.measure()
        return self.used_bytes + size_bytes <= self._hard_bytes

    def between_marks(self) -> float:
        """How far use is from the soft mark (0) to the hard one (1); negative below the soft mark."""
        span_bytes = self._hard_bytes - self._soft_bytes
        if span_bytes <= 0:
            return 1.0 if self.is_soft else -1.0
        return (self.used_bytes - self._soft_bytes) / span_bytes

    def __repr__(self) -> str:
        return f"<MemoryGauge {self.used_bytes >> 20} MiB used, marks at {self._soft_bytes >> 20} and {self._hard_bytes >> 20} MiB>"


def family_of(parent: int, root: Path = Path("/")) -> list[str]:
    """The process `parent` and its children, if the kernel tells them; else this one alone."""
    try:
        children = (root / f"proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return ["self"]
    return [str(parent), *children]


def anonymous_memory(process: str = "self", root: Path = Path("/")) -> int:
    """Bytes of a process that no file backs; none if it is no more.

    Resident less shared; `RssAnon` in `status` is the same, and takes five times as long, twice a second.
    """
    try:
        _, resident, shared, *_ = (root / "proc" / process / "statm").read_bytes().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES


def memory_limit(root: Path = Path("/")) -> int:
    """Bytes that we may use at most: the lowest finite limit on the way from our control group up, else the machine's memory."""
    limits = [limit for path in _limit_files(root) if (limit := _finite(path)) is not None]
    if limits:
        return min(limits)
    for line in (root / "proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return _UNLIMITED_V1_BYTES


def _limit_files(root: Path) -> Iterator[Path]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            base, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        folder = base / group.lstrip("/")
        # In a container the path of the group may not be mounted: its own limit then stands at the root of the mount.
        for place in (folder, *folder.parents):
            yield place / name
            if place == base:
                break


def _finite(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < _UNLIMITED_V1_BYTES else None
