"""When recovery looks into what, unreadable sectors, other keys (upstream-and-operations 7.3, 7.6, 7.9)."""

from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest

from scrubjay.core.spool_format import SegmentHeader, encode_frame
from scrubjay.errors import SpoolError, SpoolSealed
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.quarantine import QUARANTINE
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.types import Damaged, Evicted
from support.simulated_disk import SimulatedDisk
from support.spool_log import (
    FIRST,
    NOISE,
    OPTIONS,
    numbers,
    open_log,
    path,
    record,
    three_segments,
    waiting,
)


class TestLaziness:
    """A start looks into the last segment only."""

    def test_how_long_a_start_takes_does_not_depend_on_what_is_there(self):
        disk = SimulatedDisk()
        log, _ = open_log(disk, options=OPTIONS)
        for number in range(400):
            log.append([record(NOISE[number : number + 400])])
        disk.kill()
        opened, read = [], []
        disk.before = lambda operation, path: {"open": opened, "read": read}.get(operation, []).append(path)
        log, recovery = open_log(disk, options=OPTIONS, is_whole=False)
        assert (len(recovery.unseen), len(log.shelf.segments)) == (199, 1)
        assert len(set(opened)) < 75  # a sample tells whether the key is right
        assert max(map(read.count, read)) < 10
        assert log.next_sequence == 401
        assert log.append([record("new")]) == 401
        usage = log.shelf.usage()
        assert (usage.segments, usage.size_bytes) == (201, disk.used_bytes)
        assert [each.sequence for each in waiting(log)] == list(range(1, 402))
        assert log.shelf.is_whole
        assert log.shelf.usage().records == 401
        assert log.recovered.records == 400
        assert log.shelf.events == [log.recovered]
        assert log.shelf.size_bytes == disk.used_bytes

    def test_reading_a_part_looks_into_no_more_than_that(self):
        log, recovery = open_log(three_segments(), options=OPTIONS, is_whole=False)
        assert [each.sequence for each in log.shelf.read(0, 1, 3)] == [1]
        assert [int(path.stem) for path in recovery.unseen] == [3]
        assert log.shelf.read(4, 1, 5) == []
        assert log.shelf.is_whole

    def test_the_oldest_makes_room_though_nobody_has_looked_into_it(self):
        disk = three_segments()
        options = replace(OPTIONS, max_bytes=4_000, when_full="drop_oldest")
        log, _ = open_log(disk, options=options, is_whole=False)
        assert log.size_bytes == 3_024
        for _ in range(3):
            log.append([record(NOISE[:400])])
        evicted = [each.sequence for event in log.shelf.events if isinstance(event, Evicted) for each in event.records]
        assert evicted == [1, 2]
        assert [each.sequence for each in waiting(log)] == [3, 4, 5, 6, 7, 8, 9]

    def test_without_access_it_is_tried_again(self):
        disk = three_segments()
        log, recovery = open_log(disk, options=OPTIONS, is_whole=False)
        disk.faults["open"] = [errno.EMFILE]
        with pytest.raises(SpoolError):
            log.shelf.read(0, 1, None)
        assert len(recovery.unseen) == 2
        assert [each.sequence for each in waiting(log)] == [1, 2, 3, 4, 5, 6]
        log.close()
        assert disk.open_descriptors == 0

    def test_a_last_file_that_was_never_finished_says_nothing_of_the_numbers(self):
        disk = three_segments()
        disk.put(path(7), b"SJSPOOL1")
        log, recovery = open_log(disk, options=OPTIONS, is_whole=False)
        assert log.next_sequence == 7
        assert len(recovery.unseen) == 2
        assert path(7) not in disk.names

    def test_damage_is_told_when_it_is_found(self):
        disk = three_segments()
        disk.content(path(1))[64 + 8] ^= 1
        log, _ = open_log(disk, options=OPTIONS, is_whole=False)
        assert log.shelf.events == []
        assert [each.sequence for each in waiting(log)] == [2, 3, 4, 5, 6]
        damaged, recovered = log.shelf.events
        assert (damaged.records, recovered.lost_records, recovered.quarantined) == (1, 1, 1)


class TestSectors:
    """Unreadable ones are damage like any other: the rest is delivered."""

    def fail(self, disk: SimulatedDisk, name: object, bad: range) -> None:
        """Reads that touch these bytes of a file fail, again and again."""
        read = disk.read

        def failing(descriptor: int, length: int, offset: int) -> bytes:
            if disk._open[descriptor][0] == name and offset < bad.stop and bad.start < offset + length:
                raise OSError(errno.EIO, "unreadable")
            return read(descriptor, length, offset)

        disk.read = failing  # type: ignore[method-assign]

    def large(self) -> SimulatedDisk:
        disk = SimulatedDisk()
        log, _ = open_log(disk, options=replace(OPTIONS, segment_bytes=40_000))
        for number in range(20):
            log.append([record(random.Random(number).randbytes(4_000))])
        assert len(log.shelf.segments) == 2
        disk.kill()
        return disk

    @pytest.mark.parametrize("at", [0, 4_096, 8_200, 20_000])
    def test_what_lies_in_them_is_lost_and_counted(self, at):
        disk = self.large()
        self.fail(disk, FIRST, range(at, at + 1))
        log, _ = open_log(disk, options=OPTIONS)
        found = [each.sequence for each in waiting(log)]
        damaged = [event for event in log.shelf.events if isinstance(event, Damaged)]
        lost = sum([event.records for event in damaged])
        assert len(found) + lost == 20
        assert {event.reason for event in damaged} <= {"io"}
        assert lost <= (10 if at == 0 else 3)
        assert found[-9:] == list(range(12, 21))

    def test_a_disk_that_reads_nothing_any_more_is_not_asked_for_each_page(self):
        disk = SimulatedDisk()
        log, _ = open_log(disk, options=replace(OPTIONS, segment_bytes=4_000_000, frame_bytes=4_000_000))
        for number in range(4):
            log.append([record(random.Random(number).randbytes(900_000))])
        log.append([record("last")])
        disk.kill()
        self.fail(disk, FIRST, range(64, 9_000_000))
        reads = []
        disk.before = lambda operation, path: reads.append(operation) if operation == "read" else None
        log, _ = open_log(disk, options=OPTIONS)
        assert waiting(log) == []
        assert len(reads) < 10

    def test_acknowledgements_that_cannot_be_read_are_forgotten(self):
        disk = three_segments()
        open_log(disk, options=OPTIONS)[0].shelf.acknowledge([1])
        disk.kill()
        self.fail(disk, FIRST.with_suffix(".ack"), range(16))
        assert numbers(disk) == [1, 2, 3, 4, 5, 6]


