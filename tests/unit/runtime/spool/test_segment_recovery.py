from __future__ import annotations

import errno
import random

import pytest

from scrubjay.core.spool_format import SEGMENT_HEADER_BYTES
from scrubjay.runtime.spool.quarantine import QUARANTINE
from scrubjay.runtime.spool.types import SpoolOptions
from support.simulated_disk import SimulatedDisk
from support.spool_log import (
    FIRST,
    FOLDER,
    NOISE,
    OPTIONS,
    bodies,
    numbers,
    open_log,
    path,
    record,
    segments,
    three_segments,
    waiting,
)


def test_everything_is_there_after_a_kill():
    disk = three_segments()
    log, recovery = open_log(disk, options=OPTIONS)
    assert [each.sequence for each in waiting(log)] == [1, 2, 3, 4, 5, 6]
    found = recovery.found
    assert (found.segments, found.records, found.size_bytes) == (3, 6, disk.used_bytes)
    assert (found.torn_tails, found.quarantined, found.lost_records) == (0, 0, 0)
    assert log.next_sequence == 7


def test_a_recovered_segment_is_never_appended_to():
    disk = three_segments()
    log, _ = open_log(disk, options=OPTIONS)
    before = bytes(disk.content(path(5)))
    log.append([record("new")])
    assert bytes(disk.content(path(5))) == before
    assert segments(disk)[-1] == "00000000000000000007.seg"


@pytest.mark.parametrize("cut", [*range(1, 56, 5), *range(56, 472, 41), 471])
def test_operations_77_a_last_frame_cut_anywhere(cut):
    disk = three_segments()
    del disk.content(path(5))[64 + 472 + cut :]
    log, recovery = open_log(disk, options=OPTIONS)
    assert [each.sequence for each in waiting(log)] == [1, 2, 3, 4, 5]
    assert recovery.found.torn_tails == 1
    assert recovery.found.lost_records == 0
    assert len(disk.content(path(5))) == 64 + 472
    assert log.append([record("new")]) == 6
    assert open_log(disk)[1].found.torn_tails == 0


def test_a_last_frame_whose_bytes_never_came():
    disk = three_segments()
    disk.content(path(5))[64 + 472 + 56 :] = bytes(472 - 56)
    _, recovery = open_log(disk, options=OPTIONS)
    assert (recovery.found.torn_tails, recovery.found.records) == (1, 5)
    assert numbers(disk) == [1, 2, 3, 4, 5]


def test_the_only_frame_is_torn():
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=OPTIONS)
    log.append([record(NOISE[:400])])
    disk.content(FIRST)[100] ^= 1
    again, recovery = open_log(disk, options=OPTIONS)
    assert recovery.found.torn_tails == 1
    assert segments(disk) == []
    assert again.next_sequence == 1


def test_a_last_frame_with_one_good_record_is_kept():
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=OPTIONS)
    log.append([record(NOISE[:400]), record(NOISE[400:800])])
    disk.content(FIRST)[64 + 56 + 50] ^= 1
    again, recovery = open_log(disk, options=OPTIONS)
    assert recovery.found.torn_tails == 0
    assert bodies(again) == [NOISE[400:800]]


@pytest.mark.parametrize("cut", [0, 20, 64, 64 + 55])
def test_a_crash_while_a_segment_was_created(cut):
    disk = three_segments()
    disk.put(path(7), bytes(disk.content(path(5)))[:cut])
    if cut >= SEGMENT_HEADER_BYTES:
        disk.content(path(7))[16:24] = (7).to_bytes(8, "little")
    log, recovery = open_log(disk, options=OPTIONS)
    assert recovery.found.torn_tails == 1
    assert recovery.found.lost_records == recovery.found.quarantined == 0
    assert len(bodies(log)) == 6
    assert path(7).name not in segments(disk)


def test_zeros_behind_the_last_frame_are_no_damage():
    disk = three_segments()
    disk.content(path(5)).extend(bytes(4096))
    log, recovery = open_log(disk, options=OPTIONS)
    assert (recovery.found.torn_tails, recovery.found.quarantined) == (0, 0)
    assert len(bodies(log)) == 6


def test_numbers_that_were_cleaned_away_do_not_wait():
    """Cleaning leaves gaps, and the acknowledgements of what was there may be gone with the power."""
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=OPTIONS)
    log.append([record("a"), record("b"), record("c")])
    log.shelf.acknowledge([1, 2])
    assert list(log.shelf.rewrite(log.shelf.segments[0]))
    log.append([record("d")])
    del disk.names[FIRST.with_suffix(".ack")]
    again, recovery = open_log(disk, options=OPTIONS)
    assert (recovery.found.records, recovery.found.lost_records) == (2, 0)
    assert bodies(again) == [b"c", b"d"]


