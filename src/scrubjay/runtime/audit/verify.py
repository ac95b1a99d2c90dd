"""Whether an audit log is as it was written (scrubbing.md 15.8).

Reads one slot's files in order and names the first line that does not follow from the one before. What the files alone cannot show is that
whole lines are missing at their very end; the state file's memory of the last line shows that, unless it was changed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scrubjay.runtime.audit.chain import Head
from scrubjay.runtime.audit.lines import START, AnyLine, Lost, Torn, decode, hash_of


@dataclass(slots=True)
class Verdict:
    """`broken`: the first line that is wrong, and why; empty if none is. `notes`: what is no fault, and worth knowing."""

    lines: int = 0
    broken: str = ""
    notes: list[str] = field(default_factory=list)


def verify(files: Sequence[Path], anchor: Head | None = None) -> Verdict:
    """`files`: those of one slot, in order. `anchor`: a line that they must hold."""
    verdict = Verdict()
    reader = _Reader(verdict, anchor)
    for place, raw, ended in _raw_lines(files):
        verdict.broken = reader.take(place, raw, ended=ended)
        if verdict.broken:
            return verdict
        verdict.lines += 1
    verdict.broken = reader.end()
    return verdict


def _raw_lines(files: Sequence[Path]) -> Iterator[tuple[str, bytes, bool]]:
    for path in files:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield f"{path.name}:{number}", raw.removesuffix(b"\n"), raw.endswith(b"\n")


class _Reader:
    """Goes from line to line. `_unread`: where lines stand that are none of ours, of which the next must say that they were cut off."""

    def __init__(self, verdict: Verdict, anchor: Head | None) -> None:
        self._verdict = verdict
        self._anchor = anchor
        self._head: Head | None = None
        self._unread = ""
        self._before = START
        self._open_end = ""

    def take(self, place: str, raw: bytes, *, ended: bool) -> str:
        """What is wrong with a line; empty if nothing is."""
        if self._open_end:
            return f"{self._open_end}: the line is cut off"
        if not ended:
            self._open_end = place
            return ""
        line = decode(raw)
        if line is None:
            self._unread = self._unread or place
            self._before = hash_of(raw)
            return ""
        problem = self._follows(place, line)
        if problem:
            return problem
        self._head = Head(line.n, hash_of(raw))
        self._before = self._head.hash
        anchor = self._anchor
        if anchor is not None and anchor.n == line.n and anchor.hash != self._head.hash:
            return f"{place}: the relay remembers another line {line.n}"
        return ""

    def _follows(self, place: str, line: AnyLine) -> str:
        head = self._head or Head()
        if self._unread:
            if not isinstance(line, Torn):
                return f"{self._unread}: no line of an audit log"
            if line.after != head.hash or line.prev != self._before or line.n != head.n + 1:
                return f"{place}: does not follow from what was cut off before it"
            self._verdict.notes.append(f"{self._unread}: cut off by a kill or a full disk, and said so")
            self._unread = ""
            return ""
        if isinstance(line, Lost):
            self._verdict.notes.append(f"{place}: {line.lines} lines could not be written")
        if self._head is None and line.n > 1:
            self._verdict.notes.append(f"{place}: begins at line {line.n}; what was before is not here")
            return ""
        if line.n > head.n + 1:
            return f"{place}: {line.n - head.n - 1} lines are missing before it, from line {head.n + 1} on"
        if line.n != head.n + 1:
            return f"{place}: line {line.n} stands where line {head.n + 1} belongs"
        if line.prev != head.hash:
            return f"{place}: the line before it is not the one that was written"
        return ""

    def end(self) -> str:
        if self._unread:
            return f"{self._unread}: no line of an audit log"
        if self._open_end:
            self._verdict.notes.append(f"{self._open_end}: not ended; it is being written, or was cut off by a kill")
        last = self._head.n if self._head is not None else 0
        if self._anchor is not None and last < self._anchor.n:
            return f"the end is missing: the relay wrote line {self._anchor.n}, the last one here is {last}"
        return ""
