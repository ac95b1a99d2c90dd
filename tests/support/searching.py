"""Finding values again, however they are spelled: plain, JSON-escaped, percent-encoded, base64, hex, compressed, UTF-16.

A haystack is opened as far as anybody could open it; then every place of it is looked up in one table of all needles, so that the
time grows with the bytes and not with the number of needles. Case is ignored: names of headers change theirs.
"""

import base64
import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import zstandard

_STEM_BYTES = 7
"""Every needle has at least as many."""
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DIGIT = re.compile(rb"[0-9]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A value that is where it must not be: whose it is, what of it, and the text around it."""

    owner: str
    needle: str
    context: str


class Needles:
    """All values to look for, each with whom to tell of it."""

    def __init__(self) -> None:
        self._by_stem: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)

    def add(self, needle: str, owner: str) -> None:
        data = needle.encode()
        if len(data) < _STEM_BYTES:
            raise ValueError(f"too short to be told from anything else: {needle!r}")
        for spelling in {data, *_base64_forms(data), data.hex().encode()}:
            low = spelling.lower()
            self._by_stem[low[:_STEM_BYTES]].append((low, needle, owner))

    def hits(self, haystack: bytes) -> Iterator[Hit]:
        for opened in _opened(haystack):
            low = opened.lower()
            known = self._by_stem.keys()
            for at in range(len(low) - _STEM_BYTES + 1):
                if low[at : at + _STEM_BYTES] in known:
                    yield from self._at(low, at)

    def _at(self, low: bytes, at: int) -> Iterator[Hit]:
        for spelling, needle, owner in self._by_stem[low[at : at + _STEM_BYTES]]:
            end = at + len(spelling)
            if low.startswith(spelling, at) and not _continues(low, at, end):
                context = low[max(0, at - 120) : end + 60].decode("utf-8", "replace")
                yield Hit(owner, needle, context)


def _continues(text: bytes, start: int, end: int) -> bool:
    """Whether a number goes on where the needle ends, so that it is another number."""
    before = start > 0 and _DIGIT.match(text, start - 1) and _DIGIT.match(text, start)
    after = end < len(text) and _DIGIT.match(text, end - 1) and _DIGIT.match(text, end)
    return bool(before or after)


def _base64_forms(data: bytes) -> Iterator[bytes]:
    """What of the value's base64 does not depend on its neighbours, for each of the three places it can begin at."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data)
        whole = (shift + len(data)) // 3 * 4
        inside = coded[-(-shift * 8 // 6) : whole]
        if len(inside) >= _STEM_BYTES:
            yield inside
            yield inside.translate(bytes.maketrans(b"+/", b"-_"))


def _opened(data: bytes) -> Iterable[bytes]:
    """The bytes in every form that shows more of them, each form once."""
    found = {data: None}
    for source in (data, *_inflated(data)):
        for text in (source, *_as_utf16(source)):
            for step in (text, _unescaped(text), _unescaped(_unescaped(text))):
                found[step] = None
                found[unquote_to_bytes(step)] = None
                found[unquote_to_bytes(step.replace(b"+", b" "))] = None
    return found


def _inflated(data: bytes) -> Iterator[bytes]:
    """The bytes without compression: a file of one stream, a replay recording's second line, frames in the middle of a segment."""
    for body in (data, data.partition(b"\n")[2]):
        for undo in (zlib.decompress, gzip.decompress):
            with suppress(zlib.error, OSError, EOFError):
                yield undo(body)
    at = data.find(_ZSTD_MAGIC)
    while at >= 0:
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(_ZSTD_MAGIC, at + 4)


def _as_utf16(data: bytes) -> Iterator[bytes]:
    """Texts of two bytes a character, at either alignment."""
    if data.count(b"\0") * 4 > len(data):
        for start in (0, 1):
            even = data[start : start + (len(data) - start) // 2 * 2]
            for coding in ("utf-16-le", "utf-16-be"):
                yield even.decode(coding, "replace").encode("utf-8", "replace")


def _unescaped(data: bytes) -> bytes:
    """JSON's escapes undone wherever they stand."""
    if b"\\" not in data:
        return data

    def plain(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return chr(int(match[1], 16)).encode("utf-8", "surrogatepass")
        return _SIMPLE.get(match[2], match[2])

    return _ESCAPE.sub(plain, data)
