"""A TCP front that gives a client another loopback address, as a browser's peer address in a relay's eyes.

Owns accepting on a loopback port and copying both ways to a target from a chosen source address; knows no protocol.
"""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK_BYTES = 65536


@contextmanager
def front(target_port: int, *, source_address: str) -> Iterator[int]:
    """Serve until the block ends; yields the port to connect to."""

    class Copy(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", target_port), source_address=(source_address, 0)) as target:
                back = threading.Thread(target=_pump, args=(target, self.request), name="front")
                back.start()
                _pump(self.request, target)
                back.join()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Copy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="front")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until the end of `source`, then tell `target` that no more will come."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
