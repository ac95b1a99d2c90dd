"""Events and breadcrumbs in msgpack, as native SDKs leave them for the next start (ingest.md 2.6).

The server merges them into the event, so they are scrubbed as parts of one. Only what changed is packed again.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import decode_any, encode
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unreadable

_decode: Final = msgspec.msgpack.Decoder().decode
_MOST_CRUMBS: Final = 10_000
# First bytes: of values without a length, how many bytes follow; of those with one, how wide it is and what is counted.
_FIXED: Final = {
    **dict.fromkeys(range(0xC0, 0xC4), 0), 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_SIZED: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_TYPED: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_COUNTED: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def scrub_packed_event(
    program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None
) -> bytes | None:
    """Scrub an event; None if it may leave as it is. Raises Unscrubbable."""
    event = _read(bytes(payload))
    new = scrub_document(program, _as_json(event), "event", record)
    return None if new is None else msgspec.msgpack.encode(decode_any(new))


def scrub_packed_breadcrumbs(
    program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None
) -> bytes | None:
    """Scrub breadcrumbs that stand one behind the other; None if they may leave as they are. Raises Unscrubbable."""
    data = bytes(payload)
    crumbs: list[Any] = []
    at = 0
    while at < len(data):
        if len(crumbs) == _MOST_CRUMBS:
            raise Unreadable("too many breadcrumbs")
        end = _end(data, at)
        crumbs.append(_read(data[at:end]))
        at = end
    new = scrub_document(program, _as_json({"breadcrumbs": {"values": crumbs}}), "event", record)
    if new is None:
        return None
    values = (decode_any(new).get("breadcrumbs") or {}).get("values") or []
    return b"".join([msgspec.msgpack.encode(crumb) for crumb in values])


def _read(data: bytes) -> Any:
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise Unreadable(f"msgpack cannot be read: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise Unreadable("msgpack is no map")
    return value


def _as_json(value: Any) -> bytes:
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError, msgspec.EncodeError) as error:
        raise Unreadable(f"msgpack is no JSON: {type(error).__name__}") from None


def _end(data: bytes, at: int) -> int:
    """Where the value that begins at `at` ends."""
    left = 1
    try:
        while left:
            left -= 1
            first = data[at]
            at += 1
            if first in _FIXED:
                at += _FIXED[first]
            elif first in _SIZED:
                width = _SIZED[first]
                at += width + int.from_bytes(data[at : at + width], "big")
            elif first in _TYPED:
                width = _TYPED[first]
                at += width + 1 + int.from_bytes(data[at : at + width], "big")
            elif first in _COUNTED:
                width, each = _COUNTED[first]
                left += each * int.from_bytes(data[at : at + width], "big")
                at += width
            elif 0xA0 <= first < 0xC0:
                at += first & 0x1F
            elif 0x80 <= first < 0x90:
                left += 2 * (first & 0x0F)
            elif 0x90 <= first < 0xA0:
                left += first & 0x0F
    except IndexError:
        raise Unreadable("msgpack is cut off") from None
    if at > len(data):
        raise Unreadable("msgpack is cut off")
    return at
