"""`scrubjay drops`, over state files written here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli.drops import remedy
from scrubjay.runtime.state import Drop, Snapshot, StateFile

Call = Callable[..., Result]

DROPS = [
    Drop(
        time_unix=1_800_000_000.0,
        slot=0,
        reason="unscrubbable",
        outcome="lost",
        quantities={"error": 1, "attachment": 20},
        project_id=42,
        stage="scrub",
        event_id="e" * 32,
        size_bytes=1234,
        revision="abc123",
        detail="nested too deep",
    ),
    Drop(
        time_unix=1_800_000_001.0,
        slot=0,
        reason="shop_errors",
        outcome="rate_limited",
        quantities={"error": 2},
        origin="q1",
    ),
    Drop(
        time_unix=1_800_000_002.0, slot=0, reason="too_large:event", outcome="invalid", item_type="event", project_id=43
    ),
    Drop(time_unix=1_800_000_003.0, slot=0, reason="auth_missing", outcome="invalid"),
]


@pytest.fixture
def run_dir(tmp_path: Path) -> str:
    now = time.time()
    snapshot = Snapshot(
        slot=0, pid=1, version="0", started_unix=now, heartbeat_unix=now, heartbeat_mono=1.0, drops=list(DROPS)
    )
    StateFile(tmp_path / "run", 0).write(snapshot)
    return str(tmp_path / "run")


def test_drops_are_counted_and_listed_with_their_remedies(call: Call, run_dir: str) -> None:
    result = call("drops", "--state-dir", run_dir)
    assert result.exit_code == 0
    assert "By reason, the last 4" in result.stdout
    assert "see the drop record's detail, then the project's bounds" in result.stdout
    assert "raise the limit under `limits.`" in result.stdout
    line = next(line for line in result.stdout.splitlines() if "nested too deep" in line)
    assert line.split()[:2] == ["2027-01-15", "08:00:00"]
    for word in ("42", "1 error, 20 attachment", "scrub", "e" * 32, "1234", "abc123"):
        assert word in line


@pytest.mark.parametrize(("stage", "text"), [("gate", "add a project file"), ("forward", "enable the project again")])
def test_one_code_of_before_and_after_the_answer(stage: str, text: str) -> None:
    drop = Drop(time_unix=1.0, slot=0, reason="project_id", outcome="invalid", stage=stage)
    assert text in remedy(drop)


def test_in_a_window_that_is_too_narrow_each_drop_has_lines_of_its_own(
    call: Call, run_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrubjay.cli.tables._WIDTH_IN_A_PIPE", 80)
    lines = call("drops", "--state-dir", run_dir).stdout.splitlines()
    start = lines.index("2027-01-15 08:00:00  unscrubbable: 1 error, 20 attachment")
    assert lines[start + 1 :] == [
        f"    project 42, event {'e' * 32}, bytes 1234, plan abc123, stage scrub",
        "    nested too deep",
    ]
    assert "2027-01-15 08:00:01  shop_errors by q1: 2 error" in lines


@pytest.mark.parametrize(
    ("origin", "text"),
    [("q1", "`q1` refuses it: raise"), ("upstream", "the server refuses"), ("pressure", "more room")],
)
def test_who_limits_decides_what_to_do(origin: str, text: str) -> None:
    drop = Drop(time_unix=1.0, slot=0, reason="any_code", outcome="rate_limited", origin=origin)
    assert text in remedy(drop)


def test_programs_are_told_the_remedy_too(call: Call, run_dir: str) -> None:
    drop = json.loads(call("drops", "--state-dir", run_dir, "--json", "--reason", "auth_missing").stdout)
    assert drop["remedy"] == "check the DSN and the version of the SDK"


def test_newest_first_and_no_more_than_asked(call: Call, run_dir: str) -> None:
    lines = call("drops", "--state-dir", run_dir, "--json", "-n", "2").stdout.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["auth_missing", "too_large:event"]


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        (["--reason", "unscrubbable"], ["unscrubbable"]),
        (["--outcome", "invalid"], ["auth_missing", "too_large:event"]),
        (["--project", "42"], ["unscrubbable"]),
        (["--outcome", "invalid", "--project", "43"], ["too_large:event"]),
        (["--project", "99"], []),
    ],
)
def test_drops_can_be_narrowed(call: Call, run_dir: str, arguments: list[str], reasons: list[str]) -> None:
    lines = call("drops", "--state-dir", run_dir, "--json", *arguments).stdout.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == reasons


def test_nothing_was_dropped(call: Call) -> None:
    assert call("drops", "--state-dir", "nowhere").stdout == "nothing was dropped\n"
    assert call("drops", "--state-dir", "nowhere", "--json").stdout == ""


@pytest.mark.parametrize(
    ("reason", "outcome", "words"),
    [
        ("queue_failed", "lost", "max_disk_size"),
        ("any_code", "rate_limited", "raise it, or sample more"),
        ("too_large:span", "invalid", "under `limits.`"),
        ("Sampled:3000", "sampled", "raise the rate"),
        ("sample_rate", "sampled", "raise the rate"),
        ("web-crawlers", "filtered", "`scrubjay explain`"),
        ("a-filter-of-theirs", "filtered", "`scrubjay explain`"),
        ("never_heard_of", "lost", ""),
    ],
)
def test_remedies(reason: str, outcome: str, words: str) -> None:
    found = remedy(Drop(time_unix=0, slot=0, reason=reason, outcome=outcome))
    assert words in found
    assert bool(words) == bool(found)
