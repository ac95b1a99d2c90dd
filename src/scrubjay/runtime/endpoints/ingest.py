"""Endpoints that take envelopes, and bodies that become one: envelope, store, tunnels (`ingest.md` 2.2, 2.3).

Each handler reads key, query and body in the order of 1.1, steps 8 to 11, and hands an `Ingress` to the pipeline; nothing is decided
here. Once the body is there, a client that goes away stops nothing: the server's task runs on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from scrubjay import reasons
from scrubjay.core import hops
from scrubjay.core.compat import read_store
from scrubjay.core.dsn import Auth, normal_origin, parse_project_id, read_auth
from scrubjay.core.envelope import Envelope, parse_envelope
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.errors import BadRequest, Denied
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.batch import HINT
from scrubjay.runtime.endpoints.common import Request, chain_reader, client_hints, receive, visible
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.replies import Reply
from scrubjay.runtime.gateway.senders import takes_batches
from scrubjay.settings.schema import Settings

Process = Callable[[Ingress, Ports], Awaitable[Verdict]]
Read = Callable[[bytes, Auth | None], Envelope]

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
        self._process = process
        self._chain = chain_reader(settings.relay.trusted_proxies)
        self._hint = HINT if takes_batches(settings) else ""

    async def envelope(self, request: Request) -> Reply:
        project_id = _project_id(request)
        auth = read_auth(request.headers, request.query_text)
        reply = await self._take_envelope(request, project_id, auth)
        reply.extra += self._hint
        return reply

    async def tunnel(self, request: Request) -> Reply:
        """The envelope header alone says whose it is; what authenticates the page to its own server is not ours."""
        return await self._take_envelope(request, None, None)

    async def store(self, request: Request) -> Reply:
        project_id = _project_id(request)
        auth = _required_auth(request)
        bounds = self._ports.bounds
        body = await receive(request, bounds.max_event_size, bounds.body_idle_timeout)
        is_envelope = request.headers.get("Content-Type") == _ENVELOPE_TYPE
        read = _read_envelope if is_envelope else self._read_store
        return replies.verdict_reply(await self._run(request, project_id, auth, body, read))

    async def store_query(self, request: Request) -> Reply:
        """An event in the query of an image's address."""
        project_id = _project_id(request)
        auth = _required_auth(request)
        text = dict(parse_qsl(request.query_text, keep_blank_values=True)).get("sentry_data")
        if text is None:
            raise BadRequest(reasons.INVALID_BODY, "no event in the query", "no sentry_data")
        return replies.gif_reply(await self._run(request, project_id, auth, text.encode(), self._read_store))

    async def _take_envelope(self, request: Request, project_id: int | None, auth: Auth | None) -> Reply:
        bounds = self._ports.bounds
        body = await receive(request, bounds.max_envelope_size, bounds.body_idle_timeout)
        return replies.verdict_reply(await self._run(request, project_id, auth, body, _read_envelope))

    def _read_store(self, body: bytes, auth: Auth | None) -> Envelope:
        return read_store(body, auth.client if auth else None, self._ports.bounds.max_event_size)

    async def _run(
        self, request: Request, project_id: int | None, auth: Auth | None, body: bytes, read: Read
    ) -> Verdict:
        headers = request.headers
        peer = request.remote
        return await self._process(
            Ingress(
                body=body,
                read=read,
                auth=auth,
                path_project=project_id,
                received_unix=time.time(),
                now_mono=time.monotonic(),
                origin=normal_origin(headers.get("Origin")) or normal_origin(headers.get("Referer")),
                client_ip=peer,
                forwarded_for=self._chain(headers, peer),
                via=hops.normal_hops(headers.get(hops.HEADER)),
                user_agent=visible(headers.get("User-Agent")),
                client_hints=client_hints(headers),
            ),
            self._ports,
        )


def _project_id(request: Request) -> int | None:
    """None on routes whose path has none."""
    project = request.match_info.get("project")
    return None if project is None else parse_project_id(project)


def _required_auth(request: Request) -> Auth:
    auth = read_auth(request.headers, request.query_text)
    if auth is None:
        raise Denied(reasons.AUTH_MISSING, "no key in the request")
    return auth


def _read_envelope(body: bytes, auth: Auth | None) -> Envelope:
    return parse_envelope(body)
