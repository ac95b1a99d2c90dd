"""Verdicts of keys: the same bits as asking each pattern, however many there are."""

from __future__ import annotations

import random

import pytest
import re2

from scrubjay.core.scrub import key_verdicts
from scrubjay.core.scrub.key_verdicts import KeyVerdicts
from scrubjay.core.scrub.patterns import compile_pattern

PATTERNS = ("token", "(?i)pass", "^id$", "x|yy", r"\d{3}", "a(?i)b", "", "(?P<name>q)r", "é", "(b", "(?x) k e y")


def test_bits_are_those_of_the_patterns() -> None:
    turn = random.Random(3)
    compiled = []
    for place in range(70):
        text = turn.choice([pattern for pattern in PATTERNS if pattern not in ("", "(b")]) + str(place % 9)
        compiled.append((compile_pattern(text, ignore_case=place % 3 == 0), 1 << place))
    verdicts = KeyVerdicts(compiled)
    for _ in range(300):
        key = "".join(
            turn.choice(("token", "PASS", "id", "x", "yy", "12", "aB", "qr", "É", "key", "3")) for _ in range(3)
        )
        expected = sum(bit for pattern, bit in compiled if pattern.search(key.encode()) is not None)
        assert verdicts(key) == expected


def test_patterns_may_be_added() -> None:
    patterns = [(compile_pattern("a"), 1)]
    verdicts = KeyVerdicts(patterns)
    assert verdicts("ab") == 1
    patterns.append((compile_pattern("b"), 2))
    assert verdicts("ab") == 3
    assert verdicts("\ud800") == 0


@pytest.mark.parametrize("patterns", [("(?P<n>a)", "(?P<n>b)"), (r"\w{300}a", r"\w{300}b")])
def test_what_does_not_go_together_is_asked_one_by_one(patterns: tuple[str, ...]) -> None:
    verdicts = KeyVerdicts([(compile_pattern(pattern), 1 << place) for place, pattern in enumerate(patterns)])
    key = "w" * 300 + "b"
    assert verdicts(key) == 2


def test_what_is_too_large_together_is_asked_one_by_one() -> None:
    roomy = re2.Options()
    roomy.max_mem = 1 << 26
    patterns = [(re2.compile(rf"\pL{{500}}{end}", options=roomy), bit) for end, bit in (("a", 1), ("b", 2))]
    assert key_verdicts._union(patterns) is None
    assert KeyVerdicts(patterns)("w" * 500 + "b") == 2


def test_most_keys_are_asked_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that matches none of 160 patterns takes a tenth as many searches as there are patterns."""
    asked = []

    class Counted:
        def __init__(self, pattern: object) -> None:
            self.pattern = pattern

        def search(self, raw: bytes) -> object:
            asked.append(raw)
            return self.pattern.search(raw)  # type: ignore[attr-defined]

    union = key_verdicts._union
    monkeypatch.setattr(key_verdicts, "_union", lambda members: Counted(union(members)))
    verdicts = KeyVerdicts([(compile_pattern(f"key{place}x"), 1 << place) for place in range(160)])
    assert verdicts("other") == 0
    assert len(asked) == 10
