"""Where a worker accepts: on an address of its own, or on a socket that it was given; at most so many connections at once.

Owns the listening socket, the bound of connections and the order of closing (`upstream-and-operations.md` 9.6, step 3). A socket that was
given stays open elsewhere when the worker closes it: what arrives then waits for the next worker. Beyond the bound nothing is accepted,
and nobody refused: connections wait in the kernel until one ends. With TLS a connection counts from its first packet on (`handshakes`).

Whoever is connected when it closes is answered: those that wait in the kernel are taken, and a connection that seems idle may have a request on
its way, which a client would lose that sends no request twice.
"""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from aiohttp import web

from scrubjay.errors import ConfigError
from scrubjay.runtime.bound_socket import bound_socket
from scrubjay.runtime.endpoints.common import Request, UnixRequest
from scrubjay.runtime.endpoints.front import Front
from scrubjay.runtime.handshakes import Handshakes
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.schema import Settings

_HANDLER_END_S: Final = 0.1
"""For a request that was given up."""
_LAST_REQUEST_S: Final = 0.5
_LAST_LOOK_S: Final = 0.02
"""For a connection that is open when the port closes: until then its last request comes, or none does."""
_LAST_HANDSHAKE_S: Final = 1.0
"""For a TLS connection that is being made when the port closes."""
_AGAIN_S: Final = 1.0
"""Pause after an error of accepting, such as too many open files."""


class Listener(Protocol):
    """What takes connections; `asyncio.Server` is one."""

    def close(self) -> None: ...


Serve = Callable[[web.Server, socket.socket], Awaitable[None]]
"""Has a connection that was accepted served. Raises `OSError` if it has gone again."""


class Observer(Protocol):
    def internal_error(self, place: str, error: BaseException) -> None: ...


class Port:
    """Open from `open_port` until `close`. `bound` is the socket on which `listener` accepts; `tasks` are those of connections that are
    being made.
    """

    def __init__(
        self, front: Front, server: web.Server, listener: Listener, bound: socket.socket, serve: Serve, tasks: Tasks
    ) -> None:
        name = bound.getsockname()
        self.number = int(name[1]) if isinstance(name, tuple) else 0
        """0 for a Unix socket."""
        self._front = front
        self._server = server
        self._listener = listener
        self._bound = bound
        self._serve = serve
        self._tasks = tasks

    @property
    def connections(self) -> int:
        return len(self._server.connections)

    async def close(self, wait_s: float) -> None:
        """Takes nobody new, and answers what was begun, if it ends in time."""
        give_up_mono = time.monotonic() + wait_s
        await self._stop_accepting()
        await self._front.drain(wait_s)
        for _ in range(int(min(wait_s, _LAST_REQUEST_S) / _LAST_LOOK_S)):
            if not self._server.connections:
                break
            await asyncio.sleep(_LAST_LOOK_S)
        await self._front.drain(max(0.0, give_up_mono - time.monotonic()))
        self._server.pre_shutdown()
        await self._server.shutdown(_HANDLER_END_S)

    async def _stop_accepting(self) -> None:
        """Closes the listener, and takes those whom the kernel has let in already: they would be cut off."""
        waiting: list[socket.socket] = []
        with suppress(OSError), self._bound.dup() as last:
            self._listener.close()
            last.setblocking(False)
            while True:  # until nobody is left, which is an error
                waiting.append(last.accept()[0])
        self._listener.close()  # if there was no descriptor for the other one
        for connection in waiting:
            self._tasks.start("last-connection", self._take(connection))
        await self._tasks.settle(_LAST_HANDSHAKE_S)

    async def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._serve(self._server, connection)
        except OSError:  # it has gone again
            connection.close()

    def __repr__(self) -> str:
        return f"<Port {self.number}: {len(self._server.connections)} connections>"


async def open_port(
    front: Front,
    settings: Settings,
    given: socket.socket | None,
    observer: Observer,
    *,
    at: tuple[str, int] | None = None,
    handshakes: Handshakes | None = None,
) -> Port:
    """Begins to accept on the socket `given`, else `at` an address, else at the configured one. Raises `ConfigError` if it cannot be had.

    With `handshakes` it speaks TLS.
    """
    relay, limits = settings.relay, settings.limits
    host, number = at or (relay.host, relay.port)
    bound = given
    if bound is None:
        try:
            bound = bound_socket(host, number)
        except OSError as error:
            problem = f"cannot listen on {host}:{number}: {error.strerror or error}"
            raise ConfigError(problem, path="relay.port") from error
    kind: type[Request] = UnixRequest if bound.family == socket.AF_UNIX else Request
    tasks = Tasks(observer.internal_error)
    serve = _in_the_clear if handshakes is None else handshakes.serve
    idle_s = limits.keepalive_timeout if limits.idle_timeout is None else limits.idle_timeout
    listener: Listener
    if limits.max_connections is None and handshakes is None:
        server = front.server(keepalive_timeout_s=idle_s, kind=kind)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(server, sock=bound, backlog=limits.tcp_listen_backlog)
    else:
        bounded = Bounded(bound, limits.max_connections, tasks, serve)
        server = front.server(keepalive_timeout_s=idle_s, on_closed=bounded.one_closed, kind=kind)
        bounded.start(server, limits.tcp_listen_backlog)
        listener = bounded
    return Port(front, server, listener, bound, serve, tasks)


async def _in_the_clear(server: web.Server, connection: socket.socket) -> None:
    await asyncio.get_running_loop().connect_accepted_socket(server, connection)


class Bounded:
    """Accepts while fewer than `most` connections are open; None: any number."""

    def __init__(self, bound: socket.socket, most: int | None, tasks: Tasks, serve: Serve = _in_the_clear) -> None:
        self.open = 0
        self._bound = bound
        self._most = math.inf if most is None else most
        self._start = serve
        self._loop = asyncio.get_running_loop()
        self._tasks = tasks
        self._is_accepting = False
        self._is_closed = False

    def start(self, server: web.Server, backlog: int) -> None:
        self._server = server
        self._bound.setblocking(False)
        self._bound.listen(backlog)
        self._go_on()

    def one_closed(self) -> None:
        """There is room for another one."""
        self.open -= 1
        self._go_on()

    def close(self) -> None:
        self._pause()
        self._is_closed = True
        self._bound.close()

    def _go_on(self) -> None:
        if not self._is_accepting and not self._is_closed and self.open < self._most:
            self._is_accepting = True
            self._loop.add_reader(self._bound, self._accept)

    def _pause(self) -> None:
        if self._is_accepting:
            self._is_accepting = False
            self._loop.remove_reader(self._bound)

    def _accept(self) -> None:
        while self.open < self._most:
            try:
                connection, _ = self._bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._pause()
                self._loop.call_later(_AGAIN_S, self._go_on)
                return
            self.open += 1
            self._tasks.start("connection", self._serve(connection))
        self._pause()

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._start(self._server, connection)
        except OSError:  # it has gone again
            connection.close()
            self.one_closed()

    def __repr__(self) -> str:
        return f"<Bounded {self.open} of {self._most} connections>"
