"""The capture page: files of the package, sent as they are (`capture.md` 10.1)."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from aiohttp import web

from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler, Route

_MEDIA_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


def routes(site: Site) -> list[Route]:
    guard = site.guard
    return [
        Route("GET", "/", guard(_file("index.html"), secret=False), "page"),
        *(Route("GET", f"/static/{name}", guard(_file(name), secret=False), "page") for name in static_files()),
    ]


def static_files() -> list[str]:
    """Names of what the page consists of."""
    folder = files("scrubjay") / "static"
    return sorted(entry.name for entry in folder.iterdir() if entry.name.rsplit(".", 1)[-1] in _MEDIA_TYPES)


def _file(name: str) -> Handler:
    body = (files("scrubjay") / "static" / name).read_bytes()
    media_type = _MEDIA_TYPES[name.rsplit(".", 1)[-1]]

    async def send(_: Request) -> web.Response:
        return web.Response(body=body, content_type=media_type, charset="utf-8")

    return send
