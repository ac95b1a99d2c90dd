"""Our rate folded into the client's (`decisions.md` 5.8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.sampling.context import TraceContext
from scrubjay.core.sampling.folding import fold
from support.seeds import HIGH, LOW, ROWS

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
ELEVEN = ROWS[10][0]
"""Its number is 0.2498."""


def folded(rate: float, *, sample_rate: float | None = None, number: object = None, seed: str = LOW) -> str | None:
    """The rate that is sent on; None if the trace is left out."""
    context = fold(TraceContext(seed, KEY, sample_rate, {"sample_rand": number}), rate)
    if context is None:
        return None
    text = context.header()["sample_rate"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("number", "kept_at"),
    [
        pytest.param("0.2", "0.25", id="decisions-85-kept"),
        pytest.param("0.3", None, id="decisions-85-dropped"),
        (0.2, "0.25"),
        ("0.25", None),
    ],
)
def test_the_number_of_the_head_decides(number: object, kept_at: str | None) -> None:
    assert folded(0.5, sample_rate=0.5, number=number, seed=HIGH) == kept_at


def test_without_that_number_the_id_decides() -> None:
    assert folded(0.5, sample_rate=0.1, seed=ELEVEN) == "0.05"
    assert folded(0.2, sample_rate=0.1, seed=ELEVEN) is None
    assert folded(0.5, sample_rate=0.1, number="1.5", seed=LOW) == "0.05"


def test_without_the_clients_rate_ours_is_all() -> None:
    assert folded(0.5, number="0.4") == "0.5"
    assert folded(0.5, number="0.6") is None


def test_a_rate_of_one_changes_nothing() -> None:
    context = TraceContext(HIGH, KEY, 0.1, {"sample_rand": "0.9"})
    assert fold(context, 1) is context


def test_a_rate_of_nothing_keeps_nothing() -> None:
    assert fold(TraceContext(LOW, KEY, 1.0, {"sample_rand": "0.0"}), 0) is None


@given(st.floats(0, 1), st.floats(0.001, 1), st.floats(0, 1, exclude_max=True))
def test_the_number_is_below_the_rate_for_all_that_is_kept(rate: float, sample_rate: float, number: float) -> None:
    """As it is with what the client keeps: `sample_rand` < `sample_rate`."""
    if number < sample_rate:
        context = fold(TraceContext(LOW, KEY, sample_rate, {"sample_rand": number}), rate)
        if context is not None:
            assert context.sample_rate is not None
            assert number < context.sample_rate <= sample_rate
