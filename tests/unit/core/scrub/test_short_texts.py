"""The two engines find the same in short texts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from scrubjay.core.scrub import patterns
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.short_texts import MAX_BYTES, short_occurs, short_texts

WHOLE = [one for one in DETECTORS.values() if one.pattern and one.whole]
PLAIN = [
    one for one in DETECTORS.values() if one.pattern and not one.whole and one.check is None and len(one.groups) == 1
]
NOTHING = patterns.finder(patterns.compile_pattern("a{3}b{3}c{3}"), (0,))


@pytest.mark.parametrize("detector", PLAIN, ids=lambda one: one.name)
def test_engines_agree(detector: Any) -> None:
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


@pytest.mark.parametrize("detector", WHOLE, ids=lambda one: one.name)
def test_engines_agree_on_whole_texts(detector: Any) -> None:
    compiled = patterns.compile_pattern(detector.pattern)
    occurs = short_occurs(detector.pattern, _unexpected)
    for text in (*detector.examples, *detector.counterexamples, "otp\n", "\notp", "token a:", "x\ntoken=", "AUTH"):
        assert occurs(text.encode()) == (compiled.search(text.encode()) is not None), text
    assert short_occurs("ab", lambda text: text == b"\xff")(b"\xff")


def _unexpected(_text: bytes) -> bool:
    raise AssertionError


def test_long_texts_and_other_letters_stay_with_the_other_engine() -> None:
    find = short_texts("ab", 0, lambda text: [[(7, len(text))]])
    assert find(b"xab") == [[(1, 3)]]
    assert find(b"x" * (MAX_BYTES + 1)) == [[(7, MAX_BYTES + 1)]]
    assert find("éab".encode()) == [[(7, 4)]]


@pytest.mark.parametrize("pattern", [r"\pL", r"\d", r"\x{41}", r"(?s).", r"(?P<n>a)", r"\Aa", r"(?<n>a)"])
def test_constructs_that_may_differ_stay_with_the_other_engine(pattern: str) -> None:
    assert short_texts(pattern, 0, NOTHING) is NOTHING
    assert short_occurs(pattern, _unexpected) is _unexpected


def test_the_end_is_the_end() -> None:
    find = short_texts(r"a(?:\$|[$]|b$)", 0, NOTHING)
    assert find(b"ab\n") == []
    assert find(b"a$ ab") == [[(0, 2)], [(3, 5)]]
