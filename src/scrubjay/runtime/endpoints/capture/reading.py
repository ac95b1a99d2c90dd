"""What was captured, to read and to forget (`capture.md` 9).

Owns the routes; who may use them is `guard`'s. What is captured is `core.capture`'s business, and it is the scrubbed form, always.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from scrubjay import __version__
from scrubjay.core.capture.query import WAITING, BadQuery, parse_query, select
from scrubjay.core.capture.records import CapturedItem, Record, part_of
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.capture.store import Captured
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture.site import BASE, SAMPLE_KEY, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

_MAX_SHOWN_BYTES: Final = 64 * 1024
"""How much of a payload that is neither JSON nor text is sent to the page."""
_MAX_LINKS: Final = 50

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/javascript")


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Api(site.sink)
    return [
        Route("GET", f"{BASE}/status", guard(api.status), "capture"),
        Route("GET", f"{BASE}/events", guard(api.events), "capture"),
        Route("DELETE", f"{BASE}/events", guard(api.clear), "capture"),
        Route("GET", f"{BASE}/events/{{id}}", guard(api.event), "capture"),
        Route("GET", f"{BASE}/envelopes", guard(api.envelopes), "capture"),
        Route("GET", f"{BASE}/wait", guard(api.wait), "capture_wait"),
        Route("POST", f"{BASE}/marks", guard(api.mark), "capture"),
    ]


class _Api:
    """The handlers below `/api/capture`."""

    def __init__(self, sink: CaptureSink) -> None:
        self._sink = sink
        self._store = sink.store

    async def status(self, request: Request) -> web.Response:
        parse_query(_params(request), now_unix=0, also=())
        store = self._store
        types: dict[str, int] = {}
        for record in store.records():
            kind = str(record.summary["type"])
            types[kind] = types.get(kind, 0) + 1
        return answer(
            {
                "version": __version__,
                "uptime_s": round(self._sink.now() - self._sink.started_unix, 1),
                "dsn": f"{request.scheme}://{SAMPLE_KEY}@{request.host}/1",
                "originals": "none",
                "limits": {"envelopes": store.max_envelopes, "bytes": store.max_bytes},
                "kept": {"envelopes": len(store), "bytes": store.size_bytes, "records": types},
                "totals": {
                    "envelopes": store.totals.envelopes,
                    "bytes": store.totals.bytes,
                    "evicted": store.totals.evicted,
                    "items": dict(store.totals.items),
                },
            }
        )

    async def events(self, request: Request) -> web.Response:
        query = parse_query(_params(request), now_unix=self._sink.now())
        return answer(select(self._store.records(), query))

    async def event(self, request: Request) -> web.Response:
        found = self._store.find(request.match_info["id"])
        if found is None:
            return error_reply(404, "not_found", "no such record; it may have been evicted")
        captured, record = found
        return answer(_detail(captured, record, self._store.records()))

    async def envelopes(self, request: Request) -> web.Response:
        query = parse_query(_params(request), now_unix=self._sink.now(), also=("limit",))
        rows = [captured.summary() for captured in self._store.newest_first()]
        return answer({"envelopes": rows[: query.limit], "total": len(rows)})

    async def clear(self, request: Request) -> web.Response:
        if request.query_string:
            raise BadQuery("DELETE takes no parameters yet: it removes everything")
        return answer({"removed": self._store.clear()})

    async def wait(self, request: Request) -> web.Response:
        query = parse_query(_params(request), now_unix=self._sink.now(), also=WAITING)
        return answer(await self._sink.wait(query))

    async def mark(self, _: Request) -> web.Response:
        return answer({"mark": self._sink.mark()})


def _params(request: Request) -> list[tuple[str, str]]:
    return list(request.query.items())


def _detail(captured: Captured, record: Record, everything: Iterable[Record]) -> dict[str, object]:
    """One record in full: what would leave, and where scrubbing touched it."""
    item = captured.items[record.index]
    detail = record.summary | {
        "message": record.message,
        "envelope_header": captured.facts.headers,
        "item_header": item.headers,
        "links": _links(record, everything),
    }
    if captured.facts.user_agent:
        detail["request"] = {"user_agent": captured.facts.user_agent}
    if item.payload is None:
        return detail | {"payload_omitted": True}
    return detail | _payload(item, record)


def _payload(item: CapturedItem, record: Record) -> dict[str, object]:
    assert item.payload is not None
    document = part_of(item, record.id)
    if document is not None:
        return {"payload": document, "remarks": remarks(document)}
    shown = item.payload[:_MAX_SHOWN_BYTES]
    cut: dict[str, object] = {"payload_cut": True} if len(shown) < len(item.payload) else {}
    if str(item.headers.get("content_type", "")).startswith(_TEXTUAL):
        return {"payload_text": shown.decode("utf-8", "replace")} | cut
    return {"payload_base64": base64.b64encode(shown).decode()} | cut


def _links(record: Record, everything: Iterable[Record]) -> list[dict[str, object]]:
    """Records of the same event or trace."""
    shared = [(name, record.summary[name]) for name in ("event_id", "trace_id") if name in record.summary]
    links: list[dict[str, object]] = []
    for other in everything:
        by = next((name for name, value in shared if other.summary.get(name) == value), None)
        if by and other.id != record.id and len(links) < _MAX_LINKS:
            links.append({"id": other.id, "type": other.summary["type"], "title": other.summary["title"], "by": by})
    return links
