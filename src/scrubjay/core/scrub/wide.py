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
_WORDS: Final = re.compile(r"[\x20-\x7e\d]{3}")
_RUN: Final = re.compile(rf"[^\ud800-\udfff]{{{_FEWEST_CHARACTERS},}}")


def wide_spans(data: bytes, start: int, end: int, finder: Finder, *, words_only: bool = False) -> list[Span]:
    """The places between `start` and `end` of what a finder finds there in UTF-16LE, in order and apart.

    `words_only`: the finder needs ASCII or digits, which runs of arbitrary bytes do not hold.
    """
    out: list[Span] = []
    for at, text in wide_runs(data, start, end):
        if words_only and _WORDS.search(text) is None:
            continue
        encoded = text.encode()
        cut, place = 0, at
        for first, last in sorted(span for groups in finder(encoded) for span in groups):
            if first < cut or last == first:
                continue
            head = place + _width(encoded[cut:first].decode())
            place = head + _width(encoded[first:last].decode())
            cut = last
            out.append((head, place))
    return out


def wide_runs(data: bytes, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Runs of text, each with its place in the bytes."""
    at = start + start % 2
    end -= (end - at) % 2
    while at < end:
        stop = _window_end(data, at, end)
        text = data[at:stop].decode("utf-16-le", "surrogatepass")
        place, read = at, 0
        for run in _RUN.finditer(text):
            place += _width(text[read : run.start()])
            yield place, run[0]
            read = run.start()
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


def _width(text: str) -> int:
    """Bytes of a text in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass"))
