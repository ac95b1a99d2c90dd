"""`scrubjay status`, over state files written here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.runtime.state import Balance, Snapshot, StateFile

Call = Callable[..., Result]
Folder = Callable[..., Path]


def put(
    folder: Path, slot: int = 0, *, age_s: float = 0, upstream_up: bool | None = None, stopped: bool = False
) -> None:
    now = time.time() - age_s
    account = {"error": Balance(received=10, forwarded=4, captured=0, dropped=1, held=5)}
    snapshot = Snapshot(
        slot=slot,
        pid=4711 + slot,
        version="0.1.0",
        started_unix=now - 7300,
        heartbeat_unix=now,
        heartbeat_mono=1.0,
        upstream_up=upstream_up,
        stopped=stopped,
        account=account,
        held={"memory": {"error": 5, "span": 0}},
    )
    StateFile(folder, slot).write(snapshot)


@pytest.mark.parametrize(
    ("upstream_up", "words"),
    [(True, "upstream: up"), (False, "upstream: down"), (None, "upstream: none, or not tried yet")],
)
def test_a_living_relay(call: Call, tmp_path: Path, upstream_up: bool | None, words: str) -> None:
    put(tmp_path / "run", upstream_up=upstream_up)
    result = call("status", "--state-dir", "run")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["0", "4711", "alive", "2h", "0s", "0", "0.1.0"] in lines
    assert ["error", "10", "4", "0", "1", "5", "0"] in lines
    assert ["memory", "error", "5"] in lines
    assert ["memory", "span", "0"] not in lines
    assert words in result.stdout
    assert ("`scrubjay doctor`" in result.stderr) is (upstream_up is False)


def test_what_workers_hold_is_one_sum(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "run", 0)
    put(tmp_path / "run", 1)
    lines = [line.split() for line in call("status", "--state-dir", "run").stdout.splitlines()]
    assert lines.count(["memory", "error", "10"]) == 1


@pytest.mark.parametrize("verb", ["status", "drops"])
def test_a_broken_configuration_does_not_hide_the_relay_that_runs(call: Call, tmp_path: Path, verb: str) -> None:
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: statc}")
    result = call(verb, "-c", str(tmp_path))
    assert result.exit_code == 1
    assert "scrubjay.yaml:1: relay.mode" in result.stderr
    assert "`--state-dir DIR`" in result.stderr


def test_dead_and_stopped_workers_are_told_apart(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "run", 0, age_s=60)
    put(tmp_path / "run", 1, age_s=60, stopped=True)
    result = call("status", "--state-dir", "run")
    assert result.exit_code == 1
    states = [line.split()[2] for line in result.stdout.splitlines() if " 471" in line]
    assert states == ["dead", "stopped"]
    assert "upstream: unknown" in result.stdout
    assert "`scrubjay doctor` says why" in result.stderr


def test_for_programs(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "run", upstream_up=True)
    document = json.loads(call("status", "--state-dir", "run", "--json").stdout)
    assert document["upstream_up"] is True
    assert document["workers"][0]["alive"] is True
    assert document["account"]["error"] == {
        "received": 10,
        "forwarded": 4,
        "captured": 0,
        "dropped": 1,
        "held": 5,
        "open": 0,
    }


def test_the_configuration_says_where(call: Call, folder: Folder, tmp_path: Path) -> None:
    put(tmp_path / "spool" / "run")
    conf = str(folder(f"spool: {{envelopes: {{path: {tmp_path}/spool}}}}"))
    assert call("status", "-c", conf).exit_code == 0


def test_no_relay_at_all(call: Call) -> None:
    result = call("status", "--state-dir", "nowhere")
    assert result.exit_code == 1
    assert "no state files in nowhere" in result.stderr
    assert json.loads(call("status", "--state-dir", "nowhere", "--json").stdout)["workers"] == []
