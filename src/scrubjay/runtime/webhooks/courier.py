"""How an event reaches its receiver: signed, tried three times, or given up (`decisions.md` 9.5).

Owns the queue, the request and the pauses between tries. Connections are `http_client`'s, bodies and signatures are `events`'.

Invariants: `put` never waits; the queue is bounded, and what does not fit is counted as dropped; one request runs at a time, so that
events arrive in order; certificates are verified, and a redirect is a refusal; nothing of the address but its host is ever said.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from scrubjay import __version__
from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply, Origin
from scrubjay.runtime.forwarding.proxies import proxy_for
from scrubjay.runtime.names import new_id
from scrubjay.runtime.webhooks.events import SIGNATURE, Event, signature
from scrubjay.settings.setting import Secret

MAX_WAITING: Final = 1_000
PAUSES_S: Final = (1.0, 4.0, 16.0)
"""After the first, second and third try; the last is for the receiver, before it gets the next event."""
_TIMEOUT_S: Final = 5.0
_GIVEN_UP: Final = ("dropped", "the relay stops")


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def webhook(self, event_type: str, result: str, detail: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told. `authorization`: the value of that header, from a user in the address; `secret`: None signs nothing."""

    origin: Origin
    path: str
    authorization: str | None = None
    secret: str | None = None

    @classmethod
    def parse(cls, url: Secret, secret: Secret | None = None) -> Receiver:
        """The address was checked when it was loaded."""
        parts = urlsplit(url.reveal())
        authorization = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(user.encode()).decode('ascii')}"
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return cls(Origin.parse(url.reveal()), path, authorization, secret.reveal() if secret else None)

    def head(self, body: bytes, client: HttpClient) -> bytes:
        lines = [
            f"POST {client.target(self.path)} HTTP/1.1",
            f"Host: {self.origin.netloc}",
            f"User-Agent: scrubjay/{__version__}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        if self.authorization is not None:
            lines.append(f"Authorization: {self.authorization}")
        if self.secret is not None:
            lines.append(f"{SIGNATURE}: {signature(self.secret, body)}")
        return "\r\n".join([*lines, client.proxy_header(), ""]).encode("latin-1")


class Courier:
    """The events that wait for one receiver. `put` them, and see to it that `run` is under way while `is_due`."""

    def __init__(
        self,
        receiver: Receiver,
        observer: Observer,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._receiver = receiver
        self._observer = observer
        self._pause = pause
        self._timeout_s = timeout_s
        self._waiting: deque[Event] = deque()
        self._is_running = False

    @property
    def is_due(self) -> bool:
        return bool(self._waiting) and not self._is_running

    def put(self, event: Event) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(event)
        else:
            self._observer.webhook(event.type, "dropped", "too many wait")

    async def run(self) -> None:
        """Sends all that wait, one after the other. Cancelled, it gives up at once, and all that wait with it."""
        self._is_running = True
        client = None
        try:
            client = await self._open()
            while self._waiting:
                await self._deliver(client, self._waiting.popleft())
        except asyncio.CancelledError:
            self.give_up()
            raise
        finally:
            self._is_running = False
            if client is not None:
                client.close()

    def give_up(self) -> None:
        while self._waiting:
            self._observer.webhook(self._waiting.popleft().type, *_GIVEN_UP)

    async def _open(self) -> HttpClient:
        origin = self._receiver.origin
        # Reading the certificates of the system takes a while, and the files may have been renewed.
        tls = await asyncio.to_thread(ssl.create_default_context) if origin.scheme == "https" else None
        proxy = proxy_for(origin, None, os.environ)
        return HttpClient(origin, tls=tls, proxy=proxy, connect_timeout_s=self._timeout_s)

    async def _deliver(self, client: HttpClient, event: Event) -> None:
        result, detail = _GIVEN_UP
        try:
            detail = await self._try(client, event)
            result = "failed" if detail else "delivered"
        finally:
            self._observer.webhook(event.type, result, detail)
        if detail:
            await self._pause(PAUSES_S[-1])

    async def _try(self, client: HttpClient, event: Event) -> str:
        """Nothing, or why the last try failed."""
        body, failure = event.body(new_id()), ""
        head = self._receiver.head(body, client)
        for pause_s in (0.0, *PAUSES_S[:-1]):
            if pause_s:
                await self._pause(pause_s)
            try:
                reply = await client.request(head, body, self._timeout_s)
            except NoReply as error:
                failure = f"{self._receiver.origin}: {error}"
            else:
                if 200 <= reply.status < 300:
                    return ""
                failure = f"{self._receiver.origin}: status {reply.status}"
        return failure

    def __repr__(self) -> str:
        return f"<Courier to {self._receiver.origin}, {len(self._waiting)} wait>"
