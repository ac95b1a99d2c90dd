"""What every backend must do, alone and behind a service or a store: the same traces for all of them (`decisions.md` 2.4, 9.1)."""

from collections.abc import AsyncIterator

import pytest

from scrubjay.core.quotas import Charge, Quota, QuotaBackend, Refusal
from support.counting import BUILDERS, Ground, T, charge, grouped, quota


class Subject:
    """A backend, asked at a time that it believes to be now."""

    def __init__(self, backend: QuotaBackend, ground: Ground) -> None:
        self.backend = backend
        self.ground = ground

    async def ask(self, *charges: Charge, now: float = T) -> list[list[str]]:
        """The ids of the quotas that refused, per charge."""
        return [[refusal.quota.id for refusal in refusals] for refusals in await self.consume(*charges, now=now)]

    async def consume(self, *charges: Charge, now: float = T) -> list[tuple[Refusal, ...]]:
        if now != self.ground.clock():
            self.ground.clock.set(now)
        return list(await self.backend.consume(charges, now))

    async def accepts(self, single: Charge, now: float = T) -> bool:
        return await self.ask(single, now=now) == [[]]

    async def retry_s(self, single: Charge, now: float = T) -> int:
        """0 if it is accepted."""
        [refusals] = await self.consume(single, now=now)
        return max((refusal.left_s for refusal in refusals), default=0)


@pytest.fixture(params=BUILDERS)
async def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Subject]:
    ground = Ground(monkeypatch)
    try:
        yield Subject(BUILDERS[request.param](ground), ground)
    finally:
        await ground.close()


async def test_the_limit_itself_is_reached_decisions_17(subject: Subject) -> None:
    five = charge(quota(5))
    assert [await subject.accepts(five) for _ in range(7)] == [True] * 5 + [False] * 2


async def test_a_batch_is_taken_whole_or_not_at_all_decisions_18(subject: Subject) -> None:
    ten = quota(10)
    assert await subject.accepts(charge(ten, amount=8))
    assert not await subject.accepts(charge(ten, amount=5))
    assert await subject.accepts(charge(ten))
    assert await subject.accepts(charge(ten))
    assert not await subject.accepts(charge(ten))


async def test_one_full_quota_leaves_the_other_unchanged_decisions_19(subject: Subject) -> None:
    a, b = quota(2, "a"), quota(1, "b")
    assert await subject.accepts(charge(b))
    assert await subject.ask(charge(a, b)) == [["b"]]
    assert await subject.accepts(charge(a, amount=2))
    assert await subject.ask(charge(a, b)) == [["a", "b"]]


async def test_a_limit_of_null_only_counts_decisions_21(subject: Subject) -> None:
    unlimited = quota(None)
    assert await subject.accepts(charge(unlimited, amount=10**9))
    assert await subject.accepts(charge(unlimited, amount=10**9))
    assert await subject.accepts(charge(unlimited, quota(10, "other"), amount=10))
    assert await subject.ask(charge(unlimited, quota(10, "other"))) == [["other"]]


async def test_windows_are_shifted_by_the_organisation_decisions_22(subject: Subject) -> None:
    single = charge(quota(1), org=42)
    assert await subject.accepts(single)
    assert await subject.consume(single) == [(Refusal(quota(1), 22),)]
    assert await subject.consume(single, now=T + 21.5) == [(Refusal(quota(1), 1),)]
    assert await subject.accepts(single, now=T + 22)
    assert await subject.consume(single, now=T + 22) == [(Refusal(quota(1), 60),)]


async def test_a_long_window_says_its_true_end_decisions_23(subject: Subject) -> None:
    """The cap of 300 s is the enforcement's."""
    single = charge(quota(1, window_s=86_400), org=4711)
    assert await subject.accepts(single)
    assert await subject.retry_s(single) == 11_111
    assert await subject.retry_s(single, now=T + 300) == 10_811


async def test_a_probe_asks_for_room_and_takes_none_decisions_24(subject: Subject) -> None:
    two = quota(2)
    assert await subject.accepts(charge(two))
    assert await subject.accepts(charge(two, amount=0))
    assert await subject.accepts(charge(two, amount=0))
    assert await subject.accepts(charge(two))
    assert not await subject.accepts(charge(two, amount=0))


async def test_groups_beyond_the_cardinality_are_refused_decisions_25(subject: Subject) -> None:
    slugs = grouped(10, 2, shares=False)
    assert [await subject.accepts(charge(slugs, group=name)) for name in "abca"] == [True, True, False, True]
    assert await subject.accepts(charge(slugs, group="a", amount=8))
    assert not await subject.accepts(charge(slugs, group="a"))
    assert await subject.accepts(charge(slugs, group="b", amount=9))
    assert await subject.accepts(charge(slugs, group="c"), now=T + 60)


