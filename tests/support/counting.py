"""Backends of quotas as the tests build them: all by one clock that the test sets, with their authorities beside them.

Owns `BUILDERS`, the registry that conformance runs over. Redis tells its own time, so that for these tests the script is made to read the
test's from two keys.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.quotas import Charge, Counter, Grouping, Quota, QuotaBackend
from scrubjay.runtime.quota_backends.host import HostLine
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.quota_backends.redis import StoreLine
from scrubjay.runtime.quota_sharing import store as store_module
from scrubjay.runtime.quota_sharing.authority import OwnAuthority, SharedAuthority
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask
from scrubjay.runtime.quota_sharing.service import QuotaService
from scrubjay.runtime.quota_sharing.store import RedisStore
from support.redis_server import RedisServer

T = 1_700_000_000
CLOCKED = store_module.LEASE.replace("redis.call('TIME')", "redis.call('MGET', 'test:s', 'test:us')")


class Clock:
    """Time of day and monotonic time in one; `told` is called whenever it is set."""

    def __init__(self, now_unix: float = T) -> None:
        self.now_unix = now_unix
        self.told: list[Callable[[float], object]] = []

    def __call__(self) -> float:
        return self.now_unix

    def set(self, now_unix: float) -> None:
        self.now_unix = now_unix
        for tell in self.told:
            tell(now_unix)


class Ground:
    """What the backends of one test stand on; everything is closed with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.folder = Path(tempfile.mkdtemp(prefix="sj"))
        self._monkeypatch = monkeypatch
        self._services: list[QuotaService] = []
        self._redis: RedisServer | None = None
        self._backends: list[LeasingBackend] = []

    @property
    def redis(self) -> RedisServer:
        if self._redis is None:
            self._redis = RedisServer(self.folder)
        return self._redis

    def redis_by_clock(self) -> RedisServer:
        """As `redis`, but with the test's time in the place of its own."""
        server = self.redis
        self._monkeypatch.setattr(store_module, "LEASE", CLOCKED)
        client = server.client()

        def tell(now_unix: float) -> None:
            client.mset({"test:s": int(now_unix), "test:us": int(now_unix % 1 * 1e6)})

        self.clock.told.append(tell)
        self.clock.set(self.clock.now_unix)
        return server

    def store(self, url: str, **options: Any) -> RedisStore:
        options = {"timeout_s": 2.0, "mono": self.clock, "now_unix": self.clock, **options}
        return RedisStore(url, **options)

    def service(self, authority: OwnAuthority | SharedAuthority) -> Path:
        path = self.folder / f"{len(self._services)}.sock"
        service = QuotaService(authority, path)
        service.start()
        self._services.append(service)
        return path

    def leasing(self, line: Any, **options: Any) -> LeasingBackend:
        backend = LeasingBackend(line, mono=self.clock, now_unix=self.clock, **options)
        self._backends.append(backend)
        return backend

    def worker(self, path: Path, **options: Any) -> LeasingBackend:
        """One of a host's workers."""
        return self.leasing(HostLine(path, mono=self.clock, now_unix=self.clock), **options)

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()
        for service in self._services:
            await asyncio.to_thread(service.stop)
        if self._redis is not None:
            self._redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _memory(ground: Ground) -> QuotaBackend:
    return MemoryBackend(now_unix=ground.clock)


def _host(ground: Ground, **options: Any) -> QuotaBackend:
    return ground.worker(ground.service(OwnAuthority(ground.clock)), **options)


def _redis(ground: Ground, **options: Any) -> QuotaBackend:
    return ground.leasing(StoreLine(ground.store(ground.redis_by_clock().url)), **options)


def _host_and_redis(ground: Ground) -> QuotaBackend:
    shared = SharedAuthority(ground.store(ground.redis_by_clock().url), mono=ground.clock, now_unix=ground.clock)
    return ground.worker(ground.service(shared))


BUILDERS: dict[str, Callable[[Ground], QuotaBackend]] = {
    "memory": _memory,
    "host": _host,
    "host-sync": lambda ground: _host(ground, ahead=False),
    "redis": _redis,
    "redis-sync": lambda ground: _redis(ground, ahead=False),
    "host-redis": _host_and_redis,
}


class LedgerLine:
    """A line to an authority in this process, which remembers what it was asked."""

    def __init__(self, lease: Callable[[Ask], Answer | Awaitable[Answer]]) -> None:
        self._lease = lease
        self.asked: list[Ask] = []

    async def lease(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        await asyncio.sleep(0)
        answer = self._lease(ask)
        return answer if isinstance(answer, Answer) else await answer

    async def close(self) -> None:
        pass


def quota(limit: int | None, name: str = "q", window_s: int = 60, **members: Any) -> Quota:
    return Quota(name, "organization", frozenset({DataCategory.ERROR}), limit, window_s, **members)


def grouped(limit: int, most: int, *, shares: bool, **members: Any) -> Quota:
    return quota(limit, grouping=Grouping(("release",), most, shares_overflow=shares), **members)


def charge(
    *quotas: Quota,
    amount: int = 1,
    after: int | None = None,
    org: int = 0,
    sub: str | None = None,
    group: str | None = None,
) -> Charge:
    return Charge(amount, tuple(Counter(one, org, sub, group) for one in quotas), after)
