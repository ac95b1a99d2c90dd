"""How many reports may leave: so many in any minute, however many workers there are (`upstream-and-operations.md` 9.9).

The workers of an instance share a small file in the state folder: when reports left in the last minute. Who cannot use it counts for itself.

Invariants: while the minute is known to be used up nothing is looked at, so that a flood of errors costs no file access each; the file holds moments
of the machine's monotonic clock, and what another boot left there counts for nothing.
"""

from __future__ import annotations

import fcntl
import math
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

MAX_PER_MINUTE: Final = 10
_WINDOW_S: Final = 60.0
_MOMENT: Final = struct.Struct("<d")


class Budget:
    """`path`: of the file that is shared; None: there is nobody to share with."""

    def __init__(self, path: Path | None, *, now_mono: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now_mono = now_mono
        self._left_mono: list[float] = []

    def admit(self) -> bool:
        """Whether one more may leave now, which counts if it may."""
        now_mono = self._now_mono()
        if self._is_used_up(now_mono):
            return False
        with self._shared() as file:
            if file is not None:
                with suppress(OSError):
                    self._left_mono = _read(file)
            if self._is_used_up(now_mono):
                return False
            self._left_mono.append(now_mono)
            if file is not None:
                with suppress(OSError):  # a disk that refuses: we know it, and the others learn less
                    _write(file, self._left_mono)
        return True

    def _is_used_up(self, now_mono: float) -> bool:
        self._left_mono = [moment for moment in self._left_mono if 0 <= now_mono - moment < _WINDOW_S]
        return len(self._left_mono) >= MAX_PER_MINUTE

    @contextmanager
    def _shared(self) -> Iterator[int | None]:
        """The file, ours alone for the moment that reading and writing it takes; None if it cannot be had."""
        with ExitStack() as stack:
            file = None
            with suppress(OSError):
                if self._path is not None:
                    opened = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                    stack.callback(os.close, opened)
                    fcntl.flock(opened, fcntl.LOCK_EX)
                    file = opened
            yield file

    def __repr__(self) -> str:
        return f"<Budget {len(self._left_mono)} of {MAX_PER_MINUTE}>"


def _read(file: int) -> list[float]:
    content = os.pread(file, MAX_PER_MINUTE * _MOMENT.size, 0)
    whole = content[: len(content) // _MOMENT.size * _MOMENT.size]
    return [moment for (moment,) in _MOMENT.iter_unpack(whole)]


def _write(file: int, moments: list[float]) -> None:
    """All places, so that nothing of what stood there is left behind them."""
    places = [*moments, *[-math.inf] * (MAX_PER_MINUTE - len(moments))]
    os.pwrite(file, b"".join(map(_MOMENT.pack, places)), 0)
