from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core import spool_format
from scrubjay.core.spool_format import (
    FLAG_ENCRYPTED,
    FLAG_RAW,
    FLAG_ZSTD,
    FRAME_HEADER_BYTES,
    MAX_RAW_BYTES,
    SEGMENT_HEADER_BYTES,
    Ranges,
    Record,
    SegmentHeader,
    Span,
    age_ms,
    decode_acks,
    decode_frame_header,
    decode_records,
    decode_segment_header,
    encode_acks,
    encode_frame,
    encode_records,
    encode_segment_header,
    frame_begin,
    runs,
    walk,
)
from scrubjay.errors import SpoolCorrupt

META = b'{"k":"a94ae32be2584e0bbd7a4cbb95971fee","p":"42","r":1767323045678}'
BODY = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event","length":16}\n{"message":"hi"}\n'
HEADER = SegmentHeader(1, 1767323045000, bytes(range(16)), bytes.fromhex("00112233445566778899aabb"))
HEADER_BYTES = bytes.fromhex(
    "534a53504f4f4c3140000000000000000100000000000000888ca97c9b010000"
    "000102030405060708090a0b0c0d0e0f00112233445566778899aabbc3adb5f2"
)
FRAME_BYTES = bytes.fromhex(
    "534a465201000000010000000000000001000000ab000000ab0000006e3f14df448fa97c9b01000040e2010000000000456bd7d800000000"
    "a700000043007b226b223a226139346165333262653235383465306262643761346362623935393731666565222c2270223a223432222c22"
    "72223a313736373332333034353637387d7b226576656e745f6964223a22396563373963333365633939343261623833353335383966636232"
    "6530346463227d0a7b2274797065223a226576656e74222c226c656e677468223a31367d0a7b226d657373616765223a226869227d0a11ed15"
    "eb0000000000"
)
ACK_BYTES = bytes.fromhex("01000000000000000100000065edcc58")


def frame(first: int = 1, *bodies: bytes, flags: int = 0, **changes: int) -> bytes:
    payload = encode_records([Record(b"{}", body) for body in bodies or (b"x",)])
    fields = {
        "first": first,
        "count": len(bodies) or 1,
        "raw_bytes": len(payload),
        "written_ms": 5,
        "written_boot_ms": 6,
    }
    return b"".join(encode_frame(payload, flags=flags, **(fields | changes)))


def spans(data: bytes, first: int = 1) -> list[Span]:
    return list(walk(lambda offset, length: data[offset : offset + length], len(data), first=first))


class TestVectors:
    def test_operations_75_segment_header(self):
        assert encode_segment_header(HEADER) == HEADER_BYTES
        assert decode_segment_header(HEADER_BYTES) == HEADER

    def test_operations_75_frame(self):
        payload = encode_records([Record(META, BODY)])
        parts = encode_frame(
            payload,
            flags=0,
            first=1,
            count=1,
            raw_bytes=len(payload),
            written_ms=1767323045700,
            written_boot_ms=123456,
        )
        assert b"".join(parts) == FRAME_BYTES
        assert len(FRAME_BYTES) == 232
        header = decode_frame_header(FRAME_BYTES)
        assert header is not None
        assert (header.first, header.until, header.written_ms, header.written_boot_ms) == (1, 2, 1767323045700, 123456)
        assert header.size_bytes == 232
        stored = FRAME_BYTES[FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + header.stored_bytes]
        assert header.payload_crc == crc32(stored)
        assert decode_records(stored, 1) == [Record(META, BODY)]

    @pytest.mark.parametrize("flags", [0, FLAG_ZSTD, FLAG_ENCRYPTED, FLAG_ZSTD | FLAG_ENCRYPTED])
    def test_what_is_encrypted_says_so(self, flags):
        header = decode_frame_header(frame(flags=flags))
        assert header is not None
        assert header.is_encrypted is (flags in (FLAG_ENCRYPTED, FLAG_ZSTD | FLAG_ENCRYPTED))

    @pytest.mark.parametrize("flags", [0, FLAG_RAW, FLAG_ZSTD, FLAG_RAW | FLAG_ZSTD | FLAG_ENCRYPTED])
    def test_what_is_raw_says_so(self, flags):
        header = decode_frame_header(frame(flags=flags))
        assert header is not None
        assert header.is_raw is (flags not in (0, FLAG_ZSTD))

    def test_operations_75_acknowledgement(self):
        assert encode_acks([(1, 2)]) == ACK_BYTES
        assert decode_acks(ACK_BYTES) == [(1, 2)]


