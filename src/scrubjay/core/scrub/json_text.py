"""JSON one level at a time: decoders, exact spelling checks, texts as UTF-8 bytes.

Decoding gives values as `Raw`, views on the original bytes, so that what nobody touches is written back as it came.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from scrubjay.errors import Unscrubbable

Raw = msgspec.Raw

NULL: Final = b"null"
decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
decode_array = msgspec.json.Decoder(list[Raw]).decode
decode_text = msgspec.json.Decoder(str).decode
decode_any = msgspec.json.Decoder().decode
validate = msgspec.json.Decoder(Raw).decode
encode = msgspec.json.encode

QUOTE: Final = 0x22
BRACE: Final = 0x7B
BRACKET: Final = 0x5B
# First bytes of `true`, `false` and `null`.
WORDS: Final = b"tfn"

_SURROGATE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_REPLACEMENT: Final = rb"\ufffd"
_BACKSLASH: Final = 0x5C
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(rb'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*', re.DOTALL)


def text_bytes(data: bytes) -> bytes:
    """The text of a JSON string, as UTF-8."""
    if _BACKSLASH not in data:
        return data[1:-1]
    return decode_text(data).encode()


def mended(data: bytes) -> bytes:
    """The same JSON without lone surrogates, which SDKs do send: each escape of one becomes that of U+FFFD (scrubbing.md 13)."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _SURROGATE.sub(lambda match: _REPLACEMENT if match[1] else match[0], data)


def encode_text(value: bytes) -> bytes:
    """UTF-8 as a JSON string."""
    return encode(value.decode())


def has_shadowed_keys(data: bytes, fields: dict[str, Raw]) -> bool:
    """Whether an object holds a key twice, so that a value which nobody looked at would leave with its bytes.

    `fields` is what decoding `data` gave. The compact spelling is recognised by its length alone: repeated keys, escapes and
    white space only make it longer.
    """
    lengths = sum(map(len, fields)) + sum(map(len, fields.values()))
    count = len(fields)
    if len(data) == lengths + 4 * count + 1 or not count:
        return False
    at, members, view = 1, 0, data
    while (token := _TOKEN.match(view, at)) is not None:
        key = decode_text(token[1])
        value = fields[key]
        if not view.startswith(bytes(value), token.end()):
            return True
        members += 1
        at = token.end() + len(value)
    return members != count


def check_depth(payload: bytes, limit: int) -> None:
    """Refuse nesting above `limit` levels. Raises Unscrubbable.

    First a cheap bound: of the bare sequence of brackets, pairs are taken off from the inside, a level at a time. Brackets in
    texts may leave some over; then the levels are counted.
    """
    brackets = payload.translate(None, _NO_BRACKETS)
    levels = 0
    while brackets and levels + len(brackets) > limit:
        before = len(brackets)
        for pair in (b"[]", b"{}"):
            shorter = brackets.replace(pair, b"")
            levels += len(shorter) < len(brackets)
            brackets = shorter
        if len(brackets) == before or levels > limit:
            break
    if levels + len(brackets) <= limit:
        return
    depth = 0
    for byte in _STRING.sub(b"", payload).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > limit:
            raise Unscrubbable(f"nesting above {limit} levels")


def as_text(data: bytes) -> str:
    """A JSON number as text."""
    value = decode_any(data)
    return str(value) if isinstance(value, (int, float)) else data.decode()
