"""Encodings and the ladder between them (upstream-and-operations 6.5)."""

import pytest

from scrubjay.runtime.forwarding.compression import COMPRESSORS, Ladder, compress_in_thread
from support.loopback import DECODERS


@pytest.mark.parametrize("encoding", sorted(COMPRESSORS))
@pytest.mark.parametrize("compress", [lambda data, name: COMPRESSORS[name](data), compress_in_thread])
def test_what_is_compressed_can_be_read(encoding, compress):
    data = b'{"message":"hi"}' * 1000
    packed = compress(data, encoding)
    assert DECODERS[encoding](packed) == data
    assert len(packed) < len(data) or encoding == "identity"


def climb(ladder, now, status=400):
    """The steps that an envelope takes which is answered `status` each time."""
    steps, step = [], ladder.first(now)
    while step is not None:
        steps.append(step)
        step = ladder.next(step, status)
    return steps


@pytest.mark.parametrize(
    ("encoding", "steps"),
    [
        ("zstd", ["zstd", "gzip", "identity"]),
        ("br", ["br", "gzip", "identity"]),
        ("deflate", ["deflate", "gzip", "identity"]),
        ("gzip", ["gzip", "identity"]),
        ("identity", ["identity"]),
    ],
)
@pytest.mark.parametrize("status", [400, 415])
def test_upstream_61_each_encoding_steps_down_to_identity(encoding, steps, status):
    assert climb(Ladder(encoding), 0.0, status) == steps


@pytest.mark.parametrize("status", [200, 401, 403, 404, 413, 429, 500])
def test_other_answers_say_nothing_about_the_encoding(status):
    assert climb(Ladder("zstd"), 0.0, status) == ["zstd"]


def test_without_fallback_there_is_one_step():
    assert climb(Ladder("br", fallback=False), 0.0) == ["br"]


def test_upstream_61_later_envelopes_start_at_the_working_step_for_an_hour():
    ladder = Ladder("zstd")
    ladder.worked("gzip", 100.0)
    assert ladder.first(101.0) == "gzip"
    assert ladder.first(3_699.0) == "gzip"
    assert ladder.first(3_700.0) == "zstd"


def test_a_400_after_a_success_is_about_the_envelope():
    ladder = Ladder("zstd")
    ladder.worked("zstd", 0.0)
    assert climb(ladder, 1.0, 400) == ["zstd"]
    assert climb(ladder, 1.0, 415) == ["zstd", "gzip", "identity"]


def test_after_the_hour_the_first_step_is_tried_again_and_found_wanting():
    ladder = Ladder("zstd")
    ladder.worked("gzip", 0.0)
    assert climb(ladder, 3_601.0)[:2] == ["zstd", "gzip"]
    ladder.worked("gzip", 3_602.0)
    assert ladder.first(7_000.0) == "gzip"


def test_a_server_that_was_away_may_be_another():
    ladder = Ladder("zstd")
    ladder.worked("zstd", 0.0)
    ladder.doubt()
    assert climb(ladder, 1.0) == ["zstd", "gzip", "identity"]
    ladder.worked("zstd", 2.0)
    assert climb(ladder, 3.0) == ["zstd"]


def test_shows_its_steps():
    assert repr(Ladder("br")) == "<Ladder br>gzip>identity working=None>"