class TestSegmentHeader:
    @pytest.mark.parametrize("position", range(SEGMENT_HEADER_BYTES))
    def test_any_changed_byte_is_noticed(self, position):
        damaged = bytearray(HEADER_BYTES)
        damaged[position] ^= 0x10
        with pytest.raises(SpoolCorrupt):
            decode_segment_header(bytes(damaged))

    def test_cut_short(self):
        with pytest.raises(SpoolCorrupt):
            decode_segment_header(HEADER_BYTES[:-1])

    @pytest.mark.parametrize(("offset", "value"), [(8, 65), (12, 1)])
    def test_another_version_is_refused_even_with_a_good_checksum(self, offset, value):
        changed = bytearray(HEADER_BYTES[:60])
        struct.pack_into("<I", changed, offset, value)
        with pytest.raises(SpoolCorrupt, match="version"):
            decode_segment_header(bytes(changed) + struct.pack("<I", crc32(changed)))


class TestRecords:
    @given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=200)), min_size=1, max_size=5))
    def test_come_back_as_they_went(self, records):
        records = [Record(*each) for each in records]
        assert decode_records(encode_records(records), len(records)) == records

    def test_longest_meta(self):
        record = Record(b"m" * 65_535, b"")
        assert decode_records(encode_records([record]), 1) == [record]
        with pytest.raises(ValueError, match="65536"):
            encode_records([Record(b"m" * 65_536, b"")])

    def test_a_damaged_record_does_not_take_the_others_along(self):
        records = [Record(b"{}", bytes([number]) * 10) for number in range(3)]
        payload = bytearray(encode_records(records))
        payload[22 + 10] ^= 1
        assert decode_records(bytes(payload), 3) == [records[0], None, records[2]]

    @pytest.mark.parametrize("length", [0, 5, 2**32 - 1])
    def test_a_broken_length_loses_the_rest(self, length):
        records = [Record(b"{}", b"0123456789")] * 3
        payload = bytearray(encode_records(records))
        struct.pack_into("<I", payload, 22, length)
        assert decode_records(bytes(payload), 3) == [records[0], None, None]

    def test_meta_longer_than_its_record(self):
        payload = bytearray(encode_records([Record(b"{}", b"0123456789")]))
        struct.pack_into("<H", payload, 4, 13)
        assert decode_records(bytes(payload), 1) == [None]

    def test_cut_short(self):
        payload = encode_records([Record(b"{}", b"abc")])
        assert all(decode_records(payload[:end], 1) == [None] for end in range(len(payload)))


class TestFrameHeader:
    @pytest.mark.parametrize("position", range(52))
    def test_any_changed_byte_is_noticed(self, position):
        damaged = bytearray(FRAME_BYTES)
        damaged[position] ^= 0x10
        assert decode_frame_header(bytes(damaged)) is None

    def test_cut_short(self):
        assert decode_frame_header(FRAME_BYTES[: FRAME_HEADER_BYTES - 1]) is None

    @pytest.mark.parametrize(("offset", "form", "value"), [(4, "<H", 2), (16, "<I", 0), (24, "<I", MAX_RAW_BYTES + 1)])
    def test_what_is_out_of_bounds_is_refused_even_with_a_good_checksum(self, offset, form, value):
        changed = bytearray(FRAME_BYTES)
        struct.pack_into(form, changed, offset, value)
        struct.pack_into("<I", changed, 48, crc32(changed[:48]))
        assert decode_frame_header(bytes(changed)) is None

    def test_a_frame_that_no_reader_would_take_is_not_written(self):
        with pytest.raises(ValueError, match="bytes in one frame"):
            frame(raw_bytes=MAX_RAW_BYTES + 1)

    @pytest.mark.parametrize("length", range(9))
    def test_frames_are_aligned(self, length):
        assert len(frame(1, b"x" * length)) % 8 == 0


