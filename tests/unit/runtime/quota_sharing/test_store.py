"""Redis as the authority: counted by all, away, back without its data (`decisions.md` 9.4). A real server, at the test's time."""

import socket
from collections.abc import AsyncIterator

import pytest

from scrubjay.runtime.quota_sharing.ledger import Ask, Claim, Meter
from scrubjay.runtime.quota_sharing.store import RedisStore
from support.counting import Ground, T

START = T - T % 60
MINUTE = Meter("{0}:q::", 100, 60)


@pytest.fixture
async def ground(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    ground = Ground(monkeypatch)
    ground.clock.set(START)
    try:
        yield ground
    finally:
        await ground.close()


def replicas(ground: Ground, count: int = 2, **options: object) -> list[RedisStore]:
    url = ground.redis_by_clock().url
    stores = [ground.store(url, **options) for _ in range(count)]
    for store in stores + stores:
        store.beat()
        store._last_mono -= 10
    return stores


def take(store: RedisStore, need: int = 1, meter: Meter = MINUTE, want: int = 0) -> int:
    return store.lease(Ask([meter], [Claim([(0, need)])], [want])).grants[0].tokens


def take_all(store: RedisStore, meter: Meter = MINUTE) -> int:
    """One by one, until it is refused."""
    granted = 0
    while take(store, meter=meter):
        granted += 1
    return granted


def pass_time_without(ground: Ground, seconds: float) -> None:
    """The server need not be there."""
    ground.clock.now_unix += seconds


def come_back(ground: Ground, *stores: RedisStore) -> None:
    """All notice that the store is back, and that all have noticed."""
    pass_time(ground, 2)
    for store in stores:
        store.beat()
    pass_time(ground, 4)
    for store in stores:
        store.beat()


def restart(ground: Ground) -> None:
    ground.redis.kill()
    ground.redis.start()
    ground.clock.set(ground.clock())


def pass_time(ground: Ground, seconds: float) -> None:
    ground.clock.set(ground.clock() + seconds)


async def test_replicas_count_together(ground: Ground) -> None:
    one, two = replicas(ground)
    assert [take(one, 60), take(two, 60), take(two, 40), take(one, 1)] == [60, 0, 40, 0]
    assert one.replicas == two.replicas == 2


async def test_keys_carry_the_organisation_as_their_tag_and_end_with_the_grace(ground: Ground) -> None:
    [store] = replicas(ground, 1)
    take(store, 5)
    client = ground.redis.client()
    slot = START // 60
    assert {key.decode() for key in client.keys("sj:*")} == {f"sj:q:{{0}}:q:::{slot}", "sj:q:replicas"}
    assert client.ttl(f"sj:q:{{0}}:q:::{slot}") == 120


async def test_what_is_wanted_is_a_share_of_what_is_left(ground: Ground) -> None:
    one, two = replicas(ground)
    assert take(one, 1, want=1000) == 1 + 99 // 4
    assert take(two, 1, want=3) == 4


async def test_a_server_that_hangs_is_asked_twice_and_then_left_alone(ground: Ground) -> None:
    one, _ = replicas(ground, timeout_s=0.25)
    ground.redis.pause()
    try:
        calls = one.calls
        assert take(one) == 1
        assert one.calls == calls + 2
        assert one.problem == "the store of quotas is away; `local` decides"
        assert take(one) == 1
        assert one.calls == calls + 2, "it is left alone"
    finally:
        ground.redis.resume()
    come_back(ground, one)
    assert one.problem == ""
    # What it was asked while it hung it did when it woke; what was never answered counts as nothing.
    assert take_all(one) == 98


async def test_each_replica_takes_its_part_while_the_store_is_away_decisions_120(ground: Ground) -> None:
    one, two = replicas(ground)
    ground.redis.kill()
    assert [take_all(one), take_all(two)] == [50, 50]
    pass_time_without(ground, 60)
    assert [take_all(one), take_all(two)] == [50, 50], "the next slot"


async def test_a_part_is_of_what_was_left(ground: Ground) -> None:
    one, two = replicas(ground)
    take(one, 30)
    take(two, 31)
    ground.redis.kill()
    assert take_all(one) == 35, "it knows of 30 used, not of the 31 after"
    assert take_all(two) == 20


async def test_as_many_replicas_as_are_configured_at_least(ground: Ground) -> None:
    store = ground.store("unix:///nowhere/redis.sock", replicas=4)
    assert take_all(store) == 25


async def test_open_lets_everything_through_decisions_26(ground: Ground) -> None:
    store = ground.store("unix:///nowhere/redis.sock", policy="open")
    answer = store.lease(Ask([MINUTE], [Claim([(0, 1000)])], [0]))
    assert answer.grants[0].tokens == 1000
    assert answer.problem == "the store of quotas is away; `open` decides"


async def test_closed_lets_nothing_through_and_says_to_come_back_soon(ground: Ground) -> None:
    store = ground.store("unix:///nowhere/redis.sock", policy="closed")
    [grant] = store.lease(Ask([MINUTE], [Claim([(0, 1)])], [0])).grants
    assert (grant.tokens, grant.refused, grant.retry_s) == (0, 1, 2)


async def test_a_store_that_lost_its_data_is_told_what_each_replica_took(ground: Ground) -> None:
    one, two = replicas(ground)
    take(one, 30)
    take(two, 40)
    restart(ground)
    come_back(ground, one, two)
    assert take_all(one) + take_all(two) == 30


async def test_a_replica_that_does_not_speak_counts_as_far_as_others_know(ground: Ground) -> None:
    one, two = replicas(ground)
    take(one, 30)
    take(two, 40)
    restart(ground)
    come_back(ground, two)
    assert take_all(two) == 30, "it knew of 70"
    assert take_all(one) == 0


async def test_a_loss_that_nobody_saw_is_noticed_by_the_next_call(ground: Ground) -> None:
    """The bound: what others took after a replica last heard."""
    one, two = replicas(ground)
    take(one, 30)
    take(two, 40)
    restart(ground)
    assert take(one, 35) == 35, "it knows of 30 used, and takes its part of 70"
    assert one.problem
    assert take(one) + take(two) == 0, "the other one brings 40, and sees 65"
    come_back(ground, one, two)
    assert take_all(one) + take_all(two) == 0


async def test_what_was_taken_in_an_outage_is_told_when_it_ends(ground: Ground) -> None:
    one, two = replicas(ground)
    take(one, 20)
    take(two, 20)
    ground.redis.kill()
    assert [take(one, 10), take(two, 10)] == [10, 10]
    ground.redis.start()
    come_back(ground, one, two)
    assert take_all(one) + take_all(two) == 40


async def test_what_is_granted_while_others_come_back_is_told_at_once(ground: Ground) -> None:
    one, two = replicas(ground)
    ground.redis.kill()
    take(one, 5)
    take(two, 5)
    ground.redis.start()
    pass_time(ground, 2)
    one.beat()
    assert take(one, 20) == 20
    pass_time(ground, 3)
    two.beat()
    assert take(two, 45) == 45
    assert take(two) == 0
    pass_time(ground, 1)
    assert take_all(one) + take_all(two) == 100 - 5 - 5 - 20 - 45
    assert not one.problem
    assert not two.problem


async def test_a_store_that_goes_again_while_all_come_back_is_away_again(ground: Ground) -> None:
    [one] = replicas(ground, 1)
    ground.redis.kill()
    take(one, 5)
    ground.redis.start()
    pass_time(ground, 2)
    one.beat()
    ground.redis.kill()
    assert take(one, 5) == 5
    pass_time_without(ground, 2)
    assert take(one, 5) == 5
    ground.redis.start()
    come_back(ground, one)
    assert take_all(one) == 85


@pytest.mark.parametrize("away_s", [0.5, 2.0, 10.0, 61.0])
async def test_the_bound_over_an_outage_and_a_loss_of_data(ground: Ground, away_s: float) -> None:
    """All that is granted in a slot: the limit, the rounding, and what others took after one last heard."""
    stores = replicas(ground, 3)
    granted = {0: 0, 1: 0}
    slot = 0

    def use(rounds: int) -> None:
        for number in range(rounds):
            granted[slot] += take(stores[number % 3])

    use(60)
    ground.redis.kill()
    use(9)
    pass_time_without(ground, away_s)
    slot = int(away_s > 60)
    use(9)
    ground.redis.start()
    pass_time(ground, 0)
    for number in range(24):
        pass_time(ground, 0.25)
        stores[number % 3].beat()
        use(1)
    use(300)
    unheard = 2
    assert granted[slot] <= 100 + (3 - 1) + unheard
    assert granted[slot] >= 97
    assert not any(store.problem for store in stores)


async def test_a_call_that_a_later_one_overtook_does_nothing(ground: Ground) -> None:
    [store] = replicas(ground, 1)
    take(store, 10)
    store._seq -= 2
    take(store, 5)
    assert store.problem, "it was told that it is late, twice"
    assert int(ground.redis.client().hget(f"sj:q:{{0}}:q:::{START // 60}", "t") or 0) == 10


async def test_a_lost_answer_mends_itself(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    [store] = replicas(ground, 1)
    real = store._client.lease
    fails = [True]

    def lose(*arguments: object) -> list[int]:
        reply = real(*arguments)  # type: ignore[arg-type]
        if fails:
            fails.pop()
            raise TimeoutError("lost")
        return reply

    monkeypatch.setattr(store._client, "lease", lose)
    assert take(store, 10) == 10
    assert take_all(store) == 90


async def test_give_backs_never_make_less_than_nothing(ground: Ground) -> None:
    [store] = replicas(ground, 1)
    take(store, 10)
    slot = START // 60
    store.lease(Ask([MINUTE], (), [0], [(slot, 10)]))
    store.lease(Ask([MINUTE], (), [0], [(slot, 10)]))
    assert take_all(store) == 100


async def test_a_restart_leaves_no_token_of_the_dead_replica_behind_in_the_next_slot(ground: Ground) -> None:
    one, two = replicas(ground)
    take(one, 70)
    del one
    pass_time(ground, 60)
    assert take_all(two) == 100


async def test_replicas_that_are_silent_are_not_counted(ground: Ground) -> None:
    one, _ = replicas(ground)
    pass_time(ground, 11)
    one.beat()
    assert one.replicas == 1
    pass_time(ground, 60)
    one.beat()
    assert one.replicas == 1
    assert len(ground.redis.client().hkeys("sj:q:replicas")) == 2


async def test_beats_are_rare_and_need_no_traffic(ground: Ground) -> None:
    one, _ = replicas(ground)
    calls = one.calls
    one.beat()
    pass_time(ground, 1)
    one.beat()
    pass_time(ground, 1.5)
    one.beat()
    one.beat()
    assert one.calls <= calls + 2


async def test_many_counters_come_back_in_pieces(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.runtime.quota_sharing.store._TOLD", 3)
    one, two = replicas(ground)
    meters = [Meter(f"{{0}}:q{number}::", 10, 60) for number in range(8)]
    for meter in meters:
        take(one, 6, meter)
    restart(ground)
    come_back(ground, one)
    assert [take(two, 5, meter) for meter in meters] == [0] * 8
    assert [take(two, 4, meter) for meter in meters] == [4] * 8


async def test_a_cluster_is_asked_once_for_each_organisation(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    [store] = replicas(ground, 1)
    monkeypatch.setattr(store._client, "is_cluster", True)
    a, b = Meter("{1}:q::", 10, 60), Meter("{2}:q::", 10, 60)
    calls = store.calls
    ask = Ask([a, b, a._replace(name="{1}:r::")], [Claim([(1, 4)]), Claim([(0, 11)]), Claim([(2, 3)], 1)], [0, 0, 0])
    answer = store.lease(ask)
    assert [grant.tokens for grant in answer.grants] == [0, 4, 0]
    assert [grant.refused for grant in answer.grants] == [11, 0, 0]
    assert store.calls == calls + 2
    store.lease(ask._replace(claims=(), returns=[(-1, 0), (START // 60, 4), (-1, 0)]))
    assert take_all(store, b) == 10


async def test_names_that_do_not_resolve_are_an_outage(ground: Ground) -> None:
    store = ground.store("redis://quotas.invalid:6379/0")
    assert take(store) == 1
    assert store.problem
    store.beat()
    store.close()


async def test_a_server_that_is_no_redis_is_an_outage(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        store = ground.store(f"redis://127.0.0.1:{server.getsockname()[1]}/0", timeout_s=0.02)
        assert take(store) == 1
    assert store.problem
