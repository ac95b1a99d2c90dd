"""The backend that counts in this process: what holds for it alone. What every backend must do is `test_conformance`'s."""

import asyncio

import pytest

from scrubjay.core.quotas import Charge
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from support.counting import T, charge, quota


async def accepts(backend: MemoryBackend, single: Charge, now: float = T) -> bool:
    return await backend.consume([single], now) == [()]


async def test_a_limit_of_null_grows_the_counter_that_another_form_of_the_quota_limits_decisions_21() -> None:
    backend = MemoryBackend()
    assert await accepts(backend, charge(quota(None), amount=2 * 10**9))
    assert not await accepts(backend, charge(quota(2 * 10**9)))
    assert await accepts(backend, charge(quota(2 * 10**9 + 1)))


async def test_never_suspends() -> None:
    consuming = MemoryBackend().consume([charge(quota(1))], T)
    with pytest.raises(StopIteration):
        consuming.send(None)


async def test_others_get_their_turn_between_thousands_of_charges() -> None:
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.get_running_loop().create_task(other(), name="other")
    flood = [charge(quota(1), sub=str(number)) for number in range(3_000)]
    refusals = await MemoryBackend().consume([*flood, flood[0]], T)
    task.cancel()
    assert [len(refused) for refused in refusals] == [*[0] * 3_000, 1]
    assert 2 <= len(turns) <= 4


async def test_ended_windows_are_forgotten() -> None:
    backend = MemoryBackend()
    for key in range(100):
        await backend.consume([charge(quota(1), sub=str(key))], T)
    assert repr(backend) == "<MemoryBackend 100 counters>"
    # The windows end 40 s later; a minute after that they are gone.
    await backend.consume([charge(quota(1), sub="late")], T + 101)
    assert repr(backend) == "<MemoryBackend 1 counters>"


async def test_a_clock_set_back_a_little_finds_its_counters() -> None:
    backend = MemoryBackend()
    single = charge(quota(1), org=42)
    assert await accepts(backend, single, now=T + 21)
    assert await accepts(backend, single, now=T + 22)
    assert not await accepts(backend, single, now=T + 21)


async def test_a_flood_of_counters_stays_bounded_and_spares_those_in_use() -> None:
    backend = MemoryBackend(max_counters=100)
    busy = charge(quota(10**6), sub="busy")
    for number in range(1_000):
        await backend.consume([busy, charge(quota(1), sub=str(number))], T)
        assert len(backend._ledger) <= 101
    assert not await accepts(backend, charge(quota(1_000), sub="busy"))


async def test_usage_names_the_counters_of_now_alone() -> None:
    now = [T]
    backend = MemoryBackend(now_unix=lambda: now[0])
    await backend.consume(
        [charge(quota(5), amount=2), charge(quota(4, "other"), amount=2), charge(quota(9, "none"), amount=0)], T
    )
    assert [(usage.counter.quota.id, usage.consumed, usage.held) for usage in backend.usage()] == [
        ("other", 2, 0),
        ("q", 2, 0),
    ]
    now[0] = T + 60
    assert backend.usage() == []


async def test_closing_releases_nothing() -> None:
    await MemoryBackend().close()
