"""Writing the audit log: files that only grow, each line bound to the one before (scrubbing.md 15.8).

Owns a slot's files: their names, rotation by size and day, and going on after a kill or a failed write. What was cut off stays where it
is, ended by a line break and named by the next line, so that the files may be marked append-only. What lines say is `lines.py`'s.

Invariants: one process writes a slot's files; a line is on disk whole or will be named as torn; after a failure nothing is taken for
written that was not. Calls must not overlap.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scrubjay import __version__
from scrubjay.core.scrub.pseudonyms import utc_day
from scrubjay.runtime.audit.lines import START, Line, Opened, Torn, decode, encode, file_name, files_by_slot, hash_of

_WINDOW_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """The last whole line: its number and its hash."""

    n: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class _Tail:
    """How a file ends. `last`: its last whole line, None if it has none; `raw`: the bytes of its last line of any kind; `torn`: there is
    something behind `last`; `ended`: it ends with a line break."""

    last: Head | None
    raw: bytes
    torn: bool
    ended: bool


class Chain:
    """The files of one slot. Nothing is opened before it is needed."""

    def __init__(self, folder: Path, slot: int, max_file_bytes: int, now: Callable[[], float]) -> None:
        self.folder = folder
        self.head = Head()
        self._slot = slot
        self._max_file_bytes = max_file_bytes
        self._now = now
        self._descriptor = -1
        self._number = 0
        self._size_bytes = 0
        self._day = ""

    def open(self) -> None:
        """Goes on with the last file, or begins the first. Raises OSError."""
        if self._descriptor < 0:
            self._guarded(self._open)

    def append(self, lines: list[Line]) -> None:
        """Numbers, binds and writes them, and takes what is written from the list. Raises OSError, with the rest still in it."""
        self.open()
        self._guarded(lambda: self._append(lines))

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _guarded(self, work: Callable[[], None]) -> None:
        """What failed midway is looked at again before anything else is written."""
        try:
            work()
        except OSError:
            self.close()
            raise

    def _append(self, lines: list[Line]) -> None:
        day = utc_day(self._now())
        if self._day != day or self._size_bytes >= self._max_file_bytes:
            self._begin(self._number + 1, day)
        self._write(lines)

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = files_by_slot(self.folder).get(self._slot, [])
        if not files:
            self._begin(1, utc_day(self._now()))
            return
        number, path = files[-1]
        self._take(path, number)
        tail = _read_tail(path)
        self.head = tail.last or _head_before(files[:-1])
        self._day = _day_of(path)
        first: list[Line] = [Torn(after=self.head.hash)] if tail.torn else []
        torn = tail.raw if tail.torn else None
        day = utc_day(self._now())
        if self._day and self._day != day and tail.ended and not tail.torn:
            self._begin(number + 1, day)
            return
        self._day = self._day or day
        self._write([*first, self._opened()], torn=torn, ended=tail.ended)

    def _begin(self, number: int, day: str) -> None:
        """Another file."""
        self.close()
        self._take(self.folder / file_name(self._slot, number), number)
        self._day = day
        self._write([self._opened()])

    def _take(self, path: Path, number: int) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._number = number
        self._size_bytes = os.fstat(self._descriptor).st_size

    def _opened(self) -> Opened:
        time = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        return Opened(time=time, slot=self._slot, file=self._number, version=__version__)

    def _write(self, lines: list[Line], *, torn: bytes | None = None, ended: bool = True) -> None:
        """`torn`: what the first line follows in place of the last whole one. `ended`: the file ends with a line break."""
        n, prev = self.head.n, self.head.hash if torn is None else hash_of(torn)
        out = bytearray() if ended else bytearray(b"\n")
        for line in lines:
            n += 1
            line.n, line.prev = n, prev
            raw = encode(line)
            prev = hash_of(raw)
            out += raw
            out += b"\n"
        written = 0
        try:
            while written < len(out):
                written += os.write(self._descriptor, memoryview(out)[written:])
        finally:
            del lines[: max(0, out.count(b"\n", 0, written) - (not ended))]
        self._size_bytes += written
        self.head = Head(n, prev)
        os.fdatasync(self._descriptor)

    def __repr__(self) -> str:
        return f"<Chain {self.folder / file_name(self._slot, self._number)} line {self.head.n}>"


def _head_before(files: Sequence[tuple[int, Path]]) -> Head:
    for _, path in reversed(files):
        last = _read_tail(path).last
        if last is not None:
            return last
    return Head()


def _read_tail(path: Path) -> _Tail:
    """Reads backwards until a whole line is found."""
    size = path.stat().st_size
    window = _WINDOW_BYTES
    with path.open("rb") as file:
        while True:
            start = max(0, size - window)
            file.seek(start)
            data = file.read()
            lines = data.split(b"\n")
            ended = not data or data.endswith(b"\n")
            if ended:
                lines.pop()
            for raw in reversed(lines if start == 0 else lines[1:]):
                line = decode(raw)
                if line is not None:
                    torn = raw is not lines[-1]
                    return _Tail(Head(line.n, hash_of(raw)), lines[-1], torn, ended)
            if start == 0:
                return _Tail(None, lines[-1] if lines else b"", bool(lines), ended)
            window *= 2


def _day_of(path: Path) -> str:
    """The day on which a file was begun; empty if it says nothing."""
    with path.open("rb") as file:
        line = decode(file.readline().rstrip(b"\n"))
    return line.time[:10] if isinstance(line, Opened) else ""
