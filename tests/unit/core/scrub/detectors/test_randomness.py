"""Whether a text looks random."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detectors.randomness import entropy_bits, looks_random


def test_entropy() -> None:
    assert entropy_bits(b"aaaa") == 0
    assert entropy_bits(b"abcd") == 2
    assert entropy_bits(bytes(range(256))) == 8


@pytest.mark.parametrize(
    ("text", "random"),
    [
        ("aB3xK9mQ2wZ7pL5vT1nR", True),
        ("correct-horse-battery-staple", False),
        ("73918264550918273645", False),
        ("aaaaaaaaaaaaaaaaaaa1", False),
        ("6f1d2c3b-4a59-4e6f-8c7d-0123456789ab", False),
        ("6f1d2c3b4a594e6f8c7d0123456789ab", False),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", False),
        ("da39a3ee5e6b4b0d3255bfef95601890afd8070", True),
    ],
)
def test_looks_random(text: str, random: bool) -> None:
    assert looks_random(text.encode()) is random
