"""The forms in which a text may hide in what leaves: escaped, percent-encoded, base64, hex (scrubbing.md 15.8).

Owns the forms and where they are looked for: the bytes as they are, the texts in JSON, and what is compressed. Used by rule tests;
what scrubbing itself finds is none of its business.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

import msgspec

from scrubjay.core.scrub.json_text import decode_any, encode

_MAX_INFLATED_BYTES: Final = 100 * 1024 * 1024
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
# Shorter ones turn up in unrelated text.
_LEAST_BASE64: Final = 6
_LEAST_HEX: Final = 8


def spellings(text: str) -> dict[bytes, str]:
    """How a text may be written, and what each way is called. Plain comes first."""
    raw = text.encode("utf-8", "surrogatepass")
    out = {raw: "as it is"}
    escaped = encode(text.encode("utf-8", "replace").decode())[1:-1]
    pure = b"".join(bytes([unit]) if unit < 0x80 else b"\\u%04x" % unit for unit in _utf16(escaped.decode()))
    for form in (escaped, escaped.replace(b"/", rb"\/"), pure, pure.replace(b"/", rb"\/")):
        out.setdefault(form, "with escapes")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        for form in (quoted.encode(), _lower_escapes(quoted)):
            out.setdefault(form, "percent-encoded")
    for form in _base64(raw):
        out.setdefault(form, "in base64")
        out.setdefault(form.translate(bytes.maketrans(b"+/", b"-_")), "in base64")
    if len(raw) * 2 >= _LEAST_HEX:
        out.setdefault(raw.hex().encode(), "in hex")
        out.setdefault(raw.hex().upper().encode(), "in hex")
    return out


def _utf16(text: str) -> Iterator[int]:
    units = text.encode("utf-16-be")
    for at in range(0, len(units), 2):
        yield units[at] << 8 | units[at + 1]


def _lower_escapes(quoted: str) -> bytes:
    first, *rest = quoted.split("%")
    return "%".join([first, *(piece[:2].lower() + piece[2:] for piece in rest)]).encode()


def _base64(raw: bytes) -> Iterator[bytes]:
    """What of the text shows in base64 of a longer text, wherever it begins there."""
    for before in range(3):
        form = b64encode(bytes(before) + raw)
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        if last - first >= _LEAST_BASE64:
            yield form[first:last]


def haystack(payloads: Iterable[bytes]) -> bytes:
    """Everything that may be looked into: the bytes, the texts and keys of what is JSON, and both of what is compressed."""
    parts = []
    for payload in payloads:
        for data in (payload, *_inflated(payload)):
            parts.append(data)
            try:
                parts += _texts(decode_any(data))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return b"\n".join(parts)


def _inflated(payload: bytes) -> Iterator[bytes]:
    """A compressed payload, or one behind a first line, as replays have it."""
    for data in (payload, payload.partition(b"\n")[2]):
        try:
            yield zlib.decompressobj(_ZLIB_OR_GZIP).decompress(data, _MAX_INFLATED_BYTES)
        except zlib.error:
            continue


def _texts(value: object) -> Iterator[bytes]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _texts(key)
            yield from _texts(member)
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element)
    elif value is not None:
        yield str(value).encode("utf-8", "surrogatepass")
