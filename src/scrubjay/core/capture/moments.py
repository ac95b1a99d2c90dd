"""From when on, and until when: `since` and `until` (`capture.md` 9.2).

A capture id counts by the order of arrival: what came after it, or up to it. Anything else is a time at which records were received:
ISO 8601, seconds since 1970, or how long ago.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.filters import Condition
from scrubjay.core.capture.reading import parse_time
from scrubjay.core.capture.values import BadQuery

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

TIMES: Final = {
    "since": "later than a mark or capture id; or received at a time, or so long ago, or later",
    "until": "the opposite; the record of that capture id or time is still among them",
}

_CAPTURE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def is_capture_id(text: str) -> bool:
    return _CAPTURE_ID.fullmatch(text) is not None


def moment(name: str, raw: str, now_unix: float) -> Condition:
    """`name` is one of `TIMES`. Raises `BadQuery`."""
    is_since = name == "since"
    if is_capture_id(raw):
        mark = raw.lower()

        def by_order(found: Found) -> bool:
            return found.captured.id > mark if is_since else found.captured.id <= mark

        return Condition(name, f"{name}={mark}", by_order, _capture_id, is_scope=True)
    bound_unix = _unix(name, raw, now_unix)

    def by_time(found: Found) -> bool:
        received_unix = found.captured.facts.received_unix
        return received_unix >= bound_unix if is_since else received_unix <= bound_unix

    return Condition(name, f"{name}={raw}", by_time, _received_at, is_scope=True)


def _unix(name: str, raw: str, now_unix: float) -> float:
    if duration := _DURATION.fullmatch(raw):
        return now_unix - float(duration[1]) * _UNITS_S[duration[2]]
    unix = parse_time(raw)
    if unix is None:
        raise BadQuery(f"{name}: {raw[:80]!r} is no capture id, no time and no duration such as 90s")
    return unix


def _capture_id(found: Found) -> tuple[str, ...]:
    return (found.captured.id,)


def _received_at(found: Found) -> tuple[str, ...]:
    return (str(found.record.value("received_at")),)
