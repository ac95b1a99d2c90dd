"""What is looked for on behalf of user patterns. That it never misses a match is proved in `fuzz/test_scrub_literals.py`."""

from __future__ import annotations

import random
import re

import pytest

from scrubjay.core.scrub import literals as module
from scrubjay.core.scrub.literals import Literals, required_literals
from scrubjay.core.scrub.patterns import compile_pattern
from scrubjay.core.scrub.screen import ScreenBuilder
from support import scrubbing


@pytest.mark.parametrize(
    ("pattern", "patterns"),
    [
        ("accepted", ("accepted",)),
        ("(?i)PIN", ("pin",)),
        ("(?i)naïves|pin", ("naïves", "pin")),
        ("foo|barbaz|(?:qu+xes)", ("foo", "barbaz", "uxes")),
        (r"\bfoo_bar\b.*", ("foo_bar",)),
        (r"x\.y\+z", (r"x\.y\+z",)),
        ("(?:foo.bar)?bazaar[^x]qux", ("bazaar",)),
        ("(?:foo.bar)+", ("foo",)),
        ("(?:foo|)barbaz", ("barbaz",)),
        ("(?:)foobar", ("foobar",)),
        ("(?:(?:))*foobar", ("foobar",)),
        ("x{0}foobar", ("foobar",)),
        ("foo(?:bar.+|baz.+)", ("foo",)),
        ("(?:first.+|second.+)!", ("first", "second")),
        ("ke:value", ("ke:value",)),
        (":value", ("value",)),
        ("a,bcdef", ("bcdef",)),
        ('"quoted"', ("quoted",)),
        (r"https?://[^/]+/secret", ("secret",)),
        ("(?:abc){3}", ("(?:abc){3}",)),
        ("(?:abcdefgh)+", ("(?:abcdefgh){1}",)),
        ("a[bc]{45}[bc]{45}defghi", ("defghi",)),
        ("(?:abcde){20}", ("(?:abcde){9}",)),
    ],
)
def test_texts(pattern: str, patterns: tuple[str, ...]) -> None:
    found = required_literals(pattern)
    assert found is not None
    if pattern == "(?i)naïves|pin":
        assert found.patterns[1] == "pin"
        assert re.fullmatch(found.patterns[0].encode(), "naïves".encode())
    elif pattern.startswith("(?:abcdefgh)"):
        assert "abcdefgh" in found.patterns[0]
    else:
        assert found.patterns == patterns


@pytest.mark.parametrize(
    ("pattern", "patterns", "digits", "numbers"),
    [
        (r"\bEMP\d{5}\b", (r"emp[\x30-\x39]{5}",), True, False),
        ("B-[0-9]{6}", (r"b[\x20\x2b\x2d][\x30-\x39]{6}",), False, False),
        (r"\d{9}", (r"[\x30-\x39]{9}",), True, True),
        (r"-\d{9}", (r"[\x20\x2b\x2d][\x30-\x39]{9}",), True, True),
        ("[0-9]{3}[-.]?[0-9]{5}", (r"[\x30-\x39]{3}[\x20\x2b\x2d-\x2e]?[\x30-\x39]{5}",), False, True),
        (r"[1-9]{2}e-[0-9]{4}", (r"[\x31-\x39]{2}e[\x20\x2b\x2d][\x30-\x39]{4}",), False, True),
        (r"(?:usr|acct)_\d{4,}", (r"(?:usr|acct)_[\x30-\x39]{4}",), True, False),
        ("[A-Z0-9]{20}", (r"[\x30-\x39\x61-\x7a]{20}",), False, True),
    ],
)
def test_digits_and_short_classes(pattern: str, patterns: tuple[str, ...], digits: bool, numbers: bool) -> None:
    assert required_literals(pattern) == Literals(patterns, digits, numbers)


