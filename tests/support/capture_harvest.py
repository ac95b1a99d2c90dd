"""All that a capture gives to whoever asks, by every route and in every form: for tests that search it for what must not be there."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

API = "/api/capture"
FORMS = ("json", "markdown", "curl", "envelope", "python")
HOST = {"Host": "localhost"}
QUIET_S = 0.4
"""A stream that says nothing for so long has told everything."""


class Asking:
    """One connection for everything."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.found: dict[str, bytes] = {}

    def take(self, target: str, method: str = "GET", body: object = None) -> bytes:
        """Headers and body as one text."""
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, target, sent, HOST)
        answer = self._connection.getresponse()
        text = str(answer.headers).encode() + answer.read()
        self.found[f"{method} {target} {sent or ''}"[:300]] = text
        return text

    def close(self) -> None:
        self._connection.close()


def stream(port: int, target: str) -> bytes:
    """What a stream tells until it is quiet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    told = bytearray()
    try:
        connection.request("GET", target, None, HOST)
        line = connection.sock
        answer = connection.getresponse()
        line.settimeout(QUIET_S)
        with suppress(TimeoutError):
            while piece := answer.read1(1 << 16):
                told += piece
    finally:
        connection.close()
    return bytes(told)


def harvest(port: int, *, originals: bool, briefly: bool = False) -> dict[str, bytes]:
    """Where it was found → what. `originals`: they are kept, so that the routes that show them are left out. `briefly`: without forms to paste, of which
    each record has its turn otherwise."""
    asking = Asking(port)
    take = asking.take
    take(f"{API}/stats")  # waits for the reports
    records = [json.loads(line) for line in take(f"{API}/export").partition(b"\n\n")[2].splitlines()]
    for path in ("status", "rules", "envelopes?limit=500", "events?limit=500", "traces?limit=500", "faults"):
        take(f"{API}/{path}")
    for turn, record in enumerate(records):
        path = f"{API}/events/{record['id']}"
        take(path)
        for form in () if briefly else (FORMS[turn % 5], FORMS[turn // 5 % 5]):
            take(f"{path}/export?as={form}")
        for number in range(record.get("attachments", 0) + (record["type"] == "attachment")):
            take(f"{path}/attachments/{number}")
        if not originals:
            take(f"{path}/report")
            take(f"{path}/original")
    for capture_id in sorted({record["capture_id"] for record in records}):
        take(f"/envelope/{capture_id}")
        take(f"{API}/envelopes/{capture_id}")
    for trace_id in sorted({record["trace_id"] for record in records if "trace_id" in record}):
        take(f"{API}/traces/{quote(trace_id, safe='')}")
    for method, target, body in _questions([record["id"] for record in records], originals=originals):
        take(f"{API}/{target}", method, body)
    take("/metrics")
    asking.close()
    found = asking.found
    found["stream"] = stream(port, "/stream")
    found["stream base64"] = stream(port, "/stream?base64=1")
    found["stream of records"] = stream(port, f"{API}/stream?payload=1")
    return found


def _questions(ids: list[str], *, originals: bool) -> Iterator[tuple[str, str, object]]:
    """What fails tells what came close."""
    yield "GET", "wait?timeout=0&level=fatal&type=error&user.id=none", None
    yield "GET", "wait?timeout=0&tag.customer=none&message=none&has=suspects", None
    yield "GET", "wait?timeout=0&count=1&exactly=1", None
    expect = [
        {"match": {"type": "error", "tag.customer": "none"}, "count": 1, "each": {"path:/user/id": "7"}},
        {"match": {"type": "error"}, "count": 0, "any": {"path:/user/email": "none", "path:/extra": "none"}},
        {"match": {"type": "*"}, "each": {"path:/user": "none", "path:/request": "none", "path:/message": "none"}},
        {"match": {"type": "*"}, "absent": {"regex": "."}},
        {"match": {"has": "suspects"}, "count": 10_000},
    ]
    yield "POST", "assert", {"expect": expect}
    for name in ("frob", "typ", "tag.", "path:"):
        yield "GET", f"events?{name}=1", None
    if not originals:
        for start in range(0, len(ids), 100):
            yield (
                "POST",
                "dry-run",
                {"rules": {"applications": {"$string": ["@email:hash"]}}, "ids": ids[start : start + 100]},
            )
            yield "POST", "dry-run", {"rules": "current", "ids": ids[start : start + 100]}
