"""How a request came, as whoever looks on may see it (`capture.md` 7.2).

Invariant: nothing that authorises but the public key, no cookies, no addresses, and no queries, in which anything may stand.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.dsn import Auth
from scrubjay.core.ports import Entrance
from scrubjay.runtime.endpoints.common import Request, visible

_SHOWN: Final = (
    "Host",
    "User-Agent",
    "Content-Type",
    "Content-Encoding",
    "Content-Length",
    "Transfer-Encoding",
    "Origin",
)
_AUTHORISING: Final = ("X-Sentry-Auth", "Authorization")


def entrance_of(request: Request, auth: Auth | None, body_bytes: int, via: str = "") -> Entrance:
    """`body_bytes`: what came of the body, where the request does not say how long it is. `via`: in place of what can be seen."""
    headers = {name: value for name in _SHOWN if (value := visible(request.headers.get(name)))}
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
