"""The number that decides, and the ids it is made from (`decisions.md` 5.4)."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.sampling import unit
from scrubjay.core.sampling.unit import keeps, unit_interval, uuid_digits
from support.seeds import HIGH, LOW, RATES, ROWS


@pytest.mark.parametrize(
    ("seed", "number", "double", "decisions"), ROWS, ids=[f"vector-{number}" for number in range(1, 24)]
)
def test_vectors(seed: str, number: float, double: str, decisions: str) -> None:
    assert unit_interval(seed) == number
    assert struct.pack(">d", unit_interval(seed)).hex() == double
    assert "".join("K" if keeps(seed, rate) else "D" for rate in RATES) == decisions


def test_the_generator_gives_its_authors_sequence() -> None:
    """Seeded with 42 and stream 54, stepped by the same constants that `unit_interval` uses."""
    increment = 54 << 1 | 1
    state = (42 + increment) * unit._PCG_MULTIPLIER + increment & unit._MASK_64
    outputs = []
    for _ in range(6):
        outputs.append(f"{unit._pcg_output(state):08x}")
        state = state * unit._PCG_MULTIPLIER + increment & unit._MASK_64
    assert outputs == ["a15c02b7", "7b47f409", "ba1d3330", "83d2f293", "bfa4784b", "cbed606e"]
    word = int(outputs[1] + outputs[0], 16)
    assert unit_interval(f"{42:016x}{54:016x}") == (word >> 11) / 2**53


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_keeps_its_share(rate: float) -> None:
    numbers = random.Random(1)
    kept = sum(keeps(f"{numbers.getrandbits(128):032x}", rate) for _ in range(20_000))
    assert abs(kept - 20_000 * rate) < 5 * (20_000 * rate * (1 - rate)) ** 0.5


@given(st.integers(0, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_rate_keeps_a_subset(bits: int, one: float, other: float) -> None:
    seed = f"{bits:032x}"
    assert 0 <= unit_interval(seed) < 1
    if keeps(seed, min(one, other)):
        assert keeps(seed, max(one, other))


def test_nothing_and_all_decisions_68() -> None:
    assert not keeps(LOW, 0)
    assert not keeps(LOW, -1)
    assert keeps(HIGH, 1)
    assert keeps(HIGH, 1.7)


def test_ids_are_read_in_each_spelling_decisions_68() -> None:
    dashed = f"{LOW[:8]}-{LOW[8:12]}-{LOW[12:16]}-{LOW[16:20]}-{LOW[20:]}".upper()
    assert uuid_digits(dashed) is not None
    assert unit_interval(uuid_digits(dashed) or "") == unit_interval(LOW)


@pytest.mark.parametrize("value", [None, 7, "", "no id", LOW[1:], LOW + "0", "+" + LOW[1:], "٣" * 32, [LOW]])
def test_what_is_no_id(value: object) -> None:
    assert uuid_digits(value) is None
