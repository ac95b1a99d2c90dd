from __future__ import annotations

import errno
import random
from contextlib import suppress

import pytest

from scrubjay.errors import SpoolFull
from scrubjay.runtime.spool.types import Damaged, Evicted, Faulted, SpoolOptions, Synced
from support.simulated_disk import SimulatedClock, SimulatedDisk
from support.spool_log import SMALL, bodies, noise, open_log, record, segments, waiting


def fill(log, size: int) -> None:
    """Appends until that is refused."""
    with suppress(SpoolFull):
        for _ in range(20):
            log.append([record(noise(size))])
        pytest.fail("never full")


@pytest.fixture
def disk():
    return SimulatedDisk()


@pytest.fixture
def clock():
    return SimulatedClock()


def test_operations_81_an_empty_spool_takes_records_however_small_its_bound(disk):
    log, _ = open_log(disk, options=SpoolOptions(max_bytes=1 << 20))
    fill(log, 15_000 * 5)
    assert not log.has_capacity
    log.shelf.acknowledge([each.sequence for each in waiting(log)])
    assert log.has_capacity
    log.append([record(noise(15_000))])


class TestAppend:
    def test_numbers_go_up_and_records_come_back(self, disk):
        log, _ = open_log(disk)
        assert log.append([record("a"), record("b", b'{"k":1}')]) == 1
        assert log.append([record("c")]) == 3
        assert [(each.sequence, each.meta, each.body) for each in waiting(log)] == [
            (1, b"{}", b"a"),
            (2, b'{"k":1}', b"b"),
            (3, b"{}", b"c"),
        ]

    def test_nothing_is_written_before_the_first_append(self, disk):
        open_log(disk)
        assert disk.names == {}

    def test_rolls_at_the_segment_size(self, disk):
        log, _ = open_log(disk, options=SMALL)
        for _ in range(6):
            log.append([record(noise(150))])
        assert segments(disk) == ["00000000000000000001.seg", "00000000000000000003.seg", "00000000000000000005.seg"]

    @pytest.mark.parametrize(("mode", "synced"), [("always", True), ("interval", False), ("never", False)])
    def test_only_always_syncs_before_it_answers(self, disk, mode, synced):
        log, _ = open_log(disk, options=SpoolOptions(fsync=mode))
        log.append([record("a")])
        assert any(isinstance(event, Synced) for event in log.shelf.events) is synced
        disk.power_cut(random.Random(3))
        disk.power_cut(random.Random(3))
        assert (bodies(open_log(disk)[0]) == [b"a"]) or not synced

    def test_interval_syncs_when_it_is_time(self, disk, clock):
        log, _ = open_log(disk, clock, SpoolOptions(fsync="interval", fsync_interval_s=0.1))
        assert log.chores() is None
        log.append([record("a")])
        clock.advance(0.06)
        assert log.chores() == pytest.approx(0.04)
        assert log.shelf.events == []
        clock.advance(0.05)
        assert log.chores() is None
        assert [type(event) for event in log.shelf.events] == [Synced]

    def test_never_has_nothing_to_do_later(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(fsync="never"))
        log.append([record("a")])
        assert log.chores() is None
        log.close()
        assert not any(isinstance(event, Synced) for event in log.shelf.events)

    def test_a_meta_over_the_format_stores_nothing(self, disk):
        log, _ = open_log(disk)
        with pytest.raises(ValueError, match="meta"):
            log.append([record("a", b"m" * 70_000)])
        assert log.append([record("b")]) == 1


class TestBound:
    def test_reject(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(max_bytes=2_000))
        fill(log, 300)
        assert not log.has_capacity
        assert log.shelf.size_bytes <= 2_000
        first = waiting(log)[0].sequence
        log.shelf.acknowledge([first])
        with pytest.raises(SpoolFull):  # space comes back by whole segments
            log.append([record(noise(300))])

    def test_capacity_comes_back_with_the_space(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(segment_bytes=400, max_bytes=4_000))
        fill(log, 300)
        assert not log.has_capacity
        log.shelf.acknowledge([1, 2])
        assert log.has_capacity
        log.append([record(noise(100))])

    def test_something_too_large_for_the_whole_spool_does_not_close_it(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(max_bytes=2_000))
        with pytest.raises(SpoolFull):
            log.append([record(noise(5_000))])
        assert log.has_capacity
        log.append([record("a")])

    def test_operations_82_drop_oldest_evicts_with_a_report(self, disk):
        options = SpoolOptions(segment_bytes=400, max_bytes=2_000, when_full="drop_oldest")
        log, _ = open_log(disk, options=options)
        for number in range(10):
            log.append([record(noise(300), b'{"n":%d}' % number)])
        log.shelf.acknowledge([])
        evicted = [event for event in log.shelf.events if isinstance(event, Evicted)]
        gone = [each for event in evicted for each in event.records]
        assert gone == [(number + 1, b'{"n":%d}' % number, 300, False) for number in range(len(gone))]
        assert [each.sequence for each in waiting(log)] == list(range(len(gone) + 1, 11))
        assert log.has_capacity
        assert log.shelf.size_bytes <= 2_000

    def test_drop_oldest_gives_up_the_active_segment_if_there_is_no_other(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(max_bytes=1_000, when_full="drop_oldest"))
        for _ in range(3):
            log.append([record(noise(400))])
        assert [each.sequence for each in waiting(log)] == [3]

    def test_drop_oldest_does_not_report_what_was_done(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(segment_bytes=200, max_bytes=1_500, when_full="drop_oldest"))
        log.append([record(noise(100)), record(noise(100)), record(noise(200))])
        log.append([record(noise(300))])
        log.shelf.acknowledge([1, 3])
        for _ in range(2):
            log.append([record(noise(300))])
        assert [event.records for event in log.shelf.events if isinstance(event, Evicted)] == [
            ((2, b"{}", 100, False),)
        ]

    def test_drop_oldest_of_what_is_larger_than_the_spool(self, disk):
        log, _ = open_log(disk, options=SpoolOptions(max_bytes=1_000, when_full="drop_oldest"))
        with pytest.raises(SpoolFull):
            log.append([record(noise(5_000))])

    def test_too_many_segments(self, disk, monkeypatch):
        monkeypatch.setattr("scrubjay.runtime.spool.segment_log._MAX_SEGMENTS", 3)
        log, _ = open_log(disk, options=SMALL)
        fill(log, 500)
        assert len(segments(disk)) == 3


