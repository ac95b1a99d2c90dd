"""All endpoints. A new one is one module beside this one, whose `routes` says where it answers, and one line in `ENDPOINTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, cast

from aiohttp import web

from scrubjay.core.ports import Ports
from scrubjay.runtime.delivery import Delivery
from scrubjay.runtime.endpoints import (
    admin,
    batch,
    capture,
    crashes,
    decisions,
    forward,
    ingest,
    outcomes,
    relays,
    reports,
)
from scrubjay.runtime.endpoints.admin import Health
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.capture import faults
from scrubjay.runtime.endpoints.common import Observer
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.endpoints.fronts import Fronts
from scrubjay.settings.schema import Settings

__all__ = ["ENDPOINTS", "front_door", "routes"]

ENDPOINTS: Final[tuple[Callable[[Settings, Ports], Iterable[Route | web.RouteDef]], ...]] = (
    ingest.routes,
    reports.routes,
    crashes.routes,
    capture.routes,
)


def front_door(
    settings: Settings, ports: Ports, health: Health, observer: Observer, bodies: Bodies, delivery: Delivery | None
) -> Fronts:
    """The handlers for everything that comes in; `Front.server` makes one a server."""
    is_split = settings.relay.internal_host is not None
    return Fronts(routes(settings, ports, health, delivery), observer, bodies, is_split=is_split)


def routes(settings: Settings, ports: Ports, health: Health, delivery: Delivery | None) -> list[Route]:
    """What is answered under these settings; without a `delivery` no batches are taken and no calls passed on."""
    table = [_adapted(route) for endpoint in ENDPOINTS for route in endpoint(settings, ports)]
    if delivery is not None:
        table += batch.routes(settings, ports, delivery.receiver)
        table += outcomes.routes(settings, ports, delivery.projects.key_of)
        table += relays.routes(settings, ports, delivery)
        table += forward.routes(settings, ports, delivery.roads, delivery.projects.passes)
    table = faults.striking(table, ports)
    return [*table, *admin.routes(settings, health), *decisions.routes(settings, ports, health.merged)]


def _adapted(route: Route | web.RouteDef) -> Route:
    """A route in aiohttp's own form is one for pages: not for other origins' scripts, unless it says so itself."""
    if isinstance(route, Route):
        return route
    return Route(route.method, route.path, cast("Handler", route.handler), "capture")
