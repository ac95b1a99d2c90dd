"""Traces: the list, and one with its spans as a tree (`capture.md` 9.1).

Owns the two routes. Putting traces together is `core.capture.traces`' business, choosing records by filters `core.capture.query`'s.
"""

from __future__ import annotations

from aiohttp import web

from scrubjay.core.capture.query import parse_query
from scrubjay.core.capture.traces import MIN_PREFIX, Traces
from scrubjay.runtime.capturing.looking import matching
from scrubjay.runtime.endpoints.capture.bodies import no_parameters
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

_MAX_CANDIDATES = 5


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Api(site)
    return [
        Route("GET", f"{BASE}/traces", guard(api.traces), "capture"),
        Route("GET", f"{BASE}/traces/{{trace_id}}", guard(api.trace), "capture"),
    ]


class _Api:
    def __init__(self, site: Site) -> None:
        self._sink = site.sink
        self._store = site.sink.store
        self._traces = Traces()

    async def traces(self, request: Request) -> web.Response:
        """Those of which at least one record matches the filters, whole."""
        params = list(request.query.items())
        query = parse_query(params, now_unix=self._sink.now(), also=("limit",))
        shown = None
        if any(name != "limit" for name, _ in params):
            shown = {found.id for found in await matching(self._sink, query)}
        rows = self._traces.rows(self._store.found(), shown)
        return answer({"traces": rows[: query.limit], "matched": len(rows), "more": len(rows) > query.limit})

    async def trace(self, request: Request) -> web.Response:
        """By its id, or by a beginning of it that only one trace has."""
        no_parameters(request)
        wanted = request.match_info["trace_id"]
        ids = self._traces.ids(self._store.found(), wanted)
        if len(ids) > 1:
            listed = ", ".join(ids[:_MAX_CANDIDATES])
            return error_reply(409, "ambiguous", f"{len(ids)} traces begin with {wanted!r}: {listed}")
        found = self._traces.one(self._store.found(), ids[0]) if ids else None
        if found is None:
            return error_reply(
                404, "not_found", f"no such trace; at least {MIN_PREFIX} digits are needed, and it may be gone"
            )
        return answer(found)
