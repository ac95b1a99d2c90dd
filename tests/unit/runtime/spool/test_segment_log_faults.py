"""The log on disks that are full or fail (upstream-and-operations 7.4, 7.9)."""

from __future__ import annotations

import errno
import random

import pytest

from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.types import Faulted, SpoolOptions
from support.simulated_disk import SimulatedClock, SimulatedDisk
from support.spool_log import FOLDER, SMALL, bodies, noise, open_log, record, segments, waiting


@pytest.fixture
def disk():
    return SimulatedDisk()


@pytest.fixture
def clock():
    return SimulatedClock()


class TestFullDisk:
    def test_an_append_that_does_not_fit_leaves_nothing_behind(self, disk, clock):
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        before = bytes(disk.content(FOLDER / "00000000000000000001.seg"))
        disk.capacity_bytes = disk.used_bytes + 100
        with pytest.raises(SpoolFull):
            log.append([record(noise(1_000))])
        assert bytes(disk.content(FOLDER / "00000000000000000001.seg")) == before
        assert not log.has_capacity
        with pytest.raises(SpoolFull):
            log.append([record("small enough, but the disk is known to be full")])

    def test_a_probe_a_second_finds_the_space_again(self, disk, clock):
        log, _ = open_log(disk, clock, SpoolOptions(fsync="never"))
        log.append([record("a")])
        disk.capacity_bytes = disk.used_bytes + 100
        with pytest.raises(SpoolFull):
            log.append([record(noise(1_000))])
        assert log.chores() == pytest.approx(1.0)
        clock.advance(1.0)
        log.chores()
        assert not log.has_capacity
        disk.capacity_bytes = 1 << 40
        log.chores()
        assert not log.has_capacity, "not before another second"
        clock.advance(1.0)
        assert log.chores() is None
        assert log.has_capacity
        assert log.append([record("b")]) == 2
        assert bodies(log) == [b"a", b"b"]
        assert FOLDER / "probe.tmp" not in disk.names

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE])
    def test_no_segment_can_be_created(self, disk, number):
        log, _ = open_log(disk)
        disk.faults["create"] = [number]
        with pytest.raises(SpoolFull):
            log.append([record("a")])
        assert disk.names == {}
        assert disk.open_descriptors == 0

    def test_a_header_that_does_not_fit_leaves_no_file(self, disk):
        log, _ = open_log(disk)
        disk.capacity_bytes = 10
        with pytest.raises(SpoolFull):
            log.append([record("a")])
        assert disk.names == {}

    def test_drains_with_no_byte_free(self, disk, clock):
        log, _ = open_log(disk, clock, SMALL)
        for _ in range(6):
            log.append([record(noise(300))])
        disk.capacity_bytes = disk.used_bytes
        with pytest.raises(SpoolFull):
            log.append([record(noise(300))])
        for each in waiting(log):
            log.shelf.acknowledge([each.sequence])
        assert waiting(log) == []
        assert [name for name in segments(disk) if name != segments(disk)[-1]] == []
        clock.advance(2)
        disk.capacity_bytes += 100_000
        log.chores()
        assert log.has_capacity

    def test_acknowledgements_wait_in_memory(self, disk):
        log, _ = open_log(disk)
        log.append([record("a"), record("b")])
        disk.capacity_bytes = disk.used_bytes
        log.shelf.acknowledge([1])
        assert bodies(log) == [b"b"]
        disk.capacity_bytes += 1_000
        log.shelf.acknowledge([])
        disk.kill()
        assert bodies(open_log(disk)[0]) == [b"b"]

    def test_drop_oldest_makes_room_on_a_full_disk(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(segment_bytes=400, when_full="drop_oldest"))
        for _ in range(4):
            log.append([record(noise(500))])
        disk.capacity_bytes = disk.used_bytes
        log.append([record(noise(300))])
        assert [each.sequence for each in waiting(log)] == [2, 3, 4, 5]
        disk.capacity_bytes = 50
        with pytest.raises(SpoolFull):
            log.append([record(noise(300))])

    def test_evicting_does_not_work_either(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(segment_bytes=400, max_bytes=1_500, when_full="drop_oldest"))
        log.append([record(noise(1_000))])
        disk.faults["unlink"] = [errno.EROFS]
        with pytest.raises(SpoolFull):
            log.append([record(noise(1_000))])
        assert bodies(log) == [noise(1_000)]


