"""A central server inside the test's own event loop: takes every request, keeps it, answers as it is told.

`answers` are used up first, one per envelope; then every envelope is answered 200. Requests are read by aiohttp, envelopes by
`support.recorder`, which shares no code with the product.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from support.recorder import DECODERS, Delivery


@dataclass
class MiniUpstream:
    """What arrived so far, and what the next ones are answered: status and headers."""

    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def take(self) -> Delivery:
        """The oldest delivery that no test has looked at; waits for it."""
        await self.until(lambda: bool(self.deliveries))
        return self.deliveries.pop(0)

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return web.json_response({"is_healthy": True})
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = DECODERS[headers.get("content-encoding", "")](await request.read())
        status, answer = self.answers.popleft() if self.answers else (200, {})
        self.deliveries.append(Delivery(request.path_qs, headers, body))
        self._arrived.set()
        return web.json_response({}, status=status, headers=answer)


@asynccontextmanager
async def mini_upstream() -> AsyncIterator[MiniUpstream]:
    """Serves on a free port of loopback until the block ends."""
    upstream = MiniUpstream()
    runner = web.ServerRunner(
        web.Server(upstream.handle, auto_decompress=False, access_log=None, max_field_size=65_536)
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream.port = runner.addresses[0][1]
    try:
        yield upstream
    finally:
        await runner.cleanup()
