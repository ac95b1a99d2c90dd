"""The reference's dialect of regular expressions on RE2 (scrubbing.md 3.5)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.patterns import PatternError, compile_pattern, finder, translate
from scrubjay.core.scrub.redact import MAX_MATCHES


def spans(pattern: str, text: str, groups: tuple[int, ...] = (0,)) -> list[list[tuple[int, int]]]:
    return list(finder(compile_pattern(pattern), groups)(text.encode()))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\d+", "a١٢ 3", [[(1, 5)], [(6, 7)]]),
        (r"\w+", "é-b", [[(0, 2)], [(3, 4)]]),
        (r"[\w-]+", "é-b c", [[(0, 4)], [(5, 6)]]),
        (r"\s", "a\u00a0b", [[(1, 3)]]),
        (r"[\S]+", "a\u2003b", [[(0, 1)], [(4, 5)]]),
        (r"\D", "1é", [[(1, 3)]]),
        (r"[\D]", "1é", [[(1, 3)]]),
        (r"\W", "é-", [[(2, 3)]]),
        (r"a(?i)b", "aB", [[(0, 2)]]),
        (r"(?x) a  b # note", "ab", [[(0, 2)]]),
        (r"(?x: a b )c d", "abc d", [[(0, 5)]]),
        (r"(?x)a (?-x: b)", "a b", [[(0, 3)]]),
        (r"(?x)[a b] c", "b ac", [[(2, 4)]]),
        (r"(?u)a", "a", [[(0, 1)]]),
        (r"(?<n>a)", "a", [[(0, 1)]]),
        (r"\u{e9}", "é", [[(0, 2)]]),
        ("\\u00e9", "é", [[(0, 2)]]),
        (r"[[:alpha:]]", "1a", [[(1, 2)]]),
        (r"[]a]", "]a", [[(0, 1)], [(1, 2)]]),
        (r"[^\]]", "]a", [[(1, 2)]]),
        (r"a$", "a\n", []),
        (r"x*", "aé", [[(0, 0)], [(1, 1)], [(3, 3)]]),
        (r".*", "ab", [[(0, 2)]]),
        (r"\b", "a b", [[(0, 0)], [(1, 1)], [(2, 2)], [(3, 3)]]),
    ],
)
def test_dialect(pattern: str, text: str, expected: list[list[tuple[int, int]]]) -> None:
    assert spans(pattern, text) == expected


def test_groups() -> None:
    assert spans("(a)|(b)", "ab", (1, 2, 9)) == [[(0, 1)], [(1, 2)]]


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "[a&&b]", r"(?-u)a", "\ud800", r"\w{2000}"])
def test_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_case_can_be_ignored() -> None:
    assert compile_pattern("pass", ignore_case=True).search(b"PASS") is not None


def test_translation_leaves_the_rest_alone() -> None:
    assert translate(r"a\.b[x-z\]]{2,3}?(?:c|d)(?P<n>e)\pL\x41") == r"a\.b[x-z\]]{2,3}?(?:c|d)(?P<n>e)\pL\x41"
    assert translate("(?xi)a #") == "(?i)a"


def test_no_more_matches_are_looked_for_than_may_be_redacted() -> None:
    """Each search of this one looks through the rest of the text, so that all of them together would take its square."""
    found = spans("a(?:a*b)?", "a" * (MAX_MATCHES + 500))
    assert len(found) == MAX_MATCHES + 1
