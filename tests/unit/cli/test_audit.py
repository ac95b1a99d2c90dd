"""`scrubjay audit`, over a log written here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.runtime.audit.chain import Chain
from scrubjay.runtime.audit.lines import Figures, ItemLine, Items
from scrubjay.runtime.state import Snapshot, StateFile

Call = Callable[..., Result]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """State files, and the audit log beside them."""
    folder = tmp_path / "run"
    chain = Chain(folder / "audit", 0, 1_000_000, lambda: 1_795_348_800.0)
    for _ in range(2):
        chain.append(
            [
                Items(day="2026-11-22", project=7, clean=5, scrubbed=2),
                Figures(day="2026-11-22", project=7, rule="@email", hits=3, bytes=40, whole=1, items=2),
                Figures(day="2026-11-22", project=7, rule="badge", tried=True, hits=4, items=1),
                Items(day="2026-11-23", project=8, dropped=1, unscrubbed=2),
                Figures(day="2026-11-23", project=None, rule="@ip", hits=1, bytes=9, nodes=1, items=1),
                ItemLine(
                    time="2026-11-22T12:00:00.000+00:00", project=7, type="event", id="a" * 32, revision="abc", key=None,
                    outcome="scrubbed", rules={"@email": (3, 40)}, places=[("extra", "@email", "s")],
                ),
            ]
        )  # fmt: skip
    chain.close()
    snapshot = Snapshot(
        slot=0, pid=1, version="0", started_unix=0, heartbeat_unix=time.time(), heartbeat_mono=1.0,
        audit_line=chain.head.n, audit_hash=chain.head.hash,
    )  # fmt: skip
    StateFile(folder, 0).write(snapshot)
    return folder


@pytest.fixture
def conf(run_dir: Path, folder: Callable[..., Path]) -> str:
    return str(folder(f"relay: {{state_dir: {run_dir}}}"))


def log(run_dir: Path) -> Path:
    return run_dir / "audit" / "audit-0.000001.jsonl"


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


# verify


def test_a_log_as_it_was_written(call: Call, conf: str) -> None:
    result = call("audit", "verify", "-c", conf)
    assert (result.exit_code, result.stdout) == (0, "slot 0: 13 lines are as they were written\n")


def test_the_first_wrong_line_is_named(call: Call, conf: str, run_dir: Path) -> None:
    rewrite(log(run_dir), lambda lines: [*lines[:4], lines[4].replace(b'"dropped":1', b'"dropped":0'), *lines[5:]])
    result = call("audit", "verify", "-c", conf)
    assert result.exit_code == 1
    assert "slot 0: BROKEN: audit-0.000001.jsonl:6: " in result.stdout


def test_verdicts_for_programs(call: Call, conf: str, run_dir: Path) -> None:
    told = json.loads(call("audit", "verify", "-c", conf, "--json").stdout)
    assert told == {"whole": True, "slots": [{"slot": 0, "lines": 13, "broken": "", "notes": [], "end_known": True}]}
    rewrite(log(run_dir), lambda lines: lines[:-1])
    result = call("audit", "verify", "-c", conf, "--json")
    assert (result.exit_code, json.loads(result.stdout)["whole"]) == (1, False)


def test_a_missing_end_shows_by_the_state_file(call: Call, conf: str, run_dir: Path) -> None:
    rewrite(log(run_dir), lambda lines: lines[:-1])
    result = call("audit", "verify", "-c", conf)
    assert result.exit_code == 1
    assert "the relay wrote line 13, the last one here is 12" in result.stdout
    without = call("audit", "verify", str(run_dir / "audit"))
    assert without.exit_code == 0
    assert "whether its end is missing is not known" in without.stdout
    named = call("audit", "verify", str(run_dir / "audit"), "--state-dir", str(run_dir))
    assert named.exit_code == 1


def test_a_log_that_is_gone(call: Call, conf: str, run_dir: Path) -> None:
    log(run_dir).unlink()
    assert call("audit", "verify", "-c", conf).exit_code == 1
    (run_dir / "worker-0.json").unlink()
    result = call("audit", "verify", "-c", conf)
    assert (result.exit_code, result.stdout) == (1, f"no audit log in {run_dir / 'audit'}\n")


def test_one_file_alone(call: Call, conf: str, run_dir: Path) -> None:
    result = call("audit", "verify", str(log(run_dir)))
    assert result.exit_code == 0
    assert "13 lines" in result.stdout
    other = run_dir / "worker-0.json"
    refused = call("audit", "verify", str(other))
    assert refused.exit_code == 1
    assert "is no file of an audit log" in refused.stderr


def test_what_is_no_fault_is_said(call: Call, conf: str, run_dir: Path) -> None:
    rewrite(log(run_dir), lambda lines: lines[1:])
    result = call("audit", "verify", "-c", conf)
    assert result.exit_code == 0
    assert "begins at line 2; what was before is not here" in result.stdout


# show


def test_figures_are_summed(call: Call, conf: str) -> None:
    result = call("audit", "show", "-c", conf, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["day"], row["project"], row["rule"], row["items"], row["hits"], row["bytes"]) for row in rows] == [
        ("2026-11-22", 7, "", 14, 0, 0),
        ("2026-11-22", 7, "@email", 4, 6, 80),
        ("2026-11-22", 7, "badge", 2, 8, 0),
        ("2026-11-23", None, "@ip", 2, 2, 18),
        ("2026-11-23", 8, "", 6, 0, 0),
    ]
    assert [row["tried"] for row in rows] == [False, False, True, False, False]
    assert (rows[0]["clean"], rows[0]["scrubbed"], rows[4]["dropped"], rows[1]["whole"], rows[3]["nodes"], rows[4]["unscrubbed"]) == (
        10, 4, 2, 2, 2, 4,
    )  # fmt: skip


def test_a_table_for_people(call: Call, conf: str) -> None:
    result = call("audit", "show", "-c", conf)
    assert result.exit_code == 0
    assert "@email" in result.stdout
    assert "2026-11-23" in result.stdout
    assert "badge (tried)" in result.stdout


@pytest.mark.parametrize(
    ("flags", "rules"),
    [
        (["--project", "7"], ["", "@email", "badge"]),
        (["--rule", "@ip"], ["@ip"]),
        (["--since", "2026-11-23"], ["@ip", ""]),
        (["--project", "7", "--since", "2026-11-23"], []),
    ],
)
def test_parts(call: Call, conf: str, flags: list[str], rules: list[str]) -> None:
    result = call("audit", "show", "-c", conf, "--json", *flags)
    assert [json.loads(line)["rule"] for line in result.stdout.splitlines()] == rules


def test_nothing_yet(call: Call, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert call("audit", "show", str(tmp_path / "none")).stdout == "nothing was noted\n"


def test_items_one_by_one(call: Call, conf: str) -> None:
    result = call("audit", "show", "-c", conf, "--items")
    items = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(items) == 2
    assert items[0] == {
        "time": "2026-11-22T12:00:00.000+00:00", "project": 7, "type": "event", "id": "a" * 32, "revision": "abc",
        "key": None, "outcome": "scrubbed", "rules": {"@email": [3, 40]}, "places": [["extra", "@email", "s"]],
    }  # fmt: skip
    assert not call("audit", "show", "-c", conf, "--items", "--project", "8").stdout
    assert not call("audit", "show", "-c", conf, "--items", "--since", "2026-11-23").stdout
