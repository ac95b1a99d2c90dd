"""`scrubjay spool verify`, `repair`, `drop`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli import spool_hands, spool_mend
from scrubjay.core.spool_format import FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.state import read_states
from support.spool_folders import KEY, OTHER_KEY, fill, parcel, records, segment_files

Call = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(
        tmp_path / "s", [records(range(1, 4)), records(range(4, 7), key=OTHER_KEY, project_id=7), records(range(7, 10))]
    )
    return tmp_path / "s"


def flip(root: Path, offset: int) -> None:
    path = segment_files(root)[0]
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)


def spool(call: Call, verb: str, root: Path, *flags: str) -> tuple[int, dict[str, object]]:
    result = call("spool", verb, "--path", str(root), "--json", *flags)
    return result.exit_code, json.loads(result.stdout)


def numbers(call: Call, root: Path) -> list[int]:
    lines = call("spool", "cat", "--path", str(root)).stdout.splitlines()
    return [json.loads(line)["seq"] for line in lines]


def account(root: Path) -> dict[str, tuple[int, int, int, int]]:
    return {
        name: (row.received, row.dropped, row.held, row.open) for name, row in read_states(root / "run").account.items()
    }


def test_operations_93_whole(call: Call, root: Path) -> None:
    status, document = spool(call, "verify", root)
    assert (status, document["ok"]) == (0, True)
    result = call("spool", "verify", "--path", str(root))
    assert result.stdout == "p00: 1 segments, 3 frames, 9 waiting records: as they were written\n"


@pytest.mark.parametrize(
    ("offset", "kind", "lost"),
    [
        (SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 20, "payload", 3),
        (SEGMENT_HEADER_BYTES + 20, "frames", 3),
        (3, "header", 9),
    ],
)
def test_operations_93_damaged(call: Call, root: Path, offset: int, kind: str, lost: int) -> None:
    flip(root, offset)
    status, document = spool(call, "verify", root)
    assert (status, document["ok"]) == (4, False)
    (found,) = document["partitions"]  # type: ignore[misc]
    assert [(flaw["kind"], flaw["records"]) for flaw in found["flaws"]] == [(kind, lost)]
    assert (found["records"], found["lost"]) == (9 - lost, lost)
    result = call("spool", "verify", "--path", str(root))
    assert result.exit_code == 4
    assert f"{lost} records are lost" in result.stdout
    assert "DAMAGED" in result.stdout


def test_operations_93_torn(call: Call, root: Path) -> None:
    os.truncate(segment_files(root)[0], segment_files(root)[0].stat().st_size - 9)
    status, _ = spool(call, "verify", root)
    assert status == 4


@pytest.mark.parametrize(
    "offset", [3, SEGMENT_HEADER_BYTES + 20, SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 20, -30, None]
)
def test_what_is_repaired_is_whole(call: Call, root: Path, offset: int | None) -> None:
    if offset is None:
        os.truncate(segment_files(root)[0], segment_files(root)[0].stat().st_size - 9)
    else:
        flip(root, offset)
    _, before = spool(call, "verify", root)
    left = numbers(call, root)
    status, document = spool(call, "repair", root)
    assert (status, len(document["repaired"])) == (0, 1)  # type: ignore[arg-type]
    assert numbers(call, root) == left
    assert spool(call, "verify", root)[0] == 0
    assert account(root).get("error", (0, 0, 0, 0))[2:] == (len(left), 0)
    assert call("spool", "repair", "--path", str(root)).stdout == "nothing to repair\n"
    assert before["ok"] is False


def test_what_a_repair_lost_is_in_the_account(call: Call, root: Path) -> None:
    spool(call, "drop", root, "--project", "nobody")  # opens the books
    assert account(root) == {"error": (9, 0, 9, 0)}
    flip(root, SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 20)
    result = call("spool", "repair", "--path", str(root))
    assert "3 records are lost" in result.stdout
    assert "p00: repaired, 6 records wait" in result.stdout
    assert account(root) == {"error": (9, 3, 6, 0)}
    assert {drop.reason for drop in read_states(root / "run").drops} == {"spool_corrupt"}


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        (("--project", "7"), [1, 2, 3, 7, 8, 9]),
        (("--project", KEY), [4, 5, 6]),
        (("--older-than", "1h"), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (("--older-than", "0s", "--project", OTHER_KEY), [1, 2, 3, 7, 8, 9]),
        (("--older-than", "0s"), []),
    ],
)
def test_what_is_dropped_ends_in_the_account(call: Call, root: Path, flags: tuple[str, ...], left: list[int]) -> None:
    gone = 9 - len(left)
    assert spool(call, "drop", root, "--dry-run", *flags)[1]["records"] == gone
    assert len(numbers(call, root)) == 9
    status, document = spool(call, "drop", root, *flags)
    assert (status, document["records"]) == (0, gone)
    reports = 0 if not gone else 2 if flags == ("--older-than", "0s") else 1
    assert [number for number in numbers(call, root) if number < 10] == left
    assert len(numbers(call, root)) == len(left) + reports
    assert account(root)["error"] == (9, gone, len(left), 0)
    assert account(root).get("unknown", (0, 0, 0, 0)) == (reports, 0, reports, 0)
    assert {(drop.reason, drop.stage) for drop in read_states(root / "run").drops} <= {("spool_dropped", "spool")}


def test_old_ones(call: Call, tmp_path: Path) -> None:
    fill(tmp_path / "s", [[encode_record(parcel(1, received_unix=1_700_000_000)), encode_record(parcel(2))]])
    assert spool(call, "drop", tmp_path / "s", "--older-than", "1d")[1]["records"] == 1
    assert numbers(call, tmp_path / "s")[0] == 2


def test_the_server_is_told_of_what_was_dropped(call: Call, root: Path) -> None:
    spool(call, "drop", root, "--project", "7")
    report = json.loads(call("spool", "cat", "--path", str(root), "--body").stdout.splitlines()[-1])
    assert (report["i"], report["p"]) == (["client_report"], "7")
    assert '"discarded_events":[{"reason":"cache_overflow","category":"error","quantity":3}]' in report["body"]


def test_nobody_is_told_where_reports_are_off(call: Call, root: Path, folder: Callable[..., Path]) -> None:
    conf = folder(f"spool: {{envelopes: {{path: {root}}}}}\noutcomes: {{emit_outcomes: false}}\n")
    assert call("-c", str(conf), "spool", "drop", "--project", "7").stdout == "p00: 3 records are dropped\n"
    assert numbers(call, root) == [1, 2, 3, 7, 8, 9]


def test_what_a_relay_has_is_left_alone(call: Call, root: Path) -> None:
    flip(root, SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 20)
    lock = PartitionLock.claim(root, 0, {})
    for verb, flags in (("drop", ("--project", "7")), ("repair", ())):
        result = call("spool", verb, "--path", str(root), *flags)
        assert result.exit_code == 1
        assert result.stderr == "error: p00 is in use by a relay; stop it first\n"
    lock.release()
    assert spool(call, "verify", root)[0] == 4


def test_files_of_another_user_are_left_alone(call: Call, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_hands.os, "geteuid", lambda: 4242)
    result = call("spool", "drop", "--path", str(root), "--project", "7")
    assert result.exit_code == 1
    assert "run this as that user" in result.stderr


def test_somebody_at_a_terminal_is_asked(call: Call, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_mend, "is_asked", lambda: True)
    refused = call("spool", "drop", "--path", str(root), "--project", "7", input="n\n")
    assert refused.exit_code == 1
    assert "p00: 3 records would go" in refused.stdout
    assert len(numbers(call, root)) == 9
    assert call("spool", "drop", "--path", str(root), "--project", "7", "--yes").exit_code == 0


@pytest.mark.parametrize(("flags", "problem"), [((), "say which"), (("--older-than", "soon"), "no duration")])
def test_what_is_not_said(call: Call, root: Path, flags: tuple[str, ...], problem: str) -> None:
    result = call("spool", "drop", "--path", str(root), *flags)
    assert result.exit_code == 2
    assert problem in result.stderr
