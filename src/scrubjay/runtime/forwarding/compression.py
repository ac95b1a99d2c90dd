"""Compressing what is sent, and finding the encoding that the upstream reads (`upstream-and-operations.md` 6.5).

Servers that do not know an encoding say 415, or, taking the bytes for an envelope, 400. So until an encoding has worked once, such an
answer is a reason to try the next step with the same envelope: zstd, br or deflate, then gzip, then identity.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

import brotli  # type: ignore[import-untyped]
import zstandard

_WORKING_STEP_S: Final = 3600.0
_ZSTD_LEVEL: Final = 1
_BROTLI_QUALITY: Final = 5
_BROTLI_WINDOW: Final = 22

_zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)

COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "zstd": _zstd.compress,
    "br": lambda data: brotli.compress(data, quality=_BROTLI_QUALITY, lgwin=_BROTLI_WINDOW),
    "gzip": lambda data: zlib.compress(data, wbits=31),
    "deflate": zlib.compress,
    "identity": lambda data: data,
}


def compress_in_thread(data: bytes, encoding: str) -> bytes:
    """The same for another thread than the loop's: the shared zstd context belongs to the loop."""
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    return COMPRESSORS[encoding](data)


class Ladder:
    """Which encoding to use towards one upstream. Times are monotonic seconds."""

    def __init__(self, encoding: str, *, fallback: bool = True) -> None:
        self._steps = tuple(dict.fromkeys((encoding, "gzip", "identity"))) if fallback else (encoding,)
        if encoding == "identity":
            self._steps = ("identity",)
        self._working: str | None = None
        self._working_until_mono = 0.0
        self._proven: set[str] = set()

    def first(self, now_mono: float) -> str:
        """Where an envelope starts."""
        if self._working is not None and now_mono < self._working_until_mono:
            return self._working
        return self._steps[0]

    def next(self, encoding: str, status: int) -> str | None:
        """The step to try after an answer; None if the answer is not about the encoding."""
        if status != 415 and (status != 400 or encoding in self._proven):
            return None
        following = self._steps[self._steps.index(encoding) + 1 :]
        return following[0] if following else None

    def worked(self, encoding: str, now_mono: float) -> None:
        """The upstream took an envelope so encoded."""
        if encoding == self._working and now_mono < self._working_until_mono and encoding in self._proven:
            return
        self._proven.add(encoding)
        self._working = encoding
        self._working_until_mono = now_mono + _WORKING_STEP_S

    def doubt(self) -> None:
        """The upstream was away: it may be another one now, so that a 400 may again be about the encoding."""
        self._proven.clear()

    def __repr__(self) -> str:
        return f"<Ladder {'>'.join(self._steps)} working={self._working}>"
