"""Limits of the server over restarts and between slots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrubjay.core.limits import LimitTable, Scoping, format_rate_limits, parse_rate_limits
from scrubjay.runtime.limits_file import LimitsFile

SCOPING = Scoping("a" * 32, 21)
UNIX = 1_767_261_600.0


class Slot:
    """One process: its table, its file, and clocks of its own."""

    def __init__(self, folder: Path, slot: int = 0, *, now_unix: float = UNIX, cap_s: float = 86_400) -> None:
        self.table = LimitTable()
        self.problems: list[str] = []
        self.now_mono = 7.0 * slot
        self.now_unix = now_unix
        self.file = LimitsFile(
            folder,
            slot,
            self.table,
            cap_s=cap_s,
            on_error=lambda text, error: self.problems.append(text),
            now_mono=lambda: self.now_mono,
            now_unix=lambda: self.now_unix,
        )

    def learn(self, header: str) -> None:
        self.table.learn(SCOPING, parse_rate_limits(header, self.now_mono), self.now_mono)

    @property
    def told(self) -> str:
        limits = format_rate_limits(self.table.active(SCOPING, self.now_mono), self.now_mono)
        return limits[1] if limits else ""


def test_a_restart_remembers_what_lasts(tmp_path: Path) -> None:
    before = Slot(tmp_path)
    before.learn("600:error:key:why, 20:replay:key")
    before.file.exchange()
    after = Slot(tmp_path, now_unix=UNIX + 100)
    assert after.file.load() == 1
    assert after.told == "500:error:key:why"
    assert Slot(tmp_path, now_unix=UNIX + 100, cap_s=60).file.load() == 1
    assert oct((tmp_path / "limits-0.json").stat().st_mode & 0o777) == "0o600"
    assert repr(after.file) == f"<LimitsFile {tmp_path / 'limits-0.json'}>"


def test_slots_tell_each_other(tmp_path: Path) -> None:
    one, two = Slot(tmp_path, 0), Slot(tmp_path, 1)
    one.learn("600:error:key:a")
    two.learn("90:replay:key:b")
    for slot in (one, two, one, two):
        slot.file.exchange()
    assert one.told == two.told == "600:error:key:a, 90:replay:key:b"


def test_nothing_is_written_without_news(tmp_path: Path) -> None:
    slot = Slot(tmp_path)
    slot.file.exchange()
    assert list(tmp_path.iterdir()) == []
    slot.learn("600:error:key")
    slot.file.exchange()
    first = (tmp_path / "limits-0.json").stat().st_mtime_ns
    os.utime(tmp_path / "limits-0.json", ns=(1, 1))
    assert first != 1
    slot.now_mono += 100
    slot.now_unix += 100
    slot.file.exchange()
    assert (tmp_path / "limits-0.json").stat().st_mtime_ns == 1
    slot.learn("5:error:key")
    slot.file.exchange()
    assert (tmp_path / "limits-0.json").stat().st_mtime_ns == 1, "what ends sooner is no news"
    slot.learn("700:error:key")
    slot.file.exchange()
    assert (tmp_path / "limits-0.json").stat().st_mtime_ns > 1


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "limits-0.json").write_bytes(b'[{"binds":"key"')
    slot = Slot(tmp_path)
    assert slot.file.load() == 0
    slot.learn("600:error:key")
    slot.file.exchange()
    assert Slot(tmp_path).file.load() == 1


def test_a_disk_that_refuses_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Slot(tmp_path)
    slot.learn("600:error:key")

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("scrubjay.runtime.limits_file.replace_file", refuse)
        slot.file.exchange()
        slot.file.exchange()
    assert slot.problems == ["limits cannot be kept for the next start"]
    slot.file.exchange()
    assert Slot(tmp_path).file.load() == 1


def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "limits-3.json").mkdir()
    (tmp_path / "limits-4.json").symlink_to(tmp_path / "nowhere")
    assert Slot(tmp_path).file.load() == 0
