"""What changes what is kept, or sends it on: removing, importing, replaying (`capture.md` 9.1).

Invariants: what is imported is scrubbed first; what is replayed is the scrubbed form, and goes to servers of the configuration only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from scrubjay.core.capture.imports import Arrival, Upload, read_upload
from scrubjay.core.capture.query import BadQuery, parse_query
from scrubjay.core.capture.recording import MAGIC, read_recording
from scrubjay.core.capture.store import Captured
from scrubjay.core.dsn import Dsn, parse_dsn
from scrubjay.runtime.capturing.importing import take_up
from scrubjay.runtime.capturing.looking import matching
from scrubjay.runtime.capturing.replaying import may_go_to, replay
from scrubjay.runtime.endpoints.capture.bodies import json_body, no_parameters
from scrubjay.runtime.endpoints.capture.site import BASE, SAMPLE_KEY, Site
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

MAX_REPLAYED: Final = 500
_UNPACKED: Final = 3
"""A recording may come to so many times what is kept: a little more than its file may hold."""


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Changing(site)
    return [
        Route("DELETE", f"{BASE}/events", guard(api.remove), "capture"),
        Route("POST", f"{BASE}/import", guard(api.take_up), "capture"),
        Route("POST", f"{BASE}/replay", guard(api.replay), "capture_wait"),
    ]


class _Changing:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._sink = site.sink

    async def remove(self, request: Request) -> web.Response:
        """What matches the filters; without any, everything."""
        query = parse_query(list(request.query.items()), now_unix=self._sink.now())
        if not query.conditions:
            if request.query:
                raise BadQuery("filters that say nothing remove nothing; leave them away to remove everything")
            return answer({"removed": self._sink.clear()})
        return answer({"removed": self._sink.remove(await matching(self._sink, query))})

    async def take_up(self, request: Request) -> web.Response:
        no_parameters(request)
        settings = self._site.settings
        most_bytes = max(settings.limits.max_envelope_size, settings.capture.max_bytes)
        body = await receive(request, most_bytes, settings.limits.body_idle_timeout)
        is_recording = body.startswith(MAGIC)
        upload = (
            await asyncio.to_thread(_recorded, body, most_bytes)
            if is_recording
            else await asyncio.to_thread(read_upload, body)
        )
        taken = await take_up(upload.arrivals, self._sink, self._site.ports, key=SAMPLE_KEY)
        return answer({"envelopes": taken, "skipped": upload.skipped})

    async def replay(self, request: Request) -> web.Response:
        no_parameters(request)
        allowed = self._site.settings.capture.replay_to
        ids, dsn = _replay_of(await json_body(request, self._site))
        if not may_go_to(dsn, allowed):
            named = ", ".join(allowed) or "nothing"
            return error_reply(403, "replay", f"capture.replay_to does not name this server; it names {named}")
        envelopes: dict[str, Captured] = {}
        for wanted in ids:
            found = self._sink.store.find(wanted)
            if found is None:
                return error_reply(404, "not_found", f"no such record: {wanted[:80]!r}; it may have been evicted")
            envelopes[found.captured.id] = found.captured
        sent = await replay(list(envelopes.values()), dsn, now_unix=self._sink.now())
        return answer({"taken": sum(one.taken for one in sent), "envelopes": [one.document() for one in sent]})


def _recorded(body: bytes, most_bytes: int) -> Upload:
    """A recording, taken up like anything else: it is scrubbed first, whatever wrote it. Raises `BadQuery`."""
    arrivals: list[Arrival] = []
    left_bytes = most_bytes * _UNPACKED
    for one in read_recording(body):
        left_bytes -= sum(len(item.payload) for item in one.envelope.items)
        if left_bytes < 0:
            raise BadQuery("the recording holds far more than is kept here; raise capture.max_bytes")
        arrivals.append(Arrival(one.envelope, one.account.key, one.account.project_id))
    return Upload(arrivals)


def _replay_of(document: object) -> tuple[list[str], Dsn]:
    """Raises `BadQuery`."""
    if not isinstance(document, Mapping) or set(document) != {"ids", "to"}:
        raise BadQuery('a replay is {"ids": [...], "to": "<DSN>"}')
    ids, to = document["ids"], document["to"]
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or not 0 < len(ids) <= MAX_REPLAYED:
        raise BadQuery(f"ids: 1 to {MAX_REPLAYED} ids of records, captures or events")
    try:
        return ids, parse_dsn(to if isinstance(to, str) else "")
    except ValueError as error:
        raise BadQuery(f"to: {error}") from None
