"""One envelope of each kind, hostile in every field: what a page, a terminal or a report must show as text and survive.

Markup stands in values, keys, tags, names of files, headers of items and envelopes; addresses are `javascript:` and `data:`; texts steer
terminals and directions; numbers, times and names are those that programs stumble over. A part that a relay refuses is refused by itself.
"""

from __future__ import annotations

import json
from typing import Any

MARKUP = "\"'><img src=x onerror=window.pwned=1><svg onload=window.pwned=2><script>window.pwned=3</script>"
STEERING = "\x1b]0;owned\x07\x1b[31mred\x1b[2J\x9b5m\u202eevil\u2066\u200f\u2028\x00"
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
HOSTILE = f"{HEBREW} {MARKUP}{STEERING}"
LINKS = (
    "javascript:window.pwned=4",
    "data:text/html,<script>window.pwned=5</script>",
    "JaVaScRiPt://x/%0awindow.pwned=6",
    "vbscript:x",
    "blob:null/x",
)
LINK = LINKS[0]
OUTSIDE = "http://outside.invalid/pwned.png"
PROTOTYPES = ("__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "then", "length", "prototype")
TRACE, SPAN = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
TIMES: tuple[Any, ...] = (-1, 3.2e13, 1e300, "NaN", "tomorrow", "2026-01-01T00:00:00Z", HOSTILE, None, [], True, 0)
NUMBERS: tuple[Any, ...] = ("NaN", "Infinity", "-0", "1e999", 1e308, -1e308, "0x10", -1, 2**63, "\u0661\u0662")
NOW = 1_800_000_000

DOCUMENT = (
    f"<!doctype html><html><body onload=window.pwned=7>{MARKUP}<script src='{OUTSIDE}'></script></body></html>".encode()
)
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=8'><script>window.pwned=9</script><image href='{OUTSIDE}'/></svg>".encode()
SCRIPT = f"window.pwned = 10; fetch('{OUTSIDE}');".encode()
FILES = {
    f"{MARKUP}.html": ("text/html", DOCUMENT), "a.svg": ("image/svg+xml", SVG), "../../etc/a.js": ("text/javascript", SCRIPT),
    "shot.png": ("image/png", DOCUMENT), "b.png": ("image/png", SVG), "view.json": ("application/json", b'{"windows":[{"type":"x","children":[null,3]}]}'),
    "c.csv": ("text/csv", f'{MARKUP},=cmd()\n"{HOSTILE}",1\n'.encode()), f"{HOSTILE}\x00.bin": (MARKUP, b"\x00\xff" * 300), "v.mp4": ("video/mp4", DOCUMENT),
    "empty": ("", b""), "__proto__": ("constructor", b"[]"), "x.xhtml": ("application/xhtml+xml", DOCUMENT),
}  # fmt: skip


def envelope(*items: tuple[dict[str, Any], bytes], **headers: Any) -> bytes:
    parts = [json.dumps(headers).encode()]
    for head, payload in items:
        parts += [json.dumps(head | {"length": len(payload)}).encode(), payload]
    return b"\n".join(parts)


def item(kind: str, payload: Any, **headers: Any) -> bytes:
    return envelope(({"type": kind, MARKUP: MARKUP} | headers, json.dumps(payload).encode()), **envelope_header())


def entries(kind: str, media_type: str, values: list[Any]) -> bytes:
    content_type = f"application/vnd.sentry.items.{media_type}+json"
    return item(kind, {"version": 2, "items": values}, item_count=len(values), content_type=content_type)


def envelope_header() -> dict[str, Any]:
    sdk = {"name": HOSTILE, "version": MARKUP, "packages": [{"name": MARKUP, "version": HOSTILE}], MARKUP: LINK}
    return {
        "sdk": sdk,
        "trace": {"public_key": MARKUP, "trace_id": TRACE, "release": MARKUP},
        MARKUP: HOSTILE,
        "__proto__": {"polluted": 1},
    }


def nest(depth: int, value: Any) -> Any:
    for level in range(depth):
        value = {MARKUP: value} if level % 2 else [value]
    return value


def odd() -> dict[str, Any]:
    """A bag of everything that fits a free field."""
    return {
        MARKUP: HOSTILE, "links": list(LINKS), "numbers": list(NUMBERS), "times": list(TIMES), "": "", " ": " ", "a/b~c": {"~1": MARKUP},
        **{name: {name: MARKUP} for name in PROTOTYPES}, "nested": nest(40, HOSTILE), "none": None, "half": "\ud800 and \udfff", "\udc00": 1,
    }  # fmt: skip


def frame(number: int = 0) -> dict[str, Any]:
    return {
        "filename": f"{HOSTILE}/{number}.py", "abs_path": LINK, "function": MARKUP, "module": HOSTILE, "lineno": NUMBERS[number % len(NUMBERS)], "colno": HOSTILE,
        "in_app": True, "context_line": f"  {HOSTILE}", "pre_context": [MARKUP, None, 3], "post_context": [HOSTILE] * 3,
        "vars": {MARKUP: HOSTILE, **dict.fromkeys(PROTOTYPES, "x"), "n": {"deep": nest(6, MARKUP)}} if number < 3 else {MARKUP: "x"},
    }  # fmt: skip


def event(**more: Any) -> dict[str, Any]:
    """An error in which each field that the protocol knows is hostile."""
    frames = [frame(number) for number in range(12)]
    crumbs = [
        {"timestamp": TIMES[number % len(TIMES)], "type": ("http", "navigation", MARKUP, "__proto__", "constructor")[number % 5], "category": HOSTILE, "level": (MARKUP, "constructor", "error")[number % 3],
         "message": HOSTILE, "data": {"url": LINKS[number % 5], "method": MARKUP, "status_code": NUMBERS[number % 10], "from": LINK, "to": LINK, MARKUP: odd() if number == 1 else HOSTILE}}
        for number in range(60)
    ]  # fmt: skip
    context = {"type": MARKUP, "name": HOSTILE, "version": HOSTILE, MARKUP: HOSTILE}
    return {
        "platform": MARKUP, "level": "error", "logger": HOSTILE, "transaction": HOSTILE, "server_name": MARKUP, "release": f"{MARKUP}@1", "dist": MARKUP, "environment": MARKUP,
        "timestamp": NOW, "culprit": HOSTILE, "message": HOSTILE, "fingerprint": [MARKUP, HOSTILE],
        "logentry": {"message": HOSTILE, "formatted": HOSTILE, "params": [MARKUP, odd()]},
        "exception": {"values": [
            {"type": MARKUP, "value": HOSTILE, "module": MARKUP, "mechanism": {"type": MARKUP, "handled": MARKUP, "description": HOSTILE, "help_link": LINK, "data": odd(), "meta": odd()}, "stacktrace": {"frames": frames}},
            {"type": "constructor", "value": f"second\n{HOSTILE}", "stacktrace": {"frames": [frame(), {"function": None}, {"vars": {"__proto__": 1}}]}},
        ]},
        "threads": {"values": [{"id": MARKUP, "name": HOSTILE, "crashed": True, "state": MARKUP, "stacktrace": {"frames": frames[:2]}}, {"id": "__proto__", "stacktrace": {"frames": frames[:1]}}]},
        "breadcrumbs": {"values": crumbs},
        "request": {"url": LINK, "method": MARKUP, "query_string": [[MARKUP, HOSTILE], ["__proto__", "1"]], "headers": [[MARKUP, HOSTILE], ["Referer", LINK], ["User-Agent", MARKUP]],
                    "cookies": [[MARKUP, MARKUP]], "data": odd(), "env": {MARKUP: HOSTILE}, "fragment": MARKUP},
        "user": {"id": HOSTILE, "username": MARKUP, "name": HOSTILE, "data": odd(), "geo": {"city": MARKUP}},
        "tags": [[MARKUP, HOSTILE], *[[name, MARKUP] for name in PROTOTYPES], ["link", LINK], [HEBREW, HEBREW], ["half", "\ud800"]],
        "contexts": {MARKUP: context, "device": context, "os": context, "browser": context, "constructor": context, "toString": odd(), "__proto__": context,
                     "flags": {"values": [{"flag": MARKUP, "result": HOSTILE}, None]}, "trace": {"trace_id": TRACE, "span_id": SPAN, "op": MARKUP}, "list": [HOSTILE]},
        "extra": odd(), "modules": {MARKUP: HOSTILE, "constructor": "1"}, "sdk": {"name": HOSTILE, "version": MARKUP, "packages": [{"name": MARKUP, "version": LINK}]},
        "debug_meta": {"images": [{"type": MARKUP, "debug_id": MARKUP, "code_file": LINK}]},
        "_meta": {"extra": {MARKUP: {"": {"rem": [[MARKUP, "s", 0, 4], ["__proto__", "x", -1, 1e9]], "len": HOSTILE, "err": [[MARKUP, {MARKUP: 1}]]}}}},
        **more,
    }  # fmt: skip


def span(number: int, **more: Any) -> dict[str, Any]:
    return {
        "trace_id": TRACE, "span_id": f"{number:016x}", "parent_span_id": SPAN, "op": MARKUP, "description": HOSTILE, "status": MARKUP, "origin": MARKUP,
        "start_timestamp": NOW + number / 10, "timestamp": NOW + number / 10 + 0.05, "data": odd() if number == 1 else {MARKUP: HOSTILE, "url": LINK}, "tags": {MARKUP: HOSTILE, "__proto__": "x"}, "hash": MARKUP,
        "links": [{"trace_id": TRACE, "span_id": MARKUP, "attributes": {MARKUP: HOSTILE}}], **more,
    }  # fmt: skip


def transaction() -> bytes:
    loop = [
        span(1, parent_span_id=f"{2:016x}"),
        span(2, parent_span_id=f"{1:016x}"),
        span(3, span_id=SPAN, parent_span_id=SPAN),
    ]
    names = [span(10 + at, span_id=name, parent_span_id=name) for at, name in enumerate(PROTOTYPES)]
    times = [span(30 + at, start_timestamp=when, timestamp=when) for at, when in enumerate(TIMES)]
    usual = [span(60 + at, op=op) for at, op in enumerate(("db.query", "http.client", "constructor", "__proto__", ""))]
    trace = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "op": MARKUP,
        "status": MARKUP,
        "parent_span_id": f"{9:016x}",
        "data": odd(),
    }
    payload = event(
        type="transaction",
        start_timestamp=NOW,
        timestamp=NOW + 9,
        spans=[*loop, *names, *times, *usual],
        measurements={MARKUP: {"value": 1e308, "unit": MARKUP}},
    )
    payload["contexts"]["trace"] = trace
    return item("transaction", payload)  # fmt: skip


