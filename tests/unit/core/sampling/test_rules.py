"""What share a rule keeps, and how it says so (`decisions.md` 5.9)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.sampling.rules import SAMPLED_AS, Decay, FirstN, Rate, Reservoir, Rule


def test_a_fixed_rate() -> None:
    assert Rate(0.25).at(0) == Rate(0.25).at(1e12) == 0.25


@pytest.mark.parametrize(
    ("now_unix", "rate"),
    [(0, 0.8), (1000, 0.8), (1100, 0.4), (1150, 0.8 * 0.5**1.5), (1200, 0.2), (1300, 0.1), (9999, 0.1), (1e300, 0.1)],
)
def test_a_rate_that_halves(now_unix: float, rate: float) -> None:
    assert Decay(0.8, half_life_s=100, start_unix=1000, floor=0.1).at(now_unix) == pytest.approx(rate)


def test_without_a_floor_it_ends_at_nothing() -> None:
    assert Decay(1, half_life_s=1, start_unix=0).at(1e9) == 0


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Rate(0.25), "rate 0.25"),
        (Decay(1, 3600, 0, 0.1), "rate 1 halving every 3600 s down to 0.1"),
        (FirstN(10, 60, 0.01), "first 10 in 60 s, then rate 0.01"),
        (FirstN(10, 60, 0.01, 600), "first 10 in 60 s, 600 of all, then rate 0.01"),
        (Reservoir(100, 60), "first 100 of all in 60 s"),
    ],
)
def test_shares_are_told(share: object, text: str) -> None:
    assert str(share) == text


def test_a_rule() -> None:
    rule = Rule(3100, frozenset({C.ERROR}), Rate(0.5))
    assert rule.protects
    assert rule.origin == "3100"
    assert "attachment" not in SAMPLED_AS
