"""What Spotlight's sidecar answers, so that whatever talks to one can talk to us (`capture.md` 5.2, 5.4).

Owns taking envelopes in at `POST /stream`, which go the way of all others, and the small routes. Server-sent events are `streams`'s,
files `files`'s. Invariant: whoever posts here is never told about a problem of the envelope, and never waits long: SDKs stop sending
to a development aid that fails or is slow.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from urllib.parse import quote

from aiohttp import web

from scrubjay import __version__, reasons
from scrubjay.core.capture.local import owner_of
from scrubjay.core.capture.spotlight import ENVELOPE_TYPE
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope, parse_envelope, read_header
from scrubjay.core.pipeline import process
from scrubjay.errors import BadRequest, Rejected
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import ANY, Route
from scrubjay.runtime.endpoints.intake import Intake, Process, Read
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.tasks import Tasks

_PATIENCE_S: Final = 0.01
"""How long an answer waits for its envelope to be there, so that who asks next mostly finds it."""
_MOST_HELD_BYTES: Final = 16 * 1024 * 1024
"""Of bodies whose senders have their answer. Beyond that, senders wait."""
_DEEPEST_LINK: Final = 4
TAKING: Final = frozenset({("POST", "/stream"), ("OPTIONS", "/stream"), ("GET", "/health"), ("OPTIONS", "/health")})
"""For SDKs, which know no other listener than the main one."""


def routes(site: Site, process: Process = process) -> list[Route]:
    """`process` is the pipeline; tests put something smaller in its place."""
    guard, small = site.guard, _Small(site)
    found = [
        Route("GET", "/health", guard(_health, takes_in=True), "spotlight"),
        Route("DELETE", "/clear", guard(small.clear), "spotlight"),
        Route(ANY, "/clear", guard(_nothing), "spotlight"),
        Route("GET", "/envelope/{id}", guard(small.envelope), "spotlight"),
        *(Route("GET", path, guard(_to_page, secret=False), "page") for path in _deep_links()),
    ]
    if site.settings.relay.mode == "capture":
        taking = guard(_Taking(site, process).take, takes_in=True)
        found.append(Route("POST", "/stream", taking, "spotlight"))
        found.append(Route("OPTIONS", "/stream", guard.preflight_of_intake, "spotlight"))
    return found


class _Taking:
    """Envelopes on their way, answered or not."""

    def __init__(self, site: Site, process: Process) -> None:
        self._intake = Intake(site.settings, site.ports, process)
        self._log = LimitedLog("capture")
        self._tasks = Tasks(self._note)
        self._held_bytes = 0

    async def take(self, request: Request) -> web.Response:
        """Answers as soon as the envelope is there or `_PATIENCE_S` is over: queue first, parse later."""
        body, read = await self._body(request)
        is_there = asyncio.Event()
        self._held_bytes += len(body)
        self._tasks.start("spotlight", self._pass_on(request, body, read, is_there))
        has_room = self._held_bytes <= _MOST_HELD_BYTES
        try:
            async with asyncio.timeout(_PATIENCE_S if has_room else None):
                await is_there.wait()
        except TimeoutError:
            pass
        return web.Response(headers={"Cache-Control": "no-cache"})

    async def _body(self, request: Request) -> tuple[bytes, Read]:
        bounds = self._intake.ports.bounds
        try:
            return await receive(request, bounds.max_envelope_size, bounds.body_idle_timeout), _read
        except BadRequest as error:
            if error.reason is not reasons.INVALID_BODY or not request.encoding:
                raise
            return b"", _unreadable(error)

    async def _pass_on(self, request: Request, body: bytes, read: Read, is_there: asyncio.Event) -> None:
        auth, project_id = owner_of(_header(body), self._intake.ports.plans.project_of)
        try:
            await self._intake.run(request, project_id, auth, body, read, via="spotlight")
        except Rejected:
            pass  # who looks on is told by the path, and the sender by nobody
        finally:
            self._held_bytes -= len(body)
            is_there.set()

    def _note(self, name: str, error: BaseException) -> None:
        self._log.line(logging.ERROR, name, "an envelope could not be taken in", error=error)


class _Small:
    def __init__(self, site: Site) -> None:
        self._sink = site.sink

    async def clear(self, _: Request) -> web.Response:
        self._sink.clear()
        return web.Response(text="Cleared")

    async def envelope(self, request: Request) -> web.Response:
        """The scrubbed form, as bytes to save."""
        found = self._sink.store.envelope(request.match_info["id"])
        if found is None:
            return web.Response(status=404, text="no such envelope; it may have been evicted")
        disposition = f'attachment; filename="{found.id}.bin"'
        return web.Response(body=found.wire(), content_type=ENVELOPE_TYPE, headers={"Content-Disposition": disposition})


async def _health(_: Request) -> web.Response:
    """Spotlight's programs decide by the header whether a sidecar is running already; the other one tells us apart."""
    return web.Response(text="OK", headers={"X-Powered-By": "spotlight-by-sentry", "X-Scrubjay-Version": __version__})


async def _nothing(_: Request) -> web.Response:
    return web.Response(status=404)


async def _to_page(request: Request) -> web.Response:
    """Deep links of Spotlight's own page: our document loads its files from beside it, so it is not shown further down."""
    rest = "/".join(request.match_info.get(f"part{depth}", "") for depth in range(_DEEPEST_LINK)).rstrip("/")
    return web.Response(status=302, headers={"Location": f"/#/{quote(rest)}"})


def _deep_links() -> list[str]:
    parts = [f"{{part{depth}}}" for depth in range(_DEEPEST_LINK)]
    return ["/".join(["/telemetry", *parts[:count]]) for count in range(_DEEPEST_LINK + 1)]


def _header(body: bytes) -> dict[str, object]:
    """Nothing for a body that is no envelope; reading it all, the path finds out why."""
    try:
        return read_header(body)[0]
    except BadRequest:
        return {}


def _read(body: bytes, _: Auth | None) -> Envelope:
    return parse_envelope(body)


def _unreadable(error: BadRequest) -> Read:
    """For a body that could not even be decoded: who looks on is told so."""

    def read(body: bytes, auth: Auth | None) -> Envelope:
        raise error

    return read