def attribute(value: Any, kind: str = "string") -> dict[str, Any]:
    return {"type": kind, "value": value}


def attributes() -> dict[str, Any]:
    template = {
        "sentry.message.template": attribute(f"{{x}} {HOSTILE}"),
        "sentry.message.parameter.x": attribute(HOSTILE),
    }
    return {
        MARKUP: attribute(HOSTILE),
        "url.full": attribute(LINK),
        "n": attribute(1e308, "double"),
        **{name: attribute(MARKUP) for name in PROTOTYPES},
        **template,
    }


def log(body: str, level: Any = "error", when: Any = NOW) -> dict[str, Any]:
    return {
        "timestamp": when,
        "trace_id": TRACE,
        "span_id": SPAN,
        "level": level,
        "severity_number": 17,
        "body": body,
        "attributes": attributes(),
    }


def replay() -> bytes:
    payload = {
        "type": "replay_event",
        "replay_id": "4" * 32,
        "segment_id": 0,
        "urls": [*LINKS, HOSTILE],
        "error_ids": [MARKUP],
        "trace_ids": [TRACE, MARKUP],
        "replay_start_timestamp": -1,
        "timestamp": NOW,
        "platform": MARKUP,
        "environment": MARKUP,
        "tags": {MARKUP: HOSTILE},
        "user": {"username": MARKUP},
        "request": {"url": LINK, "headers": {MARKUP: HOSTILE}},
    }
    recording = (
        json.dumps({"segment_id": 0}).encode()
        + b"\n"
        + json.dumps(
            [
                {
                    "type": 5,
                    "timestamp": 1,
                    "data": {"tag": "breadcrumb", "payload": {"message": HOSTILE, "data": {"href": LINK}}},
                }
            ]
        ).encode()
    )
    return envelope(({"type": "replay_event"}, json.dumps(payload).encode()), ({"type": "replay_recording", MARKUP: MARKUP}, recording), event_id="4" * 32, **envelope_header())  # fmt: skip


