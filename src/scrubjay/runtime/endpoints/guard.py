"""Who may use the pages and interfaces that are for people of this machine alone: capture, limits, explanations.

A page on some website must neither read nor change anything here: the `Host` header (on loopback) and the `Origin` header are checked
before any work is done. On any other address the routes that show something need the token (`capture.md` 6).
"""

from __future__ import annotations

import hmac
import logging
import math
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from scrubjay.core.capture.query import BadQuery
from scrubjay.core.envelope import encode_json
from scrubjay.errors import Rejected
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler
from scrubjay.runtime.log import LimitedLog
from scrubjay.settings.capture import Capture
from scrubjay.settings.setting import Secret

_CSP: Final = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors "
)
_LOCAL_FRAMES: Final = " ".join(
    ["'self'"]
    + [f"{scheme}://{host}:*" for host in ("localhost", "*.localhost", "127.0.0.1") for scheme in ("http", "https")]
)
_SITE: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\[([0-9a-f:.]+)\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*))(?::\d{1,5})?", re.IGNORECASE
)
_PLAIN_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d+)?")
_MAX_LOGGED_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Guests:
    """Whom the operator lets in beside this machine: names in `Host`, whole origins, and hosts whose pages may come by any scheme and port."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    origin_hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, options: Capture) -> Guests:
        """Each entry may be a comma-separated list."""
        origins = set(_entries(options.allowed_origins))
        whole = {entry for entry in origins if "://" in entry}
        return cls(
            hosts=frozenset(map(_bare, _entries(options.allowed_hosts))),
            origins=frozenset(entry.rstrip("/") for entry in whole),
            origin_hosts=frozenset(map(_bare, origins - whole)),
        )

    @property
    def frames(self) -> str:
        """Whose pages may show ours inside of them, in the words of a content security policy."""
        named = sorted(origin for origin in self.origins if _PLAIN_ORIGIN.fullmatch(origin))
        return " ".join([_LOCAL_FRAMES, *named])


class Guard:
    """Who may read and change what only the machine's own people should see (`capture.md` 6).

    `host`: the address that is listened on; whoever comes through a Unix socket is let in. `cursor`: the newest record's id, which answers carry; none where nothing is kept.
    `guests`: who else; None: nobody, and no page may show ours in a frame.
    """

    def __init__(
        self,
        host: str,
        token: Secret | None,
        cursor: Callable[[], str | None] = lambda: None,
        guests: Guests | None = None,
    ) -> None:
        self.on_loopback = _is_loopback(host)
        self._token = None if token is None else token.reveal()
        self._cursor = cursor
        self._guests = guests or Guests()
        self._csp = _CSP + ("'none'" if guests is None else guests.frames)
        self._has_options = guests is not None
        self._log = LimitedLog("guard")

    def __call__(self, handler: Handler, *, secret: bool = True, takes_in: bool = False) -> Handler:
        """`secret`: the route shows or changes what is guarded, so it wants the token on any address but loopback.

        `takes_in`: it only takes events in, or says that we are here; containers and emulators call this machine what they like.
        """

        async def guarded(request: Request) -> web.StreamResponse:
            response = self._refusal(request, secret=secret and not takes_in, by_any_name=takes_in)
            if response is None:
                try:
                    response = await handler(request)
                except BadQuery as error:
                    response = error_reply(400, "bad_parameter", str(error))
                except Rejected as error:
                    response = error_reply(error.status, error.reason.code, str(error))
            return response if response.prepared else self.dress(request, response)

        return guarded

    async def preflight(self, request: Request) -> web.StreamResponse:
        """The answer to a browser that asks whether it may."""
        return self._preflight(request, by_any_name=False)

    async def preflight_of_intake(self, request: Request) -> web.StreamResponse:
        """The same where `POST` takes events in: for that, we may be called by any name."""
        asked = request.headers.get("Access-Control-Request-Method", "")
        return self._preflight(request, by_any_name=asked.upper() == "POST")

    def dress(self, request: Request, response: web.StreamResponse) -> web.StreamResponse:
        """Puts on what each guarded answer carries. Streams do it before they begin; all else is done here."""
        headers = response.headers
        headers.setdefault("Cache-Control", "no-store")
        headers["Content-Security-Policy"] = self._csp
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Vary"] = "Origin"
        cursor = self._cursor()
        if cursor:
            headers["X-Scrubjay-Cursor"] = cursor
        origin = request.headers.get("Origin")
        if origin is not None and self._allows(request, origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "X-Scrubjay-Cursor"
        return response

    def _preflight(self, request: Request, *, by_any_name: bool) -> web.StreamResponse:
        refusal = self._refusal(request, secret=False, by_any_name=by_any_name)
        if refusal is not None:
            return refusal
        response = web.Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, PUT, POST, DELETE, PATCH"
        response.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Max-Age"] = "600"
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            response.headers["Access-Control-Allow-Private-Network"] = "true"
        return self.dress(request, response)

    def _refusal(self, request: Request, *, secret: bool, by_any_name: bool) -> web.StreamResponse | None:
        if not request.is_remote:  # no page of any site leads here, and the socket's mode has let in whom it should
            return None
        if self.on_loopback and not by_any_name and not self._is_own_name(request.headers.get("Host", "")):
            return error_reply(403, "host", "this address answers to localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and not self._allows(request, origin):
            self._log_refused(origin)
            return error_reply(403, "origin", "this origin may not read what is here")
        # Files of the page itself hold nothing secret, and styles of a page that is shown elsewhere are asked for like this.
        if secret and _is_embedded(request):
            return error_reply(403, "origin", "a page of another site may not use this as a picture or script")
        if secret and not self.on_loopback and not self._has_token(request):
            return error_reply(401, "token", "send the token as a bearer token")
        return None

    def _is_own_name(self, host: str) -> bool:
        name = _host_of(f"http://{host}")
        return is_local_name(name) or name in self._guests.hosts

    def _allows(self, request: Request, origin: str) -> bool:
        """Pages of this machine, those of guests, and our own page under a name that we were given."""
        guests, host = self._guests, _host_of(origin)
        if is_allowed_origin(origin) or host in guests.origin_hosts or origin.lower() in guests.origins:
            return True
        return host in guests.hosts and origin.lower().partition("://")[2] == request.headers.get("Host", "").lower()

    def _log_refused(self, origin: str) -> None:
        """Once for each origin."""
        shown = origin[:_MAX_LOGGED_CHARS]
        told = "a page of another origin was refused"
        if self._has_options and _host_of(origin):
            told += f"; --allowed-origin {shown} (capture.allowed_origins) would let it in"
        self._log.line(logging.WARNING, f"origin/{shown}", told, {"origin": shown}, repeat_s=math.inf)

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        return self._token is not None and hmac.compare_digest(
            given.encode(errors="surrogateescape"), f"Bearer {self._token}".encode()
        )


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


def _is_embedded(request: Request) -> bool:
    """A picture, script or style of another site's page, which browsers ask for without saying whose it is."""
    headers = request.headers
    return headers.get("Sec-Fetch-Mode") == "no-cors" and headers.get("Sec-Fetch-Site") == "cross-site"


def _entries(given: Iterable[str]) -> list[str]:
    return [entry.strip().lower() for text in given for entry in text.split(",") if entry.strip()]


def _bare(host: str) -> str:
    return host.strip("[]")


def _host_of(url: str) -> str:
    """Empty for what no browser writes: users, paths and the like only serve to deceive."""
    found = _SITE.fullmatch(url)
    return (found[1] or found[2]).lower() if found else ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return is_local_name(host.lower())


def answer(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(document), content_type="application/json", charset="utf-8")


def error_reply(status: int, code: str, message: str) -> web.Response:
    return answer({"error": {"code": code, "message": message}}, status)
