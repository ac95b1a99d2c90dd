"""Lines to a statsd server, by UDP: as many as fit into a datagram, and whoever is not there misses them.

Runs in the thread of whoever sends. Invariant: sending never waits, but for the name service, which is asked once in a while.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

MOST_BYTES: Final = 1_432
"""What passes any network in one piece."""
_ASK_AGAIN_S: Final = 60.0


class Wire:
    """To one server. `failed` counts datagrams that nobody can have got, so far as is known here."""

    def __init__(self, address: str, *, now_mono: Callable[[], float] = time.monotonic) -> None:
        self.address = address
        parts = urlsplit(f"//{address}")
        assert parts.hostname is not None
        self._place = parts.hostname, parts.port
        self._now_mono = now_mono
        self._socket: socket.socket | None = None
        self._until_mono = float("-inf")
        self._problem = OSError()
        self.sent = 0
        self.failed = 0

    def send(self, lines: Iterable[str]) -> str:
        """Returns what went wrong last, if anything did."""
        problem = ""
        for datagram in _packed(lines):
            try:
                self._open().send(datagram)
            except OSError as error:
                self.failed += 1
                problem = error.strerror or str(error)
            else:
                self.sent += 1
        return problem

    def _open(self) -> socket.socket:
        """Connected, so that the system says when nobody is there. Raises `OSError`."""
        now_mono = self._now_mono()
        if now_mono >= self._until_mono:
            self._until_mono = now_mono + _ASK_AGAIN_S
            try:
                found = _connected(*self._place)
            except OSError as error:  # whoever was there before may be there still
                self._problem = error
            else:
                self.close()
                self._socket = found
        if self._socket is None:
            raise self._problem
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __repr__(self) -> str:
        return f"<Wire to {self._place[0]}:{self._place[1]} sent={self.sent} failed={self.failed}>"


def _connected(host: str, port: int | None) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    found = socket.socket(family, kind, protocol)
    try:
        found.setblocking(False)
        found.connect(place)
    except OSError:
        found.close()
        raise
    return found


def _packed(lines: Iterable[str]) -> Iterator[bytes]:
    packet = bytearray()
    for line in lines:
        encoded = line.encode()
        if packet and len(packet) + 1 + len(encoded) > MOST_BYTES:
            yield bytes(packet)
            packet.clear()
        if packet:
            packet += b"\n"
        packet += encoded
    if packet:
        yield bytes(packet)