class TestWalk:
    def test_frames_in_order(self):
        data = HEADER_BYTES + frame(1, b"a", b"b") + frame(3, b"c")
        found = spans(data)
        assert [(span.first, span.until) for span in found] == [(1, 3), (3, 4)]
        assert [span.offset for span in found] == [64, 64 + len(frame(1, b"a", b"b"))]
        assert found[-1].end == len(data)
        assert all(span.header for span in found)

    def test_nothing_but_zeros_is_a_clean_end(self):
        assert len(spans(HEADER_BYTES + frame(1) + bytes(200_000))) == 1
        assert spans(HEADER_BYTES) == []

    def test_zeros_in_a_file_that_shrank_meanwhile(self):
        assert spans_with_size(HEADER_BYTES, 100) == [Span(64, 100, 1, 1, None)]

    @pytest.mark.parametrize("tail", [b"x", b"x" * 100, bytes(100) + b"x"])
    def test_anything_else_at_the_end_is_damage_of_unknown_loss(self, tail):
        data = HEADER_BYTES + frame(1) + tail
        assert spans(data)[1:] == [Span(len(HEADER_BYTES + frame(1)), len(data), 2, 2, None)]

    def test_damage_between_frames_tells_what_went_with_it(self):
        middle = bytearray(frame(2, b"a", b"b", b"c"))
        middle[0] ^= 1
        data = HEADER_BYTES + frame(1) + bytes(middle) + frame(5)
        found = spans(data)
        assert [(span.first, span.until, bool(span.header)) for span in found] == [
            (1, 2, True),
            (2, 5, False),
            (5, 6, True),
        ]
        assert (found[1].offset, found[1].end) == (64 + len(frame(1)), len(data) - len(frame(5)))

    def test_numbers_may_jump_where_nothing_is_damaged(self):
        found = spans(HEADER_BYTES + frame(4) + frame(9))
        assert [(span.first, bool(span.header)) for span in found] == [(4, True), (9, True)]

    def test_a_number_that_was_there_already_is_damage(self):
        found = spans(HEADER_BYTES + frame(1, b"a", b"b") + frame(2) + frame(3))
        assert [(span.first, span.until, bool(span.header)) for span in found] == [
            (1, 3, True),
            (3, 3, False),
            (3, 4, True),
        ]

    def test_the_inside_of_a_sound_frame_is_never_searched(self):
        """A client could put a whole frame into a body, and bring it to life by the loss of a few bytes."""
        forged = frame(7, b"forged")
        outer = frame(1, forged + b"x" * 50)
        assert outer.index(forged) % 8 == 0
        data = HEADER_BYTES + outer
        assert spans(data[:-8])[0] == Span(64, len(data) - 8, 1, 1, None)
        assert len(spans(data[:-8])) == 1

    def test_a_frame_far_behind_the_damage_is_found(self):
        for gap in range(65_536 - 120, 65_536 + 16, 8):
            found = spans(HEADER_BYTES + b"\1" * gap + frame(1))
            assert [bool(span.header) for span in found] == [False, True], gap
            assert found[1].offset == 64 + gap

    def test_a_magic_off_the_grid_or_without_a_header_is_passed_over(self):
        noise = b"SJFR" + b"\1" * 64 + b"SJFR" * 3
        data = HEADER_BYTES + b"\1" * (8 - len(noise) % 8) + noise + b"\1" * 4 + frame(1)[:-1]
        assert [bool(span.header) for span in spans(data)] == [False]

    def test_many_frames_with_few_reads(self):
        data = HEADER_BYTES + b"".join(frame(number) for number in range(1, 3001))
        reads = []
        found = list(walk(lambda at, length: reads.append(at) or data[at : at + length], len(data), first=1))
        assert len(found) == 3000
        assert len(reads) < 10


