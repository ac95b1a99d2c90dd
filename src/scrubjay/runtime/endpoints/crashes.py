"""Endpoints of crash reporters: minidumps, Unreal's archives, files for an event (`ingest.md` 2.6 to 2.8).

Bodies may be large: reading them into parts happens in a thread. Crash reporters try again for ever where they are refused, so none but
the one for files is told of limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from scrubjay import reasons
from scrubjay.core.compat.crashes import (
    RAW_TYPES,
    CrashBounds,
    attachments_envelope,
    minidump_envelope,
    raw_minidump_envelope,
    unreal_envelope,
)
from scrubjay.core.compat.multipart import boundary_of, read_parts
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope
from scrubjay.core.header_rules import normal_uuid
from scrubjay.core.pipeline import HEAVY_BYTES, process
from scrubjay.core.ports import Ports, Verdict
from scrubjay.errors import BadRequest
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.intake import Intake, Process, project_id_of, required_auth
from scrubjay.runtime.endpoints.replies import Reply
from scrubjay.settings.schema import Settings

_TEXT: Final = "text/plain; charset=utf-8"


def routes(settings: Settings, ports: Ports, process: Process = process) -> list[Route]:
    """`process` is the pipeline; tests put something smaller in its place."""
    crashes = _Crashes(Intake(settings, ports, process))
    return [
        Route("POST", "/api/{project}/minidump/", crashes.minidump, "minidump", cors=True),
        Route("POST", "/api/{project}/unreal/{key}/", crashes.unreal, "unreal", cors=True),
        Route("POST", "/api/{project}/events/{event_id}/attachments/", crashes.attachments, "attachments", cors=True),
    ]


class _Crashes:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._ports = intake.ports

    async def minidump(self, request: Request) -> Reply:
        project_id, auth = project_id_of(request), required_auth(request)
        content_type, new_id, bounds = request.headers.get("Content-Type"), self._ports.new_id(), self._bounds()
        boundary = None if content_type in RAW_TYPES else _boundary(content_type)
        body = await self._body(request)

        def read() -> Envelope:
            if boundary is None:
                return raw_minidump_envelope(body, bounds, new_id)
            return minidump_envelope(read_parts(body, boundary), bounds, new_id)

        return _named(await self._take(request, project_id, auth, body, read, hides_limits=True))

    async def unreal(self, request: Request) -> Reply:
        project_id, auth = project_id_of(request), required_auth(request, request.match_info["key"])
        user_id, new_id = dict(parse_qsl(request.query_text)).get("UserID"), self._ports.new_id()
        body = await self._body(request)
        verdict = await self._take(
            request, project_id, auth, body, lambda: unreal_envelope(body, user_id, new_id), hides_limits=True
        )
        return _named(verdict)

    async def attachments(self, request: Request) -> Reply:
        project_id, auth = project_id_of(request), required_auth(request)
        try:
            event_id = normal_uuid(request.match_info["event_id"])
        except ValueError:
            raise BadRequest(reasons.INVALID_BODY, "the path names no event") from None
        boundary, bounds = _boundary(request.headers.get("Content-Type")), self._bounds()
        body = await self._body(request)
        verdict = await self._take(
            request, project_id, auth, body, lambda: attachments_envelope(read_parts(body, boundary), bounds, event_id)
        )
        return Reply(201) if verdict.status == 200 else replies.verdict_reply(verdict)

    async def _take(
        self,
        request: Request,
        project_id: int | None,
        auth: Auth,
        body: bytes,
        read: Callable[[], Envelope],
        *,
        hides_limits: bool = False,
    ) -> Verdict:
        envelope = await self._ports.in_thread(read) if len(body) > HEAVY_BYTES else read()
        return await self._intake.run(
            request, project_id, auth, body, lambda _, __: envelope, hides_limits=hides_limits
        )

    async def _body(self, request: Request) -> bytes:
        bounds = self._ports.bounds
        return await receive(request, bounds.max_attachments_size, bounds.body_idle_timeout)

    def _bounds(self) -> CrashBounds:
        bounds = self._ports.bounds
        return CrashBounds(bounds.max_attachment_size, bounds.max_attachments_size, bounds.max_event_size)


def _boundary(content_type: str | None) -> bytes:
    boundary = boundary_of(content_type)
    if boundary is None:
        raise BadRequest(reasons.INVALID_BODY, "multipart/form-data with a boundary is wanted")
    return boundary


def _named(verdict: Verdict) -> Reply:
    """The event id with dashes, which crash reporters show to people."""
    return Reply(200, str(UUID(verdict.event_id)).encode(), _TEXT)
