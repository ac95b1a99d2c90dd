"""What the header lines of an envelope must be, beyond JSON: known keys once, their types, ids and times (`ingest.md` 5.1 to 5.3).

Pure checks over a decoded header and its bytes; each raises `ValueError` naming what is wrong. The cheap question comes first: a
line with as many colons as keys cannot repeat one, a line with few brackets cannot be nested deeply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

import msgspec

from scrubjay.core.dsn import normal_origin

MAX_DEPTH: Final = 128

_FACTS: Final = frozenset(
    {
        "client",
        "version",
        "origin",
        "remote_addr",
        "forwarded_for",
        "user_agent",
        "client_hints",
        "no_cache",
    }
)
_ENVELOPE_KEYS: Final = _FACTS | frozenset(
    {
        "event_id",
        "dsn",
        "sent_at",
        "trace",
        "required_features",
        "unreal_user_id",
    }
)
_ITEM_KEYS: Final = frozenset(
    {
        "type",
        "length",
        "item_count",
        "content_type",
        "filename",
        "attachment_type",
        "platform",
        "span_count",
        "sampled",
        "fully_normalized",
        "meta_length",
        "span_id",
        "attachment_length",
        "rate_limited",
        "sentry_release",
        "sentry_environment",
    }
)
_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}:,]')
_UUID: Final = re.compile(
    r"[0-9a-f]{32}|(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}",
    re.ASCII | re.IGNORECASE,
)
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def normal_uuid(text: object) -> str:
    """32 lower-case hex digits of a UUID in one of its four spellings (`ingest.md` 0)."""
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError("no UUID")
    return text.lower().removeprefix("urn:uuid:").strip("{}").replace("-", "")


def parse_time(text: object) -> datetime:
    """An RFC 3339 time with its zone. A leap second counts as the second before it."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("no time with a zone")
    day, minutes, seconds, fraction, zone = match.groups()
    seconds = "59" if seconds == "60" else seconds
    return datetime.fromisoformat(f"{day}T{minutes}:{seconds}{fraction or ''}{zone.upper()}")


def shifted_sent_at(text: str, by_s: float) -> str:
    """`sent_at` moved by the time that we held the envelope, in UTC (`upstream-and-operations.md` 6.3)."""
    moved = (parse_time(text) + timedelta(seconds=by_s)).astimezone(UTC)
    return moved.isoformat(timespec="microseconds").replace("+00:00", "Z")


def check_text(line: bytes, headers: dict[str, object], *, envelope: bool) -> None:
    """No known key twice, no deep nesting. `line` is the valid JSON of `headers`."""
    if line.count(b":") != len(headers):
        known = (_ENVELOPE_KEYS if envelope else _ITEM_KEYS) & headers.keys()
        if b"\\" in line or any(line.count(b'"%b"' % name.encode()) > 1 for name in known):
            seen = set()
            for key in _top_level_keys(line):
                if key in known and key in seen:
                    raise ValueError(f"{key} is given twice")
                seen.add(key)
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and depth_of(line) > MAX_DEPTH:
        raise ValueError("nested too deeply")


def check_envelope_headers(headers: dict[str, object]) -> None:
    """Types and formats; writes `event_id` in its normal form."""
    event_id = headers.get("event_id")
    if event_id is not None:
        try:
            headers["event_id"] = normal_uuid(event_id)
        except ValueError:
            raise ValueError("event_id is no UUID") from None
    sent_at = headers.get("sent_at")
    if sent_at is not None:
        try:
            parse_time(sent_at)
        except ValueError:
            raise ValueError("sent_at is no time with a zone") from None
    if not _FACTS.isdisjoint(headers):
        _check_facts(headers)


def check_item_headers(headers: dict[str, object]) -> int | None:
    """`type` and `length`; returns the length, None where the payload ends with its line."""
    if type(headers.get("type")) is not str:
        raise ValueError("no type")
    length = headers.get("length")
    if length is None and "length" not in headers:
        return None
    if type(length) is not int or length < 0:
        raise ValueError("length is no count of bytes")
    return length


def _check_facts(headers: dict[str, object]) -> None:
    for name in ("client", "forwarded_for", "user_agent"):
        _expect(name, headers, str)
    _expect("client_hints", headers, dict)
    _expect("no_cache", headers, bool)
    version = headers.get("version")
    if version is not None and (type(version) is not int or not 0 <= version <= 0xFFFF):
        raise ValueError("version is no number up to 65535")
    origin = headers.get("origin")
    if origin is not None and (type(origin) is not str or normal_origin(origin) is None):
        raise ValueError("origin is no URL")
    address = headers.get("remote_addr")
    if address is not None:
        if type(address) is not str:
            raise ValueError("remote_addr is no text")
        ip_address(address)


def _expect(name: str, headers: dict[str, object], kind: type) -> None:
    value = headers.get(name)
    if value is not None and type(value) is not kind:
        raise ValueError(f"{name} has the wrong type")


def _top_level_keys(line: bytes) -> Iterator[str]:
    depth = 0
    text = b""
    for match in _TOKENS.finditer(line):
        token = match.group()
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
        elif token == b":" and depth == 1:
            yield msgspec.json.decode(text, type=str)
        text = token


def depth_of(line: bytes) -> int:
    """How deep its objects and lists are nested. `line` is valid JSON."""
    depth = deepest = 0
    for match in _TOKENS.finditer(line):
        token = match.group()
        if token in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"}]":
            depth -= 1
    return deepest
