"""Values in another spelling inside a text: percent-encoded, with `+` for spaces in a query, as HTML character references, as escapes
of code (scrubbing.md 14, G17).

A text that shows the sign of one is searched decoded as well, up to three layers deep; what is found there is taken from the text as
it stands. Base64 is not looked into: which texts are base64 nobody can say.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.redact import Finder, Span

_MAX_LAYERS: Final = 3
_PERCENT: Final = rb"(?:%(?!00)[0-9A-Fa-f]{2})+"
_SPELLING: Final = re.compile(
    _PERCENT + rb"|&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});?|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})", re.DOTALL
)
# The value of a parameter in which a plus may stand for a space.
_SPACED: Final = re.compile(rb"=[^&#\s\"'<>\0]*\+[^&#\s\"'<>\0]*")
_ASCII_RUN: Final = re.compile(rb"(?:%(?!00)[0-7][0-9A-Fa-f])+")
_SURROGATES: Final = range(0xD800, 0xE000)

SIGN: Final = Detector(
    name="encoded",
    # The `&` may be an escape itself; a backslash inside JSON is two, inside JSON inside JSON four.
    screen=(r"%[0-9a-f]{2}", r"(?:&|\\u0026)#x?[0-9a-f]", r"\\\\(?:u[0-9a-f]{4}|x[0-9a-f]{2})", r"=[^&#\s\"'<>]*\+"),
    examples=(
        "https://shop.example/?card=4242+4242+4242+4242",
        "ana%40lab.example",
        "ana&#64;lab.example",
        "ana&#x40;lab.example",
        r"ana\u0040lab.example",
        r"ana\x40lab.example",
    ),
    counterexamples=("100 %", "a&b #4", "C:\\users"),
)
"""Not a detector of anything personal: what the screen must show for a text to be decoded."""


class View:
    """A text decoded, and where in the text each part of it stands."""

    __slots__ = ("_sources", "_starts", "_strides", "text")

    def __init__(self, text: bytes, starts: list[int], sources: list[int], strides: list[int]) -> None:
        """Stretches by their start here and there. A byte here is `stride` bytes there; 0: the whole stretch is one character."""
        self.text = text
        self._starts = starts
        self._sources = sources
        self._strides = strides

    def source(self, span: Span) -> Span:
        """The span in the text that a span here stands for."""
        start, end = span
        first = bisect_right(self._starts, start) - 1
        last = max(first, bisect_right(self._starts, end - 1) - 1)
        begin = self._sources[first] + self._strides[first] * (start - self._starts[first])
        if self._strides[last]:
            return begin, self._sources[last] + self._strides[last] * (end - self._starts[last])
        return begin, self._sources[last + 1]


def decode(text: bytes) -> View | None:
    """The text with one layer of encoding taken off; None if it has none."""
    pieces: list[bytes] = []
    starts, sources, strides = [0], [0], [1]
    size = at = 0

    def add(piece: bytes, source: int, stride: int) -> None:
        nonlocal size
        pieces.append(piece)
        starts.append(size)
        sources.append(source)
        strides.append(stride)
        size += len(piece)

    for match in _SPELLING.finditer(text):
        for start, end, piece, stride in _decoded(match[0], match.start()):
            if at < start:
                add(text[at:start], at, 1)
            add(piece, start, stride)
            at = end
    if not at:
        return None
    add(text[at:], at, 1)
    starts.append(size + 1)
    sources.append(len(text))
    strides.append(1)
    return View(b"".join(pieces), starts, sources, strides)


def _decoded(spelling: bytes, at: int) -> list[tuple[int, int, bytes, int]]:
    """What a spelling stands for, as stretches: start, end, bytes, source bytes for each of them or 0. Empty: for nothing."""
    if spelling[:1] == b"%":
        raw = unquote_to_bytes(spelling)
        try:
            raw.decode()
        except UnicodeDecodeError:
            return [
                (at + run.start(), at + run.end(), unquote_to_bytes(run[0]), 3) for run in _ASCII_RUN.finditer(spelling)
            ]
        return [(at, at + len(spelling), raw, 3)]
    digits = spelling[2:].rstrip(b";")
    is_hexadecimal = spelling[:1] == b"\\" or digits[:1] in b"xX"
    point = int(digits.lstrip(b"xX"), 16 if is_hexadecimal else 10)
    if not 0 < point < 0x110000 or point in _SURROGATES:
        return []
    return [(at, at + len(spelling), chr(point).encode(), 0)]


def with_spaces(text: bytes) -> View | None:
    """The text with the spaces of its parameters; None if there are none. Byte for byte at the same place."""
    if b"+" not in text:
        return None
    spaced = _SPACED.sub(lambda value: value[0].replace(b"+", b" "), text)
    return None if spaced == text else View(spaced, [0, len(text) + 1], [0, len(text)], [1, 1])


@lru_cache(maxsize=2)
def views(text: bytes) -> tuple[View, ...]:
    """The text decoded layer by layer. The last one is kept because every rule asks for the same."""
    out: list[View] = []
    if (spaced := with_spaces(text)) is not None:
        out.append(spaced)
    most = len(out) + _MAX_LAYERS
    while len(out) < most and (view := decode(out[-1].text if out else text)) is not None:
        out.append(view)
    return tuple(out)


def looking_through(find: Finder) -> Finder:
    """A finder that looks at a text as it stands and decoded; what overlaps is one match."""

    def find_encoded(text: bytes) -> Sequence[list[Span]]:
        found = find(text)
        if _SPELLING.search(text) is None and 0x2B not in text:
            return found
        spans = [span for groups in found for span in groups]
        known = len(spans)
        layers: list[View] = []
        for view in views(text):
            layers.insert(0, view)
            for groups in find(view.text):
                for span in groups:
                    for layer in layers:
                        span = layer.source(span)
                    spans.append(span)
        return found if len(spans) == known else [[span] for span in _merged(spans)]

    return find_encoded


def _merged(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def occurring_through(occurs: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """A test of a text as it stands and decoded."""

    def occurs_encoded(text: bytes) -> bool:
        return occurs(text) or any(occurs(view.text) for view in views(text))

    return occurs_encoded
