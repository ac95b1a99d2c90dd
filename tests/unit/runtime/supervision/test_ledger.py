"""The ledger's socket: where it is, and that it follows the settings."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.supervision.ledger import Ledger


def answers(ledger: Ledger) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(ledger.path))
        except OSError:
            return False
        return True


def test_it_is_in_the_state_folder_while_it_is_open(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "run")
    ledger.start(Sharing())
    assert ledger.path.parent == tmp_path / "run"
    assert answers(ledger)
    ledger.obey(Sharing(replicas=2))
    assert answers(ledger)
    service = ledger._service
    ledger.obey(Sharing(replicas=2))
    assert ledger._service is service, "nothing changed"
    assert "quotas" in repr(ledger)
    ledger.stop()
    ledger.stop()
    assert not answers(ledger)


def test_a_path_that_the_system_cannot_take_is_avoided(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / ("long" * 30))
    ledger.start(Sharing())
    assert answers(ledger)
    folder = ledger.path.parent
    assert folder.stat().st_mode & 0o077 == 0
    ledger.stop()
    assert not folder.exists()


def test_without_a_ledger_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"relay\.state_dir: no socket in"):
        Ledger(tmp_path / "file").start(Sharing())
    with pytest.raises(ConfigError, match=r"quotas\.redis"):
        Ledger(tmp_path).start(Sharing(redis="nonsense://"))


def test_settings_that_cannot_be_used_leave_it_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(tmp_path)
    ledger.start(Sharing())
    ledger.obey(Sharing(redis="nonsense://"))
    assert "goes on as before" in caplog.text
    assert answers(ledger)
    ledger.stop()


def test_without_the_client_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(sharing: Sharing) -> None:
        raise ImportError("redis")

    monkeypatch.setattr("scrubjay.runtime.supervision.ledger.open_authority", missing)
    with pytest.raises(ConfigError, match=r"scrubjay\[redis\]"):
        Ledger(tmp_path).start(Sharing(redis="redis://h"))
