from __future__ import annotations

import errno
import random

import pytest

from scrubjay.errors import SpoolError
from scrubjay.runtime.spool.quarantine import QUARANTINE
from scrubjay.runtime.spool.types import Damaged, SpoolOptions
from support.simulated_disk import SimulatedClock, SimulatedDisk
from support.spool_log import FOLDER, bodies, open_log, record, segments, waiting

NOISE = random.Random(2).randbytes(5_000)
FIRST = FOLDER / "00000000000000000001.seg"


@pytest.fixture
def disk():
    return SimulatedDisk()


@pytest.fixture
def log(disk):
    return open_log(disk, options=SpoolOptions(fsync="never", segment_bytes=1_000))[0]


class TestRead:
    def test_starts_behind_a_number_and_ends_before_one(self, log):
        for number in range(1, 13):
            log.append([record(b"%d" % number + NOISE[:200])])
        assert [each.sequence for each in log.shelf.read(3, 10**6, None)] == list(range(4, 13))
        assert [each.sequence for each in log.shelf.read(3, 10**6, 7)] == [4, 5, 6]
        assert log.shelf.read(12, 10**6, None) == []
        assert log.shelf.read(3, 10**6, 4) == []
        assert log.shelf.read(100, 10**6, None) == []

    def test_a_frame_that_reaches_over_the_bounds(self, log):
        log.append([record(b"%d" % number) for number in range(1, 7)])
        assert [each.sequence for each in log.shelf.read(2, 10**6, 5)] == [3, 4]

    def test_takes_whole_frames_at_least_one(self, log):
        for _ in range(4):
            log.append([record(NOISE[:300]), record(NOISE[:300])])
        assert [each.sequence for each in log.shelf.read(0, 1, None)] == [1, 2]
        assert [each.sequence for each in log.shelf.read(0, 1_300, None)] == [1, 2, 3, 4]

    def test_says_when_a_record_was_written_and_in_which_boot(self, disk):
        clock = SimulatedClock(b"boot-one-abc")
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        log.close()
        again, _ = open_log(disk, SimulatedClock(b"boot-two-abc"))
        [old] = waiting(again)
        assert (old.written_ms, old.written_boot_ms, old.same_boot) == (clock.wall_ms(), clock.boot_ms(), False)
        again.append([record("b")])
        assert waiting(again)[1].same_boot

    def test_a_file_that_somebody_removed_holds_up_nothing(self, disk, log):
        for number in range(1, 13):
            log.append([record(b"%d" % number + NOISE[:200])])
        log.shelf.close_reader()
        second = log.shelf.segments[1]
        gone = range(second.base, second.until)
        log.shelf.acknowledge([gone[0]])
        disk.unlink(second.path)
        assert [each.sequence for each in waiting(log)] == [each for each in range(1, 13) if each not in gone]
        [damaged] = [event for event in log.shelf.events if isinstance(event, Damaged)]
        assert (damaged.records, damaged.detail) == (len(gone) - 1, f"{second.path.name} was removed")
        assert log.shelf.usage().records == 12 - len(gone)
        assert second not in log.shelf.segments

    def test_a_folder_that_is_gone_may_come_back(self, disk, log, monkeypatch):
        for number in range(1, 13):
            log.append([record(b"%d" % number + NOISE[:200])])
        log.shelf.close_reader()
        names, disk.names = disk.names, {}
        with monkeypatch.context() as patch:
            patch.setattr(disk, "list", lambda directory: (_ for _ in ()).throw(FileNotFoundError(2, "none")))
            with pytest.raises(SpoolError, match="cannot be read"):
                waiting(log)
        disk.names = names
        assert len(waiting(log)) == 12

    def test_one_file_is_open_for_reading_at_a_time(self, disk, log):
        for _ in range(12):
            log.append([record(NOISE[:400])])
        waiting(log)
        log.shelf.read(2, 2_000, None)
        assert disk.open_descriptors == 2, "the active one and one reader"

    def test_files_that_cannot_be_opened_are_no_damage(self, disk, log):
        for _ in range(6):
            log.append([record(NOISE[:400])])
        disk.faults["open"] = [errno.EMFILE]
        with pytest.raises(SpoolError, match="cannot be read"):
            waiting(log)
        assert len(waiting(log)) == 6

    def test_neither_are_other_errors_while_reading(self, disk, log):
        log.append([record("a")])
        disk.faults["read"] = [0, errno.ENOMEM]
        with pytest.raises(SpoolError, match="cannot be read"):
            waiting(log)
        assert bodies(log) == [b"a"]

    def test_unreadable_sectors_are(self, disk, log):
        log.append([record("a")])
        log.append([record("b")])
        disk.faults["read"] = [0, errno.EIO, errno.EIO]  # as a whole, then page by page
        assert bodies(log) == [b"b"]
        assert [type(event) for event in log.shelf.events] == [Damaged]

    def test_reads_of_a_large_segment_start_near_their_place(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(fsync="never"))
        for _ in range(400):
            log.append([record(NOISE)])
        reads = []
        disk.before = lambda operation, path: reads.append(operation) if operation == "read" else None
        assert log.shelf.read(390, 1, None)[0].sequence == 391
        assert len(reads) < 80