def profile() -> bytes:
    frames = [
        {"function": HOSTILE, "filename": LINK, "abs_path": LINK, "module": MARKUP, "lineno": 1},
        *[{"function": name} for name in PROTOTYPES],
    ]
    samples = [
        {"stack_id": at % 4, "thread_id": ("1", MARKUP, "__proto__")[at % 3], "elapsed_since_start_ns": at * 1_000_000}
        for at in range(30)
    ]
    inside = {
        "frames": frames,
        "stacks": [[0, 1, 2], [8, 7, 0], [3], [-1, 99, "x"]],
        "samples": samples,
        "thread_metadata": {"1": {"name": HOSTILE}, MARKUP: {"name": MARKUP}, "__proto__": {"name": MARKUP}},
    }
    return item("profile", {"event_id": "3b241101e2bb42558caf4136c566a962", "platform": "python", "version": "1", "release": MARKUP, "environment": MARKUP, "device": {"architecture": MARKUP}, "os": {"name": MARKUP, "version": MARKUP},
                            "runtime": {"name": MARKUP, "version": MARKUP}, "timestamp": "2026-01-01T00:00:00Z", "transaction": {"id": "9b241101e2bb42558caf4136c566a962", "name": HOSTILE, "trace_id": TRACE, "active_thread_id": "1"}, "profile": inside})  # fmt: skip


