"""For operators and their machines: is it alive, ready, started; its numbers (`upstream-and-operations.md` 9.1, `ingest.md` 2.13).

What is healthy is known by whoever built the worker and comes in as `Health`; nothing here looks at anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from scrubjay.core.envelope import encode_json
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.endpoints.replies import JSON, Reply, problem
from scrubjay.runtime.state import Merged
from scrubjay.settings.schema import Settings

_UPSTREAM_PROBE: Final = "/api/0/relays/live/"
"""Relays that send to us ask it, and know our main listener alone."""
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Health(Protocol):
    """The worker's word on itself."""

    def started(self) -> bool:
        """After configuration, recovery of the spool and binding."""

    def checks(self) -> Mapping[str, tuple[bool, str]]:
        """By name: does it hold, and a few words. Ready is who passes all."""

    def metrics(self) -> str:
        """All numbers of the instance, as Prometheus text."""

    def autoscaling(self) -> str:
        """The few numbers by which replicas are added and removed, as Prometheus text."""

    def merged(self) -> Merged:
        """All workers of the instance, as they are now."""


def routes(settings: Settings, health: Health) -> list[Route]:
    admin = _Admin(health)
    found: list[tuple[str, Handler]] = [
        ("/api/relay/healthcheck/live/", admin.live),
        ("/api/relay/healthcheck/ready/", admin.ready),
        ("/api/relay/healthcheck/{kind}/", admin.unknown_check),
        (_UPSTREAM_PROBE, admin.live),
        ("/healthz", admin.live),
        ("/livez", admin.live),
        ("/readyz", admin.ready),
        ("/startupz", admin.started),
    ]
    table = [Route("GET", path, handler, "health", internal=path != _UPSTREAM_PROBE) for path, handler in found]
    table.append(Route("GET", "/api/relay/autoscaling/", admin.autoscaling, "metrics", internal=True))
    if settings.metrics.prometheus:
        table.append(Route("GET", "/metrics", admin.metrics, "metrics", internal=True))
    return table


class _Admin:
    def __init__(self, health: Health) -> None:
        self._health = health

    async def live(self, _: Request) -> Reply:
        """Whoever can answer this is alive."""
        return _healthy(is_healthy=True)

    async def ready(self, _: Request) -> Reply:
        checks = self._health.checks()
        told = {name: {"ok": ok, "detail": detail} for name, (ok, detail) in checks.items()}
        return _healthy(is_healthy=all(ok for ok, _ in checks.values()), checks=told)

    async def started(self, _: Request) -> Reply:
        return _healthy(is_healthy=self._health.started())

    async def unknown_check(self, request: Request) -> Reply:
        return problem(400, "unknown health check", request.match_info["kind"])

    async def metrics(self, _: Request) -> Reply:
        return Reply(200, self._health.metrics().encode(), _METRICS_TYPE)

    async def autoscaling(self, _: Request) -> Reply:
        return Reply(200, self._health.autoscaling().encode(), _METRICS_TYPE)


def _healthy(*, is_healthy: bool, checks: Mapping[str, object] | None = None) -> Reply:
    body: dict[str, object] = {"is_healthy": is_healthy}
    if checks:
        body["checks"] = checks
    return Reply(200 if is_healthy else 503, encode_json(body), JSON)
