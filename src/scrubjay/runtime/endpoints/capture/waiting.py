"""Tests that wait: until records match, and until expectations hold (`capture.md` 9.3, 9.4)."""

from __future__ import annotations

from aiohttp import web

from scrubjay.core.capture.expectations import parse_assertion
from scrubjay.core.capture.query import WAITING, parse_query
from scrubjay.runtime.capturing.waiting import judge, wait
from scrubjay.runtime.endpoints.capture.bodies import json_body, no_parameters
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Waiting(site)
    return [
        Route("GET", f"{BASE}/wait", guard(api.wait), "capture_wait"),
        Route("POST", f"{BASE}/assert", guard(api.expect), "capture_wait"),
        Route("POST", f"{BASE}/marks", guard(api.mark), "capture"),
    ]


class _Waiting:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._sink = site.sink

    async def wait(self, request: Request) -> web.Response:
        query = parse_query(list(request.query.items()), now_unix=self._sink.now(), also=WAITING)
        return answer(await wait(self._sink, query))

    async def expect(self, request: Request) -> web.Response:
        """200 and a report, or 417 and the same report."""
        no_parameters(request)
        document = await json_body(request, self._site)
        report = await judge(self._sink, parse_assertion(document, now_unix=self._sink.now()))
        return answer(report, 200 if report["passed"] else 417)

    async def mark(self, request: Request) -> web.Response:
        no_parameters(request)
        return answer({"mark": self._sink.mark()})
