"""What changes what is kept: removing records (`capture.md` 9.1)."""

from __future__ import annotations

from aiohttp import web

from scrubjay.core.capture.query import parse_query
from scrubjay.runtime.capturing.looking import matching
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Changing(site)
    return [Route("DELETE", f"{BASE}/events", guard(api.remove), "capture")]


class _Changing:
    def __init__(self, site: Site) -> None:
        self._sink = site.sink

    async def remove(self, request: Request) -> web.Response:
        """What matches the filters; without any, everything."""
        query = parse_query(list(request.query.items()), now_unix=self._sink.now())
        if not query.conditions:
            return answer({"removed": self._sink.clear()})
        return answer({"removed": self._sink.remove(await matching(self._sink, query))})
