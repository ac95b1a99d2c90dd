"""Envelopes made by hand for what the corpus has no recording of: rare fields of events, form data, files of all kinds, unknown items.

Their texts are placeholders; `planting` replaces each. One envelope per kind of item, since items of some types exclude each other.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from support.planting import write_envelope, write_form
from support.recorder import WireItem

EVENT_ID = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
X = "placeholder"

EVENT: dict[str, Any] = {
    "event_id": EVENT_ID,
    "platform": "python",
    "level": "error",
    "timestamp": "2026-11-20T10:00:00Z",
    "logentry": {"message": X, "formatted": X, "params": [X, {"name": X}]},
    "culprit": X,
    "server_name": X,
    "user": {"id": X, "email": X, "username": X, "name": X, "data": {"note": X, "deep": {"list": [X, [X]]}}, "plan": X},
    "request": {
        "url": X, "method": "POST", "query_string": X, "cookies": X, "fragment": X, "data": {"order": {"note": X, "list": [X]}},
        "headers": [["X-Customer", X], ["Referer", X], ["Cookie", X], ["Forwarded", X]],
        "env": {"SERVER_NAME": X, "HTTP_X_NOTE": X, "REMOTE_ADDR": X}, "inferred_content_type": "application/json",
    },
    "tags": [["customer", X], ["note", X]],
    "extra": {"note": X, "order": {"list": [X, {"deep": X}]}, "headers": [["x-note", X], ["accept", X]], "embedded": X},
    "unheard": {"of": X},
    "breadcrumbs": {"values": [
        {"type": "http", "category": X, "message": X, "data": {"url": X, "note": X, "headers": {"X-Note": X}}},
        {"type": "default", "category": X, "message": X, "data": {"arguments": [X, {"note": X}]}},
    ]},
    "exception": {"values": [{
        "type": "OrderError", "value": X, "module": "shop.orders",
        "mechanism": {"type": "generic", "description": X, "data": {"note": X}},
        "stacktrace": {"frames": [{
            "function": "pay", "module": "shop.orders", "filename": "shop/orders.py", "abs_path": "/srv/shop/orders.py", "lineno": 7,
            "vars": {"note": X, "request": {"headers": [["x-note", X]], "body": X}, "items": [X, {"deep": X}]},
        }]},
    }]},
    "threads": {"values": [{"id": "1", "stacktrace": {"frames": [{"function": "run", "vars": {"note": X}}]}}]},
    "contexts": {
        "order": {"note": X, "deep": {"list": [X]}},
        "response": {"headers": [["X-Note", X]], "cookies": X, "data": {"note": X}, "type": "response"},
        "trace": {"trace_id": "a" * 32, "span_id": "b" * 16, "op": "http.server", "data": {"note": X, "url.full": X}},
        "device": {"name": X, "device_unique_identifier": X, "type": "device"},
        "os": {"name": "Linux", "kernel_version": X, "type": "os"},
    },
    "spans": [{
        "span_id": "c" * 16, "trace_id": "a" * 32, "op": "db.query", "description": X, "start_timestamp": 1.0, "timestamp": 2.0,
        "data": {"note": X, "http.query": X, "url.full": X, "gen_ai.prompt": X, "order": {"deep": X}}, "tags": {"note": X},
        "sentry_tags": {"user": X, "user.email": X, "user.ip": X},
    }],
    "sdk": {"name": "sentry.python", "version": "2.75.0", "client_ip": X},
}  # fmt: skip
"""Every place of an error event where an application's own texts stand."""

SPAN = {
    "trace_id": "a" * 32, "span_id": "b" * 16, "name": X, "status": "ok", "start_timestamp": 1.0, "end_timestamp": 2.0,
    "attributes": {
        "note": {"type": "string", "value": X}, "url.full": {"type": "string", "value": X},
        "http.request.header.cookie": {"type": "string", "value": X}, "client.address": {"type": "string", "value": X},
        "sentry.description": {"type": "string", "value": X}, "gen_ai.prompt": {"type": "string", "value": X},
        "tags": {"type": "array", "value": [X, X]},
    },
}  # fmt: skip
LOG = {
    "timestamp": 1.0, "trace_id": "a" * 32, "level": "info", "body": X,
    "attributes": {"note": {"type": "string", "value": X}, "user.email": {"type": "string", "value": X}, "bare": X},
}  # fmt: skip
FRAMES = [
    {"type": 2, "timestamp": 1, "data": {"node": {"type": 0, "childNodes": [
        {"type": 2, "tagName": "input", "attributes": {"value": X, "placeholder": X}, "childNodes": [{"type": 3, "textContent": X}]},
    ]}, "initialOffset": {"left": 0, "top": 0}}},
    {"type": 3, "timestamp": 2, "data": {"source": 0, "texts": [{"id": 3, "value": X}], "attributes": [
        {"id": 4, "attributes": {"value": X}}], "adds": []}},
    {"type": 3, "timestamp": 3, "data": {"source": 5, "id": 4, "text": X, "isChecked": False}},
    {"type": 4, "timestamp": 4, "data": {"href": X, "width": 800, "height": 600}},
    {"type": 5, "timestamp": 5, "data": {"tag": "breadcrumb", "payload": {
        "type": "default", "category": "console", "message": X, "data": {"arguments": [X], "note": X}}}},
    {"type": 5, "timestamp": 6, "data": {"tag": "performanceSpan", "payload": {
        "op": "resource.fetch", "description": X, "data": {"method": "POST", "request": {"body": X, "headers": {"x-note": X}}}}}},
]  # fmt: skip
"""One replay frame of each type that carries texts."""
VIEWS = {
    "rendering_system": "android", "windows": [{"type": "Window", "identifier": X, "children": [{"type": "Text", "text": X}]}],
}  # fmt: skip
SECURITY = {
    "csp-report": {
        "document-uri": X, "referrer": X, "blocked-uri": X, "violated-directive": "img-src", "effective-directive": "img-src",
        "original-policy": "default-src 'none'", "disposition": "enforce", "status-code": 200,
    }
}  # fmt: skip


