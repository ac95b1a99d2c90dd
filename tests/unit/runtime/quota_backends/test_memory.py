"""The backend that counts in this process, and what every backend must do (`decisions.md` 2.4)."""

import pytest

from scrubjay.core.quotas import Charge, Counter, Quota, QuotaBackend, Refusal
from scrubjay.reasons import DataCategory
from scrubjay.runtime.quota_backends.memory import MemoryBackend

T = 1_700_000_000


@pytest.fixture
def backend() -> QuotaBackend:
    return MemoryBackend()


def quota(limit: int | None, name: str = "q", window_s: int = 60) -> Quota:
    return Quota(name, "organization", frozenset({DataCategory.ERROR}), limit, window_s)


def charge(*quotas: Quota, amount: int = 1, after: int | None = None, org: int = 0, sub: str | None = None) -> Charge:
    return Charge(amount, tuple(Counter(quota, org, sub) for quota in quotas), after)


async def ask(backend: QuotaBackend, *charges: Charge, now: float = T) -> list[list[str]]:
    """The ids of the quotas that refused, per charge."""
    return [[refusal.quota.id for refusal in refusals] for refusals in await backend.consume(charges, now)]


async def accepts(backend: QuotaBackend, single: Charge, now: float = T) -> bool:
    return await ask(backend, single, now=now) == [[]]


async def test_the_limit_itself_is_reached_decisions_17(backend: QuotaBackend) -> None:
    five = charge(quota(5))
    assert [await accepts(backend, five) for _ in range(7)] == [True] * 5 + [False] * 2


async def test_a_batch_is_taken_whole_or_not_at_all_decisions_18(backend: QuotaBackend) -> None:
    ten = quota(10)
    assert await accepts(backend, charge(ten, amount=8))
    assert not await accepts(backend, charge(ten, amount=5))
    assert await accepts(backend, charge(ten))
    assert await accepts(backend, charge(ten))
    assert not await accepts(backend, charge(ten))


async def test_one_full_quota_leaves_the_other_unchanged_decisions_19(backend: QuotaBackend) -> None:
    a, b = quota(2, "a"), quota(1, "b")
    assert await accepts(backend, charge(b))
    assert await ask(backend, charge(a, b)) == [["b"]]
    assert await accepts(backend, charge(a, amount=2))
    assert await ask(backend, charge(a, b)) == [["a", "b"]]


async def test_a_limit_of_null_only_counts_decisions_21(backend: QuotaBackend) -> None:
    unlimited = quota(None)
    assert await accepts(backend, charge(unlimited, amount=10**9))
    assert await accepts(backend, charge(unlimited, amount=10**9))
    # The same counter under a limit shows that it grew.
    assert not await accepts(backend, charge(quota(2 * 10**9)))
    assert await accepts(backend, charge(quota(2 * 10**9 + 1)))


async def test_windows_are_shifted_by_the_organisation_decisions_22(backend: QuotaBackend) -> None:
    single = charge(quota(1), org=42)
    assert await accepts(backend, single)
    assert await backend.consume([single], T) == [(Refusal(quota(1), 22),)]
    assert await backend.consume([single], T + 21.9) == [(Refusal(quota(1), 1),)]
    assert await accepts(backend, single, now=T + 22)
    assert await backend.consume([single], T + 22) == [(Refusal(quota(1), 60),)]


async def test_a_long_window_says_its_true_end_decisions_23(backend: QuotaBackend) -> None:
    day = quota(1, window_s=86_400)
    single = charge(day, org=4711)
    assert await accepts(backend, single)
    assert await backend.consume([single], T) == [(Refusal(day, 11_111),)]
    assert await backend.consume([single], T + 300) == [(Refusal(day, 10_811),)]


async def test_a_probe_asks_for_room_and_takes_none_decisions_24(backend: QuotaBackend) -> None:
    two = quota(2)
    assert await accepts(backend, charge(two))
    assert await accepts(backend, charge(two, amount=0))
    assert await accepts(backend, charge(two, amount=0))
    assert await accepts(backend, charge(two))
    assert not await accepts(backend, charge(two, amount=0))


async def test_organisations_and_subscopes_count_apart(backend: QuotaBackend) -> None:
    one = quota(1)
    assert await accepts(backend, charge(one, sub="a"))
    assert await accepts(backend, charge(one, sub="b"))
    assert await accepts(backend, charge(one, sub="a", org=60))
    assert not await accepts(backend, charge(one, sub="a"))


async def test_charges_after_a_refused_one_are_not_made(backend: QuotaBackend) -> None:
    none_left, plenty = quota(1, "none"), quota(5, "plenty")
    assert await accepts(backend, charge(none_left))
    asked = [charge(none_left), charge(plenty, after=0), charge(plenty, after=1), charge(plenty)]
    assert await ask(backend, *asked) == [["none"], [], [], []]
    assert await accepts(backend, charge(plenty, amount=4))
    assert not await accepts(backend, charge(plenty))


async def test_charges_after_a_granted_one_are_made(backend: QuotaBackend) -> None:
    first, second = quota(5, "first"), quota(1, "second")
    assert await ask(backend, charge(first), charge(second, after=0)) == [[], []]
    assert await ask(backend, charge(first), charge(second, after=0)) == [[], ["second"]]


async def test_no_charges_cost_nothing(backend: QuotaBackend) -> None:
    assert list(await backend.consume([], T)) == []
    await backend.close()


async def test_never_suspends() -> None:
    consuming = MemoryBackend().consume([charge(quota(1))], T)
    with pytest.raises(StopIteration):
        consuming.send(None)


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
    assert await accepts(backend, charge(quota(1_001), sub="busy"))