class TestFailingDisk:
    def test_operations_88_a_failed_sync_is_never_an_answer(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(fsync="always"))
        log.append([record("a")])
        log.append([record("b")])
        log.shelf.acknowledge([1])
        disk.faults["sync"] = [errno.EIO]
        with pytest.raises(SpoolError, match="disk failed"):
            log.append([record("c")])
        assert bodies(log) == [b"b"]
        assert log.append([record("d")]) == 4
        assert segments(disk) == ["00000000000000000001.seg", "00000000000000000004.seg"]
        disk.power_cut(random.Random(1))
        assert [each for each in bodies(open_log(disk)[0]) if each != b"a"] == [b"b", b"d"]

    @pytest.mark.parametrize("seed", range(10))
    def test_what_interval_answered_for_is_written_again(self, disk, clock, seed):
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        clock.advance(1)
        disk.faults["sync"] = [errno.EIO]
        log.chores()
        assert any(isinstance(event, Faulted) for event in log.shelf.events)
        disk.power_cut(random.Random(seed))
        assert bodies(open_log(disk)[0]) == [b"a"]

    def test_nothing_waited_in_the_segment_that_failed(self, disk, clock):
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        log.shelf.acknowledge([1])
        clock.advance(1)
        disk.faults["sync"] = [errno.EIO]
        log.chores()
        assert segments(disk) == []
        assert log.append([record("b")]) == 2

    @pytest.mark.parametrize("operation", ["write", "create", "truncate", "sync_directory"])
    def test_an_error_while_writing(self, disk, operation):
        log, _ = open_log(disk, options=SMALL)
        log.append([record(noise(500))])
        disk.faults[operation] = [errno.EIO]
        if operation == "truncate":
            log.append([record("b")])
            disk.faults["write"] = [errno.ENOSPC]
        with pytest.raises(SpoolError) as caught:
            log.append([record("c")])
        assert not isinstance(caught.value, SpoolFull)
        assert not disk.faults[operation]
        log.append([record("d")])
        disk.kill()
        assert bodies(open_log(disk)[0])[0] == noise(500)
        assert bodies(open_log(disk)[0])[-1] == b"d"

    def test_a_sync_that_fails_when_a_segment_is_full(self, disk):
        log, _ = open_log(disk, options=SMALL)
        log.append([record(noise(500))])
        disk.faults["sync"] = [errno.EIO]
        with pytest.raises(SpoolError):
            log.append([record("b")])
        log.append([record("c")])
        assert bodies(log) == [noise(500), b"c"]

    def test_three_faults_in_a_minute_are_too_many(self, disk, clock):
        log, _ = open_log(disk, clock)
        for _ in range(3):
            assert log.has_capacity
            clock.advance(10)
            disk.faults["write"] = [errno.EIO]
            with pytest.raises(SpoolError):
                log.append([record("a")])
        assert log.failed
        assert not log.has_capacity
        with pytest.raises(SpoolError, match="repeatedly"):
            log.append([record("b")])
        clock.advance(41)
        assert log.has_capacity
        log.append([record("c")])
        assert bodies(log) == [b"c"]

    def test_failing_twice_is_said(self, disk):
        log, _ = open_log(disk)
        log.append([record("a")])
        disk.faults["write"] = [errno.EIO, errno.EIO]
        with pytest.raises(SpoolError):
            log.append([record("b")])
        [fault] = log.shelf.events
        assert "1 records in 00000000000000000001.seg may be lost" in fault.detail
        assert bodies(log) == [b"a"]
        assert not any(path.suffix == ".tmp" for path in disk.names)

    def test_files_that_somebody_removed_take_nothing_more(self, disk, clock):
        """What is written to a file without a name is gone with the process; and the lock went with the files."""
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        disk.unlink(FOLDER / segments(disk)[0])
        for _ in range(2):
            with pytest.raises(SpoolError):
                log.append([record("b")])
            assert not log.has_capacity
            clock.advance(100)
        (fault,) = [event for event in log.shelf.events if isinstance(event, Faulted)]
        assert "was removed while in use" in fault.detail
        log.close()
        assert disk.open_descriptors == 0
