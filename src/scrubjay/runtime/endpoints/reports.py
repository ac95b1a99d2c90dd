"""Endpoints for whoever has no SDK: browsers that report what a policy refused, and monitors that say they are alive (`ingest.md` 2.4, 2.9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from scrubjay import reasons
from scrubjay.core.compat.check_ins import CLIENT, check_in_of_json, check_in_of_query
from scrubjay.core.compat.security import MEDIA_TYPES, report_envelope, split_reports
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ports
from scrubjay.errors import BadRequest
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.intake import Intake, Process, project_id_of, required_auth
from scrubjay.runtime.endpoints.replies import Reply
from scrubjay.settings.schema import Settings

_JSON: Final = "application/json"


def routes(settings: Settings, ports: Ports, process: Process = process) -> list[Route]:
    """`process` is the pipeline; tests put something smaller in its place."""
    reports = _Reports(Intake(settings, ports, process))
    crons = ("/api/{project}/cron/{slug}/", "/api/{project}/cron/{slug}/{key}/")
    return [
        *(
            Route("POST", f"/api/{{project}}/{name}/", reports.security, "security", cors=True)
            for name in ("security", "csp-report")
        ),
        *(Route(method, path, reports.cron, "cron", cors=True) for path in crons for method in ("GET", "POST")),
    ]


class _Reports:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._ports = intake.ports

    async def security(self, request: Request) -> Reply:
        """Each report of an array is an envelope of its own; the first that meets a limit ends the rest."""
        media_type = _media_type(request)
        project_id = project_id_of(request)
        auth = required_auth(request)
        body = await self._body(request)
        if media_type not in MEDIA_TYPES:
            raise BadRequest(reasons.CONTENT_TYPE)
        query = dict(parse_qsl(request.query_text))
        release, environment = query.get("sentry_release"), query.get("sentry_environment")

        def read(report: bytes, _: Auth | None) -> Envelope:
            return report_envelope(report, release, environment)

        for report in split_reports(body):
            verdict = await self._intake.run(request, project_id, auth, report, read)
            if verdict.status != 200:
                return replies.verdict_reply(verdict)
        return Reply(200)

    async def cron(self, request: Request) -> Reply:
        """Never 429: what calls here is a shell script that would take it for a failure of its own."""
        project_id = project_id_of(request)
        auth = required_auth(request, request.match_info.get("key"))
        auth = replace(auth, client=auth.client or CLIENT)
        slug = request.match_info["slug"]
        body = await self._body(request)
        is_json = (request.headers.get("Content-Type") or "").startswith(_JSON)
        event_id = self._ports.new_id()

        def read(body: bytes, _: Auth | None) -> Envelope:
            query = dict(parse_qsl(request.query_text, keep_blank_values=True))
            envelope = check_in_of_json(body, slug) if is_json else check_in_of_query(query, slug)
            envelope.headers["event_id"] = event_id
            return envelope

        await self._intake.run(request, project_id, auth, body, read, hides_limits=True)
        return Reply(202)

    async def _body(self, request: Request) -> bytes:
        bounds = self._ports.bounds
        return await receive(request, bounds.max_event_size, bounds.body_idle_timeout)


def _media_type(request: Request) -> str:
    """Raises `BadRequest` where there is none."""
    media_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    kind, slash, name = media_type.partition("/")
    if not (kind and slash and name):
        raise BadRequest(reasons.INVALID_BODY, "the request has no media type")
    return media_type
