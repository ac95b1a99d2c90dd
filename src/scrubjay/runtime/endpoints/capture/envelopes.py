"""The raw view: envelopes in the order in which they came, and one as the text that it is (`capture.md` 9.1, 10.4)."""

from __future__ import annotations

import base64
from typing import Final

from aiohttp import web

from scrubjay.core.capture.query import parse_query
from scrubjay.core.capture.store import Captured
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture.bodies import no_parameters
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import answer, error_reply

MAX_SHOWN_BYTES: Final = 64 * 1024
"""Of one item that is no text."""
MAX_TEXT_BYTES: Final = 1024 * 1024


def routes(site: Site) -> list[Route]:
    guard, api = site.guard, _Envelopes(site.sink)
    return [
        Route("GET", f"{BASE}/envelopes", guard(api.listed), "capture"),
        Route("GET", f"{BASE}/envelopes/{{id}}", guard(api.one), "capture"),
    ]


class _Envelopes:
    def __init__(self, sink: CaptureSink) -> None:
        self._sink = sink
        self._store = sink.store

    async def listed(self, request: Request) -> web.Response:
        """Newest first; `cursor` is the id after which the next page goes on."""
        query = parse_query(list(request.query.items()), now_unix=self._sink.now(), also=("limit", "cursor"))
        cursor = request.query.get("cursor", "").lower()
        rows: list[dict[str, object]] = []
        more = False
        for captured in self._store.newest_first():
            if cursor and captured.id >= cursor:
                continue
            if len(rows) == query.limit:
                more = True
                break
            rows.append(captured.summary())
        told: dict[str, object] = {"envelopes": rows, "total": len(self._store), "more": more}
        return answer(told | {"cursor": rows[-1]["id"]} if more else told)

    async def one(self, request: Request) -> web.Response:
        no_parameters(request)
        captured = self._store.envelope(request.match_info["id"])
        if captured is None:
            return error_reply(404, "not_found", "no such envelope; it may have been evicted")
        return answer(_raw(captured))


def _raw(captured: Captured) -> dict[str, object]:
    """Offsets are bytes of the envelope as `/envelope/{id}` sends it."""
    wire = captured.wire()
    at = wire.find(b"\n") + 1
    items: list[dict[str, object]] = []
    for index, item in enumerate(captured.items):
        row: dict[str, object] = {"index": index, "type": item.type, "bytes": item.size_bytes, **item.fate.summary()}
        if item.is_omitted:
            items.append(row | {"header": item.headers, "payload_omitted": True})
            continue
        start = wire.find(b"\n", at) + 1
        end = start + item.size_bytes
        row |= {
            "header": wire[at : start - 1].decode("utf-8", "replace"),
            "header_offset": at,
            "offset": start,
            "end": end,
        }
        items.append(row | _shown(wire[start:end]))
        at = end + 1
    return captured.summary() | {
        "header": wire[: wire.find(b"\n")].decode("utf-8", "replace"),
        "items": items,
        "records": [record.id for record in captured.records],
        "wire_bytes_scrubbed": len(wire),
    }


def _shown(payload: bytes) -> dict[str, object]:
    try:
        text = payload[:MAX_TEXT_BYTES].decode()
    except UnicodeDecodeError as error:
        if len(payload) <= MAX_TEXT_BYTES or error.start < MAX_TEXT_BYTES - 4:
            shown = payload[:MAX_SHOWN_BYTES]
            cut = {"payload_cut": True} if len(shown) < len(payload) else {}
            return {"payload_base64": base64.b64encode(shown).decode(), **cut}
        text = payload[:MAX_TEXT_BYTES].decode("utf-8", "replace")
    return {"payload_text": text, **({"payload_cut": True} if len(payload) > MAX_TEXT_BYTES else {})}
