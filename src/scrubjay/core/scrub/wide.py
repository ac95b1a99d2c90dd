"""Text in UTF-16LE inside bytes: where it runs, and where in the bytes that stands which is found in it (scrubbing.md 12.4).

A run is as many code units as make valid text, five at least; it begins at an even place of its stretch. Nearly all bytes are valid so,
hence stretches are read in bounded windows, each of which ends at an U+0000 or a line break if it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scrubjay.core.scrub.redact import Finder, Span

_FEWEST_CHARACTERS: Final = 5
_WINDOW_BYTES: Final = 4 * 1024 * 1024
_RUN: Final = re.compile(rf"[^\ud800-\udfff]{{{_FEWEST_CHARACTERS},}}")


def wide_spans(data: bytes, start: int, end: int, finder: Finder) -> list[Span]:
    """The places between `start` and `end` of what a finder finds there in UTF-16LE, in order and apart."""
    out: list[Span] = []
    for at, text in wide_runs(data, start, end):
        encoded = text.encode()
        cut = 0
        for first, last in sorted(span for groups in finder(encoded) for span in groups):
            if first < cut or last == first:
                continue
            cut = last
            head = at + _width(encoded[:first])
            out.append((head, head + _width(encoded[first:last])))
    return out


def wide_runs(data: bytes, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Runs of text, each with its place in the bytes."""
    at = start + start % 2
    end -= (end - at) % 2
    while at < end:
        stop = _window_end(data, at, end)
        text = data[at:stop].decode("utf-16-le", "surrogatepass")
        for run in _RUN.finditer(text):
            yield at + 2 * _units(text[: run.start()]), run[0]
        at = stop


def _window_end(data: bytes, at: int, end: int) -> int:
    if end - at <= _WINDOW_BYTES:
        return end
    stop = at + _WINDOW_BYTES
    for pause in (b"\0\0", b"\n\0"):
        found = data.rfind(pause, at, stop)
        if found > at:
            return found + 2 - (found - at) % 2
    return stop


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _width(utf8: bytes) -> int:
    """Bytes of a text in UTF-16, by its bytes in UTF-8."""
    return len(utf8.decode().encode("utf-16-le"))
