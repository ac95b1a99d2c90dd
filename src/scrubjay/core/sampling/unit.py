"""The number that decides what is kept: it follows from an id alone (`decisions.md` 5.4).

Owns U and the reading of ids that it is made from. So whoever sees the same id decides the same, on every relay, worker and retry, and
what is kept at a lower rate is a subset of what is kept at a higher one. Which id decides, and at which rate, is the rules' business.
"""

from __future__ import annotations

import re
from typing import Final

_MASK_32: Final = 2**32 - 1
_MASK_64: Final = 2**64 - 1
_PCG_MULTIPLIER: Final = 6364136223846793005

_HEX: Final = re.compile("[0-9a-fA-F]{32}")


def unit_interval(seed: str) -> float:
    """U: a number in [0, 1) that follows from 128 bits, written as 32 hexadecimal digits.

    The first two outputs of the generator PCG-XSH-RR 64/32, seeded with the high half as state and the low half as stream.
    """
    bits = int(seed, 16)
    increment = ((bits & _MASK_64) << 1 | 1) & _MASK_64
    first = (((bits >> 64) + increment) * _PCG_MULTIPLIER + increment) & _MASK_64
    second = (first * _PCG_MULTIPLIER + increment) & _MASK_64
    # The first draw is the low half of the word, of which the upper 53 bits make the number.
    word = _pcg_output(second) << 32 | _pcg_output(first)
    return (word >> 11) * 2.0**-53


def keeps(seed: str, rate: float) -> bool:
    """Whether what bears this id is kept at this rate."""
    return rate >= 1 or (rate > 0 and unit_interval(seed) < rate)


def uuid_digits(value: object) -> str | None:
    """The 32 hexadecimal digits of an id, which may be written with dashes; None if it is none."""
    if not isinstance(value, str):
        return None
    digits = value.replace("-", "")
    return digits if _HEX.fullmatch(digits) else None


def _pcg_output(state: int) -> int:
    mixed = ((state >> 18 ^ state) >> 27) & _MASK_32
    turn = state >> 59
    return (mixed >> turn | mixed << (-turn & 31)) & _MASK_32
