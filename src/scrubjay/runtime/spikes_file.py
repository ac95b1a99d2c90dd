"""What spike protection has learnt, in the state folder: it takes weeks to learn, and must outlive the process (`decisions.md` 9.2).

Each slot keeps its own file and reads no other, since each worker learns its own share. Nothing depends on it: without the file
nothing is refused for a day, and everything is learnt anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from scrubjay.core.spikes import SpikeGuard
from scrubjay.runtime.state import private_folder, replace_file


class SpikesFile:
    """`on_error` hears of a disk that refuses, once until it takes again."""

    def __init__(
        self,
        folder: Path,
        slot: int,
        guard: SpikeGuard,
        on_error: Callable[[str, OSError], None],
        *,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._path = private_folder(folder) / f"spikes-{slot}.json"
        self._guard = guard
        self._on_error = on_error
        self._now_unix = now_unix
        self._written = b""
        self._fails = False

    def load(self) -> None:
        """Takes over what this slot's last process knew."""
        try:
            content = self._path.read_bytes()
            self._guard.load(msgspec.json.decode(content), self._now_unix())
        except (OSError, ValueError, RecursionError):
            return

    def write(self) -> None:
        """Replaces the file, if there is something new; a project without spike protection costs none."""
        content = msgspec.json.encode(self._guard.dump())
        if content == self._written or (not self._guard and not self._path.exists()):
            return
        try:
            replace_file(self._path, content)
        except OSError as error:
            if not self._fails:
                self._on_error("what spike protection has learnt cannot be kept for the next start", error)
            self._fails = True
            return
        self._fails, self._written = False, content

    def __repr__(self) -> str:
        return f"<SpikesFile {self._path}>"
