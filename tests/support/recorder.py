"""A server that keeps every envelope, for tests whose relay is a process of its own; it accepts those that no `script` is left for.

Owns a thread with an HTTP/1.1 server on loopback (Content-Length and chunked bodies, the four content encodings) and a
reader of envelopes that shares no code with the product, so that the two cannot be wrong together.
"""

import gzip
import json
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

import brotli
import zstandard

DECODERS = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = DECODERS[headers.get("content-encoding", "")](self._body(headers))
            status, more = recorder.script.popleft() if recorder.script and not recorder.is_away else (200, {})
            status = 503 if recorder.is_away else status
            if recorder.seconds_each:
                with recorder.turn:
                    time.sleep(recorder.seconds_each)
            recorder.deliveries.append(Delivery(self.path, headers, body, status, time.monotonic()))
            self._answer(status, more)

        def do_GET(self) -> None:
            self._answer(503 if recorder.is_away else 200)

        def _answer(self, status: int = 200, more: Mapping[str, str] = MappingProxyType({})) -> None:
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length", "0")))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: tests look at `deliveries`."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024
        """A relay opens a hundred connections at once; what the kernel turns away waits for seconds."""

        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # those end with the relay that was killed
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", port), Handler)
    recorder = Recorder(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="recorder")
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
