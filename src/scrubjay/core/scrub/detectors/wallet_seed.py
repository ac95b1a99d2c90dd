"""Seeds of crypto wallets: words of the BIP-39 list whose checksum is right (scrubbing.md 15.4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.detectors.seed_words import WORDS

_INDEX: Final = {word.encode(): index for index, word in enumerate(WORDS)}
_LENGTHS: Final = (24, 21, 18, 15, 12)
_BITS_PER_WORD: Final = 11
_WORD: Final = re.compile(rb"[A-Za-z]+")
_BETWEEN: Final = re.compile(rb"[ \t\r\n,]{1,4}")
_LONGEST_WORD: Final = 8


def is_seed(words: Sequence[int]) -> bool:
    """Whether the last bits, one for each three words, begin the SHA-256 of the bits before them."""
    bits = 0
    for word in words:
        bits = bits << _BITS_PER_WORD | word
    check_bits = len(words) // 3
    entropy = (bits >> check_bits).to_bytes(check_bits * 4, "big")
    return bits & ((1 << check_bits) - 1) == hashlib.sha256(entropy).digest()[0] >> (8 - check_bits)


def find_seeds(text: bytes) -> list[list[tuple[int, int]]]:
    """Seeds in every run of listed words, longest first."""
    found = []
    run: list[tuple[int, int, int]] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        index = _INDEX.get(match[0].lower(), -1) if end - start <= _LONGEST_WORD else -1
        if run and _BETWEEN.fullmatch(text, run[-1][1], start) is None:
            found += _seeds_in(run)
            run = []
        if index >= 0:
            run.append((start, end, index))
        else:
            found += _seeds_in(run)
            run = []
    return found + _seeds_in(run)


def _seeds_in(run: list[tuple[int, int, int]]) -> list[list[tuple[int, int]]]:
    out = []
    at = 0
    while len(run) - at >= _LENGTHS[-1]:
        for length in _LENGTHS:
            if at + length <= len(run) and is_seed([index for _, _, index in run[at : at + length]]):
                out.append([(run[at][0], run[at + length - 1][1])])
                at += length
                break
        else:
            at += 1
    return out


WALLET_SEED = Detector(
    name="wallet_seed",
    family="wallet_seed",
    replacement="[secret]",
    takes="12, 15, 18, 21 or 24 words of the English BIP-39 list, with spaces, commas or line breaks between them",
    verifies="checksum",
    # Twelve words have 36 letters or more, and eleven gaps; white space may be written as an escape, and as `+` in forms.
    screen=(r"[a-z ,+\\09]{47}",),
    find=find_seeds,
    examples=(
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
        "seed: legal winner thank year wave sausage worth useful legal winner thank yellow.",
        "Legal\nwinner\nthank\nyear\nwave\nsausage\nworth\nuseful\nlegal\nwinner\nthank\nyellow",
        "zoo, zoo, zoo, zoo, zoo, zoo, zoo, zoo, zoo, zoo, zoo, wrong",
    ),
    counterexamples=(
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon",
        "legal winner thank year wave sausage worth useful legal winner thank",
        "the relay drops items when limits are in force and says so in its answer to the client",
    ),
)
