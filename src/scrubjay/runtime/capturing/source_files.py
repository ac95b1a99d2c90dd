"""Fetching scripts, their maps and what those were made of from a developer's own servers (`capture.fetch_sourcemaps`, `capture.md` 6.4).

Owns what may be asked for, how long and how much. Addresses come out of payloads, so anybody who may send an event names them: nothing is
asked of any server but those of loopback names and `capture.allowed_origins`, as plain GET without cookies, credentials or proxy. Names of loopback
lead to loopback whatever the resolver says, and redirects stay on their origin. Which place is where is `core.capture`'s.

Invariants: a file is never longer than its bound, a trace never asks for more than so many; what cannot be had is left out.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urljoin

from aiohttp import ClientError, ClientResponse, ClientSession, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from scrubjay.core.capture.originals import inline_map, lines_of, map_reference, scripts_of
from scrubjay.core.capture.source_maps import Original, Place, SourceMap

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_FILES: Final = 40
"""For one trace: scripts, maps and originals."""
_FILE_S: Final = 2.0
_TRACE_S: Final = 10.0
_AT_ONCE: Final = 2
"""Traces: each may hold some files."""
_MAX_HOPS: Final = 3
_PIECE_BYTES: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "scrubjay"}


class Reach(Protocol):
    """Which servers may be asked."""

    def allows(self, url: URL) -> bool: ...

    def is_local(self, host: str) -> bool:
        """Whether a name can only mean this machine."""


@dataclass(slots=True)
class Sources:
    """What was found for one trace: lines of scripts by their address, and originals by address and place."""

    scripts: dict[str, list[str]] = field(default_factory=dict)
    originals: dict[tuple[str, Place], Original] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _File:
    url: URL
    data: bytes
    map_header: str | None


class SourceFiles:
    """`has_memory`: without room nothing is fetched."""

    def __init__(self, reach: Reach, has_memory: Callable[[], bool] = lambda: True) -> None:
        self._reach = reach
        self._has_memory = has_memory
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def of(self, trace: Mapping[str, object]) -> Sources:
        """As much as can be had in time."""
        sources = Sources()
        scripts = scripts_of(trace)
        if not scripts:
            return sources
        try:
            async with asyncio.timeout(_TRACE_S), self._turns, self._session() as session:
                visit = _Visit(session, self._reach)
                for address, places in scripts.items():
                    if self._has_memory():
                        await visit.read(address, places, sources)
        except TimeoutError:
            pass
        return sources

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[ClientSession]:
        connector = TCPConnector(resolver=_Resolver(self._reach), force_close=True)
        async with ClientSession(
            connector=connector, cookie_jar=DummyCookieJar(), headers=_HEADERS, auto_decompress=False
        ) as session:
            yield session


class _Visit:
    """The requests for one trace."""

    def __init__(self, session: ClientSession, reach: Reach) -> None:
        self._session = session
        self._reach = reach
        self._left = MAX_FILES

    async def read(self, address: str, places: set[Place], sources: Sources) -> None:
        """Adds what is found of one script."""
        script = await self._fetch(address)
        if script is None or b"\0" in script.data:
            return
        sources.scripts[address] = await asyncio.to_thread(_lines, script.data)
        reference = await asyncio.to_thread(map_reference, script.data, script.map_header)
        if reference is None:
            return
        if reference.startswith("data:"):
            base, data = str(script.url), reference
            found = await asyncio.to_thread(_find, lambda: inline_map(data), places)
        else:
            file = await self._fetch(urljoin(str(script.url), reference))
            if file is None:
                return
            base, content = str(file.url), file.data
            found = await asyncio.to_thread(_find, lambda: content, places)
        contents = await self._missing(found, base)
        for place, original in found.items():
            content_of = contents.get(original.source, original.content)
            sources.originals[address, place] = Original(original.source, original.place, original.name, content_of)

    async def _missing(self, found: Mapping[Place, Original], base: str) -> dict[str, str]:
        """Files that a map names and does not hold."""
        contents: dict[str, str] = {}
        for source in dict.fromkeys(original.source for original in found.values() if original.content is None):
            file = await self._fetch(urljoin(base, source))
            if file is not None and b"\0" not in file.data:
                contents[source] = file.data.decode("utf-8", "replace")
        return contents

    async def _fetch(self, address: str) -> _File | None:
        """None for what may not be asked for, is not there, too long, or too slow."""
        try:
            url: URL | None = URL(address)
            async with asyncio.timeout(_FILE_S):
                for _ in range(_MAX_HOPS):
                    if url is None or self._left <= 0 or not self._reach.allows(url):
                        return None
                    self._left -= 1
                    local = self._reach.is_local(url.host or "")
                    # Certificates of development are self-made, and on loopback nobody is in between.
                    async with self._session.get(url, allow_redirects=False, ssl=not local) as reply:
                        if reply.status not in _REDIRECTS:
                            return await _file(reply)
                        url = _next(url, reply.headers.get("Location", ""))
        except (TimeoutError, ClientError, OSError, ValueError):
            pass
        return None


class _Resolver(AbstractResolver):
    """Names of loopback are never looked up: nobody else's server can point them elsewhere."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._others = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if not self._reach.is_local(host):
            return await self._others.resolve(host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))
        ]

    async def close(self) -> None:
        """Nothing is kept open."""


async def _file(reply: ClientResponse) -> _File | None:
    encoded = reply.headers.get("Content-Encoding", "identity")
    if reply.status != 200 or encoded != "identity" or (reply.content_length or 0) > MAX_FILE_BYTES:
        return None
    pieces, size_bytes = [], 0
    async for piece in reply.content.iter_chunked(_PIECE_BYTES):
        size_bytes += len(piece)
        if size_bytes > MAX_FILE_BYTES:
            return None
        pieces.append(piece)
    named = reply.headers.get("SourceMap") or reply.headers.get("X-SourceMap")
    return _File(reply.url, b"".join(pieces), named)


def _next(url: URL, location: str) -> URL | None:
    target = url.join(URL(location))
    return target if target.origin() == url.origin() else None


def _lines(data: bytes) -> list[str]:
    return lines_of(data.decode("utf-8", "replace"))


def _find(data: Callable[[], bytes], places: set[Place]) -> dict[Place, Original]:
    """In a thread: a map may be long. Of a broken one nothing is believed."""
    try:
        return SourceMap.parse(data()).find(places)
    except ValueError:
        return {}