def _json(item_type: str, document: Any, **headers: Any) -> WireItem:
    return WireItem({"type": item_type, **headers}, json.dumps(document).encode())


def _file(payload: bytes, name: str = "note.txt", **headers: Any) -> WireItem:
    return WireItem({"type": "attachment", "filename": name, **headers}, payload)


def _replay(frames: bytes) -> list[WireItem]:
    event = {
        "type": "replay_event", "replay_id": EVENT_ID, "event_id": EVENT_ID, "segment_id": 0, "timestamp": 1.0, "platform": "javascript",
        "replay_type": "session", "urls": [X, X], "tags": {"note": X}, "user": {"email": X, "username": X}, "request": {"url": X},
    }  # fmt: skip
    return [_json("replay_event", event), WireItem({"type": "replay_recording"}, b'{"segment_id":0}\n' + frames)]


def _parts() -> Iterator[list[WireItem]]:
    event = _json("event", EVENT)
    yield [event]
    yield [_json("transaction", EVENT | {"type": "transaction", "transaction": "/pay", "start_timestamp": 1.0})]
    yield [event, _file(b"text\n"), _file(b"text\n", "log.json.txt", content_type="text/plain; charset=utf-8")]
    yield [event, _file("text\n".encode("utf-16-le"), "windows.txt", content_type="text/plain")]
    yield [
        event,
        _file(json.dumps({"note": X, "deep": {"list": [X]}}).encode(), "state.json", content_type="application/json"),
    ]
    yield [
        event,
        _file(
            json.dumps(VIEWS).encode(),
            "views.json",
            attachment_type="event.view_hierarchy",
            content_type="application/json",
        ),
    ]
    form = write_form([("note", X), ("sentry", X), ("sentry[tags][customer]", X), ("order[name]", X)])
    crash = _file(b"text\n", "crash.txt", attachment_type="event.applecrashreport", content_type="text/plain")
    yield [crash, WireItem({"type": "form_data"}, form)]
    frames = json.dumps(FRAMES).encode()
    yield _replay(frames)
    yield [
        _json(
            "span",
            {"version": 2, "items": [SPAN]},
            content_type="application/vnd.sentry.items.span.v2+json",
            item_count=1,
        )
    ]
    yield [_json("log", {"items": [LOG]}, content_type="application/vnd.sentry.items.log+json", item_count=1)]
    yield [_json("user_report", {"event_id": EVENT_ID, "name": X, "email": X, "comments": X})]
    yield [_json("session", {"sid": EVENT_ID, "did": X, "started": "2026-11-20T10:00:00Z", "status": "ok", "attrs": {
        "release": "shop@1", "ip_address": X, "user_agent": X}})]  # fmt: skip
    yield [_json("check_in", {"check_in_id": EVENT_ID, "monitor_slug": "nightly", "status": "ok", "note": X})]
    yield [_json("raw_security", SECURITY)]
    yield [_json("of_the_future", {"note": X, "deep": [{"list": [X]}]})]


TRACE = {
    "trace_id": "a" * 32, "public_key": "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4", "transaction": X, "user_id": X, "user_segment": X,
    "user": {"email": X}, "release": "shop@1", "environment": "production",
}  # fmt: skip


def carriers() -> list[tuple[str, bytes]]:
    """Name and envelope."""
    made = []
    for items in _parts():
        headers = {
            "event_id": str(uuid.UUID(EVENT_ID)),
            "trace": TRACE,
            "sdk": {"name": "sentry.python", "version": "2.75.0"},
        }
        made.append(("+".join(item.headers["type"] for item in items), write_envelope(headers, items)))
    return made
