"""The two engines find the same in short texts."""

from __future__ import annotations

import random

import pytest

from scrubjay.core.scrub import patterns
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.short_texts import MAX_BYTES, short_texts

PLAIN = [
    one for one in DETECTORS.values() if one.pattern and not one.whole and one.check is None and len(one.groups) == 1
]
NOTHING = patterns.finder(patterns.compile_pattern("a{3}b{3}c{3}"), (0,))


@pytest.mark.parametrize("detector", PLAIN, ids=lambda one: one.name)
def test_engines_agree(detector: object) -> None:
    group = detector.groups[0]
    long = patterns.finder(patterns.compile_pattern(detector.pattern), (group,))
    short = short_texts(detector.pattern, group, NOTHING)
    if short is NOTHING:
        return
    turn = random.Random(detector.name)
    seeds = [*detector.examples, *detector.counterexamples]
    alphabet = "".join(seeds) + " \n\r\t\0/:.@-_=$\"'aZ09"
    for _ in range(400):
        text = turn.choice(seeds)
        for _ in range(turn.randrange(4)):
            at = turn.randrange(len(text) + 1)
            text = text[:at] + "".join(turn.choices(alphabet, k=turn.randrange(3))) + text[at + turn.randrange(3) :]
        raw = (text + turn.choice(["", "\n", " ", turn.choice(seeds)])).encode()[:MAX_BYTES]
        if raw.isascii():
            assert list(map(list, long(raw))) == short(raw), raw


def test_long_texts_and_other_letters_stay_with_the_other_engine() -> None:
    find = short_texts("ab", 0, lambda text: [[(7, len(text))]])
    assert find(b"xab") == [[(1, 3)]]
    assert find(b"x" * (MAX_BYTES + 1)) == [[(7, MAX_BYTES + 1)]]
    assert find("éab".encode()) == [[(7, 4)]]


@pytest.mark.parametrize("pattern", [r"\pL", r"\d", r"\x{41}", r"(?s).", r"(?P<n>a)", r"\Aa", r"(?<n>a)"])
def test_constructs_that_may_differ_stay_with_the_other_engine(pattern: str) -> None:
    assert short_texts(pattern, 0, NOTHING) is NOTHING


def test_the_end_is_the_end() -> None:
    find = short_texts(r"a(?:\$|[$]|b$)", 0, NOTHING)
    assert find(b"ab\n") == []
    assert find(b"a$ ab") == [[(0, 2)], [(3, 5)]]
