"""The script and the ledger say the same: random asks, answered by both (`decisions.md` 2.4, 9.1, 9.4)."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrubjay.runtime.quota_sharing import store as store_module
from scrubjay.runtime.quota_sharing.ledger import BUCKET, FIXED, SLIDING, Ask, Claim, Meter, QuotaLedger
from scrubjay.runtime.quota_sharing.store import RedisStore
from support.counting import CLOCKED, Clock, T
from support.redis_server import RedisServer

NUMBERS = itertools.count()

METERS = st.builds(
    Meter,
    name=st.sampled_from(["{1}:a", "{1}:b"]),
    limit=st.sampled_from([-1, 1, 7, 40, 250]),
    window_s=st.sampled_from([7, 60]),
    shift_s=st.integers(0, 6),
    algorithm=st.sampled_from([FIXED, SLIDING, BUCKET]),
    burst=st.sampled_from([1, 10, 60]),
    group=st.sampled_from(["", "x", "y", "z"]),
    max_groups=st.sampled_from([0, 1, 2]),
    shares_overflow=st.booleans(),
)
AMOUNTS = st.sampled_from([0, 1, 1, 2, 5, 30])
CLAIMS = st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1), AMOUNTS, st.integers(-1, 3)), max_size=5)
STEPS = st.lists(st.tuples(st.sampled_from([0, 0.25, 1, 4, 13, 61]), CLAIMS, st.integers(0, 50)), max_size=8)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="sj"))
    server = RedisServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@given(st.lists(METERS, min_size=3, max_size=3), STEPS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_answers(
    server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    meters: list[Meter],
    steps: list[tuple[float, list[tuple[set[int], int, int]], int]],
) -> None:
    monkeypatch.setattr(store_module, "LEASE", CLOCKED)
    prefix = f"{next(NUMBERS)}"
    # One counter has one set of numbers: those of a name and an algorithm differ by nothing but the group.
    meters = [
        (meter if meter.group else meter._replace(max_groups=-1))._replace(
            name=f"{meter.name}:{prefix}:{number}",
            limit=max(meter.limit, 1) if meter.algorithm == BUCKET else meter.limit,
        )
        for number, meter in enumerate(meters)
    ]
    meters[1:2] = [meters[0]._replace(group="w")] if meters[0].group else meters[1:2]
    clock, client = Clock(T), server.client()
    store, ledger = RedisStore(server.url, timeout_s=5, mono=clock, now_unix=clock), QuotaLedger()
    client.delete("sj:q:replicas")
    for wait_s, drawn, want in steps:
        clock.now_unix += wait_s
        client.mset({"test:s": int(clock()), "test:us": int(clock() % 1 * 1e6)})
        claims = [
            Claim([(index, amount) for index in sorted(indices)], min(after, number - 1))
            for number, (indices, amount, after) in enumerate(drawn)
        ]
        ask = Ask(meters, claims, [want] * 3)
        assert list(store.lease(ask).grants) == list(ledger.lease(ask, clock()).grants), (meters, ask)
    store.close()
