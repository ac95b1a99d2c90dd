"""Which records: the query parameters of the capture API (`capture.md` 9.2, as far as they are built).

Owns parsing and matching. An unknown parameter or value is an error that names the nearest valid one, so that a typing error
cannot make somebody's test pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from scrubjay.core.capture.reading import iso, parse_time
from scrubjay.core.capture.records import RECORD_TYPES, Record

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50
MAX_TIMEOUT_S: Final = 60.0

_FIELDS: Final = {
    "type": "type",
    "project": "project",
    "key": "public_key",
    "level": "level",
    "event_id": "event_id",
    "trace_id": "trace_id",
    "environment": "environment",
    "release": "release",
    "platform": "platform",
    "transaction": "transaction",
}
FILTERS: Final = (*_FIELDS, "message", "since")
PAGING: Final = ("limit", "cursor")
WAITING: Final = ("count", "timeout", "limit")

_CAPTURE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class BadQuery(ValueError):
    """The text says which parameter, and what would do."""


@dataclass(frozen=True, slots=True)
class Query:
    """Values of one parameter are alternatives; parameters all have to hold."""

    equals: tuple[tuple[str, frozenset[str]], ...] = ()
    messages: tuple[str, ...] = ()
    since_id: str = ""
    since_time: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    count: int = 1
    timeout_s: float = 5.0

    def matches(self, record: Record) -> bool:
        summary = record.summary
        if str(summary["capture_id"]) <= self.since_id or str(summary["received_at"]) < self.since_time:
            return False
        if not all(summary.get(name) in values for name, values in self.equals):
            return False
        return not self.messages or any(part in record.message.lower() for part in self.messages)


def parse_query(params: Sequence[tuple[str, str]], *, now_unix: float, also: Iterable[str] = PAGING) -> Query:
    """`also`: parameters beside the filters. Raises `BadQuery`."""
    accepted = (*FILTERS, *also)
    given: dict[str, list[str]] = {}
    for name, value in params:
        if name not in accepted:
            raise BadQuery(f"unknown parameter {name!r}{_nearest(name, accepted)}")
        given.setdefault(name, []).append(value)
    for value in given.get("type", ()):
        if value not in RECORD_TYPES:
            raise BadQuery(f"unknown type {value!r}{_nearest(value, RECORD_TYPES)}")
    if "event_id" in given:
        given["event_id"] = [value.replace("-", "").lower() for value in given["event_id"]]
    since_id, since_time = _since(_last(given, "since"), now_unix)
    return Query(
        equals=tuple((field, frozenset(given[name])) for name, field in _FIELDS.items() if name in given),
        messages=tuple(value.lower() for value in given.get("message", ())),
        since_id=since_id,
        since_time=since_time,
        limit=int(_number(given, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)),
        cursor=_last(given, "cursor").lower(),
        count=int(_number(given, "count", 1, 0, 1_000_000)),
        timeout_s=_number(given, "timeout", 5.0, 0, MAX_TIMEOUT_S),
    )


def select(records: Iterable[Record], query: Query) -> dict[str, object]:
    """The answer of a list: newest first, and a `cursor` that leads to the rest when there is `more`."""
    chosen: list[Record] = []
    matched = total = 0
    for record in records:
        total += 1
        if not query.matches(record):
            continue
        matched += 1
        if len(chosen) <= query.limit and (not query.cursor or _is_after(record, query.cursor)):
            chosen.append(record)
    more = len(chosen) > query.limit
    shown = chosen[: query.limit]
    answer: dict[str, object] = {
        "events": [record.summary for record in shown],
        "more": more,
        "matched": matched,
        "total": total,
    }
    return answer | {"cursor": shown[-1].id} if more else answer


def _is_after(record: Record, cursor: str) -> bool:
    """Does `record` come later in the list, which is newest first and inside an envelope in its own order?"""
    capture_id, place = cursor[:36], cursor[36:]
    if record.id[:36] != capture_id:
        return record.id[:36] < capture_id
    return _place(record.id[36:]) > _place(place)


def _place(suffix: str) -> tuple[int, ...]:
    """`-3.12` → (3, 12)."""
    return tuple(int(digits) for digits in re.findall(r"\d{1,9}", suffix, re.ASCII))


def _since(value: str, now_unix: float) -> tuple[str, str]:
    """A capture id, or the time that ISO text or a duration back from now stands for."""
    if not value:
        return "", ""
    if _CAPTURE_ID.fullmatch(value):
        return value.lower(), ""
    if duration := _DURATION.fullmatch(value):
        return "", iso(max(0.0, now_unix - float(duration[1]) * _UNITS_S[duration[2]]))
    moment = parse_time(value)
    if moment is None:
        raise BadQuery(f"since: {value!r} is no capture id, no time and no duration such as 90s")
    return "", iso(moment)


def _last(given: dict[str, list[str]], name: str) -> str:
    return given.get(name, [""])[-1]


def _number(given: dict[str, list[str]], name: str, default: float, lowest: float, highest: float) -> float:
    text = _last(given, name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not lowest <= value <= highest:
        raise BadQuery(f"{name}: {text!r} is no number from {lowest:g} to {highest:g}")
    return value


def _nearest(name: str, accepted: Sequence[str]) -> str:
    near = get_close_matches(name, accepted, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; accepted: {', '.join(accepted)}"
