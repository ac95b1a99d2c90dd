"""The small script for pages of applications in development (`capture.md` 5.5).

Django's middleware asks for it at this address, and puts it into each page if it is there; so a 404 turns that off.
"""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route


def routes(site: Site) -> list[Route]:
    if not site.settings.capture.page_badge:
        return []
    script = (files("scrubjay") / "static" / "badge.js").read_bytes()

    async def send(_: Request) -> web.Response:
        return web.Response(body=script, content_type="text/javascript", charset="utf-8")

    return [Route("GET", "/assets/main.js", site.guard(send, secret=False), "page")]
