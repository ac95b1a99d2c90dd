"""What was captured, to read: status, counts, lists, and one record in full (`capture.md` 9.1).

Owns the routes; who may use them is `guard`'s. What is captured is `core.capture`'s business, and it is the scrubbed form, always.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from scrubjay import __version__
from scrubjay.core.capture.query import PAGING, parse_query
from scrubjay.core.capture.reading import iso
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.capture.store import Found
from scrubjay.hosts import url_host
from scrubjay.runtime.capturing.looking import selected
from scrubjay.runtime.endpoints.capture.bodies import no_parameters
from scrubjay.runtime.endpoints.capture.counts import counts
from scrubjay.runtime.endpoints.capture.site import BASE, SAMPLE_KEY, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

_MAX_SHOWN_BYTES: Final = 64 * 1024
"""How much of a payload that is neither JSON nor text is sent to the page."""
_MAX_LINKS: Final = 50

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/javascript")


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Reading(site)
    return [
        Route("GET", f"{BASE}/status", guard(api.status), "capture"),
        Route("GET", f"{BASE}/stats", guard(api.stats), "capture"),
        Route("GET", f"{BASE}/events", guard(api.events), "capture"),
        Route("GET", f"{BASE}/events/{{id}}", guard(api.event), "capture"),
    ]


class _Reading:
    def __init__(self, site: Site) -> None:
        self._settings = site.settings
        self._options = site.settings.capture
        self._sink = site.sink
        self._store = site.sink.store

    async def status(self, request: Request) -> web.Response:
        no_parameters(request)
        store, options = self._store, self._options
        base = f"{request.scheme}://{request.host}"
        told = {
            "version": __version__,
            "started_at": iso(self._sink.started_unix),
            "uptime_s": round(self._sink.now() - self._sink.started_unix, 1),
            "mode": "tee" if self._sink.is_tee else "capture",
            "dsn": self._dsn(request),
            "spotlight_url": f"{base}/stream",
            "originals": self._sink.originals,
            "limits": {"envelopes": store.max_envelopes, "bytes": store.max_bytes},
            "replay_to": list(options.replay_to),
            "opens_in_editor": options.open_in_editor is not None,
        }
        return answer(told | counts(self._sink))

    def _dsn(self, request: Request) -> str:
        """For applications: what they reach the main listener by is known here only if this request came by it."""
        relay, tls = self._settings.relay, self._settings.tls
        if relay.internal_host is None:
            return f"{request.scheme}://{SAMPLE_KEY}@{request.host}/1"
        return f"{'http' if tls.cert is None else 'https'}://{SAMPLE_KEY}@{url_host(relay.host)}:{relay.port}/1"

    async def stats(self, request: Request) -> web.Response:
        """Since the start, whatever is gone."""
        no_parameters(request)
        await self._sink.examined()
        totals = self._store.totals
        return answer(
            {
                "envelopes": totals.envelopes,
                "bytes": totals.bytes,
                "evicted": totals.evicted,
                "missed": totals.missed,
                "by_type": dict(totals.items),
                "by_outcome": dict(totals.outcomes),
                "by_rule": dict(totals.rules),
                "by_project": dict(totals.projects),
            }
        )

    async def events(self, request: Request) -> web.Response:
        query = parse_query(list(request.query.items()), now_unix=self._sink.now(), also=PAGING)
        return answer((await selected(self._sink, query)).answer())

    async def event(self, request: Request) -> web.Response:
        no_parameters(request)
        found = self._store.find(request.match_info["id"])
        if found is None:
            return error_reply(404, "not_found", "no such record; it may have been evicted")
        return answer(_detail(found, self._store.found()))


def _detail(found: Found, everything: Iterable[Found]) -> dict[str, object]:
    """One record in full: what would leave, and where scrubbing touched it."""
    captured, record, item = found.captured, found.record, found.item
    detail = record.summary | {
        "message": record.message,
        "envelope_header": captured.facts.headers,
        "item_header": item.headers,
        "links": _links(found, everything),
    }
    if request := captured.facts.coming.request():
        detail["request"] = request
    return detail | _payload(found)


def _payload(found: Found) -> dict[str, object]:
    item = found.item
    payload = item.payload()
    if payload is None:
        return {"payload_omitted": True}
    document = found.document()
    if document is not None:
        return {"payload": document, "remarks": remarks(document)}
    shown = payload[:_MAX_SHOWN_BYTES]
    cut: dict[str, object] = {"payload_cut": True} if len(shown) < len(payload) else {}
    if str(item.headers.get("content_type", "")).startswith(_TEXTUAL):
        return {"payload_text": shown.decode("utf-8", "replace")} | cut
    return {"payload_base64": base64.b64encode(shown).decode()} | cut


def _links(found: Found, everything: Iterable[Found]) -> list[dict[str, object]]:
    """Records of the same event or trace."""
    event_id, trace_id = found.record.event_id, found.record.trace_id
    links: list[dict[str, object]] = []
    if not event_id and not trace_id:
        return links
    for other in everything:
        record = other.record
        if event_id and record.event_id == event_id:
            by = "event_id"
        elif trace_id and record.trace_id == trace_id:
            by = "trace_id"
        else:
            continue
        if record is not found.record:
            links.append({"id": record.id, "type": record.type, "title": record.title, "by": by})
            if len(links) == _MAX_LINKS:
                break
    return links
