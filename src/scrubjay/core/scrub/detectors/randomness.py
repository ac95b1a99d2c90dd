"""Whether a text looks as if it was drawn by chance: what secrets without a form of their own are known by (scrubbing.md 15.4)."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

_LEAST_ENTROPY_BITS: Final = 3.5
# UUIDs and hashes are drawn by chance too, but name things rather than open them.
_UUID: Final = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_HASH: Final = re.compile(rb"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_DIGIT: Final = re.compile(rb"[0-9]")


def entropy_bits(text: bytes) -> float:
    """Shannon's entropy, in bits for each byte."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def looks_random(text: bytes, *, hashes: bool = False) -> bool:
    """Letters and digits of high entropy, and no usual form of an identifier. `hashes`: what looks like one counts, too."""
    return (
        _UUID.fullmatch(text) is None
        and (hashes or _HASH.fullmatch(text) is None)
        and _LETTER.search(text) is not None
        and _DIGIT.search(text) is not None
        and entropy_bits(text) >= _LEAST_ENTROPY_BITS
    )
