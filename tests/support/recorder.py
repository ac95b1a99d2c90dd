"""A server that keeps every envelope, for tests whose relay is a process of its own; it accepts those that no `script` is left for.

Owns what it answers and a reader of envelopes that shares no code with the product, so that the two cannot be wrong together; the server
of a thread is `loopback`'s.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from support.loopback import Handler, listening


@dataclass(frozen=True)
class WireItem:
    """One item as it stands on the wire."""

    headers: dict[str, Any]
    payload: bytes


@dataclass(frozen=True)
class Delivery:
    """One request, its body decoded, what it was answered, and when."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 200
    at_mono: float = 0.0

    @property
    def sender(self) -> str:
        """The authentication header, which names the client."""
        return self.headers.get("x-sentry-auth", "")

    def envelope(self) -> tuple[dict[str, Any], list[WireItem]]:
        return read_envelope(self.body)


def read_envelope(body: bytes) -> tuple[dict[str, Any], list[WireItem]]:
    """Envelope header and items; ValueError if the framing is wrong."""
    line, _, rest = body.partition(b"\n")
    headers = json.loads(line)
    items = []
    while rest.strip(b"\n"):
        line, _, rest = rest.lstrip(b"\n").partition(b"\n")
        item_headers = json.loads(line)
        length = item_headers.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length:]
            if len(payload) != length or rest[:1] not in (b"\n", b""):
                raise ValueError(f"item of length {length} does not end there: {item_headers}")
            rest = rest[1:]
        items.append(WireItem(item_headers, payload))
    return headers, items


class Recorder:
    """What arrived so far. `deliveries` is only appended to; `script` holds status and headers for the next ones.

    `is_away`: every request gets 503, as from a proxy whose server is down. `seconds_each`: it works on one envelope at a time, so long, and goes on
    with what it has although nobody waits for the answer any more.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.deliveries: list[Delivery] = []
        self.script: deque[tuple[int, dict[str, str]]] = deque()
        self.is_away = False
        self.seconds_each = 0.0
        self.turn = threading.Lock()

    @property
    def refused(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.status != 200]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def user_agents(self) -> list[str]:
        return [delivery.headers.get("user-agent", "") for delivery in self.deliveries]


@contextmanager
def recording(port: int = 0) -> Iterator[Recorder]:
    """Serve on `port` (a free one by default) until the block ends."""

    class Keeper(Handler):
        def respond(self, body: bytes) -> None:
            if self.command == "GET":
                self._answer(503 if recorder.is_away else 200)
                return
            headers = self.header_map()
            status, more = recorder.script.popleft() if recorder.script and not recorder.is_away else (200, {})
            status = 503 if recorder.is_away else status
            if recorder.seconds_each:
                with recorder.turn:
                    time.sleep(recorder.seconds_each)
            recorder.deliveries.append(Delivery(self.path, headers, body, status, time.monotonic()))
            self._answer(status, more)

        def _answer(self, status: int = 200, more: Mapping[str, str] = MappingProxyType({})) -> None:
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    recorder = Recorder(port)
    with listening(Keeper, port, "recorder") as recorder.port:
        yield recorder
