"""Endpoints that take envelopes, and bodies that become one: envelope, store, tunnels (`ingest.md` 2.2, 2.3).

Each handler reads key, query and body in the order of 1.1, steps 8 to 11, and hands an `Ingress` to the pipeline; nothing is decided
here.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from scrubjay import reasons
from scrubjay.core.compat.store import read_store
from scrubjay.core.dsn import Auth, read_auth
from scrubjay.core.envelope import Envelope, parse_envelope
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ports
from scrubjay.errors import BadRequest
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.batch import HINT
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.intake import Intake, Process, project_id_of, required_auth
from scrubjay.runtime.endpoints.replies import Reply
from scrubjay.runtime.gateway.senders import takes_batches
from scrubjay.settings.schema import Settings

_ENVELOPE_TYPE: Final = "application/x-sentry-envelope"


def routes(settings: Settings, ports: Ports, process: Process = process) -> list[Route]:
    """`process` is the pipeline; tests put something smaller in its place."""
    ingest = _Ingest(settings, ports, process)
    return [
        Route("POST", "/api/{project}/envelope/", ingest.envelope, "envelope", cors=True),
        Route("POST", "/api/{project}/store/", ingest.store, "store", cors=True),
        Route("GET", "/api/{project}/store/", ingest.store_query, "store", cors=True),
        Route("POST", "/api/store/", ingest.store, "store", cors=True),
        Route("GET", "/api/store/", ingest.store_query, "store", cors=True),
        *(Route("POST", path, ingest.tunnel, "tunnel", cors=True) for path in settings.routing.tunnel_paths),
    ]


class _Ingest:
    def __init__(self, settings: Settings, ports: Ports, process: Process) -> None:
        self._ports = ports
        self._intake = Intake(settings, ports, process)
        self._hint = HINT if takes_batches(settings) else ""

    async def envelope(self, request: Request) -> Reply:
        project_id = project_id_of(request)
        auth = read_auth(request.headers, request.query_text)
        reply = await self._take_envelope(request, project_id, auth)
        reply.extra += self._hint
        return reply

    async def tunnel(self, request: Request) -> Reply:
        """The envelope header alone says whose it is; what authenticates the page to its own server is not ours."""
        return await self._take_envelope(request, None, None)

    async def store(self, request: Request) -> Reply:
        project_id = project_id_of(request)
        auth = required_auth(request)
        bounds = self._ports.bounds
        body = await receive(request, bounds.max_event_size, bounds.body_idle_timeout)
        is_envelope = request.headers.get("Content-Type") == _ENVELOPE_TYPE
        read = _read_envelope if is_envelope else self._read_store
        return replies.verdict_reply(await self._intake.run(request, project_id, auth, body, read))

    async def store_query(self, request: Request) -> Reply:
        """An event in the query of an image's address."""
        project_id = project_id_of(request)
        auth = required_auth(request)
        text = dict(parse_qsl(request.query_text, keep_blank_values=True)).get("sentry_data")
        if text is None:
            raise BadRequest(reasons.INVALID_BODY, "no event in the query", "no sentry_data")
        return replies.gif_reply(await self._intake.run(request, project_id, auth, text.encode(), self._read_store))

    async def _take_envelope(self, request: Request, project_id: int | None, auth: Auth | None) -> Reply:
        bounds = self._ports.bounds
        body = await receive(request, bounds.max_envelope_size, bounds.body_idle_timeout)
        return replies.verdict_reply(await self._intake.run(request, project_id, auth, body, _read_envelope))

    def _read_store(self, body: bytes, auth: Auth | None) -> Envelope:
        return read_store(body, auth.client if auth else None, self._ports.bounds.max_event_size)


def _read_envelope(body: bytes, auth: Auth | None) -> Envelope:
    return parse_envelope(body)