async def test_groups_beyond_the_cardinality_share_a_counter_decisions_121(subject: Subject) -> None:
    releases = grouped(3, 2, shares=True)
    assert [await subject.accepts(charge(releases, group=name)) for name in "abcd"] == [True] * 4
    assert await subject.accepts(charge(releases, group="c"))
    assert not await subject.accepts(charge(releases, group="d"))
    assert not await subject.accepts(charge(releases, group="e"))
    assert await subject.accepts(charge(releases, group="a", amount=2))


def sliding(limit: int = 100) -> Quota:
    return quota(limit, algorithm="sliding")


async def test_a_sliding_window_decisions_117(subject: Subject) -> None:
    """W 60, limit 100, 80 in the last slot, 30 in this one 15 s on: 90 are in use."""
    start = T - T % 60
    assert await subject.accepts(charge(sliding(), amount=80), now=start)
    assert await subject.accepts(charge(sliding(), amount=30), now=start + 60 + 15)
    assert await subject.retry_s(charge(sliding(), amount=20), now=start + 75) == 8
    assert not await subject.accepts(charge(sliding(), amount=20), now=start + 75 + 7)
    assert await subject.accepts(charge(sliding(), amount=20), now=start + 75 + 8)


async def test_a_sliding_window_full_of_this_slot_decisions_117(subject: Subject) -> None:
    """With 95 of this slot it fits only in the next: 45 s to its start, and 10 s of sliding."""
    start = T - T % 60
    assert await subject.accepts(charge(sliding(200), amount=80), now=start)
    assert await subject.accepts(charge(sliding(200), amount=95), now=start + 75)
    assert await subject.retry_s(charge(sliding(), amount=20), now=start + 75) == 55
    assert not await subject.accepts(charge(sliding(), amount=20), now=start + 75 + 54)
    assert await subject.accepts(charge(sliding(), amount=20), now=start + 75 + 55)


async def test_a_bucket_decisions_117(subject: Subject) -> None:
    """5 a second, depth 20."""
    bucket = quota(300, algorithm="bucket", burst=20)
    trace = [(0, 15, 0), (0, 5, 0), (0, 1, 1), (1, 3, 0), (1, 3, 1), (10, 30, 0), (12, 1, 1), (13, 1, 0), (13, 4, 0)]
    waits = [await subject.retry_s(charge(bucket, amount=amount), now=T + at) for at, amount, _ in trace]
    assert waits == [wait for _, _, wait in trace]
    assert await subject.retry_s(charge(bucket), now=T + 13) == 1


async def test_organisations_and_subscopes_count_apart(subject: Subject) -> None:
    one = quota(1)
    assert await subject.accepts(charge(one, sub="a"))
    assert await subject.accepts(charge(one, sub="b"))
    assert await subject.accepts(charge(one, sub="a", org=60))
    assert not await subject.accepts(charge(one, sub="a"))


async def test_charges_after_a_refused_one_are_not_made(subject: Subject) -> None:
    none_left, plenty = quota(1, "none"), quota(5, "plenty")
    assert await subject.accepts(charge(none_left))
    asked = [charge(none_left), charge(plenty, after=0), charge(plenty, after=1), charge(plenty)]
    assert await subject.ask(*asked) == [["none"], [], [], []]
    assert await subject.accepts(charge(plenty, amount=4))
    assert not await subject.accepts(charge(plenty))


async def test_charges_after_one_that_only_the_authority_refuses_are_not_made(subject: Subject) -> None:
    two, plenty = quota(2, "two"), quota(5, "plenty")
    assert await subject.ask(charge(two, amount=3), charge(plenty, after=0), charge(plenty, after=1)) == [
        ["two"],
        [],
        [],
    ]
    assert await subject.accepts(charge(plenty, amount=5))
    assert not await subject.accepts(charge(plenty))


async def test_charges_after_a_granted_one_are_made(subject: Subject) -> None:
    first, second = quota(5, "first"), quota(1, "second")
    assert await subject.ask(charge(first), charge(second, after=0)) == [[], []]
    assert await subject.ask(charge(first), charge(second, after=0)) == [[], ["second"]]


async def test_no_charges_cost_nothing(subject: Subject) -> None:
    assert await subject.consume() == []


async def test_usage_tells_what_is_consumed_and_when_it_ends(subject: Subject) -> None:
    near, far = quota(4, "near"), quota(100, "far")
    assert await subject.accepts(charge(far), now=T)
    assert await subject.accepts(charge(near, amount=3))
    [first, second] = subject.backend.usage()
    assert (first.counter.quota.id, first.consumed, first.ends_unix) == ("near", 3 + first.held, T + 40)
    assert (second.counter.quota.id, second.consumed) == ("far", 1 + second.held)
    assert len(subject.backend.usage(1)) == 1


async def test_a_rehearsal_counts_for_itself(subject: Subject) -> None:
    five = charge(quota(5))
    assert await subject.accepts(charge(quota(5), amount=3))
    twin = subject.backend.rehearsal()
    answers = [[bool(refused) for refused in await twin.consume([five], T)] for _ in range(3)]
    assert answers == [[False], [False], [True]]
    assert [await subject.accepts(five) for _ in range(3)] == [True, True, False]
