"""Who may use the pages and interfaces that are for people of this machine alone: capture, limits, explanations.

A page on some website must neither read nor change anything here: the `Host` header (on loopback) and the `Origin` header are checked
before any work is done. On any other address the routes that show something need the token (`capture.md` 6).
"""

from __future__ import annotations

import hmac
import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from scrubjay.core.capture.query import BadQuery
from scrubjay.core.envelope import encode_json
from scrubjay.errors import Rejected
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler
from scrubjay.runtime.log import LimitedLog
from scrubjay.settings.setting import Secret

_CSP: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)


class Guard:
    """Who may read and change what only the machine's own people should see (`capture.md` 6).

    `host`: the address that is listened on. `cursor`: the newest record's id, which answers carry; none where nothing is kept.
    """

    def __init__(self, host: str, token: Secret | None, cursor: Callable[[], str | None] = lambda: None) -> None:
        self._on_loopback = _is_loopback(host)
        self._token = None if token is None else token.reveal()
        self._cursor = cursor
        self._log = LimitedLog("guard")

    def __call__(self, handler: Handler, *, secret: bool = True) -> Handler:
        """`secret`: the route shows or changes what is guarded, so it wants the token on any address but loopback."""

        async def guarded(request: Request) -> web.StreamResponse:
            response = self._refusal(request, secret=secret)
            if response is None:
                try:
                    response = await handler(request)
                except BadQuery as error:
                    response = error_reply(400, "bad_parameter", str(error))
                except Rejected as error:
                    response = error_reply(error.status, error.reason.code, str(error))
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
            return error_reply(403, "host", "this address answers to localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and not is_allowed_origin(origin):
            self._log.line(
                logging.WARNING, f"origin/{origin[:100]}", "a page of another origin was refused", {"origin": origin}
            )
            return error_reply(403, "origin", "this origin may not read what is here")
        if request.headers.get("Sec-Fetch-Mode") == "no-cors" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return error_reply(403, "origin", "a page of another site may not use this as a picture or script")
        if secret and not self._on_loopback and not self._has_token(request):
            return error_reply(401, "token", "send the token as a bearer token")
        return None

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        return self._token is not None and hmac.compare_digest(
            given.encode(errors="surrogateescape"), f"Bearer {self._token}".encode()
        )

    def _finish(self, request: Request, response: web.StreamResponse) -> web.StreamResponse:
        headers = response.headers
        headers["Cache-Control"] = "no-store"
        headers["Content-Security-Policy"] = _CSP
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Vary"] = "Origin"
        cursor = self._cursor()
        if cursor:
            headers["X-Scrubjay-Cursor"] = cursor
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


def answer(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(document), content_type="application/json", charset="utf-8")


def error_reply(status: int, code: str, message: str) -> web.Response:
    return answer({"error": {"code": code, "message": message}}, status)
