"""The capture page and its API (`capture.md` 6, 9 and 10, as far as a plain capture needs them).

Owns the routes and who may use them; what is captured is `core.capture`'s business, and it is the scrubbed form, always. A page on
some website must neither read nor change anything here: the `Host` header (on loopback) and the `Origin` header are checked before
any work is done. On any other address reading needs the token.
"""

from __future__ import annotations

import base64
import hmac
import logging
import socket
from collections.abc import Iterable
from importlib.resources import files
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from scrubjay import __version__
from scrubjay.core.capture.query import WAITING, BadQuery, parse_query, select
from scrubjay.core.capture.records import CapturedItem, Record, part_of
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.capture.store import Captured
from scrubjay.core.envelope import encode_json
from scrubjay.core.ports import Ports
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.sink import CaptureSink
from scrubjay.settings.schema import Settings

SAMPLE_KEY: Final = "decafbaddecafbaddecafbaddecafbad"
_BASE: Final = "/api/capture"
_MAX_SHOWN_BYTES: Final = 64 * 1024
"""How much of a payload that is neither JSON nor text is sent to the page."""
_MAX_LINKS: Final = 50

_CSP: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_MEDIA_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/javascript")


def routes(settings: Settings, ports: Ports) -> list[Route]:
    """None without capture."""
    sink = ports.capture
    if not isinstance(sink, CaptureSink):
        return []
    token = settings.capture.token
    guard = Guard(settings.relay.host, token.reveal() if token else None, sink)
    api = _Api(sink)
    found = [
        Route("GET", f"{_BASE}/status", guard(api.status), "capture"),
        Route("GET", f"{_BASE}/events", guard(api.events), "capture"),
        Route("DELETE", f"{_BASE}/events", guard(api.clear), "capture"),
        Route("GET", f"{_BASE}/events/{{id}}", guard(api.event), "capture"),
        Route("GET", f"{_BASE}/envelopes", guard(api.envelopes), "capture"),
        Route("GET", f"{_BASE}/wait", guard(api.wait), "capture_wait"),
        Route("POST", f"{_BASE}/marks", guard(api.mark), "capture"),
        Route("GET", "/", guard(_file("index.html"), secret=False), "page"),
        *(Route("GET", f"/static/{name}", guard(_file(name), secret=False), "page") for name in static_files()),
    ]
    preflights = [Route("OPTIONS", path, guard.preflight, "capture") for path in {route.path for route in found}]
    return found + preflights


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


class Guard:
    """Who may read and change what was captured (`capture.md` 6)."""

    def __init__(self, host: str, token: str | None, sink: CaptureSink) -> None:
        self._on_loopback = _is_loopback(host)
        self._token = token
        self._sink = sink
        self._log = LimitedLog("capture")

    def __call__(self, handler: Handler, *, secret: bool = True) -> Handler:
        """`secret`: the route shows or changes what was captured, so it wants the token where there is one."""

        async def guarded(request: Request) -> web.StreamResponse:
            response = self._refusal(request, secret=secret)
            if response is None:
                try:
                    response = await handler(request)
                except BadQuery as error:
                    response = _error(400, "bad_parameter", str(error))
            return self._finish(request, response)

        return guarded

    async def preflight(self, request: Request) -> web.StreamResponse:
        refusal = self._refusal(request, secret=False)
        if refusal is not None:
            return refusal
        response = web.Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, PUT, POST, DELETE, PATCH"
        response.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Max-Age"] = "600"
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            response.headers["Access-Control-Allow-Private-Network"] = "true"
        return self._finish(request, response)

    def _refusal(self, request: Request, *, secret: bool) -> web.StreamResponse | None:
        if self._on_loopback and not is_local_name(_host_of(f"//{request.headers.get('Host', '')}")):
            return _error(403, "host", "this address answers to localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and not is_allowed_origin(origin):
            self._log.line(
                logging.WARNING, f"origin/{origin[:100]}", "a page of another origin was refused", {"origin": origin}
            )
            return _error(403, "origin", "this origin may not read what was captured")
        if request.headers.get("Sec-Fetch-Mode") == "no-cors" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return _error(403, "origin", "a page of another site may not use this as a picture or script")
        if secret and not self._on_loopback and not self._has_token(request):
            return _error(401, "token", "send the token as a bearer token")
        return None

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        return self._token is not None and hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())

    def _finish(self, request: Request, response: web.StreamResponse) -> web.StreamResponse:
        headers = response.headers
        headers["Cache-Control"] = "no-store"
        headers["Content-Security-Policy"] = _CSP
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Vary"] = "Origin"
        if self._sink.store.newest_id:
            headers["X-Scrubjay-Cursor"] = self._sink.store.newest_id
        origin = request.headers.get("Origin")
        if origin is not None and is_allowed_origin(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "X-Scrubjay-Cursor"
        return response


def is_local_name(host: str) -> bool:
    """What a loopback address may be called: names that no DNS server can point elsewhere."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def is_allowed_origin(origin: str) -> bool:
    """`localhost` and its sub-domains, and addresses of this machine; no name is looked up."""
    host = _host_of(origin)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return address.is_loopback
    with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return is_local_name(host.lower())


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
        return _answer(
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
        return _answer(select(self._store.records(), query))

    async def event(self, request: Request) -> web.Response:
        found = self._store.find(request.match_info["id"])
        if found is None:
            return _error(404, "not_found", "no such record; it may have been evicted")
        captured, record = found
        return _answer(_detail(captured, record, self._store.records()))

    async def envelopes(self, request: Request) -> web.Response:
        query = parse_query(_params(request), now_unix=self._sink.now(), also=("limit",))
        rows = [captured.summary() for captured in self._store.newest_first()]
        return _answer({"envelopes": rows[: query.limit], "total": len(rows)})

    async def clear(self, request: Request) -> web.Response:
        if request.query_string:
            raise BadQuery("DELETE takes no parameters yet: it removes everything")
        return _answer({"removed": self._store.clear()})

    async def wait(self, request: Request) -> web.Response:
        query = parse_query(_params(request), now_unix=self._sink.now(), also=WAITING)
        return _answer(await self._sink.wait(query))

    async def mark(self, _: Request) -> web.Response:
        return _answer({"mark": self._sink.mark()})


def _params(request: Request) -> list[tuple[str, str]]:
    return list(request.query.items())


def _answer(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(document), content_type="application/json", charset="utf-8")


def _error(status: int, code: str, message: str) -> web.Response:
    return _answer({"error": {"code": code, "message": message}}, status)


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
