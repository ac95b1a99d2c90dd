"""The ids of captured envelopes: UUIDv7, strictly increasing in the order of arrival (`capture.md` 3)."""

from __future__ import annotations

import re
from typing import Final

ID_LENGTH: Final = 36
_ENTROPY_BITS: Final = 74
_LOW_BITS: Final = 62
_FORM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)


class CaptureIds:
    """UUIDv7 (RFC 9562, 6.2 method 2): inside one millisecond, and when the clock falls back, the random part counts up."""

    __slots__ = ("_last_ms", "_tail")

    def __init__(self) -> None:
        self._last_ms = 0
        self._tail = 0

    def next(self, now_unix: float, entropy: int) -> str:
        """`entropy`: random bits, of which 74 are used."""
        now_ms = int(now_unix * 1000)
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._tail = entropy % (1 << _ENTROPY_BITS - 1)  # the top bit stays free for counting
        else:
            self._tail += 1
        high, low = divmod(self._tail, 1 << _LOW_BITS)
        digits = f"{self._last_ms:012x}{0x7000 | high:04x}{(0b10 << _LOW_BITS) | low:016x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def follow(self, capture_id: str) -> None:
        """All further ids come after this one, which somebody else made."""
        digits = capture_id.replace("-", "")
        last_ms, high, low = int(digits[:12], 16), int(digits[13:16], 16), int(digits[16:], 16)
        tail = high << _LOW_BITS | low % (1 << _LOW_BITS)
        if (last_ms, tail) > (self._last_ms, self._tail):
            self._last_ms, self._tail = last_ms, tail


def is_capture_id(text: str) -> bool:
    return _FORM.fullmatch(text) is not None
