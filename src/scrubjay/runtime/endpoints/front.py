"""The front door: every request comes in here, in the order of `ingest.md` 1.1, steps 1 to 6.

Owns folding slashes, judging the content coding, finding the route, CORS, methods, and turning whatever a handler raises into an
answer. It replaces aiohttp's application and router, whose price per request was half of this relay's own work; handlers written
for them (requests with `match_info`, `web.Response`) work unchanged. Invariant: no request ends without an answer and a count.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from scrubjay import reasons
from scrubjay.core.inflate import DECODERS
from scrubjay.errors import BadRequest, Rejected
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.bodies import Bodies, Share
from scrubjay.runtime.endpoints.common import Observer, Request
from scrubjay.runtime.endpoints.replies import Reply

Handler = Callable[[Request], Awaitable[web.StreamResponse]]

ANY: Final = "*"
HEADER_BYTES: Final = 128 * 1024
"""Of the request line, and of one header: an event may stand in the query (`ingest.md` 2.3)."""
HEADER_TIMEOUT_S: Final = 5.0
READ_BYTES: Final = 32 * 1024
"""Twice as much of a body waits at most on each connection until somebody reads it."""
LINGER_S: Final = 2.0
"""How long a body that was refused is read and thrown away, so that its sender gets to see the answer."""

_CLIENT_WENT: Final = 499
"""A status for our own count: nobody was there to get one."""

_SLASHES: Final = re.compile(r"//+")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_PROTOCOL_LOG: Final = logging.getLogger("scrubjay.http.protocol")
_PROTOCOL_LOG.setLevel(logging.CRITICAL)
"""aiohttp writes a traceback for each request that is no HTTP; whoever sends those must not fill the log."""
_BOOKED: Final = frozenset(
    {
        reasons.PROJECT_ID,
        reasons.UPSTREAM_DENIED,
        reasons.CORS,
        reasons.MISSING_SIGNATURE,
        reasons.INVALID_SIGNATURE,
        reasons.QUEUE_FAILED,
        reasons.OUT_OF_MEMORY,
    }
)
"""Reasons under which the pipeline books each item, so that the request itself is not counted again."""


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold `{names}`, each one segment; one route may end in `/*`, for what is below it and no other's.

    `method` may be `ANY`. `cors`: browsers call it. `label` is the route's name in metrics. `internal`: for operators; if there is an
    internal listener, it answers there and nowhere else.
    """

    method: str
    path: str
    handler: Handler
    label: str
    cors: bool = False
    internal: bool = False


@dataclass(slots=True)
class _Place:
    """All methods of one path."""

    pattern: re.Pattern[str]
    label: str
    cors: bool
    handlers: dict[str, Handler] = field(default_factory=dict)


