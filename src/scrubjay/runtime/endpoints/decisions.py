"""What is limited now, what was dropped last, and what would become of an envelope (`decisions.md` 9.5).

For people of this machine, or with `admin.token` from elsewhere (`guard`). Never shows payload. What is told is `runtime.standing`'s,
`runtime.account`'s and `core.explanation`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from scrubjay.core.capture.query import BadQuery
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope, parse_envelope
from scrubjay.core.explanation import explain
from scrubjay.core.ports import Ingress, Ports
from scrubjay.runtime.endpoints.common import Request, chain_reader, receive, visible
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import Guard, answer
from scrubjay.runtime.log import KEY_LENGTH
from scrubjay.runtime.state import MAX_DROPS, Merged
from scrubjay.settings.schema import Settings

_BASE: Final = "/api/scrubjay"
_MAX_DIGITS: Final = 20


def routes(settings: Settings, ports: Ports, merged: Callable[[], Merged]) -> list[Route]:
    """`merged`: all workers of the instance as they are now."""
    guard = Guard(settings.relay.admin_host, settings.admin.token)
    shown = _Decisions(settings, ports, merged)
    found = [
        Route("GET", f"{_BASE}/limits", guard(shown.limits), "admin", internal=True),
        Route("GET", f"{_BASE}/decisions", guard(shown.decisions), "admin", internal=True),
        Route("POST", f"{_BASE}/explain", guard(shown.explain), "admin", internal=True),
    ]
    return found + [Route("OPTIONS", route.path, guard.preflight, "admin", internal=True) for route in found]


class _Decisions:
    def __init__(self, settings: Settings, ports: Ports, merged: Callable[[], Merged]) -> None:
        self._ports = ports
        self._merged = merged
        self._chain = chain_reader(settings.relay.trusted_proxies)

    async def limits(self, request: Request) -> web.Response:
        """Windows, limits in force, and what spike protection cuts off: of the owners that begin with `owner`, of all that bind `key`."""
        merged, owner, key = self._merged(), request.query.get("owner", ""), request.query.get("key")
        binding = None if key is None else self._owners(key)

        def is_asked(name: str) -> bool:
            return name.startswith(owner) and (binding is None or name in binding)

        return answer(
            {
                "windows": [row for row in merged.windows if is_asked(row.owner)],
                "limits": [row for row in merged.limits if is_asked(row.owner)],
                "spikes": [row for row in merged.surges if is_asked(f"project {row.project_id}")],
            }
        )

    def _owners(self, key: str) -> set[str]:
        """Whose limits bind a key, as `standing` names them."""
        plan = self._ports.plans.find(key)
        found = {"organization", f"key {key[:KEY_LENGTH]}"}
        if plan is not None:
            key_id, project_id = plan.key_id(key), self._ports.plans.project_of(key)
            numbers = (("key", key_id), ("project", project_id), ("organization", plan.organization_id))
            found |= {f"{scope} {number}" for scope, number in numbers if number is not None}
        return found

    async def decisions(self, request: Request) -> web.Response:
        """The last drops of all workers, newest first; `project` and `reason` choose."""
        project, reason = _project(request), request.query.get("reason")
        drops = [
            drop
            for drop in self._merged().drops
            if reason in (None, drop.reason) and project in (None, drop.project_id)
        ]
        return answer({"drops": msgspec.to_builtins(drops[:MAX_DROPS])})

    async def explain(self, request: Request) -> web.Response:
        """Takes an envelope as the envelope endpoint would; `key` and `project` say whose it is, if its header does not."""
        bounds = self._ports.bounds
        body = await receive(request, bounds.max_envelope_size, bounds.body_idle_timeout)
        key, project, peer = request.query.get("key"), _project(request), request.remote
        told = await explain(
            Ingress(
                body=body,
                read=_read,
                auth=None if key is None else Auth(key, 7, None, False, "header"),
                path_project=project,
                received_unix=time.time(),
                now_mono=time.monotonic(),
                client_ip=peer,
                forwarded_for=self._chain(request.headers, peer),
                user_agent=visible(request.headers.get("User-Agent")),
            ),
            self._ports,
        )
        return answer(told.document())


def _project(request: Request) -> int | None:
    text = request.query.get("project")
    if text is None:
        return None
    if len(text) > _MAX_DIGITS or not text.isdecimal():
        raise BadQuery("project must be a number")
    return int(text)


def _read(body: bytes, auth: Auth | None) -> Envelope:
    return parse_envelope(body)
