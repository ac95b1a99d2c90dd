"""How a request came, as whoever looks on may see it (`capture.md` 7.2).

Invariant: nothing that authorises but the public key, no cookies, no addresses, no queries, parameters and users, in which anything may stand.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.dsn import Auth
from scrubjay.core.ports import Entrance
from scrubjay.runtime.endpoints.common import Request, visible

_SHOWN: Final = (
    "Host",
    "User-Agent",
    "Content-Encoding",
    "Content-Length",
    "Transfer-Encoding",
)
_AUTHORISING: Final = ("X-Sentry-Auth", "Authorization")


def entrance_of(request: Request, auth: Auth | None, body_bytes: int, via: str = "") -> Entrance:
    """`body_bytes`: what came of the body, where the request does not say how long it is. `via`: in place of what can be seen."""
    headers = {name: value for name in _SHOWN if (value := visible(request.headers.get(name)))}
    if media_type := visible(request.headers.get("Content-Type")):
        headers["Content-Type"] = media_type.partition(";")[0].rstrip()
    if origin := visible(request.headers.get("Origin")):
        headers["Origin"] = _without_user(origin)
    if auth is not None and auth.source != "envelope":
        headers |= {name: f"Sentry sentry_key={auth.key}" for name in _AUTHORISING if name in request.headers}
    announced = request.content_length
    return Entrance(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        via=via or ("tunnel" if auth is None else "dsn"),
        encoding=request.encoding,
        wire_bytes=body_bytes if announced is None else announced,
        headers=headers,
    )


def _without_user(origin: str) -> str:
    """As browsers write it; whoever else puts more into it, means somebody."""
    scheme, between, rest = origin.partition("://")
    return f"{scheme}{between}{rest.partition('/')[0].rpartition('@')[2]}" if between else scheme.rpartition("@")[2]
