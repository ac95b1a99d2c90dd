"""The listening sockets: one per slot on each address, bound before the first worker starts, kept until the last one has ended.

The kernel spreads connections over sockets that share a port (`upstream-and-operations.md` 10.1), and keeps those of a dead worker for its
successor, because the socket lives on here. Nothing is accepted here; a worker makes its socket listen when it is ready.

A Unix socket is one for all slots: whoever accepts first has the connection.

Invariant: an address that somebody else listens on, or is about to, is refused, although sharing would let us in: two instances on a port would
each see half. A port on which nobody listens yet looks free, so it is claimed by a name beside it until the first worker is ready.
"""

from __future__ import annotations

import errno
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.bound_socket import bound_socket, bound_unix_socket, unix_socket_leaver
from scrubjay.runtime.supervision.orders import Orders

_WAIT_S: Final = 3.0
"""Who holds the port may be ending just now: workers whose supervisor was killed."""
_POLL_S: Final = 0.05
_CAN_SHARE: Final = hasattr(socket, "SO_REUSEPORT")
_CAN_CLAIM: Final = sys.platform == "linux"
"""Names of sockets that are no files: they belong to the network namespace, as ports do, and go with their process."""


def claim(orders: Orders, *, sleep: Callable[[float], None] = time.sleep) -> ExitStack:
    """Until it is closed, no other instance takes the ports of `orders`. Raises `ConfigError`."""
    claims = ExitStack()
    wanted = (
        ("relay.port", orders.host, orders.port),
        ("relay.internal_port", orders.internal_host, orders.internal_port),
    )
    for key, host, port in wanted if _CAN_CLAIM else ():
        if host is None or not port:
            continue
        try:
            claims.enter_context(_had(partial(_named, f"\0scrubjay {host}:{port}"), sleep))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                claims.close()
                raise ConfigError(
                    f"cannot listen on {host}:{port}: another instance is starting there", path=key
                ) from error
    return claims


def _named(name: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(name)
    except OSError:
        made.close()
        raise
    return made


def bind(
    host: str,
    port: int,
    count: int,
    *,
    key: str = "relay.port",
    share: bool = _CAN_SHARE,
    sleep: Callable[[float], None] = time.sleep,
) -> list[socket.socket]:
    """`count` bound sockets, or one to be shared where ports cannot be (then it is in the list `count` times). Raises `ConfigError`, which
    blames `key`.
    """
    try:
        if port:
            _had(lambda: bound_socket(host, port), sleep).close()
        made = [bound_socket(host, port, share=share)]
        try:
            while share and len(made) < count:
                made.append(bound_socket(host, port_of(made[0]), share=True))
        except OSError:
            for each in made:
                each.close()
            raise
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}", path=key) from error
    return made if share else made * count


def bind_beside(orders: Orders, *, sleep: Callable[[float], None] = time.sleep) -> list[dict[str, socket.socket]]:
    """For each slot its sockets beside the main one, by name: `internal`, `unix`. Raises `ConfigError`."""
    slots: list[dict[str, socket.socket]] = [{} for _ in range(orders.workers)]
    host, port, path = orders.internal_host, orders.internal_port, orders.unix_socket
    if host is not None and port is not None:
        bound = bind(host, port, orders.workers, key="relay.internal_port", sleep=sleep)
        for slot, each in zip(slots, bound, strict=True):
            slot["internal"] = each
    if path is not None:
        try:
            one = _had(lambda: bound_unix_socket(path), sleep)
        except OSError as error:
            problem = f"cannot listen on {path}: {error.strerror or error}"
            raise ConfigError(problem, path="relay.unix_socket") from error
        for slot in slots:
            slot["unix"] = one
    return slots


def port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def leaving(orders: Orders) -> Callable[[], None]:
    """What is to be done at the end, after `bind_beside`: a Unix socket's file goes."""
    return unix_socket_leaver(orders.unix_socket) if orders.unix_socket is not None else lambda: None


def shown(bound: socket.socket) -> str:
    """The address, or the path."""
    name = bound.getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"


def _had(bind: Callable[[], socket.socket], sleep: Callable[[float], None]) -> socket.socket:
    """Waits a little for the address to be nobody's. Raises `OSError`."""
    for _ in range(int(_WAIT_S / _POLL_S)):
        try:
            return bind()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            sleep(_POLL_S)
    return bind()
