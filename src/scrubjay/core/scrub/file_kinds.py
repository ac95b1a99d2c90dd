"""What a file is, by its first bytes and by what it is made of; names and media types are what clients say, not what there is.

A file is text if it can be read as such in some encoding: what is taken for binary may leave unread, so whoever is in doubt says
text (scrubbing.md 15.6).
"""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

_COMPRESSED: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES: Final = 8 * 1024
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1b") + b"\x7f"
_FEW: Final = 2
_MOST_CONTROLS: Final = 0.01
_FEWEST_ZEROS: Final = 0.35
"""Share of zeros in every other byte from which on a file is text in UTF-16."""


class Encoding(NamedTuple):
    """How a text is written: its codec, and the mark in front of it."""

    codec: str
    mark: bytes = b""


def compression_of(data: bytes) -> str | None:
    """The kind of a compressed file; None if it is not compressed."""
    return next((name for magic, name in _COMPRESSED if data.startswith(magic)), None)


def encoding_of(data: bytes) -> Encoding | None:
    """How a text is written; None if the file is no text. What some bad bytes spoil is still text, in Latin-1."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return Encoding(codec, mark)
    sample = data[:_SAMPLE_BYTES]
    for codec, zeros, letters in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if zeros.count(0) > _FEWEST_ZEROS * len(zeros) and _mostly_text(letters):
            return Encoding(codec)
    if _is_utf8(data) and (b"\0" not in data or _mostly_text(sample)):
        return Encoding("utf-8")
    return Encoding("latin-1") if _mostly_text(sample) else None


def _mostly_text(sample: bytes) -> bool:
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls <= max(_FEW, _MOST_CONTROLS * len(sample))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
