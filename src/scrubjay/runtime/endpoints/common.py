"""From bytes on a socket to the parts of an `Ingress`: each in one place for all endpoints.

Owns reading a body within its bounds (`ingest.md` 4) and the facts of a request (7.3). Answers are `replies`'s, routes `front`'s, what
becomes of an envelope the pipeline's. Invariants: no more of a body is held than its route allows, compressed or not; a large one is held only when
there is room for it among the others (`bodies`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import Final, Protocol

from aiohttp import StreamReader, web

from scrubjay import __version__, reasons
from scrubjay.core.inflate import inflate, measure, too_large
from scrubjay.errors import BadRequest, TooLarge
from scrubjay.outcomes import Reason
from scrubjay.runtime.endpoints.bodies import Share

_INLINE_BYTES: Final = 256 * 1024
"""Bodies that are longer, on the wire or decoded, are inflated in a thread."""
_CHAIN_HEADERS: Final = ("CF-Connecting-IP", "X-Vercel-Forwarded-For", "X-Sentry-Forwarded-For", "X-Forwarded-For")
_HINT_HEADERS: Final = (
    ("Sec-CH-UA", "sec_ch_ua"),
    ("Sec-CH-UA-Model", "sec_ch_ua_model"),
    ("Sec-CH-UA-Platform", "sec_ch_ua_platform"),
    ("Sec-CH-UA-Platform-Version", "sec_ch_ua_platform_version"),
)
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


FIXED_HEADERS: Final = (
    ("Server", f"scrubjay/{__version__}"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "x-sentry-error,x-sentry-rate-limits,retry-after"),
    ("Vary", "origin, access-control-request-method, access-control-request-headers"),
)


class Request(web.BaseRequest):
    """A request and what the front door found out about it.

    `query_text` is the raw query, `encoding` empty for none; `cors`: pages of other origins may read the answer. `share` is what its body
    takes of the memory for bodies.
    """

    share: Share

    match_info: Mapping[str, str] = MappingProxyType({})
    query_text = ""
    encoding = ""
    cors = False
    is_remote = True

    def unread(self, body: bytes) -> None:
        """What was read of the body is there to be read again."""
        stream = StreamReader(self._protocol, max(len(body), 1), loop=self._loop)
        stream.feed_data(body)
        stream.feed_eof()
        self._payload = stream
        self._cache.pop("content", None)

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """aiohttp asks this of every answer but a `Reply`, its own to malformed requests included."""
        response.headers.update(FIXED_HEADERS)
        if self.cors:
            response.headers.update(CORS_HEADERS)


class UnixRequest(Request):
    """One that came through a Unix socket: from this machine, from whom the file's mode lets in, and from no address."""

    is_remote = False

    @property
    def remote(self) -> None:
        """What headers say of a client's address is believed: nothing else says anything."""
        return None


class Observer(Protocol):
    """What is counted and logged of requests; `runtime.telemetry` is the real one."""

    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: Reason, detail: str = "", *, key: str = "", project_id: int | None = None) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


async def receive(request: Request, limit_bytes: int, idle_s: float) -> bytes:
    """The whole body, decoded. Raises `TooLarge`, `BadRequest`, `Unavailable`, or `ConnectionError` if the client went away before its end."""
    encoding = request.encoding
    wire = await read_wire(request, limit_bytes if not encoding else limit_bytes + limit_bytes // 64 + 1024, idle_s)
    if not encoding:
        return wire
    if not wire:
        raise BadRequest(reasons.INVALID_BODY, "the body cannot be decoded", f"{encoding}: nothing to decode")
    if len(wire) <= _INLINE_BYTES:
        try:
            body = inflate(encoding, wire, min(limit_bytes, _INLINE_BYTES))
        except TooLarge:
            if limit_bytes <= _INLINE_BYTES:
                raise
        else:
            await request.share.grow(len(body), idle_s)
            return body
    # Measured first, so that a bomb is refused before any of it is kept, and anything else waits until there is room for it.
    size_bytes = await asyncio.to_thread(measure, encoding, wire, limit_bytes)
    await request.share.grow(len(wire) + size_bytes, idle_s)
    return await asyncio.to_thread(inflate, encoding, wire, size_bytes)


async def read_wire(request: Request, limit_bytes: int, idle_s: float) -> bytes:
    """The whole body as it was sent. Raises as `receive` does."""
    content = request.content
    try:
        first = content.read_nowait()
        if content.at_eof():
            if len(first) > limit_bytes:
                raise too_large(limit_bytes)
            return first
        if not first and request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(CONTINUE)
        chunks = [first]
        announced, size_bytes = request.content_length, len(first)
        if announced is not None:
            await request.share.grow(min(announced, limit_bytes), idle_s)
        while size_bytes <= limit_bytes and not content.at_eof():
            if size_bytes > request.share.size_bytes:
                await request.share.grow(2 * size_bytes, idle_s)
            async with asyncio.timeout(idle_s):
                chunk = await content.readany()
            chunks.append(chunk)
            size_bytes += len(chunk)
    except TimeoutError:
        raise BadRequest(reasons.BODY_TIMEOUT, "the body stopped coming", f"nothing for {idle_s:g} s") from None
    except web.RequestPayloadError as error:
        raise BadRequest(reasons.INVALID_BODY, "the body cannot be read", str(error)) from None
    except RuntimeError:
        # aiohttp's word for reading from a connection that is closed already.
        raise ConnectionResetError from None
    if size_bytes > limit_bytes:
        raise too_large(limit_bytes)
    return b"".join(chunks)


def visible(value: str | None) -> str | None:
    """A header's text as it can be stored and sent on: valid Unicode without control characters, None if nothing is left."""
    if value is None:
        return None
    if not value.isascii():
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not value.isprintable():
        value = "".join(character for character in value if character.isprintable())
    return value.strip() or None


def client_hints(headers: Mapping[str, str]) -> dict[str, str]:
    """What a browser says of itself beside its user agent."""
    if "Sec-CH-UA" not in headers and "Sec-CH-UA-Platform" not in headers:
        return {}
    found = ((name, visible(headers.get(header))) for header, name in _HINT_HEADERS)
    return {name: value for name, value in found if value is not None}


def chain_reader(trusted: Iterable[str] | None) -> Callable[[Mapping[str, str], str | None], str | None]:
    """A function from a request's headers and its peer to the chain of addresses behind it (`ingest.md` 7.3).

    `trusted`: addresses or networks of the peers whose headers count; None: every peer's.
    """
    networks = None if trusted is None else [ip_network(entry, strict=False) for entry in trusted]

    def is_trusted(peer: str) -> bool:
        if networks is None:
            return True
        try:
            address: IPv4Address | IPv6Address = ip_address(peer)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any((mapped or address) in network for network in networks)

    def chain(headers: Mapping[str, str], peer: str | None) -> str | None:
        for name in _CHAIN_HEADERS:
            given = headers.get(name)
            value = visible(given) if given else None
            if value and (peer is None or is_trusted(peer)):
                return value if peer is None else f"{value}, {peer}"
        return peer

    return chain
