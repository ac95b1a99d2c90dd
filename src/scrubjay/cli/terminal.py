"""What strangers wrote, on somebody's terminal (`capture.md` 11).

Owns which characters may reach a terminal, colours, and folding of long lines. Invariant: of a text that went through `safe` or `safe_json`
nothing moves the cursor, changes colours, titles or the clipboard, or the direction of writing; nothing is hidden either: what may not
be written is shown by its number, but for colours, which are left out. Needs no more of a terminal than that it prints and begins new lines.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, TextIO

from rich.cells import cell_len

from scrubjay.runtime.log import takes_colours

Piece = tuple[str, str]
"""A safe text and its style; a style of none is empty."""

_COLOURS: Final = re.compile("\x1b\\[[0-9;:]{0,99}m")
_BARRED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""Controls, line separators, halves of surrogate pairs and invisible formatting, but not what joins letters and emoji."""
_STYLES: Final = {
    "bad": "\x1b[1;31m",
    "warn": "\x1b[33m",
    "good": "\x1b[32m",
    "note": "\x1b[36m",
    "faint": "\x1b[2m",
    "bold": "\x1b[1m",
}
_END: Final = "\x1b[0m"
_LEAST_COLUMNS: Final = 20
_USUAL_COLUMNS: Final = 80


def safe(text: str, most: int = 2_000) -> str:
    """One line, at most so many characters of it."""
    cut = text[:most]
    shown = _BARRED.sub(_by_number, _COLOURS.sub("", cut))
    return shown if len(cut) == len(text) else f"{shown}… ({len(text):,} characters)"


def safe_lines(text: str) -> str:
    """Several lines, with their tabs."""
    return "\n".join("\t".join(safe(part, len(part)) for part in line.split("\t")) for line in text.split("\n"))


def safe_json(document: object, *, ascii_only: bool = False) -> str:
    """One line of JSON that says the same."""
    text = json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":"))
    return _BARRED.sub(lambda found: _escaped(found[0]), text)


def _by_number(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    if character in "\t\n\r":
        return {"\t": " ", "\n": "\\n", "\r": "\\r"}[character]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escaped(character: str) -> str:
    """As JSON writes it: UTF-16."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


class Screen:
    """Standard output, line by line. `colours` None: where there is a terminal that has some, and nobody minds."""

    def __init__(self, stream: TextIO | None = None, *, colours: bool | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self.is_terminal = self._stream.isatty()
        self.is_ascii = "utf" not in (self._stream.encoding or "utf-8").lower()
        self._colours = takes_colours(self._stream) if colours is None else colours
        reconfigure = getattr(self._stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", line_buffering=True)

    def write(self, pieces: Iterable[Piece], *, hang: int = 0) -> None:
        """One line; on a terminal, what is too long goes on below, `hang` columns in. Raises `BrokenPipeError`."""
        whole = list(pieces)
        lines = fold(whole, self._columns(), hang) if self.is_terminal else [whole]
        self._stream.write("".join(f"{self._painted(line)}\n" for line in lines))

    def text(self, text: str) -> None:
        """Safe text, of any number of lines."""
        self._stream.write(f"{text}\n")

    def _painted(self, line: Iterable[Piece]) -> str:
        runs = ((style, "".join(text for text, _ in run)) for style, run in groupby(line, key=itemgetter(1)))
        return "".join(f"{_STYLES[style]}{text}{_END}" if style and self._colours else text for style, text in runs)

    def _columns(self) -> int:
        """Asked for each line, since windows change; a serial line says 0."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return max(columns or _USUAL_COLUMNS, _LEAST_COLUMNS)

    def __repr__(self) -> str:
        return f"<Screen {'terminal' if self.is_terminal else 'pipe'}{' with colours' if self._colours else ''}>"


def fold(pieces: Sequence[Piece], columns: int, hang: int) -> list[list[Piece]]:
    """Lines of at most `columns` cells, broken after spaces where there are some."""
    if sum(cell_len(text) for text, _ in pieces) <= columns:
        return [list(pieces)]
    indent = " " * min(hang, columns // 3)
    lines: list[list[Piece]] = [[]]
    used = 0
    for word, style in _words(pieces, columns - len(indent)):
        width = cell_len(word.rstrip(" "))
        if used + width > columns and lines[-1]:
            lines.append([(indent, "")] if indent else [])
            used = len(indent)
        lines[-1].append((word, style))
        used += cell_len(word)
    return [_stripped(line) for line in lines]


def _words(pieces: Iterable[Piece], most: int) -> Iterator[Piece]:
    """Words with the spaces after them; longer ones than `most` cells in parts."""
    for text, style in pieces:
        for word in re.findall(r"[^ ]+ *| +", text):
            start, used = 0, 0
            for place, character in enumerate(word):
                width = cell_len(character)
                if used + width > most:
                    yield word[start:place], style
                    start, used = place, 0
                used += width
            yield word[start:], style


def _stripped(line: list[Piece]) -> list[Piece]:
    """Without spaces at the end."""
    while line and not line[-1][0].rstrip(" "):
        line.pop()
    return [*line[:-1], (line[-1][0].rstrip(" "), line[-1][1])] if line else line
