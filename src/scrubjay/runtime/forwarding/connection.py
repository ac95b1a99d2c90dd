"""One HTTP/1.1 connection and the one request that is under way on it; what a missing answer is called.

Opening connections is `dialing`, keeping them `http_client`, reading replies `http_reply` (`upstream-and-operations.md` 6.2, 6.6).
Invariant: each `exchange` ends once, with a whole reply or with `NoReply`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, Literal, cast

from scrubjay.runtime.forwarding.http_reply import MAX_KEPT_BYTES, BrokenReply, Reply, ReplyReader
from scrubjay.runtime.forwarding.presented import chain_of, reason_of

_JOIN_BELOW_BYTES: Final = 64 * 1024
"""Up to here one copy is cheaper than a second write."""

Failure = Literal["connect", "tls", "timeout", "reset", "broken"]


class NoReply(Exception):
    """The server gave no answer.

    `silent`: nothing at all came back. `ambiguous`: the request was written whole, so that nobody knows whether the server took it.
    """

    def __init__(self, failure: Failure, detail: str, *, silent: bool = True, ambiguous: bool = False) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.silent = silent
        self.ambiguous = ambiguous


class Connection(asyncio.Protocol):
    """Idle, or with a request under way."""

    __slots__ = ("_loop", "_reader", "_timer", "_transport", "_unsent", "_waiter", "idle_since_mono", "opened_mono")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader: ReplyReader | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = False
        self.opened_mono = self.idle_since_mono = loop.time()

    def exchange(
        self, head: bytes, body: bytes, timeout_s: float, *, bodiless: bool = False, keeps_bytes: int = MAX_KEPT_BYTES
    ) -> asyncio.Future[Reply]:
        """Sends a request. The future ends with the reply or `NoReply`. `bodiless`: the reply is a head alone. `keeps_bytes`: of its body."""
        waiter = self._waiter = self._loop.create_future()
        self._reader = ReplyReader(bodiless=bodiless, keeps_bytes=keeps_bytes)
        if self._transport is None or self._transport.is_closing():
            self._unsent = True
            self._fail("reset", "connection closed")
            return waiter
        self._timer = self._loop.call_later(timeout_s, self._fail, "timeout", f"no reply within {timeout_s:g} s")
        if len(body) < _JOIN_BELOW_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        if self._transport.is_closing():
            self._unsent = True  # the kernel refused it, so the server cannot have it
        return waiter

    async def start_tls(self, tls: ssl.SSLContext, server_name: str) -> None:
        """Turns what a proxy passes on blindly into a connection to the server itself."""
        assert self._transport is not None
        secured = await self._loop.start_tls(self._transport, self, tls, server_hostname=server_name)
        self._use(secured)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What was agreed on; None without TLS."""
        return None if self._transport is None else self._transport.get_extra_info("ssl_object")

    @property
    def certificates(self) -> list[bytes]:
        """What the server showed, in DER, its own first; none without TLS."""
        return [] if self.tls is None else chain_of(self.tls)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._use(transport)

    def _use(self, transport: asyncio.BaseTransport | None) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour, not by name
        # So that it says when something is left unsent, and when that is gone.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._unsent = False

    def pause_writing(self) -> None:
        self._unsent = True

    def resume_writing(self) -> None:
        """All of it is with the kernel; with TLS, with the transport, which errs on the side of `ambiguous`."""
        self._unsent = False

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
        elif isinstance(exc, ssl.SSLError):
            # From TLS 1.3 on a server refuses our certificate only after the first bytes were sent, and reads none of them.
            self._unsent = True
            self._fail("tls", reason_of(exc))
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
        ambiguous = not self._unsent
        waiter = self._end()
        self.close()
        if waiter is not None and not waiter.done():
            waiter.set_exception(NoReply(failure, detail, silent=silent, ambiguous=ambiguous))

    def _end(self) -> asyncio.Future[Reply] | None:
        waiter, self._waiter, self._reader = self._waiter, None, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return waiter
