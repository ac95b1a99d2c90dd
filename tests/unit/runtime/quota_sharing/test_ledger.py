"""The authority: what is granted in advance, who asks for what is too large, and that its memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.runtime.quota_sharing.ledger import (
    BUCKET,
    SLIDING,
    UNLIMITED,
    Ask,
    Claim,
    Meter,
    QuotaLedger,
    in_advance,
)

T = 1_700_000_000
START = T - T % 60
MINUTE = Meter("{0}:q::", 100, 60)


def ask(need: int, want: int = 0, meter: Meter = MINUTE) -> Ask:
    return Ask([meter], [Claim([(0, need)])], [want])


@pytest.mark.parametrize(
    ("want", "room", "need", "holders", "granted"),
    [
        (5, 1000, 1, 4, 5),
        (500, 1000, 1, 4, 125),
        (500, 1000, 1, 1, 500),
        (500, 199, 1, 100, 0),
        (500, 1000, 1, 50, 100),
        (500, 9, 1, 1, 0),
        (500, 10, 1, 1, 5),
        (500, 79, 10, 4, 0),
        (500, 80, 10, 4, 10),
    ],
)
def test_a_share_of_the_room_and_nothing_near_the_limit(
    want: int, room: int, need: int, holders: int, granted: int
) -> None:
    assert in_advance(want, room, need, holders, 1000) == granted


def test_what_only_counts_is_granted_as_wanted() -> None:
    [grant] = QuotaLedger().lease(ask(1, 10**6, MINUTE._replace(limit=UNLIMITED)), T).grants
    assert (grant.tokens, grant.left) == (10**6 + 1, UNLIMITED)


def test_who_is_refused_gets_nothing_in_advance() -> None:
    [grant] = QuotaLedger().lease(ask(101, 50), START).grants
    assert (grant.tokens, grant.left, grant.refused, grant.retry_s) == (0, 100, 101, 60)


def test_the_smallest_refused_need_is_told() -> None:
    ledger = QuotaLedger()
    claims = [Claim([(0, 99)]), Claim([(0, 5)]), Claim([(0, 2)]), Claim([(0, 3)])]
    [grant] = ledger.lease(Ask([MINUTE], claims, [0]), T).grants
    assert (grant.tokens, grant.left, grant.refused) == (99, 1, 2)


def test_a_claim_that_depends_on_a_refused_one_is_not_made() -> None:
    ledger = QuotaLedger()
    claims = [Claim([(0, 101)]), Claim([(1, 5)], 0), Claim([(1, 6)], 1), Claim([(1, 7)])]
    grants = ledger.lease(Ask([MINUTE, MINUTE._replace(name="r")], claims, [0, 0]), T).grants
    assert [grant.tokens for grant in grants] == [0, 7]


def test_returns_are_for_their_slot_and_never_below_nothing() -> None:
    ledger = QuotaLedger()
    ledger.lease(ask(10), START)
    slot = START // 60
    ledger.lease(Ask([MINUTE], (), [0], [(slot - 1, 5)]), START)
    assert ledger.state(MINUTE, START) == (10, START + 60)
    ledger.lease(Ask([MINUTE], (), [0], [(slot, 15)]), START)
    assert ledger.state(MINUTE, START) == (0, START + 60)


def test_a_bucket_takes_back_no_more_than_it_holds() -> None:
    ledger = QuotaLedger()
    bucket = Meter("b", 60, 60, algorithm=BUCKET, burst=10)
    ledger.lease(ask(4, meter=bucket), T)
    ledger.lease(Ask([bucket], (), [0], [(0, 9)]), T)
    assert ledger.state(bucket, T)[0] == 0
    assert ledger.state(bucket._replace(name="other"), T)[0] == 0


def test_a_bucket_is_looked_at_without_being_filled() -> None:
    ledger = QuotaLedger()
    bucket = Meter("b", 60, 60, algorithm=BUCKET, burst=10)
    ledger.lease(ask(10, meter=bucket), T)
    assert [ledger.state(bucket, T + second)[0] for second in (0, 3, 99)] == [10, 7, 0]
    assert ledger.lease(ask(1, meter=bucket), T).grants[0].tokens == 0


def test_a_bucket_that_only_counts() -> None:
    ledger = QuotaLedger()
    bucket = Meter("b", UNLIMITED, 60, algorithm=BUCKET, burst=0)
    assert ledger.lease(ask(7, meter=bucket), T).grants[0].tokens == 7
    assert ledger.state(bucket, T)[0] == 7


def test_a_clock_set_back_fills_no_bucket() -> None:
    ledger = QuotaLedger()
    bucket = Meter("b", 60, 60, algorithm=BUCKET, burst=10)
    ledger.lease(ask(10, meter=bucket), T)
    assert ledger.lease(ask(1, meter=bucket), T - 5).grants[0].tokens == 0
    assert ledger.lease(ask(1, meter=bucket), T + 1).grants[0].tokens == 1


def test_a_sliding_window_that_can_never_take_it() -> None:
    meter = Meter("s", 10, 60, algorithm=SLIDING)
    [(_, retry_s)] = QuotaLedger().charge([(meter, 11)], START + 20)
    assert retry_s == 40


def test_a_group_that_is_refused_is_told_until_its_window_ends() -> None:
    ledger = QuotaLedger()
    meter = MINUTE._replace(max_groups=0, group="a", shares_overflow=False)
    [grant] = ledger.lease(ask(1, 5, meter), START + 10).grants
    assert (grant.tokens, grant.left, grant.refused, grant.retry_s, grant.is_shared) == (0, 0, 1, 50, False)


def test_a_copy_counts_for_itself() -> None:
    ledger = QuotaLedger()
    meter = MINUTE._replace(max_groups=1, group="a")
    ledger.charge([(meter, 90), (MINUTE, 1)], T)
    twin = ledger.copy()
    assert not twin.charge([(meter, 10)], T)
    assert twin.charge([(meter, 1)], T)
    assert not ledger.charge([(meter, 10)], T)


def test_counters_outlive_their_window_by_a_minute() -> None:
    ledger = QuotaLedger()
    for number in range(50):
        ledger.charge([(MINUTE._replace(name=f"q{number}"), 1)], START)
    ledger.charge([(MINUTE, 1)], START + 119)
    assert len(ledger) == 51
    ledger.charge([(MINUTE, 1)], START + 180)
    assert len(ledger) == 1


def test_a_sliding_counter_is_kept_for_the_next_slot() -> None:
    ledger = QuotaLedger()
    meter = Meter("s", 10, 3600, algorithm=SLIDING)
    hour = T - T % 3600
    ledger.charge([(meter, 10)], hour)
    for minute in range(0, 120, 10):
        ledger.charge([(MINUTE, 1)], hour + 60 * minute)
    assert ledger.charge([(meter, 10)], hour + 3600 + 1800)


def test_a_flood_of_counters_stays_bounded_and_spares_those_in_use() -> None:
    ledger = QuotaLedger(max_counters=100)
    for number in range(1000):
        ledger.charge([(MINUTE, 0)], T)
        ledger.charge([(MINUTE._replace(name="busy"), 1)], T)
        ledger.charge([(MINUTE._replace(name=f"q{number}"), 1)], T)
        assert len(ledger) <= 102
    assert ledger.state(MINUTE._replace(name="busy"), T)[0] == 100


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(0, 60)), max_size=40), st.integers(1, 5))
def test_unused_tokens_are_at_most_what_was_wanted(steps: list[tuple[int, int, int]], holders: int) -> None:
    """Per lease, the tokens beyond the need are no more than the want, and all together never more than the limit."""
    ledger = QuotaLedger()
    granted = 0
    for _, need, want in steps:
        [grant] = ledger.lease(ask(need, want), START, holders).grants
        assert grant.tokens in (0, *range(need, need + want + 1))
        granted += grant.tokens
        assert grant.left == 100 - granted
    assert granted <= 100