class TestCleaning:
    @staticmethod
    def sparse_log(disk, clock):
        options = SpoolOptions(fsync="never", segment_bytes=4_000)
        log, _ = open_log(disk, clock, options)
        for number in range(40):
            log.append([record(b"%03d" % number + noise(400)), record(b"%03d'" % number + noise(100))])
        return log, options

    def test_a_sparse_segment_is_rewritten_and_keeps_numbers_and_order(self, disk, clock):
        log, options = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        done = [number for number in range(middle.base, middle.until) if number % 8]
        kept = [(each.sequence, each.body) for each in waiting(log) if each.sequence not in done]
        log.shelf.acknowledge(done)
        before = middle.size_bytes
        steps = 0
        while log.chores() is not None:
            clock.advance(0.01)
            steps += 1
        assert steps >= 2
        assert middle.size_bytes < before / 3
        assert [(each.sequence, each.body) for each in waiting(log)] == kept
        assert log.shelf.size_bytes == disk.used_bytes
        disk.kill()
        again, recovery = open_log(disk, clock, options)
        assert [(each.sequence, each.body) for each in waiting(again)] == kept
        assert recovery.found.lost_records == recovery.found.quarantined == 0

    def test_the_oldest_segment_and_the_active_one_are_left_alone(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        for segment in (log.shelf.segments[0], log.shelf.segments[-1]):
            log.shelf.acknowledge(list(range(segment.base + 1, segment.until)))
        assert log.chores() is None

    def test_no_more_than_a_mebibyte_a_second(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        log.chores()
        pause = log.chores()
        assert pause is not None
        assert pause == pytest.approx(176 / 1_048_576)

    def test_cleaning_stops_when_its_segment_goes(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        log.chores()
        assert any(path.suffix == ".tmp" for path in disk.names)
        log.shelf.acknowledge(list(range(middle.base, middle.until)))
        clock.advance(1)
        assert log.chores() is None
        assert not any(path.suffix == ".tmp" for path in disk.names)

    def test_a_segment_may_go_before_its_turn(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        log.shelf.remove(middle)
        log.chores()
        assert log.chores() is None

    def test_no_space_for_the_copy(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        disk.capacity_bytes = disk.used_bytes + 100
        left = bodies(log)
        assert log.chores() is None
        assert bodies(log) == left
        assert not any(path.suffix == ".tmp" for path in disk.names)

    def test_closing_ends_it(self, disk, clock):
        log, options = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        log.chores()
        left = bodies(log)
        log.close()
        assert disk.open_descriptors == 0
        assert not any(path.suffix == ".tmp" for path in disk.names)
        assert bodies(open_log(disk, clock, options)[0]) == left

    def test_damage_found_on_the_way_is_reported(self, disk, clock):
        log, _ = self.sparse_log(disk, clock)
        middle = log.shelf.segments[1]
        log.shelf.acknowledge([number for number in range(middle.base, middle.until) if number % 8])
        disk.content(middle.path)[64 + 60] ^= 1
        while log.chores() is not None:
            clock.advance(0.01)
        assert [event.records for event in log.shelf.events if isinstance(event, Damaged)] in ([1], [])


class TestClose:
    def test_syncs_what_waits_and_removes_what_is_done(self, disk, clock):
        log, _ = open_log(disk, clock)
        log.append([record("a")])
        log.close()
        disk.power_cut(random.Random(4))
        log, _ = open_log(disk, clock)
        assert bodies(log) == [b"a"]
        log.append([record("b")])
        log.shelf.acknowledge([1, 2])
        log.close()
        assert disk.names == {}

    def test_errors_are_reported_not_raised(self, disk):
        log, _ = open_log(disk)
        log.append([record("a")])
        disk.faults["sync"] = [errno.EIO]
        log.close()
        assert [type(event) for event in log.shelf.events] == [Faulted]
        assert disk.open_descriptors == 0
