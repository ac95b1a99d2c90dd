"""The endpoints of the capture sink. A new one is one module beside this one and one line in `PARTS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from scrubjay.core.ports import Ports
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture import (
    badge,
    changing,
    envelopes,
    exporting,
    faults,
    files,
    mcp,
    page,
    reading,
    scrubbing,
    spotlight,
    streams,
    traces,
    waiting,
)
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import Guard, Guests
from scrubjay.settings.schema import Settings

PARTS: Final[tuple[Callable[[Site], list[Route]], ...]] = (
    reading.routes,
    scrubbing.routes,
    envelopes.routes,
    traces.routes,
    waiting.routes,
    changing.routes,
    exporting.routes,
    page.routes,
    spotlight.routes,
    streams.routes,
    files.routes,
    faults.routes,
    badge.routes,
    mcp.routes,
)


def routes(settings: Settings, ports: Ports) -> list[Route]:
    """None without capture."""
    sink = ports.capture
    if not isinstance(sink, CaptureSink):
        return []
    options = settings.capture
    guard = Guard(settings.relay.admin_host, options.token, lambda: sink.store.newest_id, Guests.of(options))
    site = Site(settings, ports, sink, guard)
    found = [route for part in PARTS for route in part(site)]
    preflights = [Route("OPTIONS", path, guard.preflight, "capture") for path in {route.path for route in found}]
    table = preflights + found  # a part may answer them in its own way
    return [
        route if (route.method, route.path) in spotlight.TAKING else replace(route, internal=True) for route in table
    ]
