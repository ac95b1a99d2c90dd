"""`/mcp`: the Model Context Protocol over HTTP, for programs that let a model look at what was captured (`capture.md` 14).

Owns the transport ("streamable HTTP", without streams and without sessions): headers, batches, statuses. What is said is
`core.capture.mcp`'s business, running tools `runtime.capturing.tool_calls`'. There only if `capture.mcp` is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from scrubjay.core.capture.mcp.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    Fault,
    batch,
    parse,
    read_message,
)
from scrubjay.core.capture.mcp.protocol import (
    BATCHED,
    HEADER_MISMATCH,
    SINGLE,
    UNSUPPORTED_VERSION,
    VERSION_HEADER,
    Call,
    answer,
    version_of,
)
from scrubjay.core.capture.reading import Json
from scrubjay.core.envelope import encode_json
from scrubjay.runtime.capturing.tool_calls import ToolCalls
from scrubjay.runtime.endpoints.capture.bodies import MAX_QUESTION_BYTES, no_parameters
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import error_reply

PATH: Final = "/mcp"
_JSON: Final = "application/json"
_ACCEPTED: Final = frozenset({_JSON, "application/*", "*/*"})
_STATUSES: Final = {PARSE_ERROR: 400, INVALID_REQUEST: 400, HEADER_MISMATCH: 400, UNSUPPORTED_VERSION: 400}
_SINGLE_STATUSES: Final = _STATUSES | {INVALID_PARAMS: 400, METHOD_NOT_FOUND: 404}
"""Where each request stands by itself, every error has a status of its own; before, a request that was understood has 200."""


def routes(site: Site) -> list[Route]:
    return [Route("POST", PATH, site.guard(_Mcp(site).post), "capture")] if site.settings.capture.mcp else []


class _Mcp:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._calls = ToolCalls(site.sink)

    async def post(self, request: Request) -> web.StreamResponse:
        no_parameters(request)
        if request.content_type != _JSON:
            return error_reply(415, "content_type", f"a message is {_JSON}")
        if not _accepts_json(request.headers.get("Accept")):
            return error_reply(406, "accept", f"answers are {_JSON}")
        body = await receive(request, MAX_QUESTION_BYTES, self._site.settings.limits.body_idle_timeout)
        headers = request.headers
        try:
            version = version_of(headers)
            node = parse(body)
            if isinstance(node, list) and version in BATCHED:
                return await self._batch(node, headers)
            told = await self._answer(node, headers)
        except Fault as fault:
            statuses = _SINGLE_STATUSES if headers.get(VERSION_HEADER) == SINGLE else _STATUSES
            return _reply(fault.document(), statuses.get(fault.code, 200))
        return web.Response(status=202) if told is None else _reply(told)

    async def _batch(self, nodes: list[object], headers: Mapping[str, str]) -> web.Response:
        """Raises `Fault`."""
        answers: list[Json] = []
        for node in batch(nodes):
            try:
                told = await self._answer(node, headers)
            except Fault as fault:
                told = fault.document()
            if told is not None:
                answers.append(told)
        return _reply(answers) if answers else web.Response(status=202)

    async def _answer(self, node: object, headers: Mapping[str, str]) -> Json | None:
        """Raises `Fault`."""
        message = read_message(node)
        told = None if message is None else answer(message, headers)
        return told.answer(await self._calls.run(told.name, told.arguments)) if isinstance(told, Call) else told


def _accepts_json(accept: str | None) -> bool:
    """Who says nothing takes anything."""
    if accept is None:
        return True
    return any(one.partition(";")[0].strip().lower() in _ACCEPTED for one in accept.split(","))


def _reply(told: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(told), content_type=_JSON)
