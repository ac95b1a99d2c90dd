"""A central server that does as it is told: it records each request, and answers by a script.

`answers` are given to the next envelopes, first come first served; then, and to all other requests, `default` is. `by_path` overrides
both for paths that contain its key, `hook` all of it. It can be stopped and started again on the same port.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from support.loopback import DECODERS
from support.recorder import Delivery, WireItem, read_envelope

Hook = Callable[["Arrival"], "Answer | None"]


@dataclass
class Answer:
    """`reset`: `before` the body is read, or `after` it, without an answer. `raw`: these bytes, then close; `drip_s`: with a pause after each."""

    status: int = 200
    headers: Mapping[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    body: bytes = b"{}"
    delay_s: float = 0.0
    hangs: bool = False
    reset: str | None = None
    raw: bytes | None = None
    drip_s: float = 0.0

    @property
    def takes(self) -> bool:
        return 200 <= self.status < 300 and not self.hangs and self.reset is None and self.raw is None


@dataclass
class Arrival:
    """One request. `body` is decoded if its encoding is known to the server, else as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    wire: bytes
    body: bytes
    at_mono: float
    answer: Answer | None = None

    @property
    def encoding(self) -> str:
        return self.headers.get("Content-Encoding", "identity")

    @property
    def envelope(self) -> tuple[dict[str, Any], list[WireItem]]:
        return read_envelope(self.body)

    @property
    def header(self) -> dict[str, Any]:
        return self.envelope[0]


class MiniUpstream:
    """Use as an asynchronous context manager. `ssl_context` makes it speak TLS."""

    def __init__(self, *, encodings: tuple[str, ...] = tuple(DECODERS), ssl_context: Any = None) -> None:
        self.encodings = encodings
        self.arrivals: list[Arrival] = []
        self.deliveries: list[Delivery] = []
        """Envelopes, whatever the answer was, less those that were taken."""
        self.answers: deque[Answer | tuple[int, dict[str, str]]] = deque()
        self.default = Answer()
        self.by_path: dict[str, Answer] = {}
        self.hook: Hook | None = None
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self._ssl = ssl_context
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Condition()
        self._release = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    @property
    def envelopes(self) -> list[Arrival]:
        """What came to the envelope endpoint, whatever the answer was."""
        return [arrival for arrival in self.arrivals if arrival.path.endswith("/envelope/")]

    @property
    def delivered(self) -> list[Arrival]:
        """The envelopes that were taken."""
        return [each for each in self.envelopes if each.answer is not None and each.answer.takes]

    @property
    def probes(self) -> list[Arrival]:
        return [arrival for arrival in self.arrivals if arrival.path == "/api/0/relays/live/"]

    def tell(self, *answers: Answer) -> None:
        """What the next envelopes get."""
        self.answers.extend(answers)

    async def __aenter__(self) -> "MiniUpstream":
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._release.clear()
        self._runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=0.01, max_field_size=65_536
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._ssl, reuse_address=True)
        await site.start()
        assert self._runner.server is not None
        self._count_connections(self._runner.server)
        self.port = self._runner.addresses[0][1]

    def _count_connections(self, server: Any) -> None:
        made = server.connection_made

        def counted(handler: Any, transport: Any) -> None:
            self.connections += 1
            made(handler, transport)

        server.connection_made = counted

    async def stop(self) -> None:
        """Closes the port and all connections; requests that hang are cut."""
        self._release.set()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            for site in list(runner.sites):
                await site.stop()
            await runner.cleanup()

    async def until(self, holds: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Waits until something holds; looked at after each request."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                async with self._changed:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), 0.05)

    async def until_delivered(self, count: int, timeout_s: float = 60.0) -> list[Arrival]:
        await self.until(lambda: len(self.delivered) >= count, timeout_s)
        return self.delivered

    async def take(self, timeout_s: float = 60.0) -> Delivery:
        """The oldest delivery that no test has looked at; waits for it."""
        await self.until(lambda: self.deliveries, timeout_s)
        return self.deliveries.pop(0)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self._tell()
        try:
            return await self._reply(request)
        finally:
            self.in_flight -= 1
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        answer = self._choose(request)
        if answer.reset == "before":
            return _cut(request)
        wire = await request.read()
        arrival = Arrival(request.method, request.path, request.headers.copy(), wire, wire, time.monotonic(), answer)
        encoding = arrival.encoding
        if encoding in self.encodings:
            arrival.body = DECODERS[encoding](wire)
        elif answer.status == 200:
            answer = Answer(400, body=b'{"detail": "not an envelope"}')
        if self.hook is not None:
            answer = self.hook(arrival) or answer
        arrival.answer = answer
        self.arrivals.append(arrival)
        await self._tell()
        if request.method == "POST":
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.deliveries.append(Delivery(request.path_qs, headers, arrival.body))
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        if answer.hangs:
            await self._release.wait()
            return _cut(request)
        if answer.reset == "after":
            return _cut(request)
        if answer.raw is not None:
            assert request.transport is not None
            await _write(request.transport, answer)
            return _gone(request)
        return web.Response(status=answer.status, headers=_multi(answer.headers), body=answer.body)

    def _choose(self, request: web.Request) -> Answer:
        for part, answer in self.by_path.items():
            if part in request.path:
                return answer
        if not self.answers or not request.path.endswith("/envelope/"):
            return self.default
        answer = self.answers.popleft()
        return answer if isinstance(answer, Answer) else Answer(*answer)


@asynccontextmanager
async def mini_upstream(**options: Any) -> AsyncIterator[MiniUpstream]:
    """One that runs until the block ends."""
    async with MiniUpstream(**options) as server:
        yield server


def _multi(headers: Mapping[str, str] | list[tuple[str, str]]) -> Any:
    return CIMultiDict(headers)


async def _write(transport: asyncio.Transport, answer: Answer) -> None:
    assert answer.raw is not None
    if not answer.drip_s:
        transport.write(answer.raw)
    for byte in answer.raw if answer.drip_s else b"":
        if transport.is_closing():
            return
        transport.write(bytes([byte]))
        await asyncio.sleep(answer.drip_s)
    transport.close()


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return _gone(request)


def _gone(request: web.Request) -> web.StreamResponse:
    """What the handler must return although nobody is there to read it."""
    return web.Response(status=500)