def spans_with_size(data: bytes, size: int) -> list[Span]:
    return list(walk(lambda offset, length: data[offset : offset + length], size, first=1))


class TestAcknowledgements:
    def test_reading_stops_at_the_first_bad_entry(self):
        data = bytearray(encode_acks([(1, 3), (7, 8), (9, 12)]))
        data[16] ^= 1
        assert decode_acks(bytes(data)) == [(1, 3)]

    @pytest.mark.parametrize("end", range(33))
    def test_a_torn_entry_is_none(self, end):
        assert decode_acks(encode_acks([(1, 3), (7, 8)])[:end]) == [(1, 3), (7, 8)][: end // 16]


WRITTEN = {"received_ms": 1_000, "written_ms": 1_500, "written_boot_ms": 100}
TEN_YEARS_MS = 10 * 365 * 86_400_000


class TestAge:
    @pytest.mark.parametrize("step_ms", [0, TEN_YEARS_MS, -TEN_YEARS_MS])
    def test_operations_84_a_step_of_the_clock_does_not_age_within_one_boot(self, step_ms):
        assert age_ms(**WRITTEN, same_boot=True, now_ms=2_500 + step_ms, now_boot_ms=1_100) == 1_500

    def test_operations_84_a_reboot_with_the_clock_at_1970_does_not_age(self):
        assert age_ms(**WRITTEN, same_boot=False, now_ms=0, now_boot_ms=5) == 0

    def test_after_a_reboot_the_wall_clock_counts(self):
        assert age_ms(**WRITTEN, same_boot=False, now_ms=4_000, now_boot_ms=5) == 3_000

    def test_received_by_a_clock_that_was_ahead(self):
        late = WRITTEN | {"received_ms": 9_000}
        assert age_ms(**late, same_boot=True, now_ms=9_500, now_boot_ms=600) == 500


def test_runs():
    assert list(runs([])) == []
    assert list(runs([4])) == [(4, 5)]
    assert list(runs([1, 2, 3, 7, 9, 10])) == [(1, 4), (7, 8), (9, 11)]


class TestRanges:
    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12))), st.integers(0, 60), st.integers(0, 40))
    def test_behave_as_a_set_of_numbers(self, additions, start, length):
        ranges, numbers = Ranges(), set()
        for first, count in additions:
            fresh = set(range(first, first + count)) - numbers
            assert ranges.add(first, first + count) == len(fresh)
            numbers |= fresh
        assert ranges.total == len(numbers)
        assert {number for number in range(80) if number in ranges} == numbers
        assert list(ranges) == list(runs(sorted(numbers)))
        expected = [number for number in range(start, start + length) if number not in numbers]
        assert list(ranges.missing(start, start + length)) == list(runs(expected))

    def test_repr_says_how_much(self):
        ranges = Ranges()
        ranges.add(1, 4)
        ranges.add(9, 10)
        assert repr(ranges) == "<Ranges 4 in 2>"


def test_flag_of_compressed_frames_is_the_first_bit():
    header = decode_frame_header(frame(flags=FLAG_ZSTD))
    assert header is not None
    assert header.flags == 1
    assert spool_format.FORMAT_LINE == "scrubjay-spool 1"


def test_a_header_that_promises_more_records_than_fit_is_none():
    """Else a few bytes on disk would make a list of four billion."""
    bounds = {"flags": 0, "first": 1, "written_ms": 2, "written_boot_ms": 3}
    for raw_bytes, count, is_sound in ((10, 1, True), (20, 2, True), (19, 2, False), (256 << 20, 2**32 - 1, False)):
        head, _, _ = encode_frame(b"", count=count, raw_bytes=raw_bytes, **bounds)
        assert (decode_frame_header(head) is not None) is is_sound


def test_a_frame_begins_with_what_an_encrypted_payload_is_bound_to():
    head, _, _ = encode_frame(b"", flags=9, first=7, count=1, raw_bytes=10, written_ms=2, written_boot_ms=3)
    assert frame_begin(flags=9, first=7, count=1) == head[:20]
