"""The automaton: bits, spellings of keys, signs of payloads. That it never under-reports is proved in `fuzz/test_scrub_screen.py`."""

from __future__ import annotations

import random

import pytest

from scrubjay.core.scrub import screen
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.literals import Literals
from scrubjay.core.scrub.matching import ALWAYS
from scrubjay.core.scrub.patterns import compile_pattern
from scrubjay.core.scrub.screen import EVERY, ScreenBuilder, signs
from support import scrubbing


@pytest.mark.parametrize("key", ["ip_address", "a b", "x-y", "a/b", "it's", "<a>", "é", "😀", "user.ip"])
def test_keys_in_every_spelling(key: str) -> None:
    builder = ScreenBuilder()
    bit = builder.key_bit(key)
    scan = builder.build().borrow()
    turn = random.Random(1)
    for spelling in ({}, {"escapes": 1.0}, {"slashes": True}):
        assert scan(scrubbing.spell({key: 1}, turn, **spelling).encode()) & bit
    assert scan(b'{"other":1}') == ALWAYS


@pytest.mark.parametrize("key", ["", "0", "12", 'a"b', "a\\b", "a%b", "a\nb"])
def test_keys_that_may_arise_without_their_bytes(key: str) -> None:
    assert ScreenBuilder().key_bit(key) == ALWAYS


def test_bits_are_shared_and_end_with_the_screen() -> None:
    builder = ScreenBuilder()
    assert builder.key_bit("a") == builder.key_bit("a")
    literals = Literals(("a",))
    bit = builder.literal_bit(literals, in_keys=False)
    assert bit == builder.literal_bit(literals, in_keys=True) != builder.key_bit("a")
    assert builder.detector_bit(DETECTORS["email"]) == builder.detector_bit(DETECTORS["email"])
    builder.build()
    assert builder.key_bit("late") == ALWAYS
    assert builder.key_bit("a") != ALWAYS


@pytest.mark.parametrize("raw", [rb'"\u0040"', rb'"\u0000"', '"\u017f"'.encode(), rb'"\u212A"'])
def test_uncovered_spellings_are_every_hit(raw: bytes) -> None:
    assert ScreenBuilder().build().borrow()(raw) | screen.HUGE_NUMBER | screen.SURROGATE == EVERY


@pytest.mark.parametrize("raw", [rb'"\u003c\u003E\u0026\u0027"', rb'"\u000a\u001f"', '"é"'.encode(), rb'"\u00e9"'])
def test_common_escapes_are_no_hit(raw: bytes) -> None:
    assert ScreenBuilder().build().borrow()(raw) == ALWAYS


@pytest.mark.parametrize("digit", ["٣", "९", "𝟗", "０", "🯰"])
def test_decimal_digits_of_other_scripts(digit: str) -> None:
    builder = ScreenBuilder()
    bit = builder.detector_bit(DETECTORS["creditcard"])
    scan = builder.build().borrow()
    turn = random.Random(1)
    for spelling in ({}, {"escapes": 1.0}):
        assert scan(scrubbing.spell(digit, turn, **spelling).encode()) & bit


@pytest.mark.parametrize(
    ("data", "sign"),
    [
        (b'{"_meta":1}', screen.META),
        (rb'{"\u005fmeta":1}', screen.META),
        (b"[1e400]", screen.HUGE_NUMBER),
        (b"[1.5E+0999 ]", screen.HUGE_NUMBER),
        (b"1e999", screen.HUGE_NUMBER),
        (rb'"\ud83d"', screen.SURROGATE),
        (b'"api_target"', screen.GRAPHQL),
        (b'"{{auto}}"', screen.ADDRESS),
    ],
)
def test_signs(data: bytes, sign: int) -> None:
    assert signs(data) & sign


@pytest.mark.parametrize("data", [b'"9e400a"', b"[1e40]", b'"meta"', rb'"\u00e9"'])
def test_no_signs(data: bytes) -> None:
    assert signs(data) == ALWAYS


def test_scans_are_lent() -> None:
    built = ScreenBuilder().build()
    first = built.borrow()
    second = built.borrow()
    assert first is not second
    built.give_back(first)
    assert built.borrow() is first


def test_matches_have_places() -> None:
    builder = ScreenBuilder()
    bit = builder.key_bit("token")
    scan = builder.build().borrow()
    found, at = scan.document(b'{"a":1,"token":2,"Token":3}')
    assert (found, at) == (ALWAYS | bit, 0)
    assert [match >> screen.PLACE for match in scan.matches] == [13, 23, screen.BEYOND >> screen.PLACE]
    assert scan(b'"x"') == ALWAYS, "a look at a value leaves the document's matches alone"
    assert len(scan.matches) == 3


def test_too_much_to_see_is_everything() -> None:
    builder = ScreenBuilder()
    builder.detector_bit(DETECTORS["creditcard"])
    scan = builder.build().borrow()
    digits = b'{"a":"' + b"1" * 30_000 + b'"}'
    assert scan.document(digits) == (EVERY, screen.NOWHERE)
    assert scan(digits) == EVERY
    assert scan(b"[1]") == ALWAYS


def test_patterns_over_keys_share_a_bit_if_they_are_equal() -> None:
    builder = ScreenBuilder()
    bits = [
        builder.key_pattern_bit(compile_pattern(text, ignore_case=ignored))
        for text, ignored in (("a", False), ("a", True), ("b", False), ("a", False), ("a", True))
    ]
    assert bits == [1, 2, 4, 1, 2]


def test_without_hyperscan_everything_may_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "hyperscan", None)
    scan = screen.Screen([("a", False, 1)]).borrow()
    assert scan(b"{}") == EVERY


def test_without_a_database_everything_may_be_there() -> None:
    scan = screen.Scan(None, [])
    assert scan.document(b"{}") == (EVERY, screen.NOWHERE)
    assert scan(b"{}") == EVERY
