"""API calls that are nobody's business here, passed on to the upstream as they are (`upstream-and-operations.md` 6.8).

Owns which paths may pass, which headers do, the bounds, and what a missing answer is called. A call is streamed both ways, made once, on a
connection of its own, without any name or signature of ours, and never kept. Invariants: what a route of ours claims, and what a plan would
scrub, does not come here or is not passed; a body is never longer than its bound.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from scrubjay.core import hops
from scrubjay.core.dsn import read_auth
from scrubjay.core.inflate import too_large
from scrubjay.core.ports import Ports
from scrubjay.errors import Rejected
from scrubjay.reasons import LOOP
from scrubjay.runtime.endpoints.common import CONTINUE, Request, chain_reader, receive
from scrubjay.runtime.endpoints.front import ANY, Route, folded, target
from scrubjay.runtime.endpoints.replies import Reply, problem
from scrubjay.runtime.roads import Roads
from scrubjay.settings.schema import Settings

_ROOT: Final = "/api/"
_OURS: Final = frozenset({"scrubjay", "capture", "relay"})
_PROJECT: Final = re.compile(r"/api/0*[1-9]\d*(?:/|$)", re.ASCII)
"""Where envelopes and their like are sent, as numbers may be written; `/api/0/` is the server's own interface."""
_SEPARATORS: Final = re.compile(r"/|%2F|\\")
"""What some server may take for a slash."""
_FILES: Final = re.compile(r"/api/0/projects/[^/]+/[^/]+/(?:releases/[^/]+/files|files/dsyms)/?")
_CHUNKS: Final = re.compile(r"/api/0/organizations/[^/]+/chunk-upload/?")
_HOP_BY_HOP: Final = frozenset(
    {"connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
)
_MADE_ANEW: Final = frozenset(
    {"host", "content-encoding", "content-length", "expect", "x-forwarded-for", hops.HEADER.lower()}
)
_NOTHING_ADDED: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


Passes = Callable[[str | None], bool]
"""Whether what is sent with a key may leave as it came; None: no key is seen where we look for one."""


def routes(settings: Settings, ports: Ports, roads: Roads, passes: Passes) -> list[Route]:
    """None where nothing is passed on."""
    if not settings.http.forward or settings.relay.mode == "capture":
        return []
    everything = settings.relay.mode == "proxy"
    prefixes = None if everything else tuple(path.rstrip("/") for path in settings.http.forward_paths)
    return [Route(ANY, f"{_ROOT}*", Passage(settings, ports, roads, passes, prefixes), "forward")]


class Passage:
    """A handler that passes on what comes to its route. `prefixes` of paths that may pass; None: all but those of projects whose plan scrubs."""

    def __init__(
        self, settings: Settings, ports: Ports, roads: Roads, passes: Passes, prefixes: tuple[str, ...] | None = None
    ) -> None:
        http = settings.http
        self._settings = settings
        self._ports = ports
        self._roads = roads
        self._passes = passes
        self._chain = chain_reader(settings.relay.trusted_proxies)
        self._prefixes = prefixes
        self._timeouts = ClientTimeout(total=None, sock_connect=http.connection_timeout)

    async def __call__(self, request: Request) -> web.StreamResponse:
        path, _ = target(request.raw_path)
        if not self._may_pass(path, request):
            return Reply(404)
        via = hops.normal_hops(request.headers.get(hops.HEADER))
        if via is not None and hops.comes_round(via, self._ports.instance):
            raise Rejected(LOOP)
        upload = _Upload(request, self._limit_bytes(path), self._settings)
        try:
            async with asyncio.timeout(self._settings.http.timeout) as clock:
                body = await upload.body(clock)
                return await self._pass(request, via, body, upload, clock)
        except TimeoutError:
            return problem(504, "the upstream did not answer in time")
        except (ClientError, OSError) as error:
            if upload.failure is not None:
                raise upload.failure from error
            if isinstance(error, _Gone):
                raise
            return problem(502, "the upstream cannot be reached")

    def _may_pass(self, path: str, request: Request) -> bool:
        parts = _SEPARATORS.split(path)
        if parts[2] in _OURS or "." in parts or ".." in parts or not request.raw_path.isascii():
            return False
        if self._prefixes is not None:
            below = any(path == prefix or path.startswith(f"{prefix}/") for prefix in self._prefixes)
            return below and not _PROJECT.match(path)
        if not _PROJECT.match(path):
            return True
        auth = read_auth(request.headers, request.query_text)
        return self._passes(None if auth is None else auth.key)

    def _limit_bytes(self, path: str) -> int:
        limits = self._settings.limits
        if _FILES.fullmatch(path):
            return limits.max_api_file_upload_size
        return limits.max_api_chunk_upload_size if _CHUNKS.fullmatch(path) else limits.max_api_payload_size

    async def _pass(
        self,
        request: Request,
        via: str | None,
        body: bytes | AsyncIterator[bytes] | None,
        upload: _Upload,
        clock: asyncio.Timeout,
    ) -> web.StreamResponse:
        roads, http = self._roads, self._settings.http
        origin, proxy = roads.origins[roads.choice.active], roads.proxies[roads.choice.active]
        path, query = folded(request.raw_path)
        headers = _passed(request.headers, dropped=_MADE_ANEW)
        headers[hdrs.HOST] = http.host_header or origin.netloc
        headers[hops.HEADER] = hops.extended(via, self._ports.instance)
        if (chain := self._chain(request.headers, request.remote)) is not None:
            headers[hdrs.X_FORWARDED_FOR] = chain
        if upload.length is not None:
            headers[hdrs.CONTENT_LENGTH] = str(upload.length)
        tls = roads.trust.context if roads.trust is not None else True
        async with (
            ClientSession(
                connector=TCPConnector(force_close=True, ssl=tls),
                auto_decompress=False,
                skip_auto_headers=_NOTHING_ADDED,
                timeout=self._timeouts,
            ) as session,
            session.request(
                request.method,
                URL(f"{origin}{http.upstream_path_prefix}{path}{f'?{query}' if query else ''}", encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=None if proxy is None else str(proxy.origin),
                proxy_headers={"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else None,
                server_hostname=http.tls_server_name,
            ) as reply,
        ):
            clock.reschedule(None)
            response = web.StreamResponse(status=reply.status, reason=reply.reason, headers=_passed(reply.headers))
            await response.prepare(request)
            try:
                while chunk := await asyncio.wait_for(reply.content.readany(), http.timeout):
                    await asyncio.wait_for(response.write(chunk), self._settings.limits.body_idle_timeout)
            except (ClientError, OSError) as error:
                if request.transport is not None:
                    request.transport.abort()  # closing would wait for a client that does not read on
                raise _Gone from error  # the answer was begun, and cannot become another
            await response.write_eof()
            return response


class _Gone(ConnectionError):
    """One of the two sides went away in the middle of the answer."""


class _Upload:
    """The body of a call on its way through. `failure`: why it ended early, which the client of the other side tells only in its own words."""

    def __init__(self, request: Request, limit_bytes: int, settings: Settings) -> None:
        self._request = request
        self._limit_bytes = limit_bytes
        self._rate = settings.http.min_upload_rate
        self._idle_s = settings.limits.body_idle_timeout
        self.length: int | None = None
        self.failure: Rejected | ConnectionError | None = None

    async def body(self, clock: asyncio.Timeout) -> bytes | AsyncIterator[bytes] | None:
        """As a stream; one that has to be decoded first is held whole. Raises as `common.receive` does."""
        request = self._request
        if not request.body_exists:
            return None
        if request.encoding:
            decoded = await receive(request, self._limit_bytes, self._idle_s)
            self._extend(clock, len(decoded))
            return decoded
        self.length = request.content_length
        if self.length is not None and self.length > self._limit_bytes:
            raise too_large(self._limit_bytes)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(CONTINUE)
        return self._chunks(clock)

    async def _chunks(self, clock: asyncio.Timeout) -> AsyncIterator[bytes]:
        left_bytes = self._limit_bytes
        try:
            while chunk := await self._request.content.readany():
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    self.failure = too_large(self._limit_bytes)
                    raise self.failure
                self._extend(clock, len(chunk))
                yield chunk
        except (ConnectionError, RuntimeError, web.RequestPayloadError) as error:
            self.failure = _Gone(str(error))
            raise self.failure from error

    def _extend(self, clock: asyncio.Timeout, size_bytes: int) -> None:
        """A large body gets the time that a slow line needs for it (6.4)."""
        due = clock.when()
        if due is not None:
            clock.reschedule(due + size_bytes / self._rate)


def _passed(headers: CIMultiDictProxy[str], dropped: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """Those that are not about one connection alone."""
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ()) for name in value.split(",")}
    left_out = _HOP_BY_HOP | dropped | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)
