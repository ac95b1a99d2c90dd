from __future__ import annotations

import errno
import os
import stat
import time

import pytest

from scrubjay.runtime.spool.disk import Clock, Disk


@pytest.fixture
def disk():
    return Disk()


def test_files_are_private_and_new(disk, tmp_path):
    descriptor = disk.create(tmp_path / "a")
    disk.close(descriptor)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "a")


def test_folders_are_private(disk, tmp_path):
    disk.make_directory(tmp_path / "q")
    disk.make_directory(tmp_path / "q")
    assert stat.S_IMODE((tmp_path / "q").stat().st_mode) == 0o700


def test_a_file_without_a_name_is_told_from_one_that_moved(disk, tmp_path):
    descriptor = disk.create(tmp_path / "a")
    disk.rename(tmp_path / "a", tmp_path / "b")
    assert not disk.is_removed(descriptor)
    disk.unlink(tmp_path / "b")
    assert disk.is_removed(descriptor)
    disk.close(descriptor)


def test_reading_and_writing_at_offsets(disk, tmp_path):
    descriptor = disk.create(tmp_path / "a")
    disk.write(descriptor, [b"abc", b"", b"def"], 2)
    disk.sync(descriptor)
    disk.sync_directory(tmp_path)
    assert disk.size(descriptor) == 8
    assert disk.read(descriptor, 100, 0) == b"\0\0abcdef"
    assert disk.read(descriptor, 3, 3) == b"bcd"
    assert disk.read(descriptor, 3, 100) == b""
    disk.close(descriptor)
    descriptor = disk.open(tmp_path / "a")
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.write(descriptor, [b"x"], 0)
    disk.close(descriptor)


def test_names(disk, tmp_path):
    disk.write_file(tmp_path / "a", b"one")
    disk.write_file(tmp_path / "a", b"two", 3)
    disk.write_file(tmp_path / "b", b"")
    disk.rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"onetwo"
    disk.truncate(tmp_path / "b", 2)
    assert (tmp_path / "b").read_bytes() == b"on"
    assert disk.list(tmp_path) == ["b"]
    disk.unlink(tmp_path / "b")
    disk.unlink(tmp_path / "b")
    assert disk.list(tmp_path) == []


def test_short_reads_and_writes_are_completed(disk, tmp_path, monkeypatch):
    pread, pwrite, pwritev = os.pread, os.pwrite, os.pwritev
    monkeypatch.setattr(os, "pread", lambda descriptor, length, offset: pread(descriptor, min(2, length), offset))
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: pwrite(descriptor, data[:2], offset))
    monkeypatch.setattr(os, "pwritev", lambda descriptor, parts, offset: pwritev(descriptor, [parts[0][:1]], offset))
    descriptor = disk.create(tmp_path / "a")
    disk.write(descriptor, [b"abc", b"defg"], 0)
    assert disk.read(descriptor, 7, 0) == b"abcdefg"
    assert disk.read(descriptor, 9, 0) == b"abcdefg"
    disk.close(descriptor)


def test_the_error_behind_a_short_write_is_raised(disk, tmp_path, monkeypatch):
    def full(descriptor, data, offset):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwritev", lambda descriptor, parts, offset: 1)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="full"):
        disk.write_file(tmp_path / "a", b"abc")


def test_systems_without_fdatasync(disk, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fdatasync", raising=False)
    descriptor = disk.create(tmp_path / "a")
    disk.sync(descriptor)
    disk.close(descriptor)


class TestClock:
    def test_tells_the_time(self):
        clock = Clock()
        assert abs(clock.wall_ms() - time.time() * 1000) < 5_000
        assert clock.boot_ms() >= clock.mono_s() * 1000 - 5_000
        assert len(clock.boot_id) == 12

    def test_the_boot_id_stays(self):
        assert Clock().boot_id == Clock().boot_id

    def test_systems_without_a_boot_id(self, monkeypatch):
        monkeypatch.setattr("scrubjay.runtime.spool.disk._BOOT_ID_PATH", "/nonexistent")
        assert Clock().boot_id == bytes(12)
