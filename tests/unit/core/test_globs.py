"""Globs exactly as `decisions.md` 6.5."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.globs import _letters, compile_glob


def matches(pattern: str, text: str) -> bool:
    problems: list[str] = []
    matcher = compile_glob([pattern], problems)
    assert problems == []
    return matcher(text)


CASES = [
    ("decisions-94", "payments@2.*", "PAYMENTS@2.14.0", True),
    ("decisions-94 whole text", "payments@2.*", "xpayments@2.0", False),
    ("decisions-95 the empty pattern never matches", "", "", False),
    ("decisions-95 a star matches nothing too", "*", "", True),
    ("decisions-95 one character", "GET /v?/users", "GET /v12/users", False),
    ("decisions-95 one character fits", "GET /v?/users", "get /v1/users", True),
    ("decisions-95 empty alternative", "{api,}", "", True),
    ("decisions-95 negated class", "[!0-9]*", "9bc", False),
    ("decisions-95 negated class fits", "[!0-9]*", "abc", True),
    ("decisions-95 a caret is an ordinary member", "[^a]", "b", False),
    ("decisions-95 a caret is a member", "[^a]", "^", True),
    ("decisions-95 an empty class is dropped", "a[]b", "ab", True),
    ("decisions-95 a negated empty class too", "a[!]b", "ab", True),
    ("decisions-95 stretched range", "[a-c-e]", "d", True),
    ("decisions-95 stretched range has no hyphen", "[a-c-e]", "-", False),
    ("decisions-95 newlines", "line*", "line one\nline two", True),
    ("a star crosses slashes", "/api/*/x", "/api/a/b/x", True),
    ("two stars are one", "a**b", "a/c/b", True),
    ("question mark takes one character, not one byte", "a?b", "añb", True),
    ("question mark takes one character above the plane", "a?b", "a\U0001f600b", True),
    ("question mark takes a newline", "a?b", "a\nb", True),
    ("hyphen first", "[-a]", "-", True),
    ("hyphen last", "[a-]", "-", True),
    ("hyphen first after the mark", "[!-a]", "-", False),
    ("hyphen escaped", r"[a\-c]", "b", False),
    ("hyphen escaped is a member", r"[a\-c]", "-", True),
    ("range up to an escaped bracket", r"[A-\]]", "\\", True),
    ("braces and stars mean nothing in a class", "[*?{},]", "{", True),
    ("stars in a class are themselves", "[*]", "a", False),
    ("escaped exclamation mark does not negate", r"[\!a]", "!", True),
    ("alternatives", "{get,post} /*", "POST /x", True),
    ("alternatives with patterns", "{a*,[xy]z,?}", "yz", True),
    ("comma in a class in braces", "{[a,b],c}", ",", True),
    ("optional tail", "x{,y}", "x", True),
    ("optional tail present", "x{,y}", "xy", True),
    ("only an empty group matches nothing", "{}", "", False),
    ("an empty group is dropped", "x{}y", "xy", True),
    ("an empty class alone matches nothing", "[]", "", False),
    ("escaped star", r"a\*", "a*", True),
    ("escaped star is no star", r"a\*", "ab", False),
    ("escaped brace", r"\{a\}", "{a}", True),
    ("escaped backslash", r"a\\b", r"a\b", True),
    ("comma outside of braces", "a,b", "a,b", True),
    ("dots are dots", "1.2", "1x2", False),
    ("other metacharacters are themselves", "^a.(b)|c+$", "^A.(B)|C+$", True),
    ("letters after a backslash are themselves", r"\d", "d", True),
    ("no full folding", "straße", "STRASSE", False),
    ("simple lower case", "STRAßE", "straße", True),
    ("beyond ASCII", "ÀÉ*", "àéx", True),
    ("long s is no s", "s", "ſ", False),
    ("kelvin sign is a k", "k", "\u212a", True),
    ("k is a kelvin sign", "\u212a", "K", True),
    ("kelvin sign beside a pattern", "?k", "a\u212a", True),
    ("k beside a pattern is a kelvin sign", "?\u212a", "aK", True),
    ("kelvin sign in a class of small letters", "[a-k]", "\u212a", True),
    ("kelvin sign in a class of capitals", "[A-K]", "\u212a", False),
    ("kelvin sign outside of a class", "[!K]", "\u212a", True),
    ("kelvin sign in a class by itself", "[\u212a]", "\u212a", True),
    ("k is not in the class of the kelvin sign", "[\u212a]", "k", False),
    ("capital sharp s", "straße", "STRA\u1e9eE", True),
    ("no final form of sigma", "ΑΣ", "ας", False),
    ("sigma in the middle form", "ΑΣ", "ΑΣ", True),
    ("class matches upper case by lower", "[a-c]", "B", True),
    ("class matches lower case by upper", "[A-C]", "b", True),
    ("class beyond ASCII", "[À-É]", "é", True),
    ("negated class in either case", "[!A]", "a", False),
    ("a class takes a letter whose capital it holds", "[S]", "ſ", True),
    ("a letter whose lower case is two characters stays one", "?", "İ", True),
    ("half a surrogate pair is one character", "a?b", "a\ud800b", True),
    ("nul", "a\0b", "A\0B", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_glob(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


BROKEN = [
    "a]",
    "a}",
    "[a",
    r"[a\]",
    "[a[b]",
    "[z-a]",
    "[b-d-a]",
    "{a,{b}}",
    "x{open",
    "{open",
    "a\\",
    "[a\\",
    "{a\\",
    "a\ud800",
    "a" * 1025,
    "{a,b}" * 14,
    "{" + "," * 10_000 + "}",
]


@pytest.mark.parametrize("pattern", BROKEN, ids=lambda pattern: repr(pattern[:20]))
def test_broken_pattern_is_skipped_and_named(pattern: str) -> None:
    problems: list[str] = []
    matcher = compile_glob([pattern], problems)
    assert len(problems) == 1
    assert not matcher(pattern)
    assert not compile_glob([pattern])("x")


def test_alternatives_up_to_the_bound_are_fine() -> None:
    assert matches("{a,b}" * 13, "ab" * 6 + "b")


def test_list_with_a_broken_pattern_decisions_96() -> None:
    problems: list[str] = []
    matcher = compile_glob(["[a", "ok*"], problems)
    assert matcher("okay")
    assert not matcher("[a")
    assert problems == ["pattern '[a': `[` without `]`; it is skipped"]


def test_no_patterns_match_nothing() -> None:
    assert not compile_glob([])("")


def test_many_patterns_take_several_programs() -> None:
    matcher = compile_glob(f"service-{number}-*-{'x' * 50}" for number in range(500))
    assert matcher("SERVICE-499-prod-" + "x" * 50)
    assert matcher("service-0--" + "x" * 50)
    assert not matcher("service-500-prod-" + "x" * 50)


def test_hostile_pattern_takes_linear_time() -> None:
    assert not matches("*a" * 500, "a" * 499 + "b" * 100_000)


@given(st.text(max_size=30))
def test_escaped_text_matches_itself_and_nothing_longer(text: str) -> None:
    pattern = re.sub(r"(.)", r"\\\1", text, flags=re.DOTALL)
    assert matches(pattern, text) is bool(text)
    assert not matches(pattern, text + "x")


def test_only_two_letters_differ_from_the_language_s_lower_case() -> None:
    """Lower-casing a text at once is the same as lower-casing each character, but for what the module says."""
    letters = [chr(code) for code in range(0x20000) if not 0xD800 <= code <= 0xDFFF]
    assert [letter for letter in letters if len(letter.lower()) > 1] == ["İ"]
    together = "a".join(letters)
    one_by_one = "a".join(letter if letter == "İ" else letter.lower() for letter in letters)
    assert _letters(together) == one_by_one


def test_a_megabyte_of_text_takes_milliseconds() -> None:
    matches_timeout = compile_glob(["*timeout*"])
    text = "ÄÖÜ ñ Σİ " * 120_000
    started = time.thread_time()
    assert not matches_timeout(text)
    assert time.thread_time() - started < 0.5


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_pattern_compiles_or_is_named(pattern: str, text: str) -> None:
    problems: list[str] = []
    matcher = compile_glob([pattern], problems)
    assert matcher(text) in (True, False)
    assert len(problems) <= 1


@given(st.lists(st.sampled_from(list("ab*?")), max_size=8), st.text(alphabet="abAB", max_size=8))
def test_agrees_with_a_plain_translation(tokens: list[str], text: str) -> None:
    source = "".join({"*": ".*", "?": "."}.get(token, token) for token in tokens)
    expected = bool(tokens) and re.fullmatch(source, text, re.IGNORECASE | re.DOTALL) is not None
    assert matches("".join(tokens), text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("x{open", "x", True),
        ("x{open", "xopen", False),
        ("{open", "", False),
        ("{open", "open", False),
        ("a{b,[c]", "a", True),
    ],
)
def test_unclosed_braces_end_the_pattern_as_a_quirk(pattern: str, text: str, expected: bool) -> None:
    assert compile_glob([pattern], quirks=True)(text) is expected
    problems: list[str] = []
    assert not compile_glob([pattern], problems)(text)
    assert len(problems) == 1


def test_plain_words_are_looked_for_without_a_program() -> None:
    """The same answers, whichever way a pattern is looked for."""
    texts = ("", "a", "ab", "ba", "bab", "Abc", "xÀb", "àb", "İb", "ΣA", "σa", "a*b")
    patterns = ("*a*", "a*", "*b", "AB", "*", "**", "*À*", "İ*", "*σa", "Σ*", "*a", "b", "ab*", "***b***")
    for pattern in patterns:
        plain, program = compile_glob([pattern]), compile_glob([pattern.replace("*", "{*}") or pattern])
        assert [plain(text) for text in texts] == [program(text) for text in texts], pattern


def test_many_parts_are_looked_for_at_once() -> None:
    matches = compile_glob([f"*part-{number}*" for number in range(20)] + ["whole", "start*", "x?z"])
    assert all(map(matches, ("a part-0 b", "PART-19", "whole", "Starting", "xyz")))
    assert not any(map(matches, ("part-", "wholes", "restart", "xz", "part-20"[:-2])))
