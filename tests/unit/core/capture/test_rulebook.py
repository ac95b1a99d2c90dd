import pytest

from scrubjay.core.capture import rulebook
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.rulebook import RuleBook, RuleSum

NOW = 1_800_000_000.0


def change(path, rule):
    return {"path": path, "rule": rule}


def test_reports_add_up():
    book = RuleBook()
    totals = {"@email": {"hits": 3, "bytes": 20}}
    book.add(
        Report(
            "full",
            [change("/items/3/a", "@email"), change("/x", "settings")],
            [{"detector": "ip"}],
            totals,
            time_ms=2.0,
        ),
        "1",
        NOW,
    )
    book.add(Report("full", [change("/items/4/a", "@email")], (), totals, time_ms=1.0), "1", NOW - 5)
    assert book.hits() == {"@email": 6, "settings": 1}
    assert book.rules["@email"].document() == {
        "hits": 6,
        "events": 2,
        "bytes": 40,
        "last_hit": "2027-01-15T08:00:00.000Z",
        "slowest_ms": 2.0,
    }
    assert book.paths()[0] == {"path": "/items/*/a", "rule": "@email", "hits": 2}
    assert book.suspects == {"ip": 1}
    assert book.projects() == [{"project": "1", "events": 2, "changes": 3, "suspects": 1}]
    assert RuleSum().document() == {"hits": 0, "events": 0, "bytes": 0}


def test_how_much_is_counted_one_by_one_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rulebook, "MAX_RULES", 2)
    monkeypatch.setattr(rulebook, "MAX_PATHS", 2)
    book = RuleBook()
    for number in range(4):
        book.add(Report("full", [change(f"/p{'x' * number}", f"r{number}")]), str(number), NOW)
    assert book.hits() == {"r0": 1, "r1": 1, "other": 2}
    assert len(book.paths()) == 2
    assert [one["project"] for one in book.projects()] == ["0", "1"]
