"""Ten in any minute, for all who share the file, and for one alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrubjay.runtime.self_reports.budget import MAX_PER_MINUTE, Budget


class Clock:
    def __init__(self) -> None:
        self.now_mono = 100.0

    def __call__(self) -> float:
        return self.now_mono


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("workers", [1, 3, 4, 100])
def test_ten_leave_in_a_minute_however_many_workers_there_are(workers: int, tmp_path: Path, clock: Clock) -> None:
    budgets = [Budget(tmp_path / "file", now_mono=clock) for _ in range(workers)]
    for minute in range(3):
        clock.now_mono += 61
        admitted = [each.admit() for _ in range(12) for each in budgets]
        assert sum(admitted) == MAX_PER_MINUTE, minute
        assert (tmp_path / "file").stat().st_size == 80


def test_the_minute_is_any_minute(tmp_path: Path, clock: Clock) -> None:
    one, other = (Budget(tmp_path / "file", now_mono=clock) for _ in range(2))
    for each in (one, other) * 5:
        assert each.admit()
        clock.now_mono += 2
    assert not one.admit()
    clock.now_mono = 159.9
    assert not other.admit()
    clock.now_mono = 160.0
    assert other.admit(), "the first of them is a minute old"
    assert not one.admit()
    clock.now_mono = 165.0
    assert [each.admit() for each in (one, other, one, other)] == [True, True, False, False]
    assert repr(one) == "<Budget 10 of 10>"


def test_what_another_boot_or_somebody_else_left_there_counts_for_nothing(tmp_path: Path, clock: Clock) -> None:
    before, after = Budget(tmp_path / "file", now_mono=clock), Budget(tmp_path / "file", now_mono=lambda: 5.0)
    assert all(before.admit() for _ in range(10))
    assert sum(after.admit() for _ in range(12)) == 10
    (tmp_path / "file").write_bytes(b"not a moment")
    assert Budget(tmp_path / "file", now_mono=clock).admit()


def test_used_up_it_looks_at_nothing(tmp_path: Path, clock: Clock) -> None:
    budget = Budget(tmp_path / "file", now_mono=clock)
    assert all(budget.admit() for _ in range(10))
    (tmp_path / "file").unlink()
    assert not budget.admit()
    assert not (tmp_path / "file").exists()


def test_one_that_is_alone_has_no_file(clock: Clock) -> None:
    budget = Budget(None, now_mono=clock)
    assert sum(budget.admit() for _ in range(12)) == 10
    clock.now_mono += 60
    assert budget.admit()


def test_a_disk_that_refuses_leaves_each_its_own(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Budget(tmp_path / "gone" / "file", now_mono=clock)
    assert sum(nowhere.admit() for _ in range(12)) == 10

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", refuse)
    monkeypatch.setattr(os, "pwrite", refuse)
    failing = Budget(tmp_path / "file", now_mono=clock)
    assert sum(failing.admit() for _ in range(12)) == 10
