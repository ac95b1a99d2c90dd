"""Tokens in advance: how much is wanted, what is refused without asking, what goes back."""

import pytest

from scrubjay.runtime.quota_sharing.ledger import BUCKET, SLIDING, Answer, Ask, Grant, Meter, QuotaLedger
from scrubjay.runtime.quota_sharing.pots import Need, Pots

T = 1_700_000_000
START = T - T % 60
MINUTE = Meter("{0}:q::", 1000, 60)


def need(amount: int = 1, *meters: Meter, after: int = -1) -> Need:
    return [(meter, amount) for meter in meters or (MINUTE,)], after


class Holder:
    """Pots with a ledger behind them. `asked`: what was asked of it."""

    def __init__(self, pots: Pots | None = None) -> None:
        self.pots = Pots() if pots is None else pots
        self.ledger = QuotaLedger()
        self.asked: list[Ask] = []

    def use(self, *needs: Need, now: float = START) -> list[list[tuple[int, int]]]:
        ask = self.pots.shortfall(needs, now)
        if ask is not None:
            self.asked.append(ask)
            self.pots.credit(ask, self.ledger.lease(ask, now), now)
        assert self.pots.shortfall(needs, now, probes=False) is None
        return self.pots.settle(needs, now)


@pytest.mark.parametrize("rate", [1, 10, 100])
def test_a_block_lasts_two_seconds_of_recent_use(rate: int) -> None:
    holder = Holder()
    meter = MINUTE._replace(limit=10**6)
    for number in range(20 * rate):
        assert holder.use(need(1, meter), now=START + number / rate) == [[]]
    assert len(holder.asked) <= 10 + 5
    assert holder.asked[-1].wants[0] == pytest.approx(2 * rate, rel=0.1)


def test_what_is_used_once_takes_nothing_in_advance() -> None:
    holder = Holder()
    holder.use(need())
    assert holder.asked[0].wants == [0]
    holder.use(need(), now=START + 50)
    assert holder.asked[1].wants == [1]


def test_only_what_is_missing_is_asked_for() -> None:
    holder = Holder()
    for number in range(3):
        holder.use(need(), now=START + number / 10)
    held = holder.pots.known(MINUTE, START + 1)
    assert held is not None
    holder.use(need(held[1] + 5), now=START + 1)
    assert list(holder.asked[-1].claims[0].parts) == [(0, 5)]


def test_all_needs_of_a_call_are_counted_together() -> None:
    pots = Pots()
    other = MINUTE._replace(name="r")
    ask = pots.shortfall([need(2), need(3, MINUTE, other), need(1, after=0)], START)
    assert ask is not None
    assert [(list(claim.parts), claim.after) for claim in ask.claims] == [
        ([(0, 2)], -1),
        ([(0, 3), (1, 3)], -1),
        ([(0, 1)], 0),
    ]


def test_needs_after_one_that_is_refused_here_are_not_asked_for() -> None:
    holder = Holder()
    holder.use(need(1000))
    assert (
        holder.pots.shortfall([need(), need(1, MINUTE._replace(name="r"), after=0), need(1, MINUTE, after=1)], START)
        is None
    )
    assert holder.use(need(), need(1, MINUTE._replace(name="r"), after=0), need(1, MINUTE, after=1)) == [
        [(0, 60)],
        [],
        [],
    ]


def test_a_raised_limit_is_asked_about() -> None:
    holder = Holder()
    holder.use(need(1000))
    assert holder.use(need()) == [[(0, 60)]]
    assert holder.use(need(1, MINUTE._replace(limit=2000))) == [[]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(MINUTE._replace(limit=-1), MINUTE._replace(limit=30), id="a limit where there was none"),
        pytest.param(MINUTE, MINUTE._replace(limit=30, window_s=3600), id="another window"),
    ],
)
def test_tokens_of_other_terms_are_not_spent(before: Meter, after: Meter) -> None:
    holder = Holder()
    for number in range(100):
        holder.use(need(1, before), now=START + number / 100)
    held = holder.pots.known(before, START + 1)
    assert held is not None
    assert held[1] > 30
    holder.ledger = QuotaLedger()
    granted = sum(holder.use(need(1, after), now=START + 1) == [[]] for _ in range(60))
    assert granted == 30
    assert holder.pots.known(before, START + 1) is None


