"""`scrubjay status`, over state files written here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.runtime.series import Rows
from scrubjay.runtime.state import Balance, Snapshot, StateFile

Call = Callable[..., Result]
Folder = Callable[..., Path]


def put(
    folder: Path,
    slot: int = 0,
    *,
    age_s: float = 0,
    upstream_up: bool | None = None,
    stopped: bool = False,
    series: dict[str, Rows] | None = None,
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
        series=series or {},
    )
    StateFile(folder, slot).write(snapshot)


@pytest.mark.parametrize(
    ("upstream_up", "words"),
    [(True, "upstream: up"), (False, "upstream: down"), (None, "upstream: none, or nothing sent to it yet")],
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


def managed(auth_state: int, waiting: int = 0) -> dict[str, Rows]:
    return {
        "scrubjay_auth_state": [((), auth_state)],
        "scrubjay_project_configs": [(("fetched",), 3), (("fetched_disabled",), 1), (("pending",), 2)],
        "scrubjay_project_config_stale_seconds": [(("fetched",), 90)],
        "scrubjay_waiting_envelopes": [((), waiting)],
        "scrubjay_waiting_bytes": [((), waiting * 1000)],
        "scrubjay_waiting_capacity_bytes": [((), 8000)],
        "scrubjay_waiting_oldest_age_seconds": [((), waiting and 7)],
    }


def test_what_a_managed_relay_got_from_its_upstream(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "run", 0, upstream_up=True, series=managed(2, waiting=4))
    put(tmp_path / "run", 1, upstream_up=True, series=managed(1))
    result = call("status", "--state-dir", "run")
    assert "registration: registering (`scrubjay doctor` says why)\n" in result.stdout, "of two workers the worse"
    assert "project configs: 3 known, 1 disabled, 2 pending; the oldest is past its time since 1m\n" in result.stdout
    assert "waiting for a project config: 4, the oldest for 7s, 4,000 of 16,000 bytes\n" in result.stdout
    assert "`scrubjay doctor`" in result.stderr
    told = json.loads(call("status", "--state-dir", "run", "--json").stdout)["managed"]
    assert (told["registration"], told["configs"]["pending"], told["waiting"]) == ("registering", 2, 4)


def test_other_modes_say_nothing_of_it(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "run")
    assert "registration" not in call("status", "--state-dir", "run").stdout
    assert json.loads(call("status", "--state-dir", "run", "--json").stdout)["managed"] is None
