"""What the kernel says of this process: processor time, memory, file descriptors (`upstream-and-operations.md` 9.7), and whether another one lives.

Owns the measurement; the metrics' names are `metrics`', the moments `telemetry`'s. Costs less than 0.1 ms, once a second.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LEAST_SPAN_S: Final = 0.5
"""Over less than that the share of a processor says nothing."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """At one moment. `cpu_s` since the last look, `cpu_ratio` the processors in use meanwhile."""

    cpu_s: float
    cpu_ratio: float
    resident_bytes: int
    open_fds: int
    max_fds: int


class Process:
    """Remembers its last look."""

    def __init__(self, *, mono: Callable[[], float] = time.monotonic, root: Path = Path("/")) -> None:
        self._self = root / "proc" / "self"
        self._mono = mono
        self._cpu_s = self._ratio = self._ratio_cpu_s = 0.0
        self._ratio_mono = mono()
        self.started_unix = self._started(root)

    def look(self) -> Footprint:
        now_mono, cpu_s = self._mono(), time.process_time()
        used_s, self._cpu_s = cpu_s - self._cpu_s, cpu_s
        span_s = now_mono - self._ratio_mono
        if span_s >= _LEAST_SPAN_S:
            self._ratio = (cpu_s - self._ratio_cpu_s) / span_s
            self._ratio_cpu_s, self._ratio_mono = cpu_s, now_mono
        return Footprint(used_s, self._ratio, self._resident_bytes(), self._open_fds(), max_fds())

    def _resident_bytes(self) -> int:
        try:
            return int((self._self / "statm").read_text().split()[1]) * _PAGE_BYTES
        except (OSError, IndexError, ValueError):
            return 0

    def _open_fds(self) -> int:
        try:
            with os.scandir(self._self / "fd") as entries:
                return sum(1 for _ in entries) - 1  # one of them is that of the listing
        except OSError:
            return 0

    def _started(self, root: Path) -> float:
        """The kernel's word, so that it is the same however often we are made; without it the present."""
        try:
            after_name = (self._self / "stat").read_text().rpartition(")")[2].split()
            boot = next(line for line in (root / "proc/stat").read_text().splitlines() if line.startswith("btime "))
            return int(boot.split()[1]) + int(after_name[19]) / _TICKS
        except (OSError, StopIteration, IndexError, ValueError):
            return time.time()

    def __repr__(self) -> str:
        return f"<Process {self._resident_bytes() >> 20} MiB, {self._ratio:.2f} processors>"


def max_fds() -> int:
    """How many file descriptors may be open; without a limit, as many as the kernel gives a process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20


@cache
def process_space(root: Path = Path("/")) -> str:
    """Where the numbers of processes are ours: in this boot, in this namespace. Empty if the kernel does not tell."""
    try:
        boot = (root / "proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(root / 'proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def is_gone(pid: int) -> bool:
    """Whether there is no such process in our space."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's
        return False
    return False
