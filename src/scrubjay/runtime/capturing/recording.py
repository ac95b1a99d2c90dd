"""The file to which captured envelopes are written, scrubbed, and from which a start takes them up again (`capture.md` 3).

Owns the file; its form is `core.capture.recording`'s. Writing happens in a thread, behind the capture, which never waits for it: a full disk
costs a warning and the file, which is written anew when it can be. What is evicted, removed or cleared goes from the file, too:
at once on clear, else when the file is rewritten. Mode 0600. One process at a time has it: the lock is on the file itself.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
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
LEAST_BYTES: Final = 1024 * 1024
"""A file below that is not rewritten for its size."""
RETRY_S: Final = 10.0
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What passes; anything else that is wrong at the start is the operator's to put right."""


class Recording:
    """Raises `ConfigError` when built upon a file that is no recording, or cannot be read or written."""

    def __init__(self, path: Path, store: CaptureStore) -> None:
        self._path = path
        self._store = store
        self._waiting: deque[Captured] = deque()
        self._frames = self._bytes = 0
        self._is_stale = False
        self._lock: int | None = None
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
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._is_stale = True  # what it was about to write may not have begun, and would never be written
        if self._is_stale or self._waiting:
            self._try(*self._next())
        self._hold(None)

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
        anew = (
            self._is_stale
            or self._frames + len(self._waiting) > 2 * max(len(self._store), 50)
            or self._bytes > 2 * max(self._store.size_bytes, LEAST_BYTES)
        )
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
            self._warn(error)
            return False
        self._frames = len(chosen) if anew else self._frames + len(chosen)
        return True

    def _warn(self, error: OSError) -> None:
        details = {"path": str(self._path), "error": error.strerror or repr(error)}
        self._log.line(logging.WARNING, "record", "the recording cannot be written; capturing goes on", details)

    def _append(self, chosen: list[Captured]) -> None:
        with open(self._path, "ab", opener=_private) as file:
            file.writelines(map(frame, chosen))
            self._bytes = file.tell()

    def _rewrite(self, chosen: list[Captured]) -> None:
        if not chosen and self._bytes and self._path.exists():
            # A full disk has no room for another file, not even for an empty one.
            os.truncate(self._path, len(MAGIC))
            self._bytes = len(MAGIC)
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.unlink(missing_ok=True)  # of an end by force, perhaps with another mode
        lock = None
        try:
            with open(beside, "wb", opener=_private) as file:
                lock = _locked(file.fileno())
                file.write(MAGIC)
                file.writelines(map(frame, chosen))
                self._bytes = file.tell()
            beside.replace(self._path)
        except OSError:
            beside.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)
            raise
        self._hold(lock)

    def _hold(self, lock: int | None) -> None:
        """In place of what was held before."""
        if self._lock is not None:
            os.close(self._lock)
        self._lock = lock

    def _take_up(self) -> None:
        try:
            data = b""
            if self._path.exists():
                with self._path.open("rb") as file:
                    self._hold(_locked(file.fileno()))
                    data = file.read()
        except BlockingIOError:
            raise ConfigError("another capture records to this file", path="capture.record") from None
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}", path="capture.record") from error
        if data and not data.startswith(MAGIC):
            raise ConfigError(
                f"{self._path} is no recording", path="capture.record", accepted="a new file, or a recording"
            )
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
        self._write_first(list(self._store.newest_first())[::-1])

    def _write_first(self, kept: list[Captured]) -> None:
        try:
            self._rewrite(kept)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise ConfigError(f"{self._path} cannot be written: {error.strerror}", path="capture.record") from error
            self._warn(error)
            self._is_stale = True
        else:
            self._frames = len(kept)

    def __repr__(self) -> str:
        return f"<Recording {self._path.name}, {len(self._waiting)} waiting>"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _locked(descriptor: int) -> int | None:
    """A descriptor whose being open keeps others away; None where the file system has no locks. Raises `BlockingIOError`."""
    lock = os.dup(descriptor)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    except OSError:
        os.close(lock)
        return None
    return lock
