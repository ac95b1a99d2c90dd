"""What a file is (scrubbing.md 15.6)."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import random
import zipfile

import pytest
import zstandard

from scrubjay.core.scrub.file_kinds import Encoding, compression_of, encoding_of


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "b")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(b"x", mtime=0), "gzip"),
        (zipped(), "zip"),
        (zstandard.compress(b"x"), "zstd"),
        (lzma.compress(b"x"), "xz"),
        (bz2.compress(b"x"), "bzip2"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z"),
        (b"Rar!\x1a\x07\x01", "rar"),
        (b"plain", None),
        (b"", None),
    ],
)
def test_compressed_files_show_by_their_first_bytes(data: bytes, kind: str | None) -> None:
    assert compression_of(data) == kind


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", Encoding("utf-8")),
        (b"plain\ttext\r\n", Encoding("utf-8")),
        ("gr\u00fcn".encode(), Encoding("utf-8")),
        (b"\x1b[31mred\x1b[0m", Encoding("utf-8")),
        (b"a log with \0 one zero in a line", Encoding("utf-8")),
        (b"gr\xfcn", Encoding("latin-1")),
        (codecs.BOM_UTF8 + b"x", Encoding("utf-8", codecs.BOM_UTF8)),
        (codecs.BOM_UTF16_LE + b"x\0", Encoding("utf-16-le", codecs.BOM_UTF16_LE)),
        (codecs.BOM_UTF16_BE + b"\0x", Encoding("utf-16-be", codecs.BOM_UTF16_BE)),
        (codecs.BOM_UTF32_LE + b"x\0\0\0", Encoding("utf-32-le", codecs.BOM_UTF32_LE)),
        ("from ana".encode("utf-16-le"), Encoding("utf-16-le")),
        ("from ana".encode("utf-16-be"), Encoding("utf-16-be")),
        ("from ana".encode("utf-16-le") + b"\0", Encoding("utf-16-le")),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0\\r\xa8f", None),
        (bytes(range(32)), None),
        (random.Random(1).randbytes(9_000), None),
        (b"\0" * 1_000, None),
    ],
)
def test_texts_show_by_what_they_are_made_of(data: bytes, encoding: Encoding | None) -> None:
    assert encoding_of(data) == encoding
