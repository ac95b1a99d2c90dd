"""How many processors this process may use: what `relay.workers: auto` stands for.

The lowest of what the scheduler allows (affinity, cpusets) and each CPU quota on the way from our control group up (version 2, then 1). A part
of a processor counts as none: a worker more than there is time for makes all of them wait.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def processors(root: Path = Path("/")) -> int:
    """At least one."""
    return max(1, int(min([_scheduled(), *_quotas(root)])))


def _scheduled() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Processors per quota that is set."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            base, read = root / "sys/fs/cgroup", _quota_v2
        elif "cpu" in controllers.split(","):
            base, read = root / "sys/fs/cgroup/cpu", _quota_v1
        else:
            continue
        folder = base / group.lstrip("/")
        # In a container the path of the group may not be mounted: its own quota then stands at the root of the mount.
        for place in (folder, *folder.parents):
            try:
                quota, period = read(place)
            except (OSError, ValueError):
                quota = period = 0
            if quota > 0 and period > 0:
                yield quota / period
            if place == base:
                break


def _quota_v2(folder: Path) -> tuple[int, int]:
    """Raises: OSError, or ValueError where it says `max`."""
    quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
    return int(quota), int(period)


def _quota_v1(folder: Path) -> tuple[int, int]:
    quota, period = ((folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8") for name in ("quota", "period"))
    return int(quota), int(period)
