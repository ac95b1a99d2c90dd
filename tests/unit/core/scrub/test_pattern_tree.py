"""Patterns as trees: what is known of them is what RE2 says of them, and the rest counts as anything or is refused."""

from __future__ import annotations

import random

import pytest
import re2

from scrubjay.core.scrub import pattern_tree
from scrubjay.core.scrub.pattern_tree import ANYTHING, Choice, Repeat, Sequence, Symbol, UnknownSyntax, read_pattern
from scrubjay.core.scrub.patterns import PatternError, compile_pattern, translate


def symbol(characters: str, *, digits: bool = False) -> Symbol:
    return Symbol(frozenset(characters.lower() + characters.upper()), digits)


A, B, C = map(symbol, "abc")


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ("", Sequence()),
        ("a", A),
        ("ab", Sequence((A, B))),
        ("a|b|", Choice((A, B, Sequence()))),
        ("(a)(?:b)(?P<n>c)(?<m>c)", Sequence((A, B, C, C))),
        ("a*b+?c?", Sequence((Repeat(A, 0, None), Repeat(B, 1, None), Repeat(C, 0, 1)))),
        ("a{2}b{2,}c{2,3}?", Sequence((Repeat(A, 2, 2), Repeat(B, 2, None), Repeat(C, 2, 3)))),
        ("a{x", Sequence((A, symbol("{"), symbol("x")))),
        (r"^a$\b\B\A\z", Sequence((Sequence(), A, *[Sequence()] * 5))),
        (r"(?i)a(?s-m:b)", Sequence((Sequence(), A, B))),
        (".", ANYTHING),
        (r"\pL", ANYTHING),
        (r"\P{Lu}", ANYTHING),
        (r"\d", symbol("0123456789", digits=True)),
        (r"[\d-]", symbol("0123456789-", digits=True)),
        (r"\.\-\n\x41\x{e9}", Sequence((symbol("."), symbol("-"), symbol("\n"), A, symbol("é")))),
        ("[a-c]", symbol("abc")),
        (r"[\-a\]]", symbol("-a]")),
        ("[]a-]", symbol("]a-")),
        (r"[\x41-\x{43}]", symbol("abc")),
        ("[^a]", ANYTHING),
        ("[^]a]", ANYTHING),
        ("[[:alpha:]x]", ANYTHING),
        (r"[\pLa]", ANYTHING),
        (r"[\W]", ANYTHING),
        (r"[а-я]", ANYTHING),
        (r"[!-\x{ff}]", ANYTHING),
    ],
)  # fmt: skip
def test_trees(pattern: str, tree: object) -> None:
    compile_pattern(pattern)
    assert read_pattern(translate(pattern)) == tree


def test_white_space_is_known() -> None:
    tree = read_pattern(translate(r"\s"))
    assert isinstance(tree, Symbol)
    assert tree.characters is not None
    assert {" ", "\t", "\u3000", "\u2005"} < tree.characters


@pytest.mark.parametrize(
    "text",
    [r"\Qa\E", r"\C", r"\12", "a**", "a{2}{3}", "*", "(?P=a)", ")", "(a", "[a", "[a-", r"\x{110000}", "a{,3}", "a+*", "(" * 200 + ")" * 200],
)  # fmt: skip
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    with pytest.raises(UnknownSyntax):
        read_pattern(text)


@pytest.mark.parametrize("text", [r"[\pL-z]", r"[a-\pL]", r"[a-[:alpha:]]", r"[\p{Nd}-z]", r"[\x{d800}]", r"[a-\W]"])
def test_odd_ranges_are_anything(text: str) -> None:
    assert read_pattern(text) == ANYTHING


@pytest.mark.parametrize(
    ("character", "same"), [("é", "éÉ"), ("ß", "ßẞ"), ("密", "密"), ("ſ", "ſsS"), ("\u03a9", "\u03a9\u03c9\u2126")]
)
def test_case(character: str, same: str) -> None:
    assert pattern_tree.same_but_for_case(character) == frozenset(same)


def test_classes_are_what_the_engine_takes_them_for() -> None:
    """Each character that the engine finds in a class is in the tree, in every spelling of a class that is drawn."""
    turn = random.Random(7)
    pieces = (
        "a",
        "z",
        "-",
        "0-9",
        "A-F",
        r"\d",
        r"\-",
        r"\]",
        r"\n",
        r"\x20-\x2f",
        "é",
        "à-é",
        "[:digit:]",
        "^",
        r"\s",
        "/",
        "[",
        ",",
        r"\pL",
        "к",
        "ſ",
    )
    text = "".join(map(chr, range(0x600))) + "\u0966\u2003\u3000\ua620\u212a"
    known = 0
    for _ in range(400):
        pattern = "[" + "".join(turn.choice(pieces) for _ in range(turn.randint(1, 5))) + "]"
        try:
            compiled = compile_pattern(pattern)
        except PatternError:
            continue
        tree = read_pattern(translate(pattern))
        found = {raw.decode() for raw in re2.findall(compiled, text.encode())}
        assert isinstance(tree, Symbol), pattern
        if tree.characters is None:
            continue
        known += 1
        assert {character for character in found if not (tree.digits and character.isdecimal())} <= tree.characters, (
            pattern
        )
    assert known > 100
