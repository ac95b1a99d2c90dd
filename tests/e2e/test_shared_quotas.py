"""One quota of 1,000 in 10 s for two hosts with two workers each, and 20,000 envelopes of many clients: real daemons, a real Redis."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.crowd import crowd, next_window, until
from support.daemon import Daemon
from support.processes import wait_for
from support.recorder import Recorder, recording
from support.redis_server import RedisServer

Daemons = Callable[..., Daemon]
LIMIT = 1000
WINDOW_S = 10
OFFERED = 20_000
ENOUGH = 5 * LIMIT
"""Offered in one window by a machine that is busy with other things; with less, a worker could keep what it was lent and not asked for."""
PATIENCE_MS = 400
"""Of a host with the store, less than half of what its workers have: what answers late on such a machine is not away."""
WINDOWS = 4
"""Tried by such a machine."""
QUOTA = {"id": "shared", "categories": ["error"], "limit": LIMIT, "window": WINDOW_S, "reasonCode": "shared"}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="sj"))
    server = RedisServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


def host(daemons: Daemons, upstream: Recorder, workers: int = 2, **quotas: Any) -> Daemon:
    relay = daemons(
        upstream=upstream.url,
        options={"relay": {"workers": workers}, "quotas": {"redis_timeout_ms": PATIENCE_MS, **quotas}},
        projects={"default.yaml": {"config": {"quotas": [QUOTA]}}},
        spool=False,
    )
    relay.start()
    if workers > 1:
        wait_for(lambda: relay.log.count("is ready") >= workers, "all workers are ready")
    return relay


def arrived(upstream: Recorder) -> int:
    return sum(delivery.body.count(b'"type":"event"') for delivery in list(upstream.deliveries))


def all_arrive(upstream: Recorder, count: int) -> None:
    """What was granted, and nothing else."""
    wait_for(lambda: arrived(upstream) >= count, "what was granted has arrived")
    assert arrived(upstream) == count


def is_back(relay: Daemon, times: int) -> bool:
    """Whether the log tells of the store's return so often."""
    return relay.log.count("the store of quotas is back") >= times


def offered_in_one_window(ports: list[int], upstream: Recorder) -> int:
    """How many of 20,000 were granted, or of as many as this machine can ask for; one that is busy with other things gets another window."""
    before = arrived(upstream)
    granted = 0
    for _ in range(WINDOWS):
        ends_unix = next_window(WINDOW_S)
        with crowd(ports, most=OFFERED) as clients:
            until(lambda: clients.begun >= OFFERED, ends_unix - 1)
        assert set(clients.statuses) <= {200, 429}
        granted += clients.statuses[200]
        if clients.last_unix < ends_unix and clients.begun >= ENOUGH:
            all_arrive(upstream, before + granted)
            return clients.statuses[200]
    raise AssertionError("too slow to offer enough in one window")


def test_two_hosts_with_two_workers_each_share_one_limit_decisions_119(daemons: Daemons, redis: RedisServer) -> None:
    with recording() as upstream:
        hosts = [host(daemons, upstream, redis=redis.url) for _ in range(2)]
        assert LIMIT - 10 <= offered_in_one_window([relay.port for relay in hosts], upstream) <= LIMIT
        for relay in hosts:
            assert relay.metrics()["scrubjay_quota_store_up", frozenset()] == 1
            assert relay.stop() == 0, relay.log


def test_the_workers_of_one_host_share_one_limit_decisions_119(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = host(daemons, upstream, workers=4)
        assert LIMIT - 10 <= offered_in_one_window([relay.port], upstream) <= LIMIT
        assert relay.stop() == 0, relay.log


def test_hosts_with_one_worker_share_one_limit(daemons: Daemons, redis: RedisServer) -> None:
    with recording() as upstream:
        hosts = [host(daemons, upstream, workers=1, redis=redis.url) for _ in range(2)]
        assert LIMIT - 10 <= offered_in_one_window([relay.port for relay in hosts], upstream) <= LIMIT
        for relay in hosts:
            assert relay.stop() == 0, relay.log


def test_the_limit_is_kept_within_the_bound_while_redis_is_killed_and_comes_back(
    daemons: Daemons, redis: RedisServer
) -> None:
    """L + R - 1, and what the other one was granted after a host last heard: less than its last block, a quarter of the limit."""
    with recording() as upstream:
        hosts = [host(daemons, upstream, redis=redis.url) for _ in range(2)]
        ports = [relay.port for relay in hosts]
        granted = 0
        for turn in range(1, WINDOWS + 1):
            ends_unix = next_window(WINDOW_S)
            with crowd(ports, connections=2, most=OFFERED) as clients:
                until(lambda: clients.statuses[200] >= LIMIT // 3, ends_unix)
                redis.kill()
                until(lambda: clients.begun >= OFFERED // 2, ends_unix - 8)
                redis.start()
                until(lambda: clients.begun >= OFFERED, ends_unix - 1)
            granted += clients.statuses[200]
            # By itself: when all have told what they granted it is as if nothing had been.
            wait_for(lambda: all(is_back(relay, turn) for relay in hosts), "the store is used again")  # noqa: B023
            if clients.last_unix < ends_unix and clients.begun >= ENOUGH:
                break
        else:
            raise AssertionError("too slow to offer enough in one window")
        assert LIMIT - 10 <= clients.statuses[200] <= LIMIT + 1 + LIMIT // 4
        away = [relay.metrics()["scrubjay_lease_calls_total", frozenset({("result", "away")})] for relay in hosts]
        assert all(away), "each host noticed"
        all_arrive(upstream, granted)
        assert LIMIT - 10 <= offered_in_one_window(ports, upstream) <= LIMIT
