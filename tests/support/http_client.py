"""Requests as bytes: what a test wants to send, however wrong, over a plain socket.

Owns a timed POST on a connection of its own, and the authentication header.
"""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass

from support.daemon import KEY

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """A response, and how long it took from connecting to its last byte."""

    status: int
    body: bytes
    headers: dict[str, str]
    seconds: float


def auth(key: str = KEY, client: str = "test/1.0") -> dict[str, str]:
    return {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7, sentry_client={client}"}


def post(
    port: int, target: str, body: bytes, headers: Mapping[str, str] | None = None, *, timeout_s: float = TIMEOUT_S
) -> Answer:
    """One POST on a connection of its own. OSError or HTTPException if there is no answer."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", target, body=body, headers={**auth(), **(headers or {})})
        response = connection.getresponse()
        content = response.read()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, content, fields, time.monotonic() - started)
    finally:
        connection.close()
