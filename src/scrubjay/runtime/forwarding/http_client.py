"""Requests to one server over kept-alive HTTP/1.1 connections.

Owns connecting (TLS, a forward proxy), the pool, timeouts, and what a missing answer is called. What a request says and what an
answer means is `upstream`'s business; replies are read by `http_reply` (`upstream-and-operations.md` 6.2, 6.4, 6.9).

Written for one purpose, because a general client costs five times as much processor time per request as this one, which would make
forwarding the dearest step after scrubbing. It never follows a redirect, keeps no cookies, and starts no task per request.

Invariants: a connection serves one request at a time and returns to the pool only after a whole reply; a request is sent a second
time only if the server had closed a kept-alive connection without a word. How many requests run at once is the caller's business.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote, urlsplit

from scrubjay.runtime.forwarding.http_reply import BrokenReply, Reply, ReplyReader

_JOIN_BELOW_BYTES: Final = 64 * 1024
"""Up to here one copy is cheaper than a second write."""

Failure = Literal["connect", "tls", "timeout", "reset", "broken"]


class NoReply(Exception):
    """The server gave no answer. `silent`: nothing at all came back."""

    def __init__(self, failure: Failure, detail: str, *, silent: bool = True) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a server."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Origin:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"no HTTP address: {url!r}")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))

    @property
    def netloc(self) -> str:
        """As in a `Host` header: the port only where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy; `authorization` is the value of its header."""

    origin: Origin
    authorization: str | None = None

    @classmethod
    def parse(cls, url: str) -> Proxy:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        authorization = None
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(credentials.encode()).decode("ascii")
        return cls(Origin.parse(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"), authorization)

    def header(self) -> str:
        return f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""


class Connection(asyncio.Protocol):
    """One connection, and the one request that is under way on it."""

    __slots__ = ("_loop", "_reader", "_timer", "_transport", "_waiter", "idle_since_mono", "opened_mono")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader: ReplyReader | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.opened_mono = self.idle_since_mono = loop.time()

    def exchange(self, head: bytes, body: bytes, timeout_s: float, *, bodiless: bool = False) -> asyncio.Future[Reply]:
        """Sends a request. The future ends with the reply or `NoReply`. `bodiless`: the reply is a head alone."""
        waiter = self._waiter = self._loop.create_future()
        self._reader = ReplyReader(bodiless=bodiless)
        if self._transport is None or self._transport.is_closing():
            self._fail("reset", "connection closed")
            return waiter
        self._timer = self._loop.call_later(timeout_s, self._fail, "timeout", f"no reply within {timeout_s:g} s")
        if len(body) < _JOIN_BELOW_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return waiter

    async def start_tls(self, tls: ssl.SSLContext, server_name: str) -> None:
        """Turns what a proxy passes on blindly into a connection to the server itself."""
        assert self._transport is not None
        self._transport = await self._loop.start_tls(self._transport, self, tls, server_hostname=server_name)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour, not by name

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.close()  # nobody asked
            return
        try:
            reply = self._reader.feed(data)
        except BrokenReply as error:
            self._fail("broken", str(error))
            return
        if reply is not None:
            self._succeed(reply)

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reader is None:
            return
        reply = self._reader.end() if exc is None else None
        if reply is not None:
            self._succeed(reply)
        else:
            self._fail("reset", str(exc) if exc else "closed before the reply was whole")

    def _succeed(self, reply: Reply) -> None:
        waiter = self._end()
        # An answer before the request was read whole (413, 503): what is left of it would be taken for the next request.
        unsent = self._transport is not None and self._transport.get_write_buffer_size() > 0
        if unsent or not reply.reusable:
            self.close()
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _fail(self, failure: Failure, detail: str) -> None:
        silent = self._reader is None or not self._reader.started
        waiter = self._end()
        self.close()
        if waiter is not None and not waiter.done():
            waiter.set_exception(NoReply(failure, detail, silent=silent))

    def _end(self) -> asyncio.Future[Reply] | None:
        waiter, self._waiter, self._reader = self._waiter, None, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return waiter


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
        connect_timeout_s: float = 3.0,
        idle_s: float = 15.0,
        recycle_s: float = 75.0,
    ) -> None:
        if origin.scheme == "https" and tls is None:
            raise ValueError("https needs a TLS context")
        self.origin = origin
        self._tls = tls if origin.scheme == "https" else None
        self._server_name = server_name or origin.host
        self._proxy = proxy
        self._connect_timeout_s = connect_timeout_s
        self._idle_s = idle_s
        self._recycle_s = recycle_s
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def target(self, path: str) -> str:
        """What stands in the request line: a proxy that is asked in the clear wants the whole address."""
        return f"{self.origin}{path}" if self._proxy is not None and self._tls is None else path

    def trust(self, tls: ssl.SSLContext) -> None:
        """Verifies with another context from now on: certificates were renewed. Connections of old are not used again."""
        if self._tls is not None:
            self._tls = tls
            self._close_idle()
            for connection in self._busy:
                connection.opened_mono = float("-inf")

    def proxy_header(self) -> str:
        return self._proxy.header() if self._proxy is not None and self._tls is None else ""

    async def request(self, head: bytes, body: bytes, timeout_s: float) -> Reply:
        """Sends `head` (request line and headers, empty line included) and `body`. Raises `NoReply`."""
        kept = self._take()
        if kept is not None:
            try:
                return await self._exchange(kept, head, body, timeout_s)
            except NoReply as error:
                if error.failure != "reset" or not error.silent or self._closed:
                    raise
        return await self._exchange(await self._connect(), head, body, timeout_s)

    async def _exchange(self, connection: Connection, head: bytes, body: bytes, timeout_s: float) -> Reply:
        self._busy.add(connection)
        try:
            reply = await connection.exchange(head, body, timeout_s)
        except BaseException:
            connection.close()
            raise
        finally:
            self._busy.discard(connection)
        if connection.is_open and not self._closed:
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

    # Connecting

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await (self._connect_direct() if self._proxy is None else self._connect_by(self._proxy))
        except TimeoutError as error:
            raise NoReply("connect", f"no connection within {self._connect_timeout_s:g} s") from error
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or str(error)
            raise NoReply("tls", f"{self._server_name}: {reason}") from error
        except OSError as error:
            raise NoReply("connect", error.strerror or str(error)) from error

    async def _connect_direct(self) -> Connection:
        return await self._open(self.origin, self._tls, self._server_name)

    async def _open(self, origin: Origin, tls: ssl.SSLContext | None, server_name: str | None) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        await loop.create_connection(
            lambda: connection, origin.host, origin.port, ssl=tls, server_hostname=server_name if tls else None
        )
        return connection

    async def _connect_by(self, proxy: Proxy) -> Connection:
        proxy_tls = ssl.create_default_context() if proxy.origin.scheme == "https" else None
        connection = await self._open(proxy.origin, proxy_tls, proxy.origin.host)
        if self._tls is None:
            return connection
        place = f"{self.origin.host}:{self.origin.port}"
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proxy.header()}\r\n".encode("latin-1")
        try:
            reply = await connection.exchange(head, b"", self._connect_timeout_s, bodiless=True)
            if not 200 <= reply.status < 300:
                raise NoReply("connect", f"the proxy answered {reply.status}")
            await connection.start_tls(self._tls, self._server_name)
        except BaseException:
            connection.close()
            raise
        return connection

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
