"""A socket that has a port and does not listen yet. Standard library only, for the supervisor's sake."""

from __future__ import annotations

import socket
from contextlib import suppress


def bound_socket(host: str, port: int, *, share: bool = False) -> socket.socket:
    """`share`: other sockets may have the same port (SO_REUSEPORT). Raises `OSError`, with nothing left open."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            with suppress(OSError):
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
