"""Numbers of the projects that have most to show."""

from __future__ import annotations

import pytest

from scrubjay.runtime import busiest
from scrubjay.runtime.busiest import SHOWN, Busiest, shown
from scrubjay.runtime.series import Series


def row(project: int, outcome: str = "forwarded") -> tuple[str, ...]:
    return (str(project), outcome, "error")


def test_the_fifty_with_most_are_shown_with_all_their_rows() -> None:
    series = Series()
    subject = Busiest(series)
    for project in range(SHOWN + 10):
        subject.add(row(project), project)
        subject.add(row(project, "lost"), 1)
    found = shown(series)
    assert {labels[0] for labels in found} == {str(project) for project in range(10, SHOWN + 10)}
    assert len(found) == 2 * SHOWN
    assert found[row(SHOWN, "lost")] == 1
    assert repr(subject) == f"<Busiest of {SHOWN + 10} projects>"


def test_the_least_makes_room_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busiest, "_KEPT", 2)
    series = Series()
    subject = Busiest(series)
    subject.add(row(1), 5)
    subject.add(row(2), 1)
    subject.add(row(2, "lost"), 1)
    subject.add(row(3), 1)
    assert dict(series) == {row(1): 5, row(3): 1}
    subject.add(row(2), 1)
    assert dict(series) == {row(1): 5, row(2): 1}, "what comes back begins anew"


def test_what_was_there_before_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busiest, "_KEPT", 2)
    series = Series({row(1): 9.0, row(2): 3.0})
    subject = Busiest(series)
    series[row(2, "lost")] = 8.0
    subject.recount()
    subject.add(row(3), 1)
    assert set(series) == {row(2), row(2, "lost"), row(3)}
