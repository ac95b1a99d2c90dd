"""Time grows with the size of a payload and not with its square, whatever it is made of (scrubbing.md 13, 15.7).

Only ratios are judged. There is a step where too many matches are seen for the screen to be of use; beyond it time grows evenly again.
"""

from collections.abc import Callable
from functools import partial

import pytest

from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.settings.scrub import Scrub
from support import hostile

TIMES = 8
WORST = 40.0
"""Eight times the size takes eight times as long, or 64 times where something is quadratic."""
WORST_DOUBLING = 3.7
"""The same for twice the size, on the far side of the step."""
LEAST_SECONDS = 2e-4
"""Below it a clock says little."""


def assert_linear(program: ScrubProgram, make: Callable[[int], bytes], size_bytes: int) -> None:
    growth = ratio(program, make(size_bytes), make(size_bytes * TIMES), WORST)
    if growth >= WORST:
        growth = ratio(program, make(size_bytes * TIMES), make(size_bytes * TIMES * 2), WORST_DOUBLING)
        assert growth < WORST_DOUBLING


def ratio(program: ScrubProgram, small: bytes, large: bytes, worst: float) -> float:
    """How much longer the larger one takes; the best of a few measurements, since a busy machine only ever adds."""
    best = float("inf")
    for _ in range(4):
        before = max(hostile.seconds(program, small), LEAST_SECONDS)
        best = min(best, hostile.seconds(program, large, rounds=1) / before)
        if best < worst:
            break
    return best


@pytest.mark.parametrize("name", sorted(hostile.SHAPES))
def test_shapes(name: str) -> None:
    assert_linear(hostile.everything(), hostile.SHAPES[name], 12_000)


@pytest.mark.parametrize("detector", sorted(hostile.traps()))
def test_traps_of_each_detector(detector: str) -> None:
    """The beginnings of its own examples, repeated, under all rules at once."""
    for piece in hostile.traps()[detector]:
        assert_linear(hostile.everything(), partial(hostile.filled, piece), 1_500)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("detector", sorted(hostile.traps()))
def test_traps_of_each_detector_long(detector: str) -> None:
    for piece in hostile.traps(most=1_000)[detector]:
        assert_linear(hostile.everything(), partial(hostile.filled, piece), 25_000)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*b", r"(.*)*x", r"(\w+\s?)*!", r"a{1,200}b", r"(?i)(x+x+)+y"])
def test_nested_quantifiers_of_users(pattern: str) -> None:
    rules = {"r": {"type": "pattern", "pattern": pattern}}
    config = {"rules": rules, "applications": {"$string": ["r"]}}
    program = compile_program(pii_config=config, settings=None, options=Scrub())
    for letter in "axw ":
        assert_linear(program, partial(hostile.filled, letter), 6_000)
