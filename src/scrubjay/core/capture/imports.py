"""What is taken up again: lines of `/export`, or an envelope, as envelopes (`capture.md` 9.1).

Lines of one capture become one envelope again, entries of a container one container, in the order in which they came. Nothing here
scrubs; whoever imports does, whatever the file says of itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.reading import get, text
from scrubjay.core.capture.values import BadQuery
from scrubjay.core.dsn import parse_dsn
from scrubjay.core.envelope import Envelope, Item, decode_json, encode_json, parse_envelope
from scrubjay.errors import Rejected

_KEY: Final = re.compile(r"[0-9a-z]{32}", re.ASCII)
_PLACE: Final = re.compile(r"-(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)
_CONTAINER: Final = {"log": "application/vnd.sentry.items.log+json"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One envelope, and whose it was. `key` empty, `project_id` None: nobody says."""

    envelope: Envelope
    key: str
    project_id: int | None


@dataclass(frozen=True, slots=True)
class Upload:
    """`skipped`: lines whose payloads were not kept when they were exported."""

    arrivals: list[Arrival]
    skipped: int = 0


def read_upload(body: bytes) -> Upload:
    """Raises `BadQuery`."""
    first = _json(body[: body.find(b"\n")] if b"\n" in body else body)
    if not isinstance(first, Mapping):
        raise BadQuery("the body is neither lines of /export nor an envelope: its first line is no JSON object")
    if "item_header" in first and "id" in first:
        return _lines(body)
    try:
        envelope = parse_envelope(body)
    except Rejected as error:
        raise BadQuery(f"no envelope: {error}") from None
    key, project_id = _of_dsn(text(envelope.headers.get("dsn")))
    return Upload([Arrival(envelope, key, project_id)])


def _of_dsn(dsn: str) -> tuple[str, int | None]:
    try:
        read = parse_dsn(dsn)
    except ValueError:
        return "", None
    return read.key, read.project_id


def _lines(body: bytes) -> Upload:
    captures: dict[str, list[tuple[tuple[int, int], Mapping[str, object]]]] = {}
    skipped = 0
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        record = _json(line)
        if not isinstance(record, Mapping) or not isinstance(record.get("item_header"), Mapping):
            raise BadQuery(f"line {number}: no record of /export")
        record_id = text(record.get("id"))
        place = _PLACE.fullmatch(record_id[36:])
        if place is None or not isinstance(get(record, "item_header", "type"), str):
            raise BadQuery(f"line {number}: no record of /export")
        if record.get("payload_omitted") is True:
            skipped += 1
            continue
        captures.setdefault(record_id[:36], []).append(((int(place[1]), int(place[2] or -1)), record))
    return Upload([_arrival(sorted(captures[one], key=lambda part: part[0])) for one in sorted(captures)], skipped)


def _arrival(parts: list[tuple[tuple[int, int], Mapping[str, object]]]) -> Arrival:
    record = parts[0][1]
    headers = record.get("envelope_header")
    project, key = text(record.get("project")), text(record.get("public_key"))
    return Arrival(
        Envelope(dict(headers) if isinstance(headers, Mapping) else {}, list(_items(parts))),
        key if _KEY.fullmatch(key) else "",
        int(project) if project.isascii() and project.isdigit() and len(project) < 20 else None,
    )


def _items(parts: list[tuple[tuple[int, int], Mapping[str, object]]]) -> Iterator[Item]:
    """One item for each place; entries of a container stand behind each other."""
    of_item: dict[int, list[Mapping[str, object]]] = {}
    for (index, _), record in parts:
        of_item.setdefault(index, []).append(record)
    for records in of_item.values():
        headers = records[0]["item_header"]
        assert isinstance(headers, Mapping), "looked at before"
        if text(headers["type"]) in _CONTAINER and "payload" in records[0]:
            yield _container(headers, records)
        else:
            yield Item(dict(headers), _payload(records[0]))


def _container(headers: Mapping[str, object], records: list[Mapping[str, object]]) -> Item:
    payloads = [record["payload"] for record in records]
    is_whole = len(payloads) == 1 and isinstance(get(payloads[0], "items"), list)
    body = payloads[0] if is_whole else {"items": payloads}
    changed = {} if is_whole else {"item_count": len(payloads), "content_type": _CONTAINER[text(headers["type"])]}
    return Item({**headers, **changed}, encode_json(body))


def _payload(record: Mapping[str, object]) -> bytes:
    if "payload" in record:
        return encode_json(record["payload"])
    if isinstance(record.get("payload_text"), str):
        return text(record["payload_text"]).encode("utf-8", "replace")
    try:
        return base64.b64decode(text(record.get("payload_base64")), validate=True)
    except ValueError:
        raise BadQuery(f"{text(record.get('id'))[:80]}: no base64") from None


def _json(line: bytes) -> object:
    try:
        return decode_json(line)
    except ValueError:
        return None
