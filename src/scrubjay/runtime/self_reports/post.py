"""Events to the project that gets the relay's own: one request each, past the spool and everything else that may be out of order.

Connections are `http_client`'s. Invariants: nothing is tried twice; who answers that it is too much is left alone as long as it says; nothing of the
DSN but its host is ever said.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from scrubjay import __version__
from scrubjay.core.limits import parse_retry_after
from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply, Origin
from scrubjay.runtime.forwarding.proxies import proxy_for
from scrubjay.runtime.forwarding.trust import Trust, TrustOptions
from scrubjay.settings.setting import Secret

_TIMEOUT_S: Final = 5.0
_PAUSE_S: Final = 60.0
"""After 429 without a word on how long."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where reports go, read from a DSN that was checked when it was loaded."""

    origin: Origin
    path: str
    key: str

    @classmethod
    def parse(cls, dsn: Secret) -> Address:
        parts = urlsplit(dsn.reveal())
        before, _, project = parts.path.rpartition("/")
        return cls(Origin.parse(dsn.reveal()), f"{before}/api/{project}/envelope/", parts.username or "")


class Post:
    """To one address. `ca_bundle`: `http.ca_bundle`, whose authorities count here too."""

    def __init__(
        self, address: Address, ca_bundle: str | None = None, *, now_mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._ca_bundle = ca_bundle
        self._now_mono = now_mono
        self._client: HttpClient | None = None
        self._silent_until_mono = 0.0

    async def send(self, envelope: bytes) -> str:
        """Nothing, or why it did not arrive. Raises `ConfigError` for certificates that cannot be used."""
        if self._now_mono() < self._silent_until_mono:
            return "throttled"
        if self._client is None:
            self._client = await self._open()
        try:
            reply = await self._client.request(self._head(self._client, len(envelope)), envelope, _TIMEOUT_S)
        except NoReply as error:
            return f"{self._address.origin}: {error}"
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            given = reply.headers.get("retry-after")
            pause_s = None if given is None else parse_retry_after(given, time.time())
            self._silent_until_mono = self._now_mono() + (_PAUSE_S if pause_s is None else pause_s)
        return "" if 200 <= reply.status < 300 else f"{self._address.origin}: status {reply.status}"

    async def _open(self) -> HttpClient:
        origin = self._address.origin
        tls = None
        if origin.scheme == "https":  # reading the certificates of the system takes a while
            tls = (await asyncio.to_thread(Trust, TrustOptions(ca_bundle=self._ca_bundle), os.environ)).context
        proxy = proxy_for(origin, None, os.environ)
        return HttpClient(origin, tls=tls, proxy=proxy, proxy_tls=tls, connect_timeout_s=_TIMEOUT_S)

    def _head(self, client: HttpClient, length: int) -> bytes:
        agent = f"scrubjay/{__version__}"
        return (
            f"POST {client.target(self._address.path)} HTTP/1.1\r\nHost: {self._address.origin.netloc}\r\n"
            f"User-Agent: {agent}\r\nContent-Type: application/x-sentry-envelope\r\nContent-Length: {length}\r\n"
            f"X-Sentry-Auth: Sentry sentry_version=7, sentry_client={agent}, sentry_key={self._address.key}\r\n"
            f"{client.proxy_header()}\r\n"
        ).encode("latin-1")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def __repr__(self) -> str:
        return f"<Post to {self._address.origin}>"
