"""How many processors may be used, on made-up machines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrubjay.settings.processors import processors


def machine(root: Path, cgroup: str | None, files: dict[str, str]) -> Path:
    for name, text in {**files, **({} if cgroup is None else {"proc/self/cgroup": cgroup})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        (None, {}, 8),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 8),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 4),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/cpu.max": "400000 100000", "sys/fs/cgroup/a/cpu.max": "250000 100000"}, 2),
        ("0::/a\n", {"sys/fs/cgroup/a/cpu.max": "1600000 100000"}, 8),
        ("0::/a\n", {"sys/fs/cgroup/a/cpu.max": "50000 100000"}, 1),
        ("0::/not/mounted\n", {"sys/fs/cgroup/cpu.max": "300000 100000"}, 3),
        ("0::/a\n", {"sys/fs/cgroup/a/cpu.max": "nonsense"}, 8),
        (
            "3:cpu,cpuacct:/x\n1:cpuset:/x\n",
            {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "200000", "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000"},
            2,
        ),
        (
            "3:cpu:/x\n",
            {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000"},
            8,
        ),
    ],
)
def test_the_scarcest_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str | None, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert processors(machine(tmp_path, cgroup, files)) == expected


def test_a_system_without_affinity_tells_how_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert processors(tmp_path) == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors(tmp_path) == 1


def test_this_machine_has_one() -> None:
    assert processors() >= 1
