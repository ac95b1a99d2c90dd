"""What is kept of damaged bytes (upstream-and-operations 7.6)."""

from __future__ import annotations

import errno

import pytest

from scrubjay.runtime.spool.quarantine import QUARANTINE, Quarantine
from support.simulated_disk import SimulatedDisk
from support.spool_log import FOLDER


@pytest.fixture
def disk():
    return SimulatedDisk()


def kept(disk):
    return {path.name: bytes(inode.cached) for path, inode in disk.names.items() if path.parent == FOLDER / QUARANTINE}


def test_a_piece_is_kept_once(disk):
    quarantine = Quarantine(disk, FOLDER, 100)
    quarantine.keep("a.bin", b"first")
    quarantine.keep("a.bin", b"again")
    assert kept(disk) == {"a.bin": b"first"}
    assert quarantine.size_bytes == 5
    assert repr(quarantine) == "<Quarantine 1 files, 5 bytes>"


def test_the_oldest_make_room_for_new_ones(disk):
    for name in "abc":
        Quarantine(disk, FOLDER, 100).keep(name, bytes(40))
    quarantine = Quarantine(disk, FOLDER, 100)
    assert (list(kept(disk)), quarantine.size_bytes) == (["b", "c"], 80)
    quarantine.keep("d", bytes(100))
    assert (list(kept(disk)), quarantine.size_bytes) == (["d"], 100)
    quarantine.keep("large", bytes(101))
    assert list(kept(disk)) == ["d"]


def test_a_whole_file_is_moved(disk):
    quarantine = Quarantine(disk, FOLDER, 100)
    disk.put(FOLDER / "1.seg", b"damaged")
    quarantine.take(FOLDER / "1.seg")
    assert kept(disk) == {"1.seg": b"damaged"}
    disk.put(FOLDER / "1.seg", b"another one")
    quarantine.take(FOLDER / "1.seg")
    assert kept(disk) == {"1.seg": b"another one"}
    assert quarantine.size_bytes == 11
    disk.put(FOLDER / "2.seg", bytes(101))
    quarantine.take(FOLDER / "2.seg")
    assert FOLDER / "2.seg" not in disk.names
    assert list(kept(disk)) == ["1.seg"]


@pytest.mark.parametrize("operation", ["make_directory", "write_file", "write", "unlink", "rename", "list"])
def test_a_disk_that_refuses_costs_the_copy_alone(disk, operation):
    disk.put(FOLDER / "1.seg", b"damaged")
    Quarantine(disk, FOLDER, 20).keep("old", bytes(18))
    disk.faults[operation] = [errno.EROFS]
    quarantine = Quarantine(disk, FOLDER, 20)
    quarantine.keep("new", bytes(5))
    quarantine.take(FOLDER / "1.seg")
    assert quarantine.size_bytes <= 20
