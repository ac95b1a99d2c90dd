"""Items and envelopes for tests, framed and read as on the wire."""

import json

from scrubjay.core.envelope import Envelope, Item, parse_envelope
from scrubjay.core.items import classify


def make_item(item_type: str, payload: object = b"{}", **headers: object) -> Item:
    """An item with its kind; a payload that is not bytes is written as JSON."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    header = {"type": item_type, "length": len(body), **headers}
    (item,) = parse_envelope(b"{}\n" + json.dumps(header).encode() + b"\n" + body + b"\n").items
    classify(item)
    return item


def make_envelope(*items: Item, **headers: object) -> Envelope:
    """An envelope of these very items."""
    envelope = parse_envelope(json.dumps(headers).encode() + b"\n")
    envelope.items.extend(items)
    return envelope