def attachments(kind: str, payload: Any) -> bytes:
    head = (({"type": kind}, json.dumps(payload).encode()),) if kind else ()
    files = [
        (
            {
                "type": "attachment",
                "filename": name,
                "content_type": media,
                "attachment_type": MARKUP if at % 2 else "event.attachment",
                MARKUP: HOSTILE,
            },
            body,
        )
        for at, (name, (media, body)) in enumerate(FILES.items())
    ]
    views = (
        {"type": "attachment", "filename": "h.json", "attachment_type": "event.view_hierarchy"},
        json.dumps(
            {
                "rendering_system": MARKUP,
                "windows": [{"type": HOSTILE, "identifier": MARKUP, "children": nest(30, [{"type": MARKUP}])}],
            }
        ).encode(),
    )
    return envelope(*head, *files, views, event_id="d" * 32, **envelope_header())  # fmt: skip


def feedback() -> dict[str, Any]:
    given = {
        "message": HOSTILE,
        "name": HOSTILE,
        "contact_email": MARKUP,
        "url": LINK,
        "source": MARKUP,
        "associated_event_id": "e" * 32,
        "replay_id": MARKUP,
    }
    return event(event_id="d" * 32, contexts={"feedback": given, "trace": {"trace_id": TRACE, "span_id": SPAN}})


