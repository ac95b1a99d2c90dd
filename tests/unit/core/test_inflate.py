"""Content codings, honest and hostile (ingest.md 4.1)."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from scrubjay import reasons
from scrubjay.core.inflate import DECODERS, inflate, measure
from scrubjay.errors import BadRequest, TooLarge

MIB = 1024 * 1024
BOMB = 32 * MIB


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


def fast_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=3)


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", fast_brotli),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd of unknown size": ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress),
}
each_encoder = pytest.mark.parametrize(("encoding", "encode"), ENCODERS.values(), ids=ENCODERS.keys())


@each_encoder
@pytest.mark.parametrize("size", [0, 1, 65_537, 262_144, 262_170, 700_000])
def test_round_trip(encoding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    """ingest-33"""
    for data in (random.Random(size).randbytes(size), b"a" * size):
        assert inflate(encoding, encode(data), size) == data
        assert measure(encoding, encode(data), size) == size


@each_encoder
def test_limit_is_exact(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    wire = encode(b"x" * 2048)
    assert len(inflate(encoding, wire, 2048)) == 2048
    for size in (inflate, measure):
        with pytest.raises(TooLarge) as caught:
            size(encoding, wire, 2047)
        assert caught.value.reason is reasons.REQUEST_TOO_LARGE


@each_encoder
def test_every_cut_is_noticed(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    wire = encode(b"The quick brown fox jumps over the lazy dog." * 3)
    for end in range(len(wire)):
        with pytest.raises(BadRequest) as caught:
            inflate(encoding, wire[:end], MIB) if end else inflate(encoding, b"", MIB)
        assert caught.value.reason is reasons.INVALID_BODY
        assert caught.value.causes


@each_encoder
def test_bytes_behind_the_end_are_refused(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """What another decoder might read there would travel on unseen."""
    with pytest.raises(BadRequest):
        inflate(encoding, encode(b"hello") + b"garbage", MIB)


@pytest.mark.parametrize("encoding", DECODERS)
def test_garbage(encoding: str) -> None:
    """M11, ingest-38"""
    with pytest.raises(BadRequest):
        inflate(encoding, b"\xffno such thing\xff" * 9, MIB)


@pytest.mark.parametrize(("encoding", "encode"), [ENCODERS["gzip"], ENCODERS["zstd"]])
def test_members_follow_each_other(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    assert inflate(encoding, encode(b"one") + encode(b"two"), MIB) == b"onetwo"
    with pytest.raises(BadRequest):
        inflate(encoding, encode(b"") * 1001, MIB)


@each_encoder
def test_bomb_stays_flat(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    wire = encode(bytes(BOMB))
    assert len(wire) < BOMB // 500
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(encoding, wire, MIB)
        with pytest.raises(TooLarge):
            measure(encoding, wire, BOMB - 1)
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


@each_encoder
def test_measuring_shows_all_of_it(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    data = random.Random(1).randbytes(MIB)
    seen: list[bytes] = []
    assert measure(encoding, encode(data), MIB, seen.append) == MIB
    assert b"".join(seen) == data


def test_what_a_dictionary_was_used_for() -> None:
    samples = [b'{"event_id":"%032x","level":"error"}' % number for number in range(2000)]
    dictionary = zstandard.train_dictionary(4096, samples)
    wire = zstandard.ZstdCompressor(dict_data=dictionary).compress(samples[0])
    assert inflate("zstd", wire, 1000, dictionary) == samples[0]
    assert measure("zstd", wire, 1000, dictionary=dictionary) == len(samples[0])
    with pytest.raises(BadRequest):
        inflate("zstd", wire, 1000)
