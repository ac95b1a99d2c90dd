"""Workers that share what they took, over a Redis of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path as File

import pytest
from msgspec.structs import replace

from scrubjay.core.batch_format import Batch, BatchReply
from scrubjay.errors import Unavailable
from scrubjay.runtime.gateway.receiver import Receiver, fingerprint
from scrubjay.runtime.gateway.shared import Known, Shared, shared_of
from scrubjay.settings.decisions import Quotas
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret
from support.forwarding import until
from support.path import Path
from support.redis_server import RedisServer
from unit.runtime.gateway.test_once import started
from unit.runtime.gateway.test_passage import Told
from unit.runtime.gateway.test_receiver import ID, Process, around, records

pytestmark = pytest.mark.asyncio
NAMES = [bytes([number]) * 16 for number in range(3)]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def empty(redis: RedisServer) -> None:
    redis.client().flushall()


def settings(url: str) -> Settings:
    return replace(Settings(), quotas=Quotas(redis=Secret(url), redis_timeout_ms=2000))


def opened(redis: RedisServer) -> Shared:
    shared = shared_of(settings(redis.url))
    assert shared is not None
    return shared


async def test_what_one_took_the_other_knows(redis: RedisServer) -> None:
    one, other = opened(redis), opened(redis)
    assert await one.claim(b"batch", NAMES) == Known()
    assert await other.claim(b"batch", NAMES) == Known(is_claimed=True)
    await one.settle(b"batch", b"reply", NAMES[:2])
    assert await other.claim(b"batch", NAMES) == Known(b"reply")
    assert await other.claim(b"another", NAMES) == Known(taken=frozenset(NAMES[:2]))
    assert 0 < redis.client().ttl("sj:b:" + b"batch".hex()) <= 600
    assert 0 < redis.client().ttl("sj:d:" + NAMES[0].hex()) <= 600
    one.close()
    other.close()


async def test_a_claim_is_given_back_or_lapses(redis: RedisServer) -> None:
    shared = opened(redis)
    await shared.claim(b"batch", [])
    assert 0 < redis.client().ttl("sj:b:" + b"batch".hex()) <= 15
    await shared.release(b"batch")
    assert await shared.claim(b"batch", []) == Known()
    shared.close()


async def test_without_the_store_everybody_remembers_for_himself(tmp_path: File) -> None:
    shared = shared_of(settings(f"unix://{tmp_path}/none.sock"))
    assert shared is not None
    for _ in range(2):
        assert await shared.claim(b"batch", NAMES) == Known()
    await shared.settle(b"batch", b"reply", NAMES)
    shared.close()
    assert shared_of(Settings()) is None
    assert shared_of(settings("nonsense://x")) is None


async def take(receiver: Receiver, *names: int, batch_id: bytes = ID) -> BatchReply:
    found = records(*names)
    return await receiver.take(Batch(batch_id, found, True), fingerprint(found), around(), Path().ports)


async def test_operations_101_a_batch_that_comes_again_to_another_worker(redis: RedisServer) -> None:
    first, second = Process(), Process()
    one = Receiver(Told(), shared=opened(redis), process=first)
    other = Receiver(Told(), shared=opened(redis), process=second)
    reply = await take(one, 1, 2)
    assert (await take(other, 1, 2)) == BatchReply.decode(reply.encode(), ID, 2)
    assert (await take(other, 2, 3, batch_id=bytes(16))).acked == [True, True]
    assert (first.bodies, second.bodies) == ([b"1", b"2"], [b"3"])
    one.close()
    other.close()


async def test_while_one_is_at_it_the_other_says_so(redis: RedisServer) -> None:
    process = Process()
    process.gate.clear()
    one = Receiver(Told(), shared=opened(redis), process=process)
    other = Receiver(Told(), shared=opened(redis), process=Process())
    running = started(take(one, 1))
    await until(lambda: process.bodies)
    with pytest.raises(Unavailable) as caught:
        await take(other, 1)
    assert caught.value.retry_after_s == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await take(other, 1)).acked == [True]
    one.close()
    other.close()