def test_refusals_of_a_sliding_window_end_when_it_said_so() -> None:
    holder = Holder()
    meter = Meter("s", 100, 60, algorithm=SLIDING)
    holder.use(need(80, meter), now=START)
    holder.use(need(30, meter), now=START + 75)
    assert holder.use(need(20, meter), now=START + 75) == [[(0, 8)]]
    asked = len(holder.asked)
    assert holder.use(need(20, meter), now=START + 80.5) == [[(0, 3)]]
    assert len(holder.asked) == asked
    assert holder.use(need(20, meter), now=START + 83) == [[]]


def test_more_than_a_bucket_holds_is_not_helped_by_tokens_that_are_held() -> None:
    holder = Holder()
    bucket = Meter("b", 600, 60, algorithm=BUCKET, burst=10)
    for number in range(20):
        holder.use(need(1, bucket), now=START + number)
    assert holder.use(need(15, bucket), now=START + 60) == [[]]
    assert list(holder.asked[-1].claims[0].parts) == [(0, 15)]


def test_an_answer_of_a_slot_that_has_ended_is_worth_nothing() -> None:
    pots = Pots()
    ask = pots.shortfall([need()], START + 59.9)
    assert ask is not None
    pots.credit(ask, Answer(START + 59.9, 1, [Grant(5, 100, START // 60, START + 60)]), START + 59.9)
    assert pots.shortfall([need()], START + 60, probes=False) is not None


def test_what_a_holder_below_gives_back_counts_in_its_slot_only() -> None:
    holder = Holder()
    holder.use(need())
    slot = START // 60
    holder.pots.put_back(MINUTE, slot - 1, 7, START)
    assert holder.pots.unused(START + 5) is None
    holder.pots.put_back(MINUTE, slot, 7, START)
    returned = holder.pots.unused(START + 5)
    assert returned is not None
    assert returned.returns == [(slot, 7)]
    assert not holder.pots.holds()


def holding(counters: int) -> Holder:
    """One that holds a block of each of so many counters."""
    holder = Holder()
    needs = [need(1, MINUTE._replace(name=f"q{number}")) for number in range(counters)]
    for tenth in range(3):
        holder.use(*needs, now=START + tenth / 10)
    return holder


def test_what_is_held_of_very_many_counters_goes_back_in_pieces() -> None:
    holder = holding(1200)
    returned: set[str] = set()
    sizes = []
    while (ask := holder.pots.unused(START + 6)) is not None:
        assert not returned & {meter.key for meter in ask.meters}
        returned |= {meter.key for meter in ask.meters}
        sizes.append(len(ask.meters))
    assert sizes == [500, 500, 200]
    assert not holder.pots.holds()


def test_nobody_walks_through_counters_that_hold_nothing() -> None:
    holder = holding(100)
    for number in range(100):
        held = holder.pots.known(MINUTE._replace(name=f"q{number}"), START + 1)
        assert held is not None
        holder.use(need(held[1], MINUTE._replace(name=f"q{number}")), now=START + 1)
    assert not holder.pots.holds()
    assert holder.pots.unused(START + 1) is None
    assert not holder.pots._filled
    assert len(holder.pots) == 100


def test_of_a_group_that_is_one_too_many_nothing_is_known_apart() -> None:
    holder = Holder()
    first, second = (MINUTE._replace(group=group, max_groups=1) for group in "ab")
    for meter in (first, second):
        holder.use(need(7, meter))
    assert holder.pots.known_apart(first.key, START) == (993, 0, START + 60)
    assert holder.pots.known_apart(second.key, START) is None
    assert holder.pots.known_apart(second.shared().key, START) == (993, 0, START + 60)
    assert holder.pots.known_apart(first.key, START + 60) is None


def test_a_flood_of_counters_stays_bounded_and_spares_those_in_use() -> None:
    holder = Holder(Pots(max_pots=20))
    busy = MINUTE._replace(name="busy")
    for number in range(200):
        holder.use(need(1, busy), now=START + number / 100)
        holder.use(need(1, MINUTE._replace(name=f"q{number}")), now=START + number / 100)
        assert len(holder.pots) <= 21
    assert holder.pots.known(busy, START + 2) is not None
    assert len(holder.asked) < 200 + 30


def test_counters_of_ended_slots_go_first() -> None:
    holder = Holder(Pots(max_pots=10))
    for number in range(10):
        holder.use(need(1, MINUTE._replace(name=f"q{number}")), now=START)
    holder.use(need(1, MINUTE), now=START + 130)
    assert len(holder.pots) == 1
