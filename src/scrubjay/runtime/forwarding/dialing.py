"""Opening connections to one server: its addresses, a forward proxy, TLS, and what a failure is called.

Owns happy eyeballs over all addresses, the tunnel through a proxy, the bound on all of it together, and naming the certificate that
was not trusted (`upstream-and-operations.md` 6.9). Which certificates are trusted is `trust`, addresses are `resolving`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final

from aiohappyeyeballs import start_connection

from scrubjay.hosts import url_host
from scrubjay.runtime.forwarding.connection import Connection, NoReply
from scrubjay.runtime.forwarding.origin import Origin, Proxy
from scrubjay.runtime.forwarding.presented import presented, reason_of
from scrubjay.runtime.forwarding.resolving import Resolver

_NEXT_ADDRESS_S: Final = 0.25
"""Time for an address before the next is tried beside it (RFC 8305)."""
_LOOK_AGAIN_S: Final = 60.0
"""A certificate that is not trusted is looked at this often."""


class Dialer:
    """`tls` None: in the clear. `proxy_tls` is for talking to the proxy itself."""

    def __init__(
        self,
        origin: Origin,
        *,
        tls: ssl.SSLContext | None,
        server_name: str | None,
        proxy: Proxy | None,
        proxy_tls: ssl.SSLContext | None,
        resolver: Resolver,
        timeout_s: float,
    ) -> None:
        if origin.scheme == "https" and tls is None:
            raise ValueError("https needs a TLS context")
        if proxy is not None and proxy.origin.scheme == "https" and proxy_tls is None:
            raise ValueError("a proxy that speaks TLS needs a context too")
        self.origin = origin
        self.proxy = proxy
        self.tls = tls if origin.scheme == "https" else None
        self.proxy_tls = proxy_tls
        self.timeout_s = timeout_s
        self._server_name = server_name or origin.host
        self._resolver = resolver
        self._shown = ""
        self._shown_until_mono = float("-inf")

    async def connect(self) -> Connection:
        """Raises `NoReply`."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._connect(self.tls)
        except TimeoutError as error:
            raise NoReply("connect", f"no connection within {self.timeout_s:g} s") from error
        except ssl.SSLCertVerificationError as error:
            detail = f"{self._server_name}: {error.verify_message}{await self._certificate(error.verify_code)}"
            raise NoReply("tls", detail) from error
        except ssl.SSLError as error:
            raise NoReply("tls", f"{self._server_name}: {reason_of(error)}") from error
        except OSError as error:
            raise NoReply("connect", error.strerror or str(error)) from error

    async def _connect(self, tls: ssl.SSLContext | None) -> Connection:
        if self.proxy is None:
            return await self._open(self.origin, tls, self._server_name)
        proxy = self.proxy.origin
        connection = await self._open(proxy, self.proxy_tls if proxy.scheme == "https" else None, proxy.host)
        if tls is None:
            return connection
        try:
            await self._tunnel(connection, self.proxy)
            await connection.start_tls(tls, self._server_name)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _open(self, origin: Origin, tls: ssl.SSLContext | None, server_name: str) -> Connection:
        loop = asyncio.get_running_loop()
        addresses = await self._resolver.addresses(origin.host, origin.port)
        plain = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1, loop=loop)
        connection = Connection(loop)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.create_connection(
                lambda: connection, sock=plain, ssl=tls, server_hostname=server_name if tls else None
            )
        except BaseException:
            plain.close()
            raise
        return connection

    async def _tunnel(self, connection: Connection, proxy: Proxy) -> None:
        place = f"{url_host(self.origin.host)}:{self.origin.port}"
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proxy.header()}\r\n".encode("latin-1")
        reply = await connection.exchange(head, b"", self.timeout_s, bodiless=True)
        if not 200 <= reply.status < 300:
            raise NoReply("connect", f"the proxy answered {reply.status}")

    async def _certificate(self, verify_code: int) -> str:
        """Whose certificate it was that is not trusted, and who is missing: without that, a wrong name or an old root looks like an outage.

        The server is asked once more, and nothing is sent to it.
        """
        now_mono = asyncio.get_running_loop().time()
        if now_mono >= self._shown_until_mono:
            self._shown_until_mono = now_mono + _LOOK_AGAIN_S
            self._shown = await self._look(verify_code)
        return self._shown

    async def _look(self, verify_code: int) -> str:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        try:
            async with asyncio.timeout(self.timeout_s):
                connection = await self._connect(tls)
            chain = connection.certificates
            connection.close()
        except (OSError, NoReply):  # TimeoutError and SSLError are OSErrors
            return ""
        told = presented(chain, verify_code)
        return f"; {told}" if told else ""
