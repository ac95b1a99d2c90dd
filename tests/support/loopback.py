"""What the tests' servers of a thread have in common: listening on loopback, many connections, whole and decoded bodies.

Leaves to each server what it answers. A reader of its own, so that product and test cannot be wrong together.
"""

import gzip
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


class Handler(BaseHTTPRequestHandler):
    """One request of HTTP/1.1; says nothing on the screen: tests look at what was kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.respond(b"")

    def do_POST(self) -> None:
        self.respond(self._read_body())

    def respond(self, body: bytes) -> None:
        """Answer the request; `body` is whole and decoded."""
        raise NotImplementedError

    def header_map(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _read_body(self) -> bytes:
        headers = self.header_map()
        return DECODERS[headers.get("content-encoding", "")](self._framed(headers))

    def _framed(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", "0")))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    """A relay opens a hundred connections at once; what the kernel turns away waits for seconds."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # those end with the relay that was killed
            super().handle_error(request, client_address)


@contextmanager
def listening(handler: type[Handler], port: int, name: str) -> Iterator[int]:
    """Serve in a thread called `name` until the block ends; yields the port, which is a free one if `port` is 0."""
    server = _Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