class Front:
    """The handler of a `web.Server`."""

    def __init__(
        self,
        routes: Iterable[Route],
        observer: Observer,
        bodies: Bodies,
        *,
        now_mono: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._observer = observer
        self._bodies = bodies
        self._now_mono = now_mono
        self._unanswered = 0
        self._quiet = asyncio.Event()
        self._is_closing = False
        self.route(routes)

    def route(self, routes: Iterable[Route]) -> None:
        """Puts these routes in place of those that were."""
        self._fixed: dict[str, _Place] = {}
        self._patterns: dict[str, list[_Place]] = {}
        self._rest: tuple[str, _Place] | None = None
        for route in routes:
            self._add(route)

    def server(
        self,
        *,
        keepalive_timeout_s: float,
        on_closed: Callable[[], None] = lambda: None,
        kind: type[Request] = Request,
    ) -> web.Server:
        """For `loop.create_server` or `web.ServerRunner`. `on_closed` is called when a connection has ended. `kind`: what came through it."""
        return _Server(
            self,  # type: ignore[arg-type]
            on_closed,
            kind,
            auto_decompress=False,
            keepalive_timeout=keepalive_timeout_s,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            lingering_time=LINGER_S,
            read_bufsize=READ_BYTES,
            access_log=None,
            logger=_PROTOCOL_LOG,
        )

    async def drain(self, wait_s: float) -> None:
        """From now on each answer is the last of its connection; returns when what was begun is answered, or the time is over.

        Only afterwards may the server's connections be closed: a closing one reads no further, so that a body on its way would be
        cut off.
        """
        self._is_closing = True
        if self._unanswered:
            try:
                async with asyncio.timeout(wait_s):
                    await self._quiet.wait()
            except TimeoutError:
                pass

    async def __call__(self, request: Request) -> web.StreamResponse:
        started_mono = self._now_mono()
        self._unanswered += 1
        share = request.share = Share(self._bodies)
        label = "unknown"
        try:
            path, request.query_text = target(request.raw_path)
            request.encoding = content_coding(request.headers.get("Content-Encoding"))
            place = self._find(path, request)
            if place is None:
                response: web.StreamResponse = Reply(404)
            elif place.cors and request.method == "OPTIONS":
                label = place.label
                response = replies.preflight()
            else:
                label, request.cors = place.label, place.cors
                handler = place.handlers.get(request.method) or place.handlers.get(ANY)
                response = replies.not_allowed(list(place.handlers)) if handler is None else await handler(request)
        except Rejected as error:
            self._count(error)
            response = replies.error_reply(error)
        except ConnectionError:
            self._observer.request(label, _CLIENT_WENT, self._now_mono() - started_mono)
            raise
        except Exception as error:  # noqa: BLE001  the last line of defence: an answer and a log line, no dead connection
            self._observer.internal_error("http", error)
            response = replies.problem(500, "internal error")
        finally:
            share.give_back()
            self._unanswered -= 1
            if self._is_closing and not self._unanswered:
                self._quiet.set()
        self._observer.request(label, response.status, self._now_mono() - started_mono)
        if self._is_closing:
            response.force_close()
        return response

    def _add(self, route: Route) -> None:
        if route.path.endswith("/*"):
            self._rest = route.path[:-1], _Place(re.compile(""), route.label, route.cors, {route.method: route.handler})
            return
        path = route.path.rstrip("/") or "/"
        pattern = re.compile(_SLOT.sub(r"(?P<\1>[^/]+)", path))
        places = [self._fixed[path]] if path in self._fixed else []
        last = "" if _SLOT.search(_last_segment(path)) else _last_segment(path)
        places += [place for place in self._patterns.get(last, ()) if place.pattern == pattern]
        if not places:
            places = [_Place(pattern, route.label, route.cors)]
            if _SLOT.search(path):
                self._patterns.setdefault(last, []).append(places[0])
            else:
                self._fixed[path] = places[0]
        places[0].handlers[route.method] = route.handler
        if route.method == "GET":
            places[0].handlers.setdefault("HEAD", route.handler)

    def _find(self, path: str, request: Request) -> _Place | None:
        """The place of a path in either form, with or without a slash at its end."""
        path = path.rstrip("/") or "/"
        place = self._fixed.get(path)
        if place is not None:
            return place
        for last in (_last_segment(path), ""):
            for place in self._patterns.get(last, ()):
                match = place.pattern.fullmatch(path)
                if match is not None:
                    request.match_info = match.groupdict()
                    return place
        return self._rest[1] if self._rest is not None and path.startswith(self._rest[0]) else None

    def _count(self, error: Rejected) -> None:
        if error.reason not in _BOOKED and not error.reason.code.startswith("too_large:"):
            self._observer.rejected(error.reason, "; ".join((error.detail, *error.causes)))

    def __repr__(self) -> str:
        return f"<Front {len(self._fixed) + sum(map(len, self._patterns.values()))} paths>"


class _Server(web.Server):
    """aiohttp's server, with our requests and our connections."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        on_closed: Callable[[], None],
        kind: type[Request],
        **options: Any,
    ) -> None:
        super().__init__(handler, request_factory=_factory(kind))
        self._on_closed = on_closed
        self._options = options

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._on_closed()

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._options)


class _Connection(web.RequestHandler):
    """Closes if the headers of a request do not all come within `HEADER_TIMEOUT_S` of its first byte (`ingest.md` 4.2), and ends
    a body whose framing breaks.
    """

    __slots__ = ("_too_late",)

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._too_late: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            self._break_body()
        waiter = self._waiter
        if waiter is None or waiter.done():  # a request is being handled, or has come just now
            self._stop_clock()
        elif self._too_late is None:
            self._too_late = asyncio.get_running_loop().call_later(HEADER_TIMEOUT_S, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def _break_body(self) -> None:
        """What came is no HTTP. aiohttp answers that as a request of its own; whoever waits for the rest of a body must know too."""
        if self._current_request is not None and not self._current_request.content.is_eof():
            self._current_request.content.set_exception(web.RequestPayloadError("the framing is broken"))

    def _stop_clock(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


def target(raw_path: str) -> tuple[str, str]:
    """Path and raw query of a request line: runs of slashes folded, segments percent-decoded (`ingest.md` 1.1, 2.1)."""
    path, query = folded(raw_path)
    if "%" in path:
        path = "/".join(unquote(segment).replace("/", "%2F") for segment in path.split("/"))
    return path, query


def folded(raw_path: str) -> tuple[str, str]:
    """Path and raw query, runs of slashes folded, all else as it came."""
    path, _, query = raw_path.partition("?")
    if not path.startswith("/"):
        _, _, rest = path.partition("://")
        path = f"/{rest.partition('/')[2]}"
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return path, query


def content_coding(value: str | None) -> str:
    """The coding to undo, empty for none (`ingest.md` 4.1). Raises `BadRequest(CONTENT_ENCODING)` for what we do not know."""
    if not value or value == "identity" or value.lower() == "utf-8":
        return ""
    if value not in DECODERS:
        raise BadRequest(reasons.CONTENT_ENCODING)
    return value


def _last_segment(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _factory(kind: type[Request]) -> Callable[..., Request]:
    def request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> Request:
        return kind(message, payload, protocol, writer, task, asyncio.get_running_loop())

    return request
