"""The listening sockets: one per slot on the same address, bound before the first worker starts, kept until the last one has ended.

The kernel spreads connections over sockets that share a port (`upstream-and-operations.md` 10.1), and keeps those of a dead worker for its
successor, because the socket lives on here. Nothing is accepted here; a worker makes its socket listen when it is ready.

Invariant: an address that somebody else listens on is refused, although sharing would let us in: two instances on a port would each see half.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.bound_socket import bound_socket

_WAIT_S: Final = 3.0
"""Who holds the port may be ending just now: workers whose supervisor was killed."""
_POLL_S: Final = 0.05
_CAN_SHARE: Final = hasattr(socket, "SO_REUSEPORT")


def bind(
    host: str, port: int, count: int, *, share: bool = _CAN_SHARE, sleep: Callable[[float], None] = time.sleep
) -> list[socket.socket]:
    """`count` bound sockets, or one to be shared where ports cannot be (then it is in the list `count` times). Raises `ConfigError`."""
    try:
        if port:
            _claim(host, port, sleep)
        made = [bound_socket(host, port, share=share)]
        try:
            while share and len(made) < count:
                made.append(bound_socket(host, port_of(made[0]), share=True))
        except OSError:
            for each in made:
                each.close()
            raise
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}", path="relay.port") from error
    return made if share else made * count


def port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def _claim(host: str, port: int, sleep: Callable[[float], None]) -> None:
    """Waits a little for the port to be nobody's. Raises `OSError`."""
    for _ in range(int(_WAIT_S / _POLL_S)):
        try:
            bound_socket(host, port, share=False).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            sleep(_POLL_S)
        else:
            return
    bound_socket(host, port, share=False).close()
