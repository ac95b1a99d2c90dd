from __future__ import annotations

import random

import pytest

from scrubjay.core.spool_format import FLAG_ZSTD, Record, SegmentHeader, decode_frame_header, encode_frame
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.spool.segment import Codec, Segment
from support.simulated_disk import SimulatedDisk
from support.spool_log import FOLDER

NOISE = random.Random(2).randbytes(5_000)
RECORDS = [Record(b"{}", b"x" * 1000), Record(b'{"k":1}', b"y" * 1000)]
HEADER = SegmentHeader(7, 5, bytes(16), b"boot-one-abc")
PATH = FOLDER / "00000000000000000007.seg"


def pack(records, first=1):
    return Codec(1).pack(records, first=first, written_ms=2, written_boot_ms=3)


class TestCodec:
    @pytest.mark.parametrize(("body", "flags"), [(b"x" * 1000, FLAG_ZSTD), (NOISE, 0)])
    def test_compresses_where_it_saves_something(self, body, flags):
        head, stored, padding = pack([Record(b"{}", body)])
        header = decode_frame_header(head)
        assert header is not None
        assert header.flags == flags
        assert len(head + stored + padding) == header.size_bytes
        assert Codec(1).unpack(header, stored) == [Record(b"{}", body)]

    @pytest.mark.parametrize("level", [-5, 1, 19])
    def test_any_level_reads_what_any_other_wrote(self, level):
        head, stored, _ = Codec(level).pack(RECORDS, first=1, written_ms=2, written_boot_ms=3)
        assert Codec(1).unpack(decode_frame_header(head), stored) == RECORDS

    @pytest.mark.parametrize("flag", [2, 4, 8])
    def test_frames_of_kinds_that_this_version_does_not_know_are_not_handed_out(self, flag):
        """Raw frames above all: they are not scrubbed."""
        head, stored, _ = encode_frame(
            pack(RECORDS)[1], flags=FLAG_ZSTD | flag, first=1, count=2, raw_bytes=2_029, written_ms=2, written_boot_ms=3
        )
        assert Codec(1).unpack(decode_frame_header(head), stored) == [None, None]

    def test_a_payload_cut_short(self):
        head, stored, _ = pack(RECORDS)
        assert Codec(1).unpack(decode_frame_header(head), stored[:-1]) == [None, None]

    @pytest.mark.parametrize(
        ("stored", "raw_bytes"), [(b"no zstd frame at all", 5), (pack(RECORDS)[1], 10), (pack(RECORDS)[1][:-2], 2_029)]
    )
    def test_a_payload_that_was_never_right(self, stored, raw_bytes):
        head, stored, _ = encode_frame(
            stored, flags=FLAG_ZSTD, first=1, count=2, raw_bytes=raw_bytes, written_ms=2, written_boot_ms=3
        )
        assert Codec(1).unpack(decode_frame_header(head), stored) == [None, None]


class TestSegment:
    def test_what_is_written_counts_after_commit_only(self):
        disk = SimulatedDisk()
        segment = Segment.create(disk, PATH, HEADER, sync=True)
        parts = pack(RECORDS, first=7)
        segment.write(parts)
        assert (segment.live, list(segment.spans(7))) == (0, [])
        segment.commit(sum(map(len, parts)), 7, 9)
        assert segment.live == 2
        [span] = segment.spans(7)
        assert segment.load(span, Codec(1)) == RECORDS

    def test_reading_starts_at_the_frame_that_holds_the_number(self):
        segment = Segment.create(SimulatedDisk(), PATH, HEADER, sync=False)
        for first in range(7, 27, 2):
            parts = pack([Record(b"{}", NOISE)] * 2 + [], first=first)
            segment.write(parts)
            segment.commit(sum(map(len, parts)), first, first + 2)
        assert [span.first for span in segment.spans(20)] == [19, 21, 23, 25]
        assert [span.first for span in segment.spans(27)] == []

    def test_other_files_are_refused(self):
        disk = SimulatedDisk()
        Segment.create(disk, PATH, HEADER, sync=False).close()
        disk.rename(PATH, PATH.with_stem("00000000000000000008"))
        with pytest.raises(SpoolCorrupt, match="another file"):
            Segment.recover(disk, PATH.with_stem("00000000000000000008"))
        assert disk.open_descriptors == 0