def hostile() -> dict[str, bytes]:
    """By kind."""
    when = "2026-01-01T00:00:00Z"
    return {
        "error": item("event", event(event_id="e" * 32)),
        "error with bare times": item("event", {"message": HOSTILE, "timestamp": 3.2e13, "level": MARKUP, "event_id": MARKUP, "exception": MARKUP, "breadcrumbs": MARKUP, "tags": MARKUP, "contexts": MARKUP, "request": 3}),
        "error of nothing": item("event", {"exception": {"values": [None, {"type": None}, 3]}, "threads": [None], "breadcrumbs": [None, 3], "user": [], "timestamp": -62135596800}),
        "attachments alone": attachments("", None),
        "transaction": transaction(),
        "spans": entries("span", "span.v2", [{"trace_id": TRACE, "span_id": f"{at:016x}", "name": HOSTILE, "status": MARKUP, "start_timestamp": NOW, "end_timestamp": end, "attributes": attributes(), "links": [{"trace_id": "\ud800", "span_id": MARKUP}]} for at, end in enumerate((NOW + 1, NOW - 1, 3.2e13), 200)]),
        "logs": entries("log", "log", [log(HOSTILE), log(MARKUP, MARKUP), *[log(name, name) for name in PROTOTYPES], *[log("time", "info", when) for when in TIMES]]),
        "feedback": attachments("feedback", feedback()),
        "user report": item("user_report", {"event_id": "6ccd1c5a5a7f4e3c9d1e0b2a3c4d5e6f", "name": HOSTILE, "email": MARKUP, "comments": HOSTILE}),
        "check-in": item("check_in", {"check_in_id": "1" * 32, "monitor_slug": f"__proto__ {MARKUP}", "status": "in_progress", "duration": 1e300, "environment": MARKUP, "release": MARKUP, "monitor_config": {"schedule": {"type": "crontab", "value": HOSTILE}, "timezone": MARKUP}}),
        "session": item("session", {"sid": "8-4-4-4-12", "did": MARKUP, "init": True, "started": when, "timestamp": when, "duration": 1e300, "status": "crashed", "errors": -5, "attrs": {"release": MARKUP, "environment": HOSTILE, "user_agent": MARKUP}}),
        "sessions": item("sessions", {"aggregates": [{"started": when, "did": MARKUP, "exited": 2**53, "crashed": -1}], "attrs": {"release": "__proto__", "environment": MARKUP}}),
        "metric": entries("trace_metric", "trace-metric", [{"timestamp": NOW, "trace_id": TRACE, "name": name, "type": kind, "unit": MARKUP, "value": value, "attributes": attributes()} for name, kind, value in ((HOSTILE, "gauge", -1e308), ("__proto__", "counter", 1e308), ("constructor", MARKUP, 0))]),
        "statsd": envelope(({"type": "statsd"}, f"{MARKUP}:1|c|#{MARKUP}:x".encode())),
        "profile": profile(),
        "replay": replay(),
        "client report": item("client_report", {"timestamp": NOW, "discarded_events": [{"reason": HOSTILE, "category": MARKUP, "quantity": 2**53}, {"reason": "__proto__", "category": "constructor", "quantity": 1}]}),
        "security": item("raw_security", {"csp-report": {"blocked-uri": LINK, "document-uri": LINK, "referrer": HOSTILE, "violated-directive": MARKUP, "effective-directive": "img-src", "original-policy": MARKUP, "source-file": LINK, "line-number": HOSTILE}}),
        "unknown": item(MARKUP, {MARKUP: HOSTILE}, filename=HOSTILE),
        "prototype": item("__proto__", {"constructor": 1}),
        "many keys": item("event", {"message": "many keys", "extra": {f"<img src=x onerror=window.pwned={at}>": at for at in range(10_000)}, "tags": {f"t{at}": MARKUP for at in range(300)}}),
        "deep": item("event", {"message": "deep", "extra": nest(100, HOSTILE)}),
        "many frames": item("event", {"message": "many frames", "exception": {"values": [{"type": "E", "value": "x", "stacktrace": {"frames": [{"filename": f"{HEBREW}<b>{at}", "function": "<svg onload=window.pwned=1>", "lineno": at, "in_app": at % 3 == 0, "context_line": "<img src=x onerror=window.pwned=1>"} for at in range(1000)]}}]}}),
        "no envelope": f"{{{MARKUP} {STEERING}".encode(),
        "broken item": json.dumps({MARKUP: 1}).encode() + b'\n{"type":"event"}\n{"message": "' + MARKUP.encode(),
    }  # fmt: skip


def large(size: int) -> dict[str, bytes]:
    """Texts of `size` bytes: in one run, of lines, of controls, of an alphabet that runs the other way."""
    return {
        "one run": envelope(({"type": "attachment", "filename": "w" * 5000, "content_type": "text/plain"}, b"W" * size)),
        "lines": envelope(({"type": "attachment", "filename": "l.txt", "content_type": "text/plain"}, b"<b>line</b>\n" * (size // 12))),
        "json": envelope(({"type": "attachment", "filename": "j.json", "content_type": "application/json"}, json.dumps([MARKUP * 3] * (size // 330)).encode())),
        "controls": envelope(({"type": "attachment", "filename": "c.txt", "content_type": "text/plain"}, b"\x1b\x07" * (size // 2))),
        "csv": envelope(({"type": "attachment", "filename": "c.csv", "content_type": "text/csv"}, b"a,b,c\n" * (size // 6))),
        "one cell": envelope(({"type": "attachment", "filename": "d.csv", "content_type": "text/csv"}, b'"' + b"x" * size)),
        "unknown": envelope(({"type": "new_kind"}, b"\xff" * size)),
        "event": item("event", {"message": "large", "extra": {"text": "W" * size, "right to left": HEBREW * (size // 80)}}),
        "log": entries("log", "log", [log("W" * (size // 4)), log(f"{HEBREW}\x1b[31m" * (size // 80))]),
        "span": entries("span", "span.v2", [{"trace_id": "b" * 32, "span_id": SPAN, "name": "W" * size, "status": "ok", "start_timestamp": NOW, "end_timestamp": NOW + 1, "attributes": {"x": attribute("W" * size)}}]),
    }  # fmt: skip
