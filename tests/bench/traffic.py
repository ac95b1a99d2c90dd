"""Requests of a known size that look like real ones: a recorded error of the Python SDK, filled up with breadcrumbs.

Owns the event of the benchmarks. Different requests differ in event id and in the numbers of their texts, so that no
cache anywhere sees the same bytes twice in a row.
"""

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

from support.daemon import KEY

VARIANTS = 64


BASE = "101-python-event.envelope"
REQUEST = {
    "url": "http://shop.example.com/checkout/",
    "method": "POST",
    "env": {"SERVER_NAME": "localhost", "SERVER_PORT": "8000", "REMOTE_ADDR": "198.51.100.17"},
    "headers": {
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": "shop.example.com",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
        "Cookie": "theme=dark; cart=17",
    },
    "query_string": "",
    "data": {"cart": "1", "qty": "2"},
}
"""What a web framework's integration adds: an ordinary event has a client address and a cookie to scrub."""


def recorded_event() -> dict[str, Any]:
    """The event of the corpus that all sizes start from."""
    body = (Path(__file__).parents[1] / "support" / "corpus" / BASE).read_bytes()
    return dict(json.loads(body.split(b"\n", 2)[2].split(b"\n", 1)[0]))


def sized_event(size_bytes: int, number: int) -> bytes:
    """JSON of about `size_bytes`: the recorded error with a web request, and more of its own kinds of breadcrumbs."""
    event = recorded_event()
    event |= {"event_id": uuid.UUID(int=number + 1).hex, "request": REQUEST}
    recorded = event["breadcrumbs"]["values"]
    crumbs = list(recorded)
    event["breadcrumbs"] = {"values": crumbs}
    size = len(json.dumps(event, separators=(",", ":")))
    while size < size_bytes:
        crumb = dict(recorded[len(crumbs) % len(recorded)])
        if crumb.get("message"):
            crumb["message"] += f" AND shard = {number * 977 + len(crumbs)}"
        crumbs.append(crumb)
        size += len(json.dumps(crumb, separators=(",", ":"))) + 1
    return json.dumps(event, separators=(",", ":")).encode()


def envelope(payload: bytes) -> bytes:
    """An envelope as sentry-sdk writes it."""
    event = json.loads(payload)
    header = {"event_id": event["event_id"], "sent_at": "2026-11-20T10:00:01.000000Z"}
    item = {"type": "event", "content_type": "application/json", "length": len(payload)}
    return b"\n".join([json.dumps(header).encode(), json.dumps(item).encode(), payload, b""])


def requests(size_bytes: int) -> list[bytes]:
    """`VARIANTS` whole HTTP requests, gzip as sentry-sdk sends it."""
    made = []
    for number in range(VARIANTS):
        body = gzip.compress(envelope(sized_event(size_bytes, number)), compresslevel=9)
        head = (
            "POST /api/1/envelope/ HTTP/1.1\r\nHost: relay.local\r\nUser-Agent: sentry.python/2.75.0\r\n"
            "Content-Type: application/x-sentry-envelope\r\nContent-Encoding: gzip\r\n"
            f"X-Sentry-Auth: Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made
