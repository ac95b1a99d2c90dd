"""Lines of source code around the frames of a stack trace that has none (`capture.md` 5.4, `/contextlines`).

Owns which frames get lines, how many, and how long ones are cut. Which files may be read, and reading them, is the caller's.
Invariants: frames and all other keys of the trace stay as they came, and in their order; nothing raises on hostile traces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

Frame = Mapping[str, object]
ReadLines = Callable[[Frame], Sequence[str] | None]
"""The lines of a frame's file, without their ends; None for a file that is not there, or is none of the caller's business."""

MAX_FRAMES: Final = 200
_AROUND: Final = 5
_LONG_CHARS: Final = 150
_KEPT_CHARS: Final = 140
_BEFORE_COLUMN_CHARS: Final = 60
_SMALL_REST_CHARS: Final = 5
"""So few are not worth a mark."""
_FOREIGN: Final = "node_modules"
_MARK: Final = "{snip}"


def with_context(trace: Mapping[str, object], read: ReadLines) -> dict[str, object]:
    """The trace with `pre_context`, `context_line` and `post_context` in each frame whose lines can be had.

    Of a longer trace those nearest to the error: frames come oldest first.
    """
    frames = trace.get("frames")
    if not isinstance(frames, Sequence) or isinstance(frames, str):
        return dict(trace)
    untouched = max(0, len(frames) - MAX_FRAMES)
    filled = [_filled(frame, read) for frame in frames[untouched:]]
    return {**trace, "frames": [*frames[:untouched], *filled]}


def _filled(frame: object, read: ReadLines) -> object:
    place = place_of(frame) if isinstance(frame, Mapping) else None
    if place is None:
        return frame
    assert isinstance(frame, Mapping)
    lines = read(frame)
    return frame if lines is None else {**frame, **lines_around(lines, *place)}


def place_of(frame: Frame) -> tuple[int, int] | None:
    """Line and column of a frame that says where it is, unless that is in a library."""
    file, line, column = frame.get("filename"), frame.get("lineno"), frame.get("colno")
    if not isinstance(file, str) or not file or _FOREIGN in file:
        return None
    if not isinstance(line, int) or not isinstance(column, int) or isinstance(line, bool) or isinstance(column, bool):
        return None
    return line, column


def lines_around(lines: Sequence[str], line: int, column: int) -> dict[str, object]:
    """What a frame shows of a file; nothing of a line that is not there."""
    if not 1 <= line <= len(lines):
        return {}
    at = line - 1
    return {
        "pre_context": [snip(text, 0) for text in lines[max(0, at - _AROUND) : at]],
        "context_line": snip(lines[at], column),
        "post_context": [snip(text, 0) for text in lines[at + 1 : at + 1 + _AROUND]],
    }


def snip(line: str, column: int) -> str:
    """A long line, cut around the column, with a mark where something is left out."""
    length = len(line)
    if length <= _LONG_CHARS:
        return line
    start = max(min(column, length) - _BEFORE_COLUMN_CHARS, 0)
    if start < _SMALL_REST_CHARS:
        start = 0
    end = min(start + _KEPT_CHARS, length)
    if end > length - _SMALL_REST_CHARS:
        end = length
        start = max(end - _KEPT_CHARS, 0)
    before = f"{_MARK} " if start > 0 else ""
    after = f" {_MARK}" if end < length else ""
    return f"{before}{line[start:end]}{after}"
