"""Limits of the server in the state folder: over a restart, and between the workers of a host (`decisions.md` 3.3).

Each slot writes its own file when there is something new, and reads those of the others when they changed. What stands in them is
`core.lasting_limits`'. Nothing depends on it: without the files each process learns its limits from the first 429.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from scrubjay.core.lasting_limits import adopt_limits, encode_limits
from scrubjay.core.limits import LimitTable
from scrubjay.runtime.state import private_folder, replace_file


class LimitsFile:
    """`cap_s`: no limit that is read lasts longer. `on_error` hears of a disk that refuses, once until it takes again."""

    def __init__(
        self,
        folder: Path,
        slot: int,
        table: LimitTable,
        cap_s: float,
        on_error: Callable[[str, OSError], None],
        *,
        now_mono: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._folder = private_folder(folder)
        self._path = self._folder / f"limits-{slot}.json"
        self._table = table
        self._on_error = on_error
        self._now_mono = now_mono
        self._now_unix = now_unix
        self._seen: dict[Path, tuple[int, int]] = {}
        self._version = 0
        self._written = b""
        self._fails = False
        self.cap_s = cap_s

    def load(self) -> int:
        """Puts in force what this slot's last process, and all other slots, knew. Returns how many limits that were."""
        return sum(self._read(path) for path in sorted(self._folder.glob("limits-*.json")))

    def exchange(self) -> None:
        """Writes what was learnt, and reads what the others learnt."""
        if self._table.version != self._version:
            self._version = self._table.version
            self._table.expire(self._now_mono())
            self._write()
        for path in self._folder.glob("limits-*.json"):
            if path != self._path:
                self._read(path)

    def _write(self) -> None:
        content = encode_limits(self._table, now_mono=self._now_mono(), now_unix=self._now_unix())
        if content == self._written:
            return
        try:
            replace_file(self._path, content)
        except OSError as error:
            if not self._fails:
                self._on_error("limits cannot be kept for the next start", error)
            self._fails = True
            self._version = -1  # to be tried again
            return
        self._fails, self._written = False, content

    def _read(self, path: Path) -> int:
        """How many limits were taken over; none if the file is what it was, or cannot be read."""
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if self._seen.get(path) == stamp:
                return 0
            self._seen[path] = stamp
            content = path.read_bytes()
        except OSError:
            return 0
        return adopt_limits(
            content, self._table, now_mono=self._now_mono(), now_unix=self._now_unix(), cap_s=self.cap_s
        )

    def __repr__(self) -> str:
        return f"<LimitsFile {self._path}>"