class TestRot:
    def test_a_frame_header_in_the_middle_is_quarantined_and_counted_once(self):
        disk = three_segments()
        disk.content(path(3))[64] ^= 1
        log, recovery = open_log(disk, options=OPTIONS)
        assert (recovery.found.quarantined, recovery.found.lost_records, recovery.found.records) == (1, 1, 5)
        assert [each.sequence for each in waiting(log)] == [1, 2, 4, 5, 6]
        [copy] = [each for each in disk.names if each.parent == FOLDER / QUARANTINE]
        assert len(disk.content(copy)) == 472
        assert open_log(disk)[1].found.lost_records == 0

    def test_what_was_consumed_before_is_not_lost(self):
        disk = three_segments()
        open_log(disk, options=OPTIONS)[0].shelf.acknowledge([3])
        disk.content(path(3))[64] ^= 1
        log, recovery = open_log(disk, options=OPTIONS)
        assert (recovery.found.quarantined, recovery.found.lost_records) == (0, 0)
        assert [each.sequence for each in waiting(log)] == [1, 2, 4, 5, 6]

    def test_the_end_of_a_segment_that_is_not_the_last(self):
        disk = three_segments()
        del disk.content(path(3))[64 + 472 + 100 :]
        log, recovery = open_log(disk, options=OPTIONS)
        assert (recovery.found.quarantined, recovery.found.lost_records, recovery.found.torn_tails) == (1, 1, 0)
        assert [each.sequence for each in waiting(log)] == [1, 2, 3, 5, 6]
        assert open_log(disk)[1].found.lost_records == 0

    def test_all_of_a_segment_that_is_not_the_last(self):
        disk = three_segments()
        disk.content(path(3))[64:] = b"\1" * 944
        log, recovery = open_log(disk, options=OPTIONS)
        assert (recovery.found.quarantined, recovery.found.lost_records) == (1, 2)
        assert [each.sequence for each in waiting(log)] == [1, 2, 5, 6]
        assert path(3).name not in segments(disk)

    def test_a_segment_header(self):
        disk = three_segments()
        open_log(disk, options=OPTIONS)[0].shelf.acknowledge([4])
        disk.content(path(3))[30] ^= 1
        log, recovery = open_log(disk, options=OPTIONS)
        assert (recovery.found.quarantined, recovery.found.lost_records) == (1, 1)
        assert [each.sequence for each in waiting(log)] == [1, 2, 5, 6]
        assert FOLDER / QUARANTINE / path(3).name in disk.names
        assert path(3).with_suffix(".ack") not in disk.names

    def test_a_segment_under_another_name(self):
        disk = three_segments()
        disk.put(path(9), bytes(disk.content(path(5))))
        _, recovery = open_log(disk, options=OPTIONS)
        assert recovery.found.quarantined == 1
        assert recovery.found.records == 6

    def test_a_file_that_cannot_be_read(self):
        disk = three_segments()
        disk.faults["open"] = [0, 0, 0, 0, errno.EIO, errno.EIO]  # the check of the key comes first
        _, recovery = open_log(disk, options=OPTIONS)
        assert recovery.found.quarantined == 1
        assert recovery.found.records == 4

    def test_no_access_at_all(self):
        disk = three_segments()
        disk.faults["open"] = [0, 0, 0, 0, errno.EACCES]
        with pytest.raises(PermissionError):
            open_log(disk, options=OPTIONS)


class TestReadOnly:
    def test_all_can_still_be_read(self):
        disk = three_segments()
        open_log(disk, options=OPTIONS)[0].shelf.acknowledge([1, 2, 3])
        del disk.content(path(5))[-5:]
        disk.put(FOLDER / "left.tmp", b"")
        disk.content(path(3).with_suffix(".ack")).extend(b"torn")
        for operation in ("truncate", "unlink", "write_file", "make_directory", "rename", "sync_directory"):
            disk.faults[operation] = [errno.EROFS] * 50
        log, recovery = open_log(disk)
        assert recovery.found.torn_tails == 1
        assert [each.sequence for each in waiting(log)] == [4, 5]

    def test_a_finished_segment_that_cannot_be_removed(self):
        disk = three_segments()
        log, _ = open_log(disk, options=OPTIONS)
        disk.faults["unlink"] = [errno.EROFS]
        log.shelf.acknowledge([1, 2])
        log.shelf.segments[0].write_acks()
        disk.faults["unlink"] = [errno.EROFS]
        assert numbers(disk) == [3, 4, 5, 6]


def test_operations_80_leftovers_are_removed():
    disk = three_segments()
    for name in ("00000000000000000001.tmp", "probe.tmp", "00000000000000000099.ack"):
        disk.put(FOLDER / name, b"x" * 16)
    disk.put(FOLDER / "README", b"not ours")
    open_log(disk)
    assert sorted(each.suffix for each in disk.names) == ["", ".seg", ".seg", ".seg"]


def test_an_unused_folder():
    log, recovery = open_log(SimulatedDisk())
    assert (recovery.found.segments, recovery.next_sequence, log.shelf.records) == (0, 1, 0)


@pytest.mark.parametrize("sync", [True, False])
def test_what_a_killed_process_left_in_the_page_cache_is_synced(sync):
    disk = three_segments()
    open_log(disk, options=SpoolOptions(fsync="interval" if sync else "never"))
    survivors = []
    for seed in range(10):
        disk.power_cut(random.Random(seed))
        survivors.append(len(numbers(disk)))
    assert (survivors == [6] * 10) is sync


def test_many_small_frames_are_recovered_quickly():
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=SpoolOptions(fsync="never"))
    for _ in range(3000):
        log.append([record("x")])
    reads = []
    disk.before = lambda operation, path: reads.append(operation) if operation == "read" else None
    assert open_log(disk)[1].found.records == 3000
    assert len(reads) < 20
