import pytest

from scrubjay.runtime.spool.types import SpoolOptions

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("segment_bytes", "max_bytes", "roll_bytes"),
    [(16 * MIB, 500 * MIB, 16 * MIB), (16 * MIB, 64 * MIB, 8 * MIB), (16 * MIB, MIB, MIB), (4096, 500 * MIB, 4096)],
)
def test_segments_are_small_enough_to_be_given_up_one_by_one(segment_bytes, max_bytes, roll_bytes):
    assert SpoolOptions(segment_bytes=segment_bytes, max_bytes=max_bytes).roll_bytes == roll_bytes
