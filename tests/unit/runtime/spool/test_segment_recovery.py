from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest

from scrubjay.core.spool_format import SEGMENT_HEADER_BYTES, SegmentHeader, encode_frame
from scrubjay.errors import SpoolError, SpoolSealed
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.quarantine import QUARANTINE
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.types import Damaged, Evicted, SpoolOptions
from support.simulated_disk import SimulatedDisk
from support.spool_log import FOLDER, bodies, open_log, record, segments, waiting

NOISE = random.Random(2).randbytes(5_000)
FIRST = FOLDER / "00000000000000000001.seg"
OPTIONS = SpoolOptions(fsync="never", segment_bytes=1_000)


def three_segments() -> SimulatedDisk:
    """Records 1 to 6, two in a segment, each in a frame of 472 bytes."""
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=OPTIONS)
    for number in range(1, 7):
        log.append([record(NOISE[number * 400 : number * 400 + 400])])
    assert [segment.size_bytes for segment in log.shelf.segments] == [1008, 1008, 1008]
    disk.kill()
    return disk


def path(base: int) -> object:
    return FOLDER / f"{base:020d}.seg"


def numbers(disk: SimulatedDisk) -> list[int]:
    return [each.sequence for each in waiting(open_log(disk, options=OPTIONS)[0])]


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