class TestDamage:
    def test_operations_78_a_bit_in_the_middle_frame_costs_that_frame(self, disk, log):
        for name in "abc":
            log.append([record(name * 100) for _ in range(3)])
        frame_bytes = (log.shelf.segments[0].size_bytes - 64) // 3
        disk.content(FIRST)[64 + frame_bytes + 60] ^= 4
        damaged = bytes(disk.content(FIRST)[64 + frame_bytes : 64 + 2 * frame_bytes])
        assert bodies(log) == [b"a" * 100] * 3 + [b"c" * 100] * 3
        [event] = log.shelf.events
        assert isinstance(event, Damaged)
        assert event.records == 3
        [copy] = [path for path in disk.names if path.parent == FOLDER / QUARANTINE]
        assert bytes(disk.content(copy)) == damaged
        assert log.shelf.records == 6
        waiting(log)
        assert len(log.shelf.events) == 1, "told once"

    def test_records_of_an_uncompressed_frame_stand_alone(self, disk, log):
        log.append([record(NOISE[number * 100 : number * 100 + 100]) for number in range(3)])
        content = disk.content(FIRST)
        content[content.index(NOISE[100:200]) + 5] ^= 1
        assert bodies(log) == [NOISE[:100], NOISE[200:300]]
        assert [event.records for event in log.shelf.events] == [1]

    def test_a_header_that_rots_while_we_run(self, disk, log):
        for name in "abc":
            log.append([record(name)])
        disk.content(FIRST)[64 + 88] ^= 1
        assert bodies(log) == [b"a", b"c"]
        assert [event.records for event in log.shelf.events] == [1]

    def test_a_segment_in_which_nothing_is_left_goes(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(fsync="never", segment_bytes=100))
        log.append([record("a" * 100)])
        log.append([record("b")])
        disk.content(FIRST)[64 + 60] ^= 1
        assert bodies(log) == [b"b"]
        assert segments(disk) == ["00000000000000000002.seg"]

    def test_the_same_bytes_are_set_aside_once(self, disk, log):
        log.append([record(NOISE[:100]), record(NOISE[100:200])])
        log.append([record("b")])
        content = disk.content(FIRST)
        for piece in (NOISE[:100], NOISE[100:200]):
            content[content.index(piece)] ^= 1
            waiting(log)
        assert [event.records for event in log.shelf.events] == [1, 1]
        [copy] = [path for path in disk.names if path.parent == FOLDER / QUARANTINE]
        assert NOISE[100:200] in disk.content(copy)

    def test_what_cannot_be_set_aside_is_reported_all_the_same(self, disk, log):
        log.append([record("a" * 100)])
        log.append([record("b")])
        disk.content(FIRST)[64 + 60] ^= 1
        disk.faults["write_file"] = [errno.ENOSPC]
        assert bodies(log) == [b"b"]
        assert not any(path.parent == FOLDER / QUARANTINE for path in disk.names)


