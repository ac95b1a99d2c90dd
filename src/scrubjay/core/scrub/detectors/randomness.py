"""Whether a text looks as if it was drawn by chance: what secrets without a form of their own are known by (scrubbing.md 15.4)."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

_LEAST_ENTROPY_BITS: Final = 3.5
# A hash and a UUID are drawn by chance too, but name things rather than open them.
_IDENTIFIER: Final = re.compile(
    rb"[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}"
)
_LETTER: Final = re.compile(rb"[A-Za-z]")
_DIGIT: Final = re.compile(rb"[0-9]")


def entropy_bits(text: bytes) -> float:
    """Shannon's entropy, in bits for each byte."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def looks_random(text: bytes) -> bool:
    """Letters and digits of high entropy, and no usual form of an identifier."""
    return (
        _IDENTIFIER.fullmatch(text) is None
        and _LETTER.search(text) is not None
        and _DIGIT.search(text) is not None
        and entropy_bits(text) >= _LEAST_ENTROPY_BITS
    )
