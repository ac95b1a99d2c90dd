"""A developer's own server: files in memory, and what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from aiohttp import web

from support.bundle import SCRIPT, map_bytes


@dataclass
class DevServer:
    """`files`: a body, or a body with headers and status, or None: it never answers."""

    files: dict[str, bytes | tuple[bytes, Mapping[str, str], int] | None]
    host: str = "127.0.0.1"
    scheme: str = "http"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def url(self, path: str, host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        found = self.files.get(request.path, (b"not here", {}, 404))
        if found is None:
            await asyncio.sleep(60)
            return web.Response()
        body, headers, status = (found, {}, 200) if isinstance(found, bytes) else found
        return web.Response(body=body, headers={"Set-Cookie": "session=secret", **headers}, status=status)


def shop() -> dict[str, bytes | tuple[bytes, Mapping[str, str], int] | None]:
    """The bundle with its map."""
    return {"/dist/app.js": SCRIPT.encode(), "/dist/app.js.map": map_bytes()}


@asynccontextmanager
async def dev_server(
    files: dict[str, bytes | tuple[bytes, Mapping[str, str], int] | None] | None = None,
    host: str = "127.0.0.1",
    ssl_context: SSLContext | None = None,
) -> AsyncIterator[DevServer]:
    server = DevServer(shop() if files is None else files, host, "https" if ssl_context else "http")
    runner = web.ServerRunner(web.Server(server.answer), shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=ssl_context)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
