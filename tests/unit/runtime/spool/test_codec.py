"""Frames as they are stored: compressed, encrypted (upstream-and-operations 7.3)."""

from __future__ import annotations

import base64
import random
from zlib import crc32

import pytest

from scrubjay.core.spool_format import (
    FLAG_ENCRYPTED,
    FLAG_ZSTD,
    FRAME_HEADER_BYTES,
    Record,
    decode_frame_header,
    encode_frame,
)
from scrubjay.errors import ConfigError, SpoolSealed
from scrubjay.runtime.spool.codec import Codec, read_key

NOISE = random.Random(2).randbytes(5_000)
RECORDS = [Record(b"{}", b"x" * 1000), Record(b'{"k":1}', b"y" * 1000)]
KEY, OTHER_KEY = bytes(range(32)), bytes(32)


def pack(records, first=1, key=None):
    return Codec(1, key).pack(records, first=first, written_ms=2, written_boot_ms=3)


@pytest.mark.parametrize(("body", "flags"), [(b"x" * 1000, FLAG_ZSTD), (NOISE, 0)])
def test_compresses_where_it_saves_something(body, flags):
    head, stored, padding = pack([Record(b"{}", body)])
    header = decode_frame_header(head)
    assert header is not None
    assert header.flags == flags
    assert len(head + stored + padding) == header.size_bytes
    assert Codec(1).unpack(header, stored) == [Record(b"{}", body)]


@pytest.mark.parametrize("level", [-5, 1, 19])
def test_any_level_reads_what_any_other_wrote(level):
    head, stored, _ = Codec(level).pack(RECORDS, first=1, written_ms=2, written_boot_ms=3)
    assert Codec(1).unpack(decode_frame_header(head), stored) == RECORDS


@pytest.mark.parametrize("flag", [4, 16])
def test_frames_of_kinds_that_this_version_does_not_know_are_not_handed_out(flag):
    head, stored, _ = encode_frame(
        pack(RECORDS)[1], flags=FLAG_ZSTD | flag, first=1, count=2, raw_bytes=2_029, written_ms=2, written_boot_ms=3
    )
    assert Codec(1).unpack(decode_frame_header(head), stored) == [None, None]


def test_a_payload_cut_short():
    head, stored, _ = pack(RECORDS)
    assert Codec(1).unpack(decode_frame_header(head), stored[:-1]) == [None, None]


@pytest.mark.parametrize(
    ("stored", "raw_bytes"), [(b"no zstd frame at all", 25), (pack(RECORDS)[1], 30), (pack(RECORDS)[1][:-2], 2_029)]
)
def test_a_payload_that_was_never_right(stored, raw_bytes):
    head, stored, _ = encode_frame(
        stored, flags=FLAG_ZSTD, first=1, count=2, raw_bytes=raw_bytes, written_ms=2, written_boot_ms=3
    )
    assert Codec(1).unpack(decode_frame_header(head), stored) == [None, None]


class TestEncryption:
    @pytest.mark.parametrize("body", [b"canary " * 100, b"canary " + NOISE])
    def test_what_is_written_with_a_key_is_read_with_it_alone(self, body):
        head, stored, padding = pack([Record(b"canary", body)], key=KEY)
        header = decode_frame_header(head)
        assert header.flags & FLAG_ENCRYPTED
        assert b"canary" not in head + stored + padding
        assert Codec(1, KEY).unpack(header, stored) == [Record(b"canary", body)]
        for other in (None, OTHER_KEY):
            with pytest.raises(SpoolSealed):
                Codec(1, other).unpack(header, stored)

    def test_the_layout_is_that_of_the_specification(self):
        """Nonce, ciphertext and tag; the header's first 20 bytes are authenticated; the lengths and the checksum are of what is stored."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head, stored, _ = pack([Record(b"{}", NOISE)], first=77, key=KEY)
        header = decode_frame_header(head)
        raw = AESGCM(KEY).decrypt(stored[:12], stored[12:], head[:20])
        assert raw[6:8] == b"{}"
        assert raw[8:-4] == NOISE
        assert (len(raw), len(stored)) == (header.raw_bytes, 12 + len(raw) + 16)
        assert header.payload_crc == crc32(stored)

    def test_no_two_frames_look_alike(self):
        assert pack(RECORDS, key=KEY)[1] != pack(RECORDS, key=KEY)[1]

    def test_with_a_key_what_was_written_in_the_clear_is_read_too(self):
        head, stored, _ = pack(RECORDS)
        assert Codec(1, KEY).unpack(decode_frame_header(head), stored) == RECORDS

    def test_a_payload_that_was_damaged_is_damaged_and_not_sealed(self):
        head, stored, _ = pack(RECORDS, key=KEY)
        for key in (KEY, OTHER_KEY, None):
            assert Codec(1, key).unpack(decode_frame_header(head), stored[:-1] + b"\0") == [None, None]

    def test_a_frame_cannot_be_put_behind_other_numbers(self):
        _, stored, _ = pack(RECORDS, first=1, key=KEY)
        flags = FLAG_ENCRYPTED | FLAG_ZSTD
        head, stored, _ = encode_frame(
            stored, flags=flags, first=5, count=2, raw_bytes=2_029, written_ms=2, written_boot_ms=3
        )
        with pytest.raises(SpoolSealed):
            Codec(1, KEY).unpack(decode_frame_header(head), stored)

    @pytest.mark.parametrize("stored", [b"", b"12345", b"x" * 20, b"x" * 28])
    def test_a_payload_that_is_too_short_to_be_one(self, stored):
        head, stored, _ = encode_frame(
            stored, flags=FLAG_ENCRYPTED, first=1, count=1, raw_bytes=11, written_ms=2, written_boot_ms=3
        )
        assert len(head) == FRAME_HEADER_BYTES
        with pytest.raises(SpoolSealed):
            Codec(1, KEY).unpack(decode_frame_header(head), stored)


class TestKey:
    @pytest.mark.parametrize("spelt", [base64.b64encode, base64.urlsafe_b64encode])
    @pytest.mark.parametrize("end", ["", "\n"])
    def test_either_alphabet_with_and_without_padding(self, spelt, end):
        key = bytes([251, 255]) * 16
        text = spelt(key).decode()
        assert read_key(text + end) == read_key(text.rstrip("=")) == key

    @pytest.mark.parametrize("text", ["", "x", "secret!", base64.b64encode(bytes(31)).decode(), "ä" * 44, "AAAA" * 11])
    def test_what_is_none(self, text):
        with pytest.raises(ConfigError, match="32 random bytes") as caught:
            read_key(text)
        assert text == "" or text not in str(caught.value)
