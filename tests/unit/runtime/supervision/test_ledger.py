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


def test_two_instances_in_one_folder_have_a_socket_each(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    first.start(Sharing())
    second.start(Sharing())
    assert first.path != second.path
    second.obey(Sharing(replicas=2))
    second.stop()
    assert answers(first), "its workers must find it when they start again"
    first.stop()
    assert list(tmp_path.iterdir()) == []


def test_who_listens_and_is_busy_keeps_the_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(tmp_path / "quotas.sock"))
        busy.listen(0)
        first.connect(str(tmp_path / "quotas.sock"))
        ledger = Ledger(tmp_path)
        ledger.start(Sharing())
        assert ledger.path.name == "quotas-1.sock"
        ledger.stop()


def test_without_a_ledger_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"relay\.state_dir: no socket in"):
        Ledger(tmp_path / "file").start(Sharing())
    with pytest.raises(ConfigError, match=r"quotas\.redis"):
        Ledger(tmp_path).start(Sharing(redis="nonsense://"))


def test_settings_that_cannot_be_used_leave_it_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(tmp_path)
    ledger.start(Sharing())
    service = ledger._service
    ledger.obey(Sharing(redis="nonsense://"))
    assert "goes on as before" in caplog.text
    assert answers(ledger)
    assert ledger._service is service, "what was counted still counts"
    ledger.stop()


def test_without_the_client_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(sharing: Sharing) -> None:
        raise ImportError("redis")

    monkeypatch.setattr("scrubjay.runtime.supervision.ledger.open_authority", missing)
    with pytest.raises(ConfigError, match=r"scrubjay\[redis\]"):
        Ledger(tmp_path).start(Sharing(redis="redis://h"))


def test_without_a_socket_after_a_reload_the_supervisor_lives(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "run"
    ledger = Ledger(folder)
    ledger.start(Sharing())
    path = ledger.path
    path.unlink()
    folder.rmdir()
    folder.write_text("no folder any more")
    ledger.obey(Sharing(replicas=2))
    assert "no quota ledger until the next reload: relay.state_dir: no socket in" in caplog.text
    folder.unlink()
    ledger.obey(Sharing(replicas=2))
    assert ledger.path == path
    assert answers(ledger)
    ledger.stop()
