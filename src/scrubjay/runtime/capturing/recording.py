"""The file to which captured envelopes are written, scrubbed, and from which a start takes them up again (`capture.md` 3).

Owns the file; its form is `core.capture.recording`'s. Writing happens in a thread, behind the capture, which never waits for it: a full disk
costs a warning and the file, which is written anew when it can be. What is evicted, removed or cleared goes from the file, too:
at once on clear, else when the file is rewritten. Mode 0600.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from pathlib import Path
from threading import Lock
from typing import Final

from scrubjay.core.capture.recording import MAGIC, frame, read_recording
from scrubjay.core.capture.store import Captured, CaptureStore
from scrubjay.errors import ConfigError
from scrubjay.runtime.log import LimitedLog

MAX_WAITING: Final = 1_000
"""Envelopes that wait to be written; beyond, the file is written anew."""
RETRY_S: Final = 10.0


class Recording:
    """Raises `ConfigError` when built upon a file that is no recording, or cannot be read."""

    def __init__(self, path: Path, store: CaptureStore) -> None:
        self._path = path
        self._store = store
        self._waiting: deque[Captured] = deque()
        self._frames = 0
        self._is_stale = False
        self._task: asyncio.Task[None] | None = None
        self._writing = Lock()
        """A close must not write between the lines of a thread that still does."""
        self._log = LimitedLog("capture")
        self._take_up()

    def add(self, captured: Captured) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            self._is_stale = True
        else:
            self._waiting.append(captured)
        self._begin()

    def remove(self) -> None:
        """Something is no longer kept."""
        self._is_stale = True
        self._begin()

    def close(self) -> None:
        """Writes what waits."""
        if self._task is not None:
            self._task.cancel()
        if self._is_stale or self._waiting:
            self._try(*self._next())

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="recording")

    async def _work(self) -> None:
        while self._waiting or self._is_stale:
            written = await asyncio.to_thread(self._try, *self._next())
            if not written:
                self._is_stale = True
                await asyncio.sleep(RETRY_S)

    def _next(self) -> tuple[list[Captured], bool]:
        """What is to be written, and whether in place of everything."""
        anew = self._is_stale or self._frames + len(self._waiting) > 2 * max(len(self._store), 50)
        chosen = list(self._store.newest_first())[::-1] if anew else list(self._waiting)
        self._waiting.clear()
        self._is_stale = False
        return chosen, anew

    def _try(self, chosen: list[Captured], anew: bool) -> bool:
        try:
            with self._writing:
                if anew:
                    self._rewrite(chosen)
                else:
                    self._append(chosen)
        except OSError as error:
            details = {"path": str(self._path), "error": error.strerror or repr(error)}
            self._log.line(logging.WARNING, "record", "the recording cannot be written; capturing goes on", details)
            return False
        self._frames = len(chosen) if anew else self._frames + len(chosen)
        return True

    def _append(self, chosen: list[Captured]) -> None:
        with open(self._path, "ab", opener=_private) as file:
            file.write(b"".join(map(frame, chosen)))

    def _rewrite(self, chosen: list[Captured]) -> None:
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.unlink(missing_ok=True)  # of an end by force, perhaps with another mode
        try:
            with open(beside, "wb", opener=_private) as file:
                file.write(MAGIC)
                file.writelines(frame(captured) for captured in chosen)
            beside.replace(self._path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise

    def _take_up(self) -> None:
        try:
            data = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", path="capture.record") from error
        if data and not data.startswith(MAGIC):
            raise ConfigError("this file is no recording", path="capture.record", accepted="a new file, or a recording")
        for one in read_recording(data):
            if one.capture_id <= self._store.newest_id:
                continue
            self._store.offer(
                one.envelope,
                one.account,
                one.coming,
                now_unix=one.received_unix,
                fates=one.fates,
                capture_id=one.capture_id,
            )
            self._frames += 1
        self._try(list(self._store.newest_first())[::-1], anew=True)

    def __repr__(self) -> str:
        return f"<Recording {self._path.name}, {len(self._waiting)} waiting>"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
