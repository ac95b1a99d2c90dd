from __future__ import annotations

import random

import pytest

from scrubjay.core.spool_format import Record, SegmentHeader
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.segment import Segment
from support.simulated_disk import SimulatedDisk
from support.spool_log import FOLDER

NOISE = random.Random(2).randbytes(5_000)
RECORDS = [Record(b"{}", b"x" * 1000), Record(b'{"k":1}', b"y" * 1000)]
HEADER = SegmentHeader(7, 5, bytes(16), b"boot-one-abc")
PATH = FOLDER / "00000000000000000007.seg"


def pack(records, first=1):
    return Codec(1).pack(records, first=first, written_ms=2, written_boot_ms=3)


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
