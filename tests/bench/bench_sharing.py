"""What counting costs an envelope, by who counts: this process, the host's service, Redis; beside a client that asks Redis for each.

Two quotas an envelope, far from their limits, twenty requests at a time. `calls` are round trips to the store or the service a second and
counter; the naive client has one for each envelope, with the shortest script that counts two quotas.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import redis.asyncio
import uvloop

from bench.report import Row
from scrubjay.core.quotas import QuotaBackend
from scrubjay.runtime.quota_backends.host import HostLine
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.quota_backends.redis import StoreLine
from scrubjay.runtime.quota_sharing.authority import OwnAuthority
from scrubjay.runtime.quota_sharing.service import QuotaService
from scrubjay.runtime.quota_sharing.store import RedisStore
from support.counting import charge, quota
from support.redis_server import RedisServer

AT_ONCE = 20
CHARGE = charge(quota(10**9, "hour", 3600), quota(10**9, "day", 86_400))
_COUNT = """
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return 0 end
end
for i, key in ipairs(KEYS) do redis.call('INCRBY', key, ARGV[1]); redis.call('EXPIRE', key, 3660) end
return 1
"""


class _Calls:
    """Counts what a backend's authority is asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, result: str) -> None:
        self.count += 1


async def _run(consume: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """CPU µs of this process and wall µs an envelope, once it runs evenly."""

    async def one_after_the_other(share: int) -> None:
        for _ in range(share):
            await consume()

    async def all_of(number: int) -> None:
        await asyncio.gather(*[one_after_the_other(number // AT_ONCE) for _ in range(AT_ONCE)])

    await all_of(max(AT_ONCE, count // 10))
    cpu, wall = time.process_time(), time.perf_counter()
    await all_of(count)
    return (time.process_time() - cpu) / count * 1e6, (time.perf_counter() - wall) / count * 1e6


async def _backend(backend: QuotaBackend, count: int, calls: _Calls) -> tuple[float, float, float]:
    started, before = time.perf_counter(), calls.count
    cpu, wall = await _run(lambda: backend.consume([CHARGE], time.time()), count)
    a_second = (calls.count - before) / (time.perf_counter() - started)
    await backend.close()
    return cpu, wall, a_second


def _row(what: str, cpu: float, wall: float, calls: float, goal_us: float | None = None) -> Row:
    detail = f"{wall:.1f} µs wall, {calls:,.1f} round trips a second"
    goal = f"≤ {goal_us:g} µs" if goal_us else ""
    return Row(f"counting an envelope, {what}", f"{cpu:.1f} µs", goal, cpu <= goal_us if goal_us else None, detail)


def rows(*, quick: bool) -> Iterator[Row]:
    count = 2_000 if quick else 200_000
    folder = Path(tempfile.mkdtemp(prefix="sj"))
    calls = _Calls()
    cpu, wall, _ = uvloop.run(_backend(MemoryBackend(), count, calls))
    yield _row("in memory", cpu, wall, 0, 2 * 5)
    service = QuotaService(OwnAuthority(), folder / "q.sock")
    service.start()
    leased = LeasingBackend(HostLine(folder / "q.sock"), observe=calls)
    yield _row("a worker of a host", *uvloop.run(_backend(leased, count, calls)), 20)
    service.stop()
    if shutil.which("redis-server") is None:
        yield Row("counting an envelope, in Redis", detail="no redis-server here")
    else:
        server = RedisServer(folder)
        leased = LeasingBackend(StoreLine(RedisStore(server.url)), observe=calls)
        yield _row("leased from Redis", *uvloop.run(_backend(leased, count, calls)), 20)
        each = LeasingBackend(StoreLine(RedisStore(server.url)), ahead=False, observe=calls)
        yield _row("Redis asked for each (`sync`)", *uvloop.run(_backend(each, count // 20, calls)))
        naive = uvloop.run(_naive(server.url, count // 20))
        yield _row("a client that asks Redis for each", *naive)
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


async def _naive(url: str, count: int) -> tuple[float, float, float]:
    async with redis.asyncio.Redis.from_url(url) as client:
        digest = await client.script_load(_COUNT)
        cpu, wall = await _run(lambda: client.evalsha(digest, 2, "n:hour", "n:day", 1, 10**9), count)
    return cpu, wall, 1e6 / wall
