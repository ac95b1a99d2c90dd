"""What was captured, to take along: single records in forms to paste, and everything that matches as lines of JSON (`capture.md` 9.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from scrubjay.core.capture.exports import as_curl, as_json, as_python, line
from scrubjay.core.capture.markdown import as_markdown
from scrubjay.core.capture.query import BadQuery, parse_query
from scrubjay.core.capture.store import Found
from scrubjay.core.capture.values import nearest
from scrubjay.core.envelope import encode_json
from scrubjay.runtime.capturing.looking import Turns, matching
from scrubjay.runtime.endpoints.capture.site import BASE, SAMPLE_KEY, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import error_reply

_WRITTEN_AT_ONCE: Final = 64 * 1024

Form = tuple[str, str, Callable[[Found, str], bytes]]
FORMS: Final[dict[str, Form]] = {
    "json": ("application/json", "json", lambda found, _: as_json(found)),
    "markdown": ("text/markdown", "md", lambda found, _: as_markdown(found).encode("utf-8", "replace")),
    "curl": (
        "text/plain",
        "sh",
        lambda found, base: as_curl(found.captured, base, SAMPLE_KEY).encode("utf-8", "replace"),
    ),
    "envelope": ("application/x-sentry-envelope", "envelope", lambda found, _: found.captured.wire()),
    "python": ("text/x-python", "py", lambda found, _: as_python(found).encode("utf-8", "replace")),
}
"""Media type, ending of a file's name, and how it is made of a record and the address of this sink."""


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Exporting(site)
    return [
        Route("GET", f"{BASE}/export", guard(api.everything), "capture"),
        Route("GET", f"{BASE}/events/{{id}}/export", guard(api.one), "capture"),
    ]


class _Exporting:
    def __init__(self, site: Site) -> None:
        self._sink = site.sink
        self._dress = site.guard.dress

    async def one(self, request: Request) -> web.Response:
        form = parse_query(list(request.query.items()), now_unix=0, also=("as",)).also.get("as", "json")
        if form not in FORMS:
            raise BadQuery(f"as: unknown form {form[:80]!r}{nearest(form, FORMS)}")
        found = self._sink.store.find(request.match_info["id"])
        if found is None:
            return error_reply(404, "not_found", "no such record; it may have been evicted")
        media_type, ending, make = FORMS[form]
        response = web.Response(body=make(found, f"{request.scheme}://{request.host}"), content_type=media_type)
        if not media_type.endswith("envelope"):
            response.charset = "utf-8"
        response.headers["Content-Disposition"] = f'attachment; filename="{found.id}.{ending}"'
        return response

    async def everything(self, request: Request) -> web.StreamResponse:
        """Newest first. What is evicted meanwhile is still told: it was there when it was asked for."""
        query = parse_query(list(request.query.items()), now_unix=self._sink.now(), also=("order",))
        found = await matching(self._sink, query)
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson"
        response.charset = "utf-8"
        response.headers["Content-Disposition"] = 'attachment; filename="capture.ndjson"'
        self._dress(request, response)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        waiting, turns = bytearray(), Turns()
        found.reverse()
        while found:  # what is written need not be kept
            waiting += encode_json(line(found.pop())) + b"\n"
            if len(waiting) >= _WRITTEN_AT_ONCE:
                await response.write(bytes(waiting))
                waiting.clear()
            await turns.end()
        await response.write(bytes(waiting))
        await response.write_eof()
        return response
