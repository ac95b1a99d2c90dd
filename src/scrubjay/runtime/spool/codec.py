"""Records to frames and back: compressed where that saves anything, encrypted if there is a key (`upstream-and-operations.md` 7.3).

Owns how a payload is stored. Where a frame stands and what its header says is `core.spool_format`'s, what becomes of one that cannot
be read is decided by whoever reads. The cryptography package is imported only where there is a key: it costs start and memory.

Invariants: whatever the bytes are, `unpack` returns one entry per record or raises `SpoolSealed`; what is encrypted with another key is
never taken for damaged, unless it is; with a key nothing readable is written.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import zstandard

from scrubjay.core.spool_format import (
    FLAG_ENCRYPTED,
    FLAG_RAW,
    FLAG_ZSTD,
    FrameHeader,
    Record,
    decode_records,
    encode_frame,
    encode_records,
    frame_begin,
)
from scrubjay.errors import ConfigError, SpoolSealed

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_URL_SAFE: Final = str.maketrans("-_", "+/")


def read_key(text: str) -> bytes:
    """The key that `spool.envelopes.encryption_key` says: 32 bytes in base64, of either alphabet. Raises `ConfigError`."""
    plain = text.strip().rstrip("=").translate(_URL_SAFE)
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError("no key", path="spool.envelopes.encryption_key", accepted="32 random bytes in base64")
    return key


class Codec:
    """`key`: 32 bytes, or None to write in the clear; frames in the clear are read in either case. Not for use by two threads at once."""

    def __init__(self, level: int, key: bytes | None = None) -> None:
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._decompressor = zstandard.ZstdDecompressor()
        self._cipher = None
        if key is not None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - slow to import

            self._cipher = AESGCM(key)

    def pack(
        self, records: Sequence[Record], *, first: int, written_ms: int, written_boot_ms: int, raw: bool = False
    ) -> tuple[bytes, bytes, bytes]:
        """Header, payload and padding; `raw`: of records that nobody scrubbed. Raises `ValueError` over the format."""
        plain = encode_records(records)
        stored = self._compressor.compress(plain)
        flags = FLAG_ZSTD
        if len(stored) >= len(plain):
            stored, flags = plain, 0
        if raw:
            flags |= FLAG_RAW
        if self._cipher is not None:
            flags |= FLAG_ENCRYPTED
            nonce = os.urandom(_NONCE_BYTES)
            begin = frame_begin(flags=flags, first=first, count=len(records))
            stored = nonce + self._cipher.encrypt(nonce, stored, begin)
        return encode_frame(
            stored,
            flags=flags,
            first=first,
            count=len(records),
            raw_bytes=len(plain),
            written_ms=written_ms,
            written_boot_ms=written_boot_ms,
        )

    def unpack(self, header: FrameHeader, stored: bytes) -> list[Record | None]:
        """One entry per record, `None` for each that is lost. A frame of a kind that this version cannot read is lost whole.

        Raises `SpoolSealed` if the bytes are what was written, and our key does not open them.
        """
        nothing: list[Record | None] = [None] * header.record_count
        if header.flags & ~(FLAG_ZSTD | FLAG_RAW | FLAG_ENCRYPTED) or len(stored) != header.stored_bytes:
            return nothing
        if not header.flags & (FLAG_ZSTD | FLAG_ENCRYPTED):
            return decode_records(stored, header.record_count)  # their own checksums decide
        if crc32(stored) != header.payload_crc:
            return nothing
        payload = self._open(header, stored) if header.is_encrypted else stored
        if not header.flags & FLAG_ZSTD:
            return decode_records(payload, header.record_count)
        try:
            if zstandard.frame_content_size(payload) != header.raw_bytes:
                return nothing
            return decode_records(self._decompressor.decompress(payload), header.record_count)
        except zstandard.ZstdError:
            return nothing

    def _open(self, header: FrameHeader, stored: bytes) -> bytes:
        if self._cipher is None:
            raise SpoolSealed("records are encrypted, and there is no key")
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

        begin = frame_begin(flags=header.flags, first=header.first, count=header.record_count)
        try:
            return self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], begin)
        except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
            raise SpoolSealed("records are encrypted with another key") from error
