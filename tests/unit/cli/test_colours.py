"""No colour but on a terminal, by every verb that prints tables or findings; NO_COLOR and FORCE_COLOR are heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.runtime.state import Drop, Snapshot, StateFile

Call = Callable[..., Result]
ESCAPE = "\x1b["


@pytest.fixture
def state_dir(tmp_path: Path) -> str:
    now = time.time()
    drop = Drop(now, 0, "cors", "invalid")
    snapshot = Snapshot(
        slot=0, pid=1, version="1", started_unix=now, heartbeat_unix=now, heartbeat_mono=0, drops=[drop]
    )
    StateFile(tmp_path / "run", 0).write(snapshot)
    return str(tmp_path / "run")


@pytest.mark.parametrize("verb", ["status", "drops", "quotas"])
def test_colours_of_tables(call: Call, verb: str, state_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert ESCAPE not in call(verb, "--state-dir", state_dir).output
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE in call(verb, "--state-dir", state_dir).output


def test_colours_of_findings(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("SCRUBJAY__RELAY__HOST", "300.0.0.1")
    assert ESCAPE not in call("doctor").output
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert f"{ESCAPE}1;31mfailed" in call("doctor").output