class TestAcknowledge:
    def test_ranges_are_merged_and_survive_a_kill(self, disk, log):
        for _ in range(3):
            log.append([record("x"), record("y")])
        log.shelf.acknowledge([5, 1, 2, 2])
        assert len(disk.content(FIRST.with_suffix(".ack"))) == 32
        disk.kill()
        again, _ = open_log(disk)
        assert [each.sequence for each in waiting(again)] == [3, 4, 6]

    def test_operations_79_a_damaged_ack_file_repeats_and_loses_nothing(self, disk, log):
        log.append([record(b"%d" % number) for number in range(6)])
        log.shelf.acknowledge([1])
        log.shelf.acknowledge([3])
        disk.content(FIRST.with_suffix(".ack"))[20] ^= 1
        disk.kill()
        again, _ = open_log(disk)
        assert [each.sequence for each in waiting(again)] == [2, 3, 4, 5, 6]
        again.shelf.acknowledge([4])
        disk.kill()
        assert [each.sequence for each in waiting(open_log(disk)[0])] == [2, 3, 5, 6]

    def test_a_finished_segment_goes_before_its_acks(self, disk, log):
        for _ in range(6):
            log.append([record(NOISE[:400])])
        removed = []
        disk.before = lambda operation, path: removed.append(path.name) if operation == "unlink" else None
        log.shelf.acknowledge([1, 2, 3])
        assert removed == ["00000000000000000001.seg", "00000000000000000001.ack"]
        assert segments(disk) == ["00000000000000000003.seg", "00000000000000000005.seg"]

    def test_a_crash_between_the_two_upstream_80(self, disk, log):
        for _ in range(6):
            log.append([record(NOISE[:400])])
        log.shelf.acknowledge([1])
        del disk.names[FIRST]
        disk.kill()
        again, _ = open_log(disk)
        assert FIRST.with_suffix(".ack") not in disk.names
        assert [each.sequence for each in waiting(again)] == [3, 4, 5, 6]

    def test_a_small_active_segment_stays_a_large_one_goes(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(fsync="never"))
        log.append([record("a")])
        log.shelf.acknowledge([1])
        assert segments(disk) == [FIRST.name]
        log.append([record(random.Random(5).randbytes(1_100_000))])
        log.shelf.acknowledge([2])
        assert segments(disk) == []
        assert log.append([record("c")]) == 3
        assert segments(disk) == ["00000000000000000003.seg"]

    def test_numbers_from_elsewhere_are_passed_over(self, log):
        log.append([record("a")])
        log.shelf.acknowledge([0, 2, 77])
        assert bodies(log) == [b"a"]
        log.shelf.acknowledge([1])
        log.shelf.acknowledge([1])
        assert log.shelf.records == 0

    def test_a_segment_that_cannot_be_deleted_is_tried_again(self, disk, log):
        for _ in range(6):
            log.append([record(NOISE[:400])])
        disk.faults["unlink"] = [errno.EROFS]
        log.shelf.acknowledge([1, 2, 3])
        assert FIRST.name in segments(disk)
        assert log.shelf.records == 3
        assert [each.sequence for each in waiting(log)] == [4, 5, 6]
        log.shelf.acknowledge([])
        assert FIRST.name not in segments(disk)


class TestUsage:
    def test_counts_files_records_and_age(self, disk):
        clock = SimulatedClock()
        log, _ = open_log(disk, clock, SpoolOptions(fsync="never", segment_bytes=1_000))
        assert log.shelf.usage().oldest_ms is None
        started = clock.wall_ms()
        for _ in range(6):
            log.append([record(NOISE[:400])])
            clock.advance(1)
        usage = log.shelf.usage()
        assert (usage.size_bytes, usage.records, usage.segments) == (disk.used_bytes, 6, 3)
        assert usage.oldest_ms == started
        log.shelf.acknowledge([1, 2, 5])
        usage = log.shelf.usage()
        assert (usage.size_bytes, usage.records) == (disk.used_bytes, 3)
        assert usage.oldest_ms == started + 2_000
        log.close()
        again, _ = open_log(disk, clock)
        assert again.shelf.usage() == usage
        again.shelf.acknowledge([3, 4, 6])
        assert again.shelf.usage().oldest_ms is None

    def test_the_age_of_a_header_that_rotted(self, disk, log):
        log.append([record("a")])
        log.append([record("b")])
        disk.content(FIRST)[64 + 88] ^= 1
        log.shelf.acknowledge([1])
        assert log.shelf.usage().oldest_ms is not None
