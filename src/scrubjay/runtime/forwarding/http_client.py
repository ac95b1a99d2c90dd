"""Requests to one server over kept-alive HTTP/1.1 connections.

Owns the pool. One connection is `connection`, opening it `dialing`; what a request says and what an answer means is `upstream`'s
business (`upstream-and-operations.md` 6.2, 6.4).

Written for one purpose, because a general client costs five times as much processor time per request as this one, which would make
forwarding the dearest step after scrubbing. It never follows a redirect, keeps no cookies, and starts no task per request.

Invariants: a connection serves one request at a time and returns to the pool only after a whole reply; a request is sent a second
time only if the server had closed a kept-alive connection without a word. How many requests run at once is the caller's business.
"""

from __future__ import annotations

import asyncio
import ssl

from scrubjay.runtime.forwarding.connection import Connection, NoReply
from scrubjay.runtime.forwarding.dialing import Dialer
from scrubjay.runtime.forwarding.http_reply import MAX_KEPT_BYTES, Reply
from scrubjay.runtime.forwarding.origin import Origin, Proxy
from scrubjay.runtime.forwarding.resolving import Resolver

__all__ = ["HttpClient", "NoReply", "Origin", "Proxy"]


class HttpClient:
    """The pool of connections to one server.

    `tls` is needed for https. `server_name` is the name in the server's certificate where it is not the host's.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        proxy_tls: ssl.SSLContext | None = None,
        resolver: Resolver | None = None,
        connect_timeout_s: float = 3.0,
        idle_s: float = 15.0,
        recycle_s: float = 75.0,
    ) -> None:
        self._dialer = Dialer(
            origin,
            tls=tls,
            server_name=server_name,
            proxy=proxy,
            proxy_tls=proxy_tls,
            resolver=resolver or Resolver(),
            timeout_s=connect_timeout_s,
        )
        self.origin = origin
        self._idle_s = idle_s
        self._recycle_s = recycle_s
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def target(self, path: str) -> str:
        """What stands in the request line: a proxy that is asked in the clear wants the whole address."""
        return f"{self.origin}{path}" if self._dialer.proxy is not None and self._dialer.tls is None else path

    def proxy_header(self) -> str:
        dialer = self._dialer
        return dialer.proxy.header() if dialer.proxy is not None and dialer.tls is None else ""

    def trust(self, tls: ssl.SSLContext) -> None:
        """Verifies with another context from now on: certificates were renewed. Connections of old are not used again."""
        dialer = self._dialer
        if dialer.proxy_tls is not None:
            dialer.proxy_tls = tls
        if dialer.tls is not None:
            dialer.tls = tls
        if dialer.tls is not None or dialer.proxy_tls is not None:
            self._close_idle()
            for connection in self._busy:
                connection.opened_mono = float("-inf")

    def be_patient(self, connect_timeout_s: float) -> None:
        """For connections from now on."""
        self._dialer.timeout_s = connect_timeout_s

    async def request(
        self, head: bytes, body: bytes, timeout_s: float, *, once: bool = False, keeps_bytes: int = MAX_KEPT_BYTES
    ) -> Reply:
        """Sends `head` (request line and headers, empty line included) and `body`. Raises `NoReply`.

        `once`: better not at all than twice, so it is not sent again where a kept-alive connection may have taken it. `keeps_bytes`: of the
        reply's body.
        """
        kept = self._take()
        if kept is not None:
            try:
                return await self._exchange(kept, head, body, timeout_s, keeps_bytes)
            except NoReply as error:
                if error.failure != "reset" or not error.silent or self._closed or (once and error.ambiguous):
                    raise
        return await self._exchange(await self._dialer.connect(), head, body, timeout_s, keeps_bytes)

    async def _exchange(
        self, connection: Connection, head: bytes, body: bytes, timeout_s: float, keeps_bytes: int
    ) -> Reply:
        self._busy.add(connection)
        try:
            reply = await connection.exchange(head, body, timeout_s, keeps_bytes=keeps_bytes)
        except BaseException:
            connection.close()
            raise
        finally:
            self._busy.discard(connection)
        if self._closed:
            connection.close()
        elif connection.is_open:
            self._give_back(connection)
        return reply

    # The pool

    def _take(self) -> Connection | None:
        now_mono = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if self._is_fresh(connection, now_mono):
                return connection
            connection.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since_mono = loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._idle_s, self._sweep)

    def _is_fresh(self, connection: Connection, now_mono: float) -> bool:
        idle_s = now_mono - connection.idle_since_mono
        return connection.is_open and idle_s < self._idle_s and now_mono - connection.opened_mono < self._recycle_s

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now_mono = loop.time()
        fresh = [connection for connection in self._idle if self._is_fresh(connection, now_mono)]
        for connection in self._idle:
            if connection not in fresh:
                connection.close()
        self._idle = fresh
        self._sweeper = loop.call_later(self._idle_s, self._sweep) if fresh else None

    def close(self) -> None:
        """Closes all connections; requests under way end with `NoReply`."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._close_idle()
        for connection in self._busy:
            connection.close()

    def _close_idle(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def __repr__(self) -> str:
        return f"<HttpClient {self.origin} busy={len(self._busy)} idle={len(self._idle)}>"
