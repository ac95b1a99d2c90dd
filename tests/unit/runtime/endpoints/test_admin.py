"""Health and numbers (ingest.md 2.13, upstream-and-operations.md 9.1)."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import pytest

from scrubjay.runtime.endpoints import admin
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.replies import Reply
from scrubjay.runtime.state import Merged, merge
from scrubjay.settings.reporting import Metrics
from scrubjay.settings.schema import Settings

NUMBERS = ("/metrics", "/api/relay/autoscaling/")


class FakeHealth:
    def __init__(self, *, full: bool = False, has_started: bool = True) -> None:
        self.full = full
        self.has_started = has_started

    def started(self) -> bool:
        return self.has_started

    def checks(self) -> Mapping[str, tuple[bool, str]]:
        return {"memory": (True, "12 MiB"), "spool": (not self.full, "p00")}

    def metrics(self) -> str:
        return "a_total 1\n"

    def autoscaling(self) -> str:
        return "relay_up 1\n"

    def merged(self) -> Merged:
        return merge([])


async def get(path: str, health: FakeHealth) -> tuple[int, Any]:
    (route,) = [route for route in admin.routes(Settings(), health) if route.path == path]
    assert route.method == "GET"
    assert not route.cors
    reply = await route.handler(cast("Request", None))
    assert isinstance(reply, Reply)
    return reply.status, reply.payload if path in NUMBERS else msgspec.json.decode(reply.payload)


@pytest.mark.parametrize("path", ["/api/relay/healthcheck/ready/", "/readyz"])
async def test_ready(path: str) -> None:
    """ingest-4"""
    status, body = await get(path, FakeHealth())
    assert (status, body["is_healthy"]) == (200, True)
    status, body = await get(path, FakeHealth(full=True))
    assert (status, body["is_healthy"]) == (503, False)
    assert body["checks"] == {"memory": {"ok": True, "detail": "12 MiB"}, "spool": {"ok": False, "detail": "p00"}}


@pytest.mark.parametrize("path", ["/api/relay/healthcheck/live/", "/api/0/relays/live/", "/healthz", "/livez"])
async def test_live_does_not_depend_on_anything(path: str) -> None:
    """ingest-3"""
    assert await get(path, FakeHealth(full=True, has_started=False)) == (200, {"is_healthy": True})


async def test_started() -> None:
    assert await get("/startupz", FakeHealth()) == (200, {"is_healthy": True})
    assert await get("/startupz", FakeHealth(has_started=False)) == (503, {"is_healthy": False})


async def test_metrics() -> None:
    assert await get("/metrics", FakeHealth()) == (200, b"a_total 1\n")
    off = Settings(metrics=Metrics(prometheus=False))
    assert await get("/api/relay/autoscaling/", FakeHealth()) == (200, b"relay_up 1\n")
    assert "/metrics" not in {route.path for route in admin.routes(off, FakeHealth())}
