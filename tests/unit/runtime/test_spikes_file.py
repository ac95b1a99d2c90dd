"""What spike protection has learnt, over restarts."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.spikes import SpikeGuard
from scrubjay.runtime.spikes_file import SpikesFile
from scrubjay.settings.project import SpikeProtection

assert issubclass(msgspec.DecodeError, ValueError)

UNIX = 1_767_261_600.0


class Slot:
    """One process: its guard and its file."""

    def __init__(self, folder: Path, slot: int = 0) -> None:
        self.guard = SpikeGuard(now_unix=UNIX)
        self.problems: list[str] = []
        self.file = SpikesFile(
            folder, slot, self.guard, lambda text, error: self.problems.append(text), now_unix=lambda: UNIX
        )

    def receive(self, errors: int) -> None:
        self.guard.refuse(21, SpikeProtection(), ((DataCategory.ERROR, errors),), now_unix=UNIX, now_mono=0)


def test_a_restart_goes_on_with_what_was_learnt(tmp_path: Path) -> None:
    before = Slot(tmp_path)
    before.receive(5)
    before.file.write()
    after = Slot(tmp_path)
    after.file.load()
    assert len(after.guard) == 1
    assert after.guard.dump() == before.guard.dump()
    assert oct((tmp_path / "spikes-0.json").stat().st_mode & 0o777) == "0o600"
    assert repr(after.file) == f"<SpikesFile {tmp_path / 'spikes-0.json'}>"
    other = Slot(tmp_path, 1)
    other.file.load()
    assert len(other.guard) == 0


def test_without_news_nothing_is_written(tmp_path: Path) -> None:
    slot = Slot(tmp_path)
    slot.file.write()
    assert list(tmp_path.iterdir()) == []
    slot.receive(5)
    slot.file.write()
    path = tmp_path / "spikes-0.json"
    found = path.stat().st_ino
    slot.file.write()
    assert path.stat().st_ino == found
    slot.receive(5)
    slot.file.write()
    assert path.stat().st_ino != found


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"version":2}'])
def test_a_file_that_cannot_be_read_is_learnt_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spikes-0.json").write_bytes(content)
    slot = Slot(tmp_path)
    slot.file.load()
    assert len(slot.guard) == 0
    slot.file.write()
    assert msgspec.json.decode((tmp_path / "spikes-0.json").read_bytes()) == slot.guard.dump()


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Slot(tmp_path)
    slot.receive(1)

    def refuse(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        slot.file.write()
        slot.file.write()
    assert slot.problems == ["what spike protection has learnt cannot be kept for the next start"]
    slot.file.write()
    assert (tmp_path / "spikes-0.json").exists()
