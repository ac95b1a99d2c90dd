"""Parcels that may share an envelope, for tests of merging: as SDKs send them, packed as the path packs them."""

from __future__ import annotations

import json
from typing import Any

from scrubjay.core.envelope import Envelope, Item, parse_envelope
from scrubjay.core.ledger import Parcel

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
RECEIVED_UNIX = 1_767_607_200.0
RECEIVED = "2026-01-05T10:00:00Z"
SENT_AT = "2026-01-05T11:00:00.000000Z"
LOG = "application/vnd.sentry.items.log+json"
SPAN = "application/vnd.sentry.items.span.v2+json"
METRIC = "application/vnd.sentry.items.trace-metric+json"

Part = tuple[dict[str, Any], Any]
"""Headers and payload of an item; a payload that is no bytes is written as JSON."""


def packed(*parts: Part, head: dict[str, Any] | None = None, **facts: Any) -> Parcel:
    """A parcel with these items."""
    items = []
    for headers, payload in parts:
        data = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
        items.append(Item(headers, data))
    known: dict[str, Any] = {
        "id": "1",
        "key": KEY,
        "project_id": 42,
        "body": Envelope(head or {}, items).serialize(),
        "quantities": (),
        "received_unix": RECEIVED_UNIX,
        "item_types": tuple(sorted({item.type for item in items})),
        "client": "shop.sdk/1.0",
    }
    return Parcel(**(known | facts))


def session(name: str = "7c1f0b8e-3a52-4e57-8d0c-5a9f0f1f2a3b", **more: Any) -> Part:
    return {"type": "session"}, {"sid": name, "started": RECEIVED, "attrs": {"release": "shop@1"}} | more


def sessions(*entries: dict[str, Any], **attributes: str) -> Part:
    """Aggregates; an entry without a start began when everything does."""
    aggregates = [{"started": RECEIVED} | entry for entry in entries]
    return {"type": "sessions"}, {"aggregates": aggregates, "attrs": {"release": "shop@1"} | attributes}


def report(*lines: tuple[str, str, int], at: Any = RECEIVED_UNIX, **sections: list[tuple[str, str, int]]) -> Part:
    found: dict[str, Any] = {} if at is None else {"timestamp": at}
    for name, told in {"discarded_events": lines, **sections}.items():
        found[name] = [{"reason": reason, "category": category, "quantity": count} for reason, category, count in told]
    return {"type": "client_report"}, found


def container(kind: str, *records: Any, count: Any = None, **members: Any) -> Part:
    """Of type `log`, `span` or `trace_metric`; `count` None: the right one."""
    media = {"log": LOG, "span": SPAN, "trace_metric": METRIC}[kind]
    headers = {"type": kind, "item_count": len(records) if count is None else count, "content_type": media}
    return headers, {"version": 2, **members, "items": list(records)}


def log(number: int = 0) -> dict[str, Any]:
    return {
        "timestamp": RECEIVED_UNIX + number,
        "trace_id": f"{number:032x}",
        "level": "info",
        "body": f"line {number}",
    }


def bucket(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {"timestamp": number, "width": 10, "name": "c:custom/orders@none", "type": "c", "value": 1.5} | changes


def read_parts(body: bytes) -> list[Part]:
    """The items of an envelope, payloads read."""
    return [(item.headers, json.loads(bytes(item.payload))) for item in parse_envelope(body).items]
