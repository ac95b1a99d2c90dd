"""`scrubjay quotas`, over state files written here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli import quotas
from scrubjay.runtime.standing import Standing, Surge, Window
from scrubjay.runtime.state import Snapshot, StateFile

Call = Callable[..., Result]


@pytest.fixture
def run_dir(tmp_path: Path) -> str:
    now = time.time()
    windows = [
        Window("hourly", "project 42", now + 600, 80, 100, 5, 3600, "fixed", ("error",), "", "full", now + 90),
        Window("smooth", "key 0a1b2c3d", now + 30, None, None, 0, 60, "sliding", ("log_item",), "ab12"),
    ]
    limits = [
        Standing("project 42", now + 45, "upstream", ("transaction", "span"), (), "slow"),
        Standing("organization 1", now + 50, "hourly", (), ("spans",)),
    ]
    snapshot = Snapshot(
        slot=0,
        pid=1,
        version="0",
        started_unix=now,
        heartbeat_unix=now,
        heartbeat_mono=1.0,
        windows=windows,
        limits=limits,
        surges=[Surge(7, "error", 1200, 5000, now + 900)],
    )
    StateFile(tmp_path / "run", 0).write(snapshot)
    return str(tmp_path / "run")


def test_windows_and_limits(call: Call, run_dir: str) -> None:
    result = call("quotas", "--state-dir", run_dir)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    hourly = next(line for line in lines if line.strip().startswith("hourly"))
    assert hourly.split()[:8] == ["hourly", "project", "42", "error", "80", "100", "5", "3600"]
    assert hourly.split()[-1] == "full"
    smooth = next(line for line in lines if line.strip().startswith("smooth"))
    assert "no limit" in smooth
    assert "60 s sliding" in smooth
    assert any("transaction, span" in line and "upstream" in line and "slow" in line for line in lines)
    assert any("all (spans)" in line for line in lines)
    assert next(line for line in lines if line.strip().startswith("7")).split()[:4] == ["7", "error", "5000", "1200"]


def test_some_of_them(call: Call, run_dir: str) -> None:
    result = call("quotas", "--state-dir", run_dir, "--quota", "hourly")
    assert "smooth" not in result.stdout
    assert "upstream" not in result.stdout
    assert "spikes" not in result.stdout
    result = call("quotas", "--state-dir", run_dir, "--owner", "key")
    assert "hourly" not in result.stdout
    result = call("quotas", "--state-dir", run_dir, "-n", "1", "--json")
    shown = json.loads(result.stdout)
    assert [row["quota"] for row in shown["windows"]] == ["hourly"]
    assert [row["owner"] for row in shown["limits"]] == ["organization 1"]
    assert shown["windows"][0]["consumed"] == 80
    assert [row["seen"] for row in shown["spikes"]] == [5000]


def test_without_workers(call: Call, tmp_path: Path) -> None:
    assert call("quotas", "--state-dir", str(tmp_path / "none")).exit_code == 1
    assert call("quotas", "--state-dir", str(tmp_path / "none"), "--json").exit_code == 1


def test_it_can_stay(call: Call, run_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(quotas.time, "sleep", sleep)
    result = call("quotas", "--state-dir", run_dir, "--follow")
    assert len(waits) == 3
    assert "hourly" in result.stdout
    assert result.exit_code == 0
