"""`scrubjay doctor` and `send` beside a relay that runs as users run it: while all is well, during an outage, after a kill -9; one command
names the reason of a drop. And completion in a real shell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon
from support.processes import wait_for
from support.recorder import Recorder, recording

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PROJECT = {"publicKeys": [{"publicKey": KEY}], "config": {"allowedDomains": ["shop.example"]}}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def relay(upstream: Recorder, tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "relay", upstream=upstream.url, projects={"42.yaml": PROJECT})
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.close()


def diagnosed(relay: Daemon, *arguments: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Exit code, and findings by what was looked at."""
    done = relay.run("doctor", "--json", *arguments)
    assert done.stderr == ""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    return done.returncode, found


def test_a_relay_that_is_well_a_drop_and_an_outage(relay: Daemon, upstream: Recorder) -> None:
    code, found = diagnosed(relay, "--dsn", relay.dsn(KEY, 42))
    assert code == 0, found
    assert {finding["verdict"] for findings in found.values() for finding in findings} == {"ok", "skipped"}, found
    assert f"process {relay.pid}" in found["listener"][0]["finding"]
    assert found["stages"][0]["finding"].startswith("the relay that runs takes the probe")
    event_id = found["probe"][0]["facts"]["event_id"]
    wait_for(lambda: any(event_id.encode() in each.body for each in upstream.deliveries), "the probe has arrived")

    refused = relay.run("send", "error", "--dsn", relay.dsn(KEY, 43))
    assert refused.returncode == 1
    assert "403" in refused.stdout
    assert "`scrubjay drops`" in refused.stdout

    upstream.is_away = True
    try:
        assert relay.run("send", "error").returncode == 0
        wait_for(lambda: _state(relay)["upstream_up"] is False, f"an outage in the state file; {relay.log}")
        code, found = diagnosed(relay)
    finally:
        upstream.is_away = False
    assert code == 1
    (drop,) = found["drops"]
    assert "1 × project_id in the last hour" in drop["finding"]
    assert "add a project file with the key" in drop["do"]
    assert "held 1 error" in found["outage"][0]["finding"]
    assert "answers 503" in found["http"][0]["finding"]
    assert found["readiness"][0]["verdict"] == "ok"


def _state(relay: Daemon) -> dict[str, Any]:
    return json.loads((relay.folder / "run" / "worker-0.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.deep
def test_a_relay_that_was_killed(relay: Daemon, upstream: Recorder) -> None:
    upstream.is_away = True
    try:
        assert relay.run("send", "error").returncode == 0
        pid = relay.pid
        relay.kill()
        wait_for(lambda: relay.run("status").returncode == 1, "the heartbeat is old")
        code, found = diagnosed(relay, "--no-probe")
    finally:
        upstream.is_away = False
    assert code == 1
    assert f"process {pid}) died without ending in order" in found["relay"][0]["finding"]
    assert "no relay runs that would" in found["spool"][0]["finding"]


def test_the_shell_completes(tmp_path: Path) -> None:
    """In a real bash: verbs, verbs of groups, flags, choices."""
    bin_folder = Path(sys.executable).parent
    script = r"""
        source <(scrubjay generate-completions -f bash)
        complete -p scrubjay >/dev/null || exit 9
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _scrubjay_completion scrubjay; echo "${COMPREPLY[*]}"; }
        ask scrubjay do
        ask scrubjay spool ver
        ask scrubjay drops --out
        ask scrubjay send check-in --status ''
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["doctor", "verify", "--outcome", "ok error"], done.stderr
