"""Misbehaving on purpose (`capture.md` 13): the routes that say how, and doing it to what comes in.

Owns carrying out; which fault strikes which request is `core.capture.faults`' to say. Only routes that take something in are struck, and only
where items end here: what is forwarded is nobody's plaything. Invariant: whoever hangs, waits or reads slowly lets go when the capture
closes or the client has gone.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final, NoReturn

from aiohttp import web

from scrubjay.core.capture.faults import Fault, parse_faults
from scrubjay.core.capture.local import LOCAL, LOCAL_PROJECT_ID, owner_of
from scrubjay.core.capture.values import BadQuery
from scrubjay.core.envelope import Envelope, parse_envelope
from scrubjay.core.inflate import inflate
from scrubjay.core.ports import Ports
from scrubjay.errors import Rejected
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture.bodies import json_body
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request, read_wire
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.endpoints.guard import answer, error_reply
from scrubjay.runtime.endpoints.replies import JSON, Reply, problem

_LOOK_S: Final = 0.25
"""How often whoever hangs looks whether its client is still there."""
_STEP_S: Final = 0.05
"""Between two pieces of a body that is read slowly."""
_RESET: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing cuts off."""


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Api(site)
    return [
        Route("GET", f"{BASE}/faults", guard(api.show), "capture"),
        Route("PUT", f"{BASE}/faults", guard(api.put), "capture"),
        Route("DELETE", f"{BASE}/faults", guard(api.remove), "capture"),
    ]


def striking(table: Iterable[Route], ports: Ports) -> list[Route]:
    """The same routes, those that take something in within reach of faults; as they are where there is no capture to test against."""
    sink = ports.capture
    if not isinstance(sink, CaptureSink) or sink.is_tee:
        return list(table)
    return [
        replace(route, handler=_Struck(route.handler, sink, ports))
        if route.cors or (route.method, route.path) == ("POST", "/stream")
        else route
        for route in table
    ]


class _Api:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._faults = site.sink.faults

    async def show(self, request: Request) -> web.Response:
        return answer({"faults": self._faults.documents(_project(request))})

    async def put(self, request: Request) -> web.Response:
        if self._site.sink.is_tee:
            return error_reply(409, "tee", "no faults beside forwarding: they would lose what is real")
        project = _project(request)
        self._faults.put(parse_faults(await json_body(request, self._site), project), project)
        return answer({"faults": self._faults.documents(project)})

    async def remove(self, request: Request) -> web.Response:
        return answer({"removed": self._faults.remove(_project(request))})


class _Struck:
    """A handler that faults may strike."""

    def __init__(self, handler: Handler, sink: CaptureSink, ports: Ports) -> None:
        self._handler = handler
        self._sink = sink
        self._ports = ports
        self._deeds: dict[str, Callable[[Request, Fault], Awaitable[web.StreamResponse]]] = {
            "status": self._status,
            "rate_limit": self._rate_limit,
            "delay": self._delay,
            "hang": self._hang,
            "reset": self._reset,
            "slow_read": self._slow_read,
            "bad_json": self._bad_json,
        }

    async def __call__(self, request: Request) -> web.StreamResponse:
        fault = await self._chosen(request) if len(self._sink.faults) else None
        if fault is None:
            return await self._handler(request)
        return await self._deeds[fault.action](request, fault)

    async def _chosen(self, request: Request) -> Fault | None:
        """The body is read before only where the choice depends on it; then it is there to be read again."""
        faults, path = self._sink.faults, request.path
        project, types = request.match_info.get("project", ""), frozenset[str]()
        if faults.asks_for_items(project, path) or not project:
            envelope = await self._look(request)
            types = frozenset(item.type for item in envelope.items) or _types_of(path)
            if not project:
                _, number = owner_of(envelope.headers, self._ports.plans.project_of)
                project = LOCAL if number == LOCAL_PROJECT_ID else str(number)
        return faults.strike(project, path, types, random.random)

    async def _look(self, request: Request) -> Envelope:
        """What is sent, as far as it can be read."""
        bounds = self._ports.bounds
        wire = await read_wire(request, bounds.max_envelope_size, bounds.body_idle_timeout)
        request.unread(wire)
        try:
            body = inflate(request.encoding, wire, bounds.max_envelope_size) if request.encoding else wire
            return parse_envelope(body)
        except Rejected:
            return Envelope({}, [])

    async def _swallow(self, request: Request) -> None:
        bounds = self._ports.bounds
        with suppress(Rejected):
            await read_wire(request, bounds.max_envelope_size, bounds.body_idle_timeout)

    async def _status(self, request: Request, fault: Fault) -> web.StreamResponse:
        await self._swallow(request)
        headers = fault.parameters["headers"]
        assert isinstance(headers, dict)
        code = int(fault.number("code"))
        if fault.parameters["body"]:
            return web.Response(status=code, body=str(fault.parameters["body"]).encode(), headers=headers)
        response = web.json_response({"detail": "a fault that was asked for"}, status=code)
        response.headers.update(headers)
        return response

    async def _rate_limit(self, request: Request, fault: Fault) -> web.StreamResponse:
        await self._swallow(request)
        seconds, categories = int(fault.number("seconds")), fault.parameters["categories"]
        assert isinstance(categories, list)
        limits = f"{seconds}:{';'.join(categories)}:organization:injected_fault"
        extra = f"Retry-After: {seconds}\r\nX-Sentry-Rate-Limits: {limits}\r\n"
        return problem(429, "a rate limit that was asked for", extra=extra)

    async def _delay(self, request: Request, fault: Fault) -> web.StreamResponse:
        await self._pause((fault.number("ms") + random.random() * fault.number("jitter_ms")) / 1000)  # noqa: S311
        return await self._handler(request)

    async def _hang(self, request: Request, fault: Fault) -> web.StreamResponse:
        while not self._sink.is_closed and request.transport is not None:
            await self._pause(_LOOK_S)
        _cut(request)

    async def _reset(self, request: Request, fault: Fault) -> web.StreamResponse:
        _cut(request)

    async def _slow_read(self, request: Request, fault: Fault) -> web.StreamResponse:
        most_bytes = self._ports.bounds.max_envelope_size
        step_bytes = max(1, int(fault.number("bytes_per_s") * _STEP_S))
        body = bytearray()
        while not request.content.at_eof() and len(body) <= most_bytes and not self._sink.is_closed:
            body += await request.content.read(step_bytes)
            await self._pause(_STEP_S)
        request.unread(bytes(body))
        return await self._handler(request)

    async def _bad_json(self, request: Request, fault: Fault) -> web.StreamResponse:
        response = await self._handler(request)
        return Reply(200, b'{"id": "cut off', JSON) if response.status == 200 else response

    async def _pause(self, seconds: float) -> None:
        """Shorter if the capture closes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._sink.arrivals() as something:
                while not self._sink.is_closed:
                    await something.wait()
                    something.clear()


def _cut(request: Request) -> NoReturn:
    """Ends the connection without an answer, as a reset and not as an end."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    raise ConnectionResetError("cut off on purpose")


def _types_of(path: str) -> frozenset[str]:
    """Of a body that is no envelope: what becomes of it."""
    segments = path.rstrip("/").split("/")
    kinds = {"store": "event", "minidump": "event", "cron": "check_in", "security": "raw_security"}
    return frozenset(kinds[segment] for segment in segments if segment in kinds)


def _project(request: Request) -> str:
    """The parameter `project`, the only one there is."""
    given = dict(request.query)
    project = given.pop("project", "")
    if given:
        raise BadQuery(f"unknown parameter {next(iter(given))!r}; accepted: project")
    return project
