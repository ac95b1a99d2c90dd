"""The memory gauge, on made-up machines."""

import os
from pathlib import Path

import pytest

from scrubjay.runtime import memory
from scrubjay.runtime.memory import MemoryGauge, anonymous_memory, family_of, memory_limit

KIB = 1024


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PAGE_BYTES", KIB)


def statm(anonymous_kib: int) -> str:
    """Of a process with so much of its own, and more that it shares."""
    return f"9000 {anonymous_kib + 300} 300 1 0 4000 0\n"


def machine(root: Path, groups: dict[str, str], *, cgroup: str | None) -> Path:
    files = {
        "proc/self/statm": statm(600),
        "proc/meminfo": "MemTotal:  2048 kB\nMemFree: 1 kB\n",
        **groups,
    }
    if cgroup is not None:
        files["proc/self/cgroup"] = cgroup
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "groups", "expected"),
    [
        (None, {}, 2048 * KIB),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "max\n"}, 2048 * KIB),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/memory.max": "4096"}, 4096),
        ("0::/a\n", {"sys/fs/cgroup/a/memory.max": "9000", "sys/fs/cgroup/memory.max": "8192"}, 8192),
        ("0::/not/mounted\n", {"sys/fs/cgroup/memory.max": "12288"}, 12288),
        ("3:cpu,memory:/x\n1:cpuset:/x\n", {"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "16384"}, 16384),
        ("3:memory:/x\n", {"sys/fs/cgroup/memory/x/memory.limit_in_bytes": str((1 << 63) - 4096)}, 2048 * KIB),
    ],
)
def test_limit_is_the_nearest_finite_one(
    tmp_path: Path, cgroup: str | None, groups: dict[str, str], expected: int
) -> None:
    assert memory_limit(machine(tmp_path, groups, cgroup=cgroup)) == expected


def test_machine_that_tells_nothing_has_no_limit(tmp_path: Path) -> None:
    machine(tmp_path, {"proc/meminfo": "", "proc/self/statm": ""}, cgroup=None)
    assert memory_limit(tmp_path) > 1 << 50
    assert anonymous_memory("self", tmp_path) == 0


def test_gauge_refuses_above_its_mark(tmp_path: Path) -> None:
    machine(tmp_path, {}, cgroup=None)
    gauge = MemoryGauge(root=tmp_path)
    assert gauge.has_room(), "without marks the whole limit may be used"
    gauge.set_marks(0.5, None, 0.4)
    assert gauge.has_room()
    assert gauge.ratio == pytest.approx(600 / 2048)
    gauge.set_marks(0.5, 599 * KIB, 0.4)
    assert not gauge.has_room()
    gauge.set_marks(0.29, None, 0.2)
    assert not gauge.has_room()
    assert "MiB" in repr(gauge)


@pytest.mark.parametrize(
    ("used_kib", "marks", "is_soft", "has_room", "between"),
    [
        (1638, (0.95, None, 0.8), False, True, 0.0),
        (1639, (0.95, None, 0.8), True, True, 0.0),
        (1792, (0.95, None, 0.8), True, True, 0.5),
        (1946, (0.95, None, 0.8), True, False, 1.0),
        (50, (0.95, 100 * KIB, 0.8), False, True, -2.17),
        (85, (0.95, 100 * KIB, 0.8), True, True, 0.05),
        (100, (0.95, 100 * KIB, 0.8), True, False, 1.0),
        (1200, (0.5, None, 0.8), True, False, 1.0),
        (900, (0.5, None, 0.8), False, True, -1.0),
    ],
)
def test_the_soft_mark_keeps_its_distance_from_the_hard_one(
    tmp_path: Path,
    used_kib: int,
    marks: tuple[float, int | None, float],
    is_soft: bool,
    has_room: bool,
    between: float,
) -> None:
    machine(tmp_path, {"proc/self/statm": statm(used_kib)}, cgroup=None)
    gauge = MemoryGauge(root=tmp_path)
    gauge.set_marks(*marks)
    assert (gauge.is_soft, gauge.has_room()) == (is_soft, has_room)
    assert gauge.between_marks() == pytest.approx(between, abs=0.02)


def test_what_comes_near_the_mark_is_asked_anew(tmp_path: Path) -> None:
    machine(tmp_path, {}, cgroup=None)
    gauge = MemoryGauge(root=tmp_path)
    gauge.set_marks(0.5, None, 0.4)
    machine(tmp_path, {"proc/self/statm": statm(900)}, cgroup=None)
    assert gauge.has_room_for(100 * KIB)
    assert gauge.used_bytes == 600 * KIB, "far from the mark nothing is asked"
    assert not gauge.has_room_for(200 * KIB)
    assert gauge.used_bytes == 900 * KIB
    assert gauge.has_room_for(124 * KIB)


def test_what_others_use_does_not_count(tmp_path: Path) -> None:
    """operations-109: 98 % of the machine is used by others, and our own group is not limited."""
    machine(
        tmp_path,
        {"proc/meminfo": "MemTotal: 2048 kB\nMemFree: 40 kB\n", "sys/fs/cgroup/a/memory.max": "max\n"},
        cgroup="0::/a\n",
    )
    gauge = MemoryGauge(root=tmp_path)
    gauge.set_marks(0.95, None, 0.8)
    assert gauge.has_room()
    assert not gauge.is_soft


def test_workers_count_with_their_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(tmp_path, {}, cgroup=None)
    monkeypatch.setattr("os.getppid", lambda: 10)
    assert family_of(10, tmp_path) == ["self"]
    assert MemoryGauge(family=True, root=tmp_path).used_bytes == 600 * KIB
    for pid, size in (("10", 1), ("11", 20), ("12", 300)):
        machine(tmp_path, {f"proc/{pid}/statm": statm(size)}, cgroup=None)
    machine(tmp_path, {"proc/10/task/10/children": "11 12 13 "}, cgroup=None)
    gauge = MemoryGauge(family=True, root=tmp_path)
    gauge.set_marks(0.5, 322 * KIB, 0.4)
    assert gauge.used_bytes == 321 * KIB
    assert gauge.has_room()
    assert MemoryGauge(root=tmp_path).used_bytes == 600 * KIB


def test_the_kernel_says_the_same_in_its_long_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PAGE_BYTES", os.sysconf("SC_PAGE_SIZE"))
    measured = anonymous_memory("self")
    told = Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]
    assert measured == pytest.approx(int(told) * KIB, rel=0.05)
