"""`scrubjay spool ls`, `stat`, `cat`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.core.spool_format import Record
from support.spool_folders import KEY, OTHER_KEY, fill, records, segment_files

Call = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path) -> str:
    """p00: 1 to 5 of project 42, 6 and 7 of project 7, 2 consumed. p01: one."""
    fill(tmp_path / "s", [records(range(1, 6)), records([6, 7], key=OTHER_KEY, project_id=7)], consumed=[2])
    fill(tmp_path / "s", [records([8])], slot=1)
    return str(tmp_path / "s")


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_segments_are_listed(call: Call, root: str) -> None:
    first, second = lines(call("spool", "ls", "--path", root, "--json"))
    assert first["created_ms"]
    assert {name: first[name] for name in ("partition", "first", "until", "stored", "waiting", "consumed", "flaws")} == {
        "partition": "p00", "first": 1, "until": 8, "stored": 7, "waiting": 6, "consumed": 1, "flaws": [],
    }  # fmt: skip
    assert (second["partition"], second["waiting"], second["being_written"]) == ("p01", 1, False)


def test_a_listing_for_people(call: Call, root: str) -> None:
    segment_files(Path(root))[0].write_bytes(segment_files(Path(root))[0].read_bytes() + b"torn")
    text = call("spool", "ls", "--path", root).stdout
    assert "nobody" in text
    assert "damaged: torn" in text
    assert next(line for line in text.splitlines() if line.split()[:2] == ["p01", "1"]).split()[3:5] == ["1", "1"]


def test_an_empty_spool(call: Call, tmp_path: Path) -> None:
    fill(tmp_path / "s", [])
    assert "nothing waits" in call("spool", "ls", "--path", str(tmp_path / "s")).stdout
    assert call("spool", "stat", "--path", str(tmp_path / "s")).stdout.startswith("0 records wait")
    assert call("spool", "cat", "--path", str(tmp_path / "s")).stdout == ""


def test_sums(call: Call, root: str) -> None:
    document = json.loads(call("spool", "stat", "--path", root, "--json").stdout)
    assert (document["records"], document["quantities"]) == (7, {"error": 7})
    assert [(row["project"], row["key"], row["records"]) for row in document["projects"]] == [
        ("42", KEY, 5),
        ("7", OTHER_KEY, 2),
    ]
    assert [row["records"] for row in document["ages"]] == [7, 0, 0, 0, 0, 0]
    assert document["disk_bytes"] == sum(
        path.stat().st_size for slot in (0, 1) for path in segment_files(Path(root), slot)
    )


def test_sums_for_people(call: Call, root: str) -> None:
    text = call("spool", "stat", "--path", root).stdout
    assert text.startswith("7 records wait")
    assert any(line.split()[:3] == ["42", KEY, "5"] for line in text.splitlines())
    assert any(line.split()[:3] == ["under", "1m", "7"] for line in text.splitlines())


def test_what_stands_in_a_record_does_not_move_the_cursor(call: Call, tmp_path: Path) -> None:
    meta = json.dumps({"k": "\x1b[2Jevil", "p": "\x9b31m", "r": "?", "c": {"error": 1}}).encode()
    fill(tmp_path / "s", [[Record(meta, b"x")], [Record(b"[]", b"y")]])
    text = call("spool", "stat", "--path", str(tmp_path / "s")).stdout
    assert "?[2Jevil" in text
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert call("spool", "cat", "--path", str(tmp_path / "s")).stdout.isascii()


def test_records_are_written_out(call: Call, root: str) -> None:
    first, *_ = rows = lines(call("spool", "cat", "--path", root))
    assert [(row["partition"], row["seq"]) for row in rows] == [
        *(("p00", number) for number in (1, 3, 4, 5, 6, 7)),
        ("p01", 1),
    ]
    assert (first["k"], first["p"], first["e"], first["c"]) == (KEY, "42", f"{1:032x}", {"error": 1})
    assert "body" not in first


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--project", "7"), [6, 7]),
        (("--project", OTHER_KEY), [6, 7]),
        (("--seq", "3-4"), [3, 4]),
        (("--seq", "6-"), [6, 7]),
        (("--seq", "-1"), [1, 1]),
        (("--seq", "5", "--project", KEY), [5]),
        (("--partition", "p01"), [1]),
        (("--partition", "1"), [1]),
        (("--project", "nobody"), []),
    ],
)
def test_a_selection(call: Call, root: str, flags: tuple[str, ...], expected: list[int]) -> None:
    assert [row["seq"] for row in lines(call("spool", "cat", "--path", root, *flags))] == expected


def test_bodies(call: Call, tmp_path: Path) -> None:
    fill(tmp_path / "s", [[*records([1]), Record(b"{}", b"\xff\n")]])
    first, second = lines(call("spool", "cat", "--path", str(tmp_path / "s"), "--body"))
    assert str(first["body"]).startswith('{"event_id"')
    assert second["body_b64"] == "/wo="


@pytest.mark.parametrize(
    ("flags", "status", "problem"),
    [
        (("--seq", "x"), 2, "no range"),
        (("--seq", "-"), 2, "no range"),
        (("--partition", "q1"), 2, "no partition"),
        (("--partition", "p07"), 1, "there is no partition p07"),
    ],
)
def test_what_cannot_be_selected(call: Call, root: str, flags: tuple[str, ...], status: int, problem: str) -> None:
    result = call("spool", "cat", "--path", root, *flags)
    assert result.exit_code == status
    assert problem in result.stderr


def test_without_a_spool(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    result = call("-c", str(folder("")), "spool", "ls")
    assert result.exit_code == 1
    assert "no spool is configured" in result.stderr
    result = call("spool", "ls", "--path", str(tmp_path / "none"))
    assert (result.exit_code, result.stderr) == (1, f"error: there is no spool in {tmp_path / 'none'}\n")
