"""Answers: verdicts and exceptions as HTTP responses (`ingest.md` 1.2 to 1.5), in one place.

A `Reply` goes out in a single write and spares the general machinery of a response; whatever else a handler returns gets the same
fixed headers from `Request`.
"""

from __future__ import annotations

import time
import zlib
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from scrubjay.core.envelope import encode_json
from scrubjay.core.ports import Verdict
from scrubjay.errors import Rejected
from scrubjay.runtime.endpoints.common import CORS_HEADERS, FIXED_HEADERS, Request

JSON: Final = "application/json"
_PREFLIGHT_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST"),
    (
        "Access-Control-Allow-Headers",
        (
            "x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,authentication,"
            "authorization,content-encoding,transfer-encoding"
        ),
    ),
    ("Access-Control-Max-Age", "3600"),
    ("Vary", "origin, access-control-request-method, access-control-request-headers"),
)
_CODINGS: Final = "zstd,gzip,deflate,br"
_PLAIN_BYTES: Final = 128
"""Answers up to this length are never compressed: one SDK cannot read an event id that is (`ingest.md` 1.4)."""
_GZIP_WBITS: Final = 31
_MAX_UNSENT_BYTES: Final = 64 * 1024
_GIF: Final = bytes.fromhex("47494638396101000100 00ff002c00000000010001000002003b")


def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


_FIXED: Final = _lines(FIXED_HEADERS)
_CORS: Final = _lines(CORS_HEADERS)
_START: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n{_FIXED}" for status in HTTPStatus}


class Reply(web.StreamResponse):
    """A short answer. `extra` are complete header lines; `closes` ends the connection. `coding`: how it is compressed already."""

    coding = ""

    def __init__(self, status: int, body: bytes = b"", content_type: str = "", extra: str = "") -> None:
        # Nothing of the base class but its type: no header map, no payload writer, no compression.
        self._status = status
        self.payload = body
        self.content = f"Content-Type: {content_type}\r\n" if content_type else ""
        self.extra = extra
        self.closes = False
        self.keeps_alive = False

    @property
    def status(self) -> int:
        return self._status

    @property
    def keep_alive(self) -> bool:
        return self.keeps_alive

    def force_close(self) -> None:
        self.closes = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self.keeps_alive = keeps_alive = request.keep_alive and not self.closes
        transport = request.transport
        if transport is None:
            return None
        cors = _CORS if isinstance(request, Request) and request.cors else ""
        connection = ""
        if not keeps_alive:
            connection = "Connection: close\r\n"
        elif request.version < (1, 1):
            connection = "Connection: keep-alive\r\n"
        payload, coding = self.payload, ""
        if self.coding:
            coding = f"Content-Encoding: {self.coding}\r\n"
        elif len(payload) > _PLAIN_BYTES and _accepts_gzip(request.headers.get("Accept-Encoding", "")):
            payload, coding = zlib.compress(payload, 1, _GZIP_WBITS), "Content-Encoding: gzip\r\n"
        head = (
            f"{_START[self._status]}{cors}{self.content}{coding}{self.extra}{connection}"
            f"Content-Length: {len(payload)}\r\nDate: {_date()}\r\n\r\n"
        ).encode("latin-1")
        transport.write(head if request.method == "HEAD" else head + payload)
        if transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written already."""

    def __repr__(self) -> str:
        return f"<Reply {self._status} of {len(self.payload)} bytes>"


def long_reply(body: bytes, content_type: str, accepted: str) -> Reply:
    """One that is compressed now, in whatever thread this is, if the client accepts that."""
    if len(body) <= _PLAIN_BYTES or not _accepts_gzip(accepted):
        return Reply(200, body, content_type)
    reply = Reply(200, zlib.compress(body, 1, _GZIP_WBITS), content_type)
    reply.coding = "gzip"
    return reply


def _accepts_gzip(accepted: str) -> bool:
    for entry in accepted.split(","):
        name, _, quality = entry.partition(";")
        if name.strip().lower() == "gzip":
            return quality.strip().rstrip(".0") != "q="  # not q=0, q=0.000
    return False


_now: tuple[int, str] = (0, "")


def _date() -> str:
    global _now
    second = int(time.time())
    if second != _now[0]:
        _now = (second, formatdate(second, usegmt=True))
    return _now[1]


def verdict_reply(verdict: Verdict) -> Reply:
    """`{"id": …}` or `{}`; 429 with the limits; the limits in force travel with a 200 too."""
    if verdict.status == 429:
        return _limited(verdict)
    body = b'{"id":"%b"}' % verdict.event_id.encode() if verdict.event_id else b"{}"
    return Reply(200, body, JSON, _limits(verdict))


def gif_reply(verdict: Verdict) -> Reply:
    """What an image in a page gets."""
    if verdict.status == 429:
        return _limited(verdict)
    return Reply(200, _GIF, "image/gif", _limits(verdict))


def error_reply(error: Rejected) -> Reply:
    """E-JSON; E-EMPTY where the protocol wants no body."""
    status = error.status
    if status == 415:
        return Reply(415, extra=f"Accept-Encoding: {_CODINGS}\r\n")
    causes = error.causes or ((error.reason.doc,) if status == 503 else ())
    extra = "" if error.retry_after_s is None else f"Retry-After: {error.retry_after_s}\r\n"
    reply = problem(status, error.detail, *causes, extra=extra)
    reply.closes = status == 408
    return reply


def problem(status: int, detail: str, *causes: str, extra: str = "") -> Reply:
    body: dict[str, object] = {"detail": detail}
    if causes:
        body["causes"] = causes
    return Reply(status, encode_json(body), JSON, extra)


def not_allowed(methods: list[str]) -> Reply:
    return Reply(405, extra=f"Allow: {', '.join(methods)}\r\n")


def preflight() -> Reply:
    return Reply(200, extra=_lines(_PREFLIGHT_HEADERS))


def _limited(verdict: Verdict) -> Reply:
    extra = f"Retry-After: {verdict.retry_after_s or 0}\r\n{_limits(verdict)}"
    return problem(429, "a rate limit is in force for what was sent", extra=extra)


def _limits(verdict: Verdict) -> str:
    return f"X-Sentry-Rate-Limits: {verdict.rate_limits}\r\n" if verdict.rate_limits else ""
