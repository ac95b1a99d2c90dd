"""What relays behind this one ask: configurations of projects, and keys of other relays (`upstream-and-operations.md` 4.6, 5.5).

Owns the order of the checks, the bounds, and what questions of another version become of. Who asks is `gateway.callers`' to prove, what is
answered `core.relays`'s to say, what is known of a project `runtime.projects`'s; registering is `registering`'s. In mode `managed` the relays
are those that the upstream knows, in `static` those of `auth.static_relays`, which get the projects of our own files; in `proxy` all this is
passed on. Invariants: nothing is told to who has not signed the question; answers are made in a thread, a few at a time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web

from scrubjay import reasons
from scrubjay.core.envelope import encode_json
from scrubjay.core.ports import Ports
from scrubjay.core.relays import public_keys, serving
from scrubjay.core.relays.config_reply import WAITING, State
from scrubjay.core.relays.serving import Caller
from scrubjay.errors import BadRequest, ConfigError, Unavailable
from scrubjay.runtime.delivery import Delivery
from scrubjay.runtime.endpoints import registering
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.forward import Passage
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.endpoints.questions import body_of
from scrubjay.runtime.endpoints.replies import JSON, Reply, long_reply
from scrubjay.runtime.gateway.callers import Callers
from scrubjay.settings.keys import encode
from scrubjay.settings.schema import Settings

CONFIGS_PATH: Final = "/api/0/relays/projectconfigs/"
_VERSION: Final = 3
_VERSION_ASKED: Final = re.compile(r"(?:^|&)version=(\d{1,9})(?:&|$)", re.ASCII)
_ANSWERED_AT_ONCE: Final = 4
_PAUSE_S: Final = 5

T = TypeVar("T")


def routes(settings: Settings, ports: Ports, delivery: Delivery) -> list[Route]:
    """None where no relay is served."""
    if not serves(settings):
        return []
    passage = Passage(settings, ports, delivery.roads, delivery.projects.passes)
    desk = _Desk(settings, ports, delivery, passage)
    return [
        Route("POST", CONFIGS_PATH, desk.configs, "projectconfigs"),
        Route("POST", public_keys.PATH, desk.keys, "publickeys"),
        *registering.routes(settings, ports, passage, delivery.config_dir),
    ]


def serves(settings: Settings) -> bool:
    """Whether relays behind this one could get anything here."""
    mode = settings.relay.mode
    return mode == "managed" or (mode == "static" and bool(settings.auth.static_relays))


class _Desk:
    def __init__(self, settings: Settings, ports: Ports, delivery: Delivery, passage: Handler) -> None:
        self._ports = ports
        self._projects = delivery.projects
        self._passage = passage
        self._callers = Callers(settings, delivery.relay_keys)
        self._upstream = settings.relay.advertised_upstream
        self._max_bytes = settings.limits.max_api_payload_size
        self._answering = asyncio.Semaphore(_ANSWERED_AT_ONCE)

    async def configs(self, request: Request) -> web.StreamResponse:
        version = _version(request.query_text)
        if version > _VERSION:
            return await self._passage(request)

        def check() -> None:
            if version < _VERSION:
                raise BadRequest(reasons.RELAY_QUERY, f"the query needs `version={_VERSION}`")

        caller, question = await self._asked(request, serving.read_question, check)
        states = {key: self._state_of(key) for key in question.revisions}
        shared = self._projects.global_document() if question.wants_shared else None
        accepted = request.headers.get("Accept-Encoding", "")

        def made() -> Reply:
            body = serving.answer(
                question, caller, states, shared=shared, upstream=self._upstream, max_bytes=self._max_bytes
            )
            return long_reply(body, JSON, accepted)

        async with self._answering:
            return await asyncio.to_thread(made)

    async def keys(self, request: Request) -> Reply:
        _, relay_ids = await self._asked(request, public_keys.read_question)
        return Reply(200, encode_json(public_keys.answer(await self._callers.find(relay_ids))), JSON)

    async def _asked(
        self, request: Request, read: Callable[[bytes], T], check: Callable[[], None] = lambda: None
    ) -> tuple[Caller, T]:
        """Who asks, and what: headers, query, body, signature, JSON. Raises `Rejected`."""
        if not self._ports.has_memory():
            raise Unavailable(reasons.OUT_OF_MEMORY, retry_after_s=_PAUSE_S)
        claim = await self._callers.claim(request.headers, time.time())
        check()
        body = await body_of(request, self._ports)
        await self._callers.prove(claim, body)
        try:
            question = read(body)
        except ValueError as error:
            raise BadRequest(reasons.RELAY_QUERY, "the body is no JSON that asks for anything", str(error)) from None
        return Caller(encode(claim.public_key), claim.is_internal), question

    def _state_of(self, key: str) -> State:
        try:
            return self._projects.document_of(key)
        except ConfigError:  # what lies over the document does not fit it
            return WAITING


def _version(query: str) -> int:
    """0 if the query has none that is a number."""
    found = _VERSION_ASKED.search(query)
    return int(found[1]) if found else 0
