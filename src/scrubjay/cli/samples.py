"""Envelopes that `scrubjay send` and `scrubjay doctor` make: samples to look at, and a probe that asks for nothing to be looked at.

In samples stands harmless data that looks personal: addresses, numbers and networks that are reserved for examples. What leaves the relay has
it no more, which is how scrubbing is seen to work. Invariant: nothing of this machine or its user is in them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from scrubjay import __version__
from scrubjay.core.envelope import Envelope, Item, encode_json

_TAGS: Final = {"scrubjay": "sample"}
_RELEASE: Final = f"scrubjay-sample@{__version__}"
_ENVIRONMENT: Final = "sample"
_PERSON: Final = {"id": "4711", "email": "jane.doe@example.com", "username": "jane.doe", "ip_address": "203.0.113.7"}
_CARD: Final = "4111 1111 1111 1111"
PERSONAL: Final = (str(_PERSON["email"]), str(_PERSON["ip_address"]), _CARD, "hunter2-sample", "sample-bearer-token")
"""What of an error sample must not reach the server of who scrubs by default."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`event_id`: what to search for at the server; empty where items have none."""

    kind: str
    event_id: str
    body: bytes


def error(message: str = "") -> Sample:
    """An exception with a request, a user and breadcrumbs."""
    event_id, now_unix = uuid.uuid4().hex, time.time()
    text = message or f"sample of scrubjay: the card {_CARD} of {_PERSON['email']} was declined"
    event = {
        "event_id": event_id,
        "timestamp": now_unix,
        "platform": "python",
        "level": "error",
        "logger": "shop.checkout",
        "release": _RELEASE,
        "environment": _ENVIRONMENT,
        "transaction": "/checkout",
        "tags": _TAGS,
        "user": _PERSON,
        "request": {
            "method": "POST",
            "url": "https://shop.example/checkout",
            "headers": {"Authorization": "Bearer sample-bearer-token", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"},
            "data": {"password": "hunter2-sample", "card": _CARD, "items": 3},
        },
        "exception": {"values": [{"type": "SampleError", "value": text, "stacktrace": {"frames": _FRAMES}}]},
        "breadcrumbs": {
            "values": [
                {"timestamp": now_unix - 2, "category": "auth", "message": f"signed in as {_PERSON['email']}"},
                {"timestamp": now_unix - 1, "category": "http", "message": "POST /cart 200"},
            ]
        },
    }
    return Sample("error", event_id, _envelope(event_id, [({"type": "event"}, event)]))


_FRAMES: Final = [
    {"filename": "shop/app.py", "function": "dispatch", "lineno": 31, "module": "shop.app", "in_app": True},
    {
        "filename": "shop/checkout.py",
        "function": "pay",
        "lineno": 17,
        "module": "shop.checkout",
        "in_app": True,
        "context_line": "    raise SampleError(message)",
        "vars": {"password": "'hunter2-sample'", "amount": "42"},
    },
]


def transaction() -> Sample:
    """A request with a query and a call."""
    event_id, trace_id, now_unix = uuid.uuid4().hex, uuid.uuid4().hex, time.time()
    root, spans = uuid.uuid4().hex[:16], [uuid.uuid4().hex[:16] for _ in range(2)]
    sql, call = spans
    event = {
        "type": "transaction",
        "event_id": event_id,
        "start_timestamp": now_unix - 0.25,
        "timestamp": now_unix,
        "platform": "python",
        "transaction": "GET /orders/{id}",
        "transaction_info": {"source": "route"},
        "release": _RELEASE,
        "environment": _ENVIRONMENT,
        "tags": _TAGS,
        "user": _PERSON,
        "request": {"method": "GET", "headers": {"Authorization": "Bearer sample-bearer-token"}},
        "contexts": {"trace": {"trace_id": trace_id, "span_id": root, "op": "http.server", "status": "ok"}},
        "spans": [
            _span(
                sql,
                root,
                trace_id,
                now_unix - 0.24,
                0.08,
                "db",
                "SELECT * FROM orders WHERE email = 'jane.doe@example.com'",
            ),
            _span(call, root, trace_id, now_unix - 0.15, 0.12, "http.client", "GET https://pay.example/status"),
        ],
    }
    return Sample("transaction", event_id, _envelope(event_id, [({"type": "transaction"}, event)]))


def _span(own: str, parent: str, trace: str, start_unix: float, took_s: float, op: str, text: str) -> dict[str, object]:
    return {
        "span_id": own,
        "parent_span_id": parent,
        "trace_id": trace,
        "start_timestamp": start_unix,
        "timestamp": start_unix + took_s,
        "op": op,
        "description": text,
        "status": "ok",
    }


def log() -> Sample:
    """Three lines of one trace."""
    trace_id, now_unix = uuid.uuid4().hex, time.time()
    lines = (
        ("info", 9, f"user {_PERSON['email']} signed in"),
        ("warn", 13, "the cart is getting full: 97 items"),
        ("error", 17, f"the card {_CARD} was declined"),
    )
    entries = [
        {
            "timestamp": now_unix - 1 + 0.1 * number,
            "trace_id": trace_id,
            "level": level,
            "severity_number": severity,
            "body": text,
            "attributes": {
                "sentry.environment": {"value": _ENVIRONMENT, "type": "string"},
                "sentry.release": {"value": _RELEASE, "type": "string"},
                "scrubjay": {"value": "sample", "type": "string"},
            },
        }
        for number, (level, severity, text) in enumerate(lines)
    ]
    header = {"type": "log", "item_count": len(entries), "content_type": "application/vnd.sentry.items.log+json"}
    return Sample("log", "", _envelope(None, [(header, {"items": entries})]))


def check_ins(monitor: str, status: str) -> tuple[Sample, Sample]:
    """A job begins, and ends."""
    check_in_id = uuid.uuid4().hex
    schedule = {"schedule": {"type": "interval", "value": 1, "unit": "day"}}
    began = {
        "check_in_id": check_in_id,
        "monitor_slug": monitor,
        "status": "in_progress",
        "environment": _ENVIRONMENT,
        "monitor_config": schedule,
    }
    ended = {**began, "status": status, "duration": 1.5}
    begin, end = (_envelope(None, [({"type": "check_in"}, each)]) for each in (began, ended))
    return Sample("check-in begin", check_in_id, begin), Sample("check-in end", check_in_id, end)


def probe() -> Sample:
    """As small as an event can be. All of them are one issue at the server, and it says that nothing is wrong."""
    event_id = uuid.uuid4().hex
    event = {
        "event_id": event_id,
        "timestamp": time.time(),
        "platform": "other",
        "level": "debug",
        "logger": "scrubjay.doctor",
        "message": {"formatted": "scrubjay doctor: a probe. Nothing is wrong."},
        "tags": {"scrubjay": "probe"},
        "fingerprint": ["scrubjay-doctor-probe"],
        "environment": "probe",
    }
    return Sample("probe", event_id, _envelope(event_id, [({"type": "event"}, event)]))


def _envelope(event_id: str | None, items: Sequence[tuple[dict[str, object], object]]) -> bytes:
    sent_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers: dict[str, object] = {"sent_at": sent_at, "sdk": {"name": "scrubjay.cli", "version": __version__}}
    if event_id is not None:
        headers["event_id"] = event_id
    return Envelope(headers, [Item(head, encode_json(payload)) for head, payload in items]).serialize()
