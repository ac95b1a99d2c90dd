"""Sending to a test's share of a sink, as an SDK does."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit
from uuid import uuid4

from scrubjay.testing import Capture


def post(
    share: Capture,
    *items: tuple[str, object],
    timeout_s: float = 30,
    path: str | None = None,
    body: bytes | None = None,
    **header: object,
) -> tuple[int, dict[str, str], bytes]:
    """An envelope of these items (type, payload), or another body, to the share's DSN: status, headers and body of the answer."""
    lines = [json.dumps({"event_id": uuid4().hex, **header})]
    for kind, payload in items or (("event", {"message": "hello"}),):
        data = payload if isinstance(payload, str) else json.dumps(payload)
        lines += [json.dumps({"type": kind, "length": len(data.encode())}), data]
    connection = HTTPConnection(urlsplit(share.url).netloc, timeout=timeout_s)
    try:
        headers = {"Connection": "close"}
        if "sentry_key" not in (path or ""):
            headers["X-Sentry-Auth"] = f"Sentry sentry_version=7, sentry_key={share.key}"
        connection.request(
            "POST",
            path or f"/api/{share.project}/envelope/",
            "\n".join(lines).encode() if body is None else body,
            headers,
        )
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()