@pytest.mark.parametrize(
    "pattern",
    ["", "a", "ab", "密", "a+", "a|bcdef", r"\d+", r"\d{4}", r"\w{8}", ".{40}", "[^,]{9}", '",:[]', r"\x00\x01\x02\x03", r"\Qabc\E",
     "[a-z]{4}", "(?:foo)?", "(?:foo.bar)*", "(?:a.b|cdef)+", "|".join(f"{place:04d}x.y" for place in range(200)),
     "(?:" * 120 + "abc" + ")" * 120],
)  # fmt: skip
def test_unscreened(pattern: str) -> None:
    assert required_literals(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("пароль", "ПАРОЛЬ"), ("a b-c d", "a b-c d"), ("x/y/zz", "x/y/zz"), (r"a\sbcd", "a\u3000bcd"), ("<a>'b'", "<a>'b'"), ("密码", "密码"),
     (r"😀\d😀", "😀\u0663😀"), (r"\d{6}", "12\u096f456"), ("STRASSE|straße", "STRAẞE")],
)  # fmt: skip
def test_every_spelling(pattern: str, text: str) -> None:
    found = required_literals(pattern)
    assert found is not None
    builder = ScreenBuilder()
    bit = builder.literal_bit(found, in_keys=False)
    scan = builder.build().borrow()
    turn = random.Random(1)
    for spelling in ({}, {"escapes": 1.0}, {"slashes": True}):
        spelled = scrubbing.spell({"k": text}, turn, **spelling)
        assert scan(spelled.encode()) & bit
        assert scan(scrubbing.spell({"k": spelled}, turn, **spelling).encode()) & bit
    assert not scan(b'{"k":"nothing of it"}') & bit


@pytest.mark.parametrize(
    "number", ["1e400", "4.2e15", "12345678901234567890", "0.30000000000000001", "0.00001234", "1234567890123456.7"]
)
def test_numbers_that_may_be_others_as_texts(number: str) -> None:
    builder = ScreenBuilder()
    bit, other = (
        builder.literal_bit(Literals((text,), numbers=text == "777777"), in_keys=False) for text in ("777777", "zzz")
    )
    found = builder.build().borrow()(f'{{"n":{number}}}'.encode())
    assert found & bit
    assert not found & other


def test_capitals_of_header_names() -> None:
    """`ßx` becomes `SSx` as the name of a header."""
    builder = ScreenBuilder()
    literals = required_literals("SSxyz")
    assert literals is not None
    in_keys = builder.literal_bit(literals, in_keys=True)
    in_texts = builder.literal_bit(Literals(("abc",)), in_keys=False)
    scan = builder.build().borrow()
    for raw in ('{"ßxyz":1}'.encode(), rb'{"x-\u00dfxyz":1}'):
        assert scan(raw) & in_keys
        assert not scan(raw) & in_texts


def test_letters_of_escapes_in_json_within_a_text() -> None:
    r"""A line break spelled `\u000a` is `\n` in a text that holds JSON, so that `nfoo` stands there."""
    event = {"exception": {"values": [{"value": {"k": "a\nfoo"}}]}}
    config = {"rules": {"r": {"type": "pattern", "pattern": "nfoo"}}, "applications": {"$error.value": ["r"]}}
    program = scrubbing.config_program(config)
    spelled = scrubbing.spell(event, random.Random(1)).replace(r"\n", r"\u000a").encode()
    assert b"nfoo" not in spelled
    scan = program.passes[0].screen.borrow()
    assert scan(spelled) & program.passes[0].matcher.applications[0].rules[0].bits


def test_long_patterns_are_read_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps taken, not time: twice the pattern takes at most little more than twice the steps."""
    steps = 0
    original = module._item

    def counted(symbol: object) -> object:
        nonlocal steps
        steps += 1
        return original(symbol)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_item", counted)
    taken = []
    for size in (500, 1000):
        steps = 0
        pattern = "(?:ab.c|de+f)" * size
        compile_pattern(pattern)
        required_literals(pattern)
        taken.append(steps)
    assert taken[1] <= 2.2 * taken[0]
