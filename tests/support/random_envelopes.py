"""Envelopes at random: all types of items, counts that lie, headers of the wrong kind, payloads that are broken in many ways.

`ADDRESS` stands in most places where people are named.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from support.path import KEY

ADDRESS = "ana.planted@lab.example"
IDS = ("4c79f60c11214eb38604f4ae0781bfb2", "deadbeefdeadbeefdeadbeefdeadbeef", "9f86d081884c4d63a2feaa0c55ad015a")
WORDS = ("prod", "error", "fatal", "debug", "1.0.0", "a@1.2.3", "/api/health", "timeout", "", "127.0.0.1", "Twitterbot/1.0", "\u2028")  # fmt: skip
ODD = (None, True, False, 0, -1, 1, 2, 2.0, 2**31, 2**63, 2**64 - 1, 1e308, "", "1", "true", [], {}, [1], {"a": 1}, "\0", "é", [[]])  # fmt: skip
TYPES = (
    *("event", "transaction", "security", "raw_security", "unreal_report", "feedback", "user_report", "attachment"),
    *(
        "session",
        "sessions",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "replay_video",
        "check_in",
    ),
    *("span", "log", "trace_metric", "metric_buckets", "client_report", "form_data", "martian"),
)
ONCE = frozenset(TYPES) - {"attachment", "session", "sessions", "span", "user_report", "unreal_report", "martian"}
"""More than one, or one of each of the events, would be too many for one envelope."""
EVENTS = frozenset({"event", "transaction", "security", "raw_security", "feedback", "form_data", "replay_event"})
CONTAINERS = {
    "log": "application/vnd.sentry.items.log+json",
    "span": "application/vnd.sentry.items.span.v2+json",
    "trace_metric": "application/vnd.sentry.items.trace-metric+json",
}
HEADERS = (
    *("item_count", "filename", "content_type", "platform", "span_count", "attachment_type", "sampled", "rate_limited"),
    *("meta_length", "attachment_length", "span_id", "scrubjay_weight", "scrubjay_rate"),
)
FORMS = {
    "attachment_type": ("event.minidump", "event.payload"),
    "content_type": ("application/vnd.sentry.attachment.v2",),
}


def random_envelope(random: Random) -> bytes:
    """A body that can be framed; anything else about it may be wrong."""
    head: dict[str, Any] = {"event_id": random.choice(IDS)} if random.random() < 0.9 else {}
    if random.random() < 0.6:
        head["trace"] = random.choice(ODD) if random.random() < 0.1 else _context(random)
    lines = [json.dumps(head).encode()]
    there: set[str] = set()
    for name in random.choices(TYPES, k=random.choice((1, 1, 2, 3, 5, 8))):
        kind = "event" if name in EVENTS else name
        if kind in there and (name in ONCE or kind == "event"):
            continue
        there.add(kind)
        headers: dict[str, Any] = {"type": name}
        data = _payload(random, name, headers)
        if name != "attachment":  # any bytes are a file
            data = _spoilt(random, data)
        for header in random.sample(HEADERS, random.choice((0, 0, 1, 3))):
            headers[header] = random.choice((*ODD, *FORMS.get(header, ())))
        headers["length"] = len(data)
        lines += [json.dumps(headers).encode(), data]
    return b"\n".join(lines) + b"\n"


def _context(random: Random) -> dict[str, Any]:
    context: dict[str, Any] = {
        "trace_id": random.choice(IDS),
        "public_key": random.choice((KEY, KEY, "f" * 32)),
        "environment": random.choice(WORDS),
        "transaction": f"of {ADDRESS}",
        "user_id": ADDRESS,
        "sample_rate": random.choice(("0.5", 0.5, "1", *ODD)),
        "sample_rand": random.choice(("0.2", "0.9", *ODD)),
    }
    if random.random() < 0.2:
        context[random.choice(("release", "replay_id", "sampled", "segment_name", "org_id"))] = random.choice(ODD)
    return context


def _event(random: Random, **more: Any) -> dict[str, Any]:
    word = random.choice((*WORDS, f"timeout of {ADDRESS}"))
    frame = {"function": "f", "module": "m", "in_app": True, "abs_path": random.choice(WORDS)}
    error = {"type": "KeyError", "value": word, "mechanism": {"handled": random.choice((False, *ODD))}}
    event: dict[str, Any] = {
        "level": random.choice(WORDS),
        "release": random.choice(WORDS),
        "environment": random.choice(WORDS),
        "transaction": random.choice(WORDS),
        "logger": random.choice(WORDS),
        "tags": random.choice(({"t": word}, [["t", word]])),
        "user": {"email": ADDRESS, "id": ADDRESS, "ip_address": "127.0.0.1"},
        "request": {
            "url": f"http://localhost/{ADDRESS}",
            "headers": [["User-Agent", random.choice(WORDS)], ["Host", "localhost:3"]],
        },
        "contexts": {
            "trace": {"trace_id": random.choice(IDS), "op": "x"},
            "scrubjay_sampling": {"rate": 0.5, "weight": 2},
        },
        "exception": {"values": [error | {"stacktrace": {"frames": [frame]}}]},
        "logentry": {"message": word, "formatted": word},
        "fingerprint": random.choice((["x"], ["{{ default }}"], ["{{ default }}", 7])),
        **more,
    }
    for name in random.sample(sorted(event), random.randint(0, 4)):
        event[name] = random.choice(ODD)
    return event


def _record(random: Random, name: str) -> Any:
    if random.random() < 0.07:
        return random.choice(ODD)
    attributes: dict[str, Any] = {
        "k": {"value": random.choice(WORDS), "type": "string"},
        "user.email": {"value": ADDRESS, "type": "string"},
        "sentry.release": {"value": random.choice(WORDS), "type": "string"},
    }
    if random.random() < 0.2:
        attributes["scrubjay.weight"] = {"value": random.choice((2, 4.0, *ODD)), "type": "double"}
    record = {"trace_id": random.choice(IDS), "timestamp": 1.5, "attributes": attributes}
    if name == "log":
        return record | {"body": f"of {ADDRESS}", "level": random.choice(("info", "fatal", *ODD))}
    return record | {"name": random.choice(WORDS), "span_id": "b" * 16, "status": "ok"}


def _payload(random: Random, name: str, headers: dict[str, Any]) -> bytes:
    word = random.choice(WORDS)
    user = {"email": ADDRESS}
    if name in CONTAINERS and random.random() < 0.85:
        records = [_record(random, name) for _ in range(random.choice((0, 1, 2, 3, 8)))]
        headers["item_count"] = len(records) if random.random() < 0.9 else random.choice(ODD)
        headers["content_type"] = CONTAINERS[name]
        return json.dumps({"items": records, "version": 2}, ensure_ascii=random.random() < 0.5).encode()
    if name == "attachment":
        headers["filename"] = f"{ADDRESS}.txt"
        return f"of {ADDRESS}\n".encode() * random.randint(0, 3)
    if name == "replay_recording":
        return b'{"segment_id":0}\n[{"type":5,"timestamp":1,"data":{"payload":{"message":"%b"}}}]' % ADDRESS.encode()
    if name in ("profile", "profile_chunk") and random.random() < 0.7:
        headers |= {"platform": random.choice(("cocoa", "python", *ODD)), "sampled": random.choice((False, *ODD))}
    documents: dict[str, Any] = {
        "event": lambda: _event(random),
        "feedback": lambda: _event(random, contexts={"feedback": {"message": word, "contact_email": word}}),
        "transaction": lambda: _event(
            random, type="transaction", start_timestamp=1, timestamp=2, spans=[{"op": "x"}] * random.randint(0, 5)
        ),
        "span": lambda: {"trace_id": IDS[0], "op": word, "description": ADDRESS, "start_timestamp": 1, "timestamp": 2},
        "session": lambda: {"sid": IDS[0], "did": ADDRESS, "attrs": {"release": word, "environment": word}},
        "sessions": lambda: {"aggregates": [{"exited": 3}], "attrs": {"release": word, "user_agent": word}},
        "check_in": lambda: {"check_in_id": IDS[0], "monitor_slug": word, "environment": word, "status": "ok"},
        "user_report": lambda: {"event_id": IDS[0], "comments": ADDRESS, **user},
        "security": lambda: {"type": "csp", "csp": {"blocked_uri": f"https://a.ads.example/{ADDRESS}"}},
        "raw_security": lambda: {"csp-report": {"blocked-uri": f"https://a.ads.example/{ADDRESS}"}},
        "client_report": lambda: {"discarded_events": [{"reason": ADDRESS, "category": "error", "quantity": 3}]},
        "metric_buckets": lambda: [{"name": n, "tags": user} for n in ("c:spans/x@none", "d:sessions/y@none", word)],
        "form_data": lambda: [["a", ADDRESS]],
        "replay_event": lambda: {"replay_id": IDS[0], "segment_id": 0, "release": word, "user": user},
    }
    return json.dumps(documents.get(name, lambda: {"release": word, "user": user})()).encode()


def _spoilt(random: Random, data: bytes) -> bytes:
    """Mostly as it was."""
    if random.random() < 0.75:
        return data
    deep = random.choice((10, 200, 3000))
    return random.choice(
        (
            data[: len(data) // 2],
            data.replace(b'"', b'"\\ud800', 1),
            data.replace(b"{", b'{"level":"fatal","level":"debug","items":[],', 1),
            b'{"a":' * deep + b"1" + b"}" * deep,
            data.replace(b":", b":NaN,", 1),
            data.replace(b":1", b":1" + b"0" * 400, 1),
            b"\xff\xfe" + data,
            data.replace(b'"level"', b'"l\\u0065vel"'),
            b" \t " + data.replace(b",", b" , "),
            b"",
        )
    )