class TestSealed:
    """What is encrypted with another key is neither sent nor lost nor damaged (7.3, flag bit 3)."""

    KEY, OTHER = bytes(range(32)), bytes(32)

    def written(self, *keys: bytes | None, segments_each: int = 1) -> SimulatedDisk:
        """Segments of one record each, as if the key had been changed between starts."""
        disk = SimulatedDisk()
        for position, key in enumerate(keys):
            codec = Codec(1, key)
            for number in range(segments_each):
                first = position * segments_each + number + 1
                header = SegmentHeader(first, 5, bytes(16), b"boot-one-abc")
                segment = Segment.create(disk, path(first), header, sync=True)
                parts = codec.pack([record("canary %d" % first)], first=first, written_ms=5, written_boot_ms=5)
                segment.write(parts)
                segment.close()
        return disk

    @pytest.mark.parametrize("key", [None, OTHER])
    @pytest.mark.parametrize("keys", [(KEY,), (None, KEY), (KEY, None), (None, KEY, None)])
    def test_a_start_without_the_right_key_is_refused_and_touches_nothing(self, keys, key):
        disk = self.written(*keys)
        before = {name: bytes(inode.cached) for name, inode in disk.names.items()}
        with pytest.raises(SpoolSealed, match="encrypted"):
            open_log(disk, options=replace(OPTIONS, encryption_key=key), is_whole=False)
        assert {name: bytes(inode.cached) for name, inode in disk.names.items()} == before
        assert disk.open_descriptors == 0
        assert len(waiting(open_log(disk, options=replace(OPTIONS, encryption_key=self.KEY))[0])) == len(keys)

    def test_what_the_sample_missed_is_told_as_lost_and_stays_for_the_right_key(self):
        disk = self.written(*[None] * 100, self.OTHER, *[None] * 150)
        log, recovery = open_log(disk, options=replace(OPTIONS, encryption_key=self.KEY), is_whole=False)
        assert len(waiting(log)) == 250
        (damaged,) = [event for event in log.shelf.events if isinstance(event, Damaged)]
        assert (damaged.records, recovery.found.lost_records) == (1, 1)
        assert "another key; the file stays" in damaged.detail
        log.close()
        again = waiting(open_log(disk, options=replace(OPTIONS, encryption_key=self.OTHER))[0])
        assert [each.sequence for each in again][100] == 101

    def test_a_frame_that_somebody_changed_is_set_aside(self):
        options = replace(OPTIONS, encryption_key=self.KEY, segment_bytes=40_000)
        disk = SimulatedDisk()
        log, _ = open_log(disk, options=options)
        for number in range(3):
            log.append([record(NOISE[number * 400 : number * 400 + 400])])
        [span] = [span for span in log.shelf.segments[0].spans(2) if span.first == 2]
        disk.kill()
        stored = bytearray(disk.content(FIRST)[span.offset + 56 : span.offset + 56 + span.header.stored_bytes])
        stored[20] ^= 1
        head, forged, _ = encode_frame(
            bytes(stored),
            flags=span.header.flags,
            first=2,
            count=1,
            raw_bytes=span.header.raw_bytes,
            written_ms=span.header.written_ms,
            written_boot_ms=span.header.written_boot_ms,
        )
        disk.content(FIRST)[span.offset : span.offset + 56 + len(forged)] = head + forged
        log, _ = open_log(disk, options=options)
        assert [each.sequence for each in waiting(log)] == [1, 3]
        assert [event.records for event in log.shelf.events if isinstance(event, Damaged)] == [1]
        assert any(name.parent.name == QUARANTINE for name in disk.names)

    def test_a_torn_tail_of_an_encrypted_segment_is_torn(self):
        options = replace(OPTIONS, encryption_key=self.KEY)
        disk = SimulatedDisk()
        log, _ = open_log(disk, options=options)
        log.append([record(NOISE[:300])])
        log.append([record(NOISE[300:600])])
        disk.kill()
        disk.content(FIRST)[-60:] = bytes(60)
        log, recovery = open_log(disk, options=options)
        assert recovery.found.torn_tails == 1
        assert [each.sequence for each in waiting(log)] == [1]
