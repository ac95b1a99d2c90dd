from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from scrubjay.errors import SpoolError, SpoolLocked
from scrubjay.runtime.spool import partition_lock
from scrubjay.runtime.spool.partition_lock import PartitionLock, adoptable

OWNER: dict[str, object] = {"pid": 1}


def claim(root, slot=None):
    return PartitionLock.claim(root, slot, OWNER)


class TestClaim:
    def test_a_new_spool_is_private_and_marked(self, tmp_path):
        root = tmp_path / "deep" / "spool"
        lock = claim(root, 0)
        assert lock.directory == root / "p00"
        assert (root / "FORMAT").read_text() == "scrubjay-spool 1\n"
        assert sorted(path.name for path in root.iterdir()) == ["FORMAT", "p00"]
        assert json.loads((root / "p00" / "OWNER").read_text()) == {"pid": 1}
        for folder in (root, root / "p00"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in (root / "FORMAT", root / "p00" / "OWNER", root / "p00" / "LOCK"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        lock.release()

    def test_one_owner_at_a_time(self, tmp_path):
        first = claim(tmp_path, 3)
        with pytest.raises(SpoolLocked, match="slot 3"):
            claim(tmp_path, 3)
        first.release()
        first.release()
        claim(tmp_path, 3).release()

    def test_operations_87_the_next_instance_takes_the_lowest_free_slot(self, tmp_path):
        locks = [claim(tmp_path) for _ in range(3)]
        assert [lock.slot for lock in locks] == [0, 1, 2]
        locks[1].release()
        assert claim(tmp_path).slot == 1

    def test_no_slot_left(self, tmp_path, monkeypatch):
        monkeypatch.setattr(partition_lock, "_SLOTS", 1)
        lock = claim(tmp_path)
        with pytest.raises(SpoolLocked, match="all partitions"):
            claim(tmp_path)
        lock.release()

    def test_operations_87_a_child_that_outlives_the_owner_does_not_hold_the_lock(self, tmp_path):
        lock = claim(tmp_path, 0)
        child = subprocess.Popen(
            [sys.executable, "-c", "input('up')"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
        )
        try:
            # Descriptors are closed while the new program is loaded, which may be after `Popen` has returned.
            assert child.stdout.read(2) == b"up"
            lock.release()
            claim(tmp_path, 0).release()
        finally:
            child.communicate(b"\n")

    def test_another_format_is_refused(self, tmp_path):
        (tmp_path / "FORMAT").write_text("scrubjay-spool 2\n")
        with pytest.raises(SpoolError, match="scrubjay-spool 2"):
            claim(tmp_path)

    def test_a_path_that_is_a_file(self, tmp_path):
        (tmp_path / "spool").write_text("")
        with pytest.raises(SpoolError, match="cannot be used"):
            claim(tmp_path / "spool")

    def test_a_full_disk_does_not_keep_us_from_draining(self, tmp_path):
        claim(tmp_path, 0).release()
        (tmp_path / "p00" / "OWNER").unlink()
        (tmp_path / "p00" / "OWNER").mkdir()
        claim(tmp_path, 0).release()

    def test_a_read_only_file_system_can_be_locked_for_draining(self, tmp_path, monkeypatch):
        claim(tmp_path, 0).release()
        real = os.open

        def read_only(path, flags, mode=0o777):
            if flags & (os.O_CREAT | os.O_RDWR) and str(path).endswith("LOCK"):
                raise OSError(30, "Read-only file system")
            return real(path, flags, mode)

        monkeypatch.setattr(os, "open", read_only)
        lock = claim(tmp_path, 0)
        with pytest.raises(SpoolLocked):
            claim(tmp_path, 0)
        lock.release()

    def test_a_folder_that_its_adopter_removes_meanwhile_is_made_anew(self, tmp_path, monkeypatch):
        """The lock of a file that has no name any more is worth nothing."""
        real = partition_lock.fcntl.flock
        lock_path = tmp_path / "p00" / "LOCK"

        def replace():
            lock_path.replace(tmp_path / "old")
            lock_path.write_text("")

        removals = iter([lambda: shutil.rmtree(tmp_path / "p00"), replace])

        def flock(descriptor, operation):
            next(removals, lambda: None)()
            real(descriptor, operation)

        monkeypatch.setattr(partition_lock.fcntl, "flock", flock)
        lock = claim(tmp_path, 0)
        monkeypatch.undo()
        with pytest.raises(SpoolLocked):
            claim(tmp_path, 0)
        lock.release()

    def test_a_folder_that_goes_before_the_lock_is_opened(self, tmp_path, monkeypatch):
        real = os.open
        gone = iter([True])

        def vanish(path, flags, mode=0o777):
            if str(path).endswith("LOCK") and next(gone, False):
                (tmp_path / "p00").rename(tmp_path / "gone")
            return real(path, flags, mode)

        monkeypatch.setattr(os, "open", vanish)
        claim(tmp_path, 0).release()


class TestRemoveDirectory:
    def test_an_empty_partition_goes(self, tmp_path):
        lock = claim(tmp_path, 0)
        (lock.directory / "quarantine").mkdir()
        assert lock.remove_directory()
        assert not lock.directory.exists()
        lock.release()

    @pytest.mark.parametrize("name", ["00000000000000000001.seg", "quarantine/a"])
    def test_anything_of_value_stays(self, tmp_path, name):
        lock = claim(tmp_path, 0)
        (lock.directory / name).parent.mkdir(exist_ok=True)
        (lock.directory / name).write_text("")
        assert not lock.remove_directory()
        assert (lock.directory / name).exists()
        lock.release()

    def test_somebody_moves_in_at_the_last_moment(self, tmp_path, monkeypatch):
        lock = claim(tmp_path, 0)
        real = type(tmp_path).rmdir

        def rmdir(path):
            if path == lock.directory:
                (path / "LOCK").write_text("")
            real(path)

        monkeypatch.setattr(type(tmp_path), "rmdir", rmdir)
        assert not lock.remove_directory()
        lock.release()


def test_adoptable_are_folders_with_segments(tmp_path):
    assert adoptable(tmp_path / "none") == []
    for name in ("p00", "p01", "p02", "run", "pxx"):
        (tmp_path / name).mkdir()
        if name != "p02":
            (tmp_path / name / "00000000000000000001.seg").write_text("")
    assert adoptable(tmp_path) == [0, 1]
    assert adoptable(tmp_path, {0}) == [1]
