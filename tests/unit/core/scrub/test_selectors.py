"""Selectors as text: grammar, canonical form, order (scrubbing-64)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.selectors import SelectorError, parse_selector, print_selector, sort_key
from scrubjay.errors import ConfigError
from support import scrubbing

VECTORS = scrubbing.vectors()


@pytest.mark.parametrize("text", [*VECTORS["selectors_refused"], "'", "(a | b", "a.99999999999999999999", "a |"])
def test_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_selector(text)


@pytest.mark.parametrize("text", VECTORS["selectors_accepted"])
def test_accepted_and_canonical(text: str) -> None:
    printed = print_selector(parse_selector(text))
    assert print_selector(parse_selector(printed)) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("email", "$string"),
        ("databag", "$object"),
        (" a . b ", "a.b"),
        ("~a|b&!(c|d)", "!a || b && !(c || d)"),
        ("(a|b)&c", "(a || b) && c"),
        ("$request.'x y'.**", "$http.'x y'.**"),
        ("a.'it''s'.0.*", "a.'it''s'.0.*"),
        ("' x '", "'x '"),
        ("007", "7"),
    ],
)
def test_canonical_form(text: str, printed: str) -> None:
    assert print_selector(parse_selector(text)) == printed


def test_legacy_words_only_where_asked() -> None:
    assert print_selector(parse_selector("email", legacy_words=False)) == "email"


def test_errors_say_where_and_what() -> None:
    with pytest.raises(SelectorError, match=r"unknown type \$usr, perhaps \$user at column 3"):
        parse_selector("a.$usr")
    with pytest.raises(SelectorError, match="column 2"):
        parse_selector("a b"[:1] + "?")


def test_deep_nesting_is_an_error_with_words() -> None:
    with pytest.raises(ConfigError, match="nested"):
        scrubbing.config_program({"applications": {"(" * 5000 + "a" + ")" * 5000: ["@ip"]}})


def test_order_of_applications() -> None:
    """scrubbing.md 7.2: And, Or, Not, Path; in paths types, positions, keys, wildcards; shorter first."""
    texts = ["a & b", "a | b", "!a", "$string", "$number", "$user.a", "0", "7", "B", "a", "a.b", "'é'", "*.a", "**"]
    assert sorted(sorted(texts), key=lambda text: sort_key(parse_selector(text))) == texts


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize(
    "text", sorted({"a b", "!!a", "a.**.b.**", "*", "$nope", "'a", "", *VECTORS["selectors_refused"]})
)
def test_scrubbing_64_refused_with_the_config(text: str, profile: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scrubbing.config_program({"applications": {text: ["@ip"]}}, profile)
    assert caught.value.path == f"applications.{text}"
    assert "column" in caught.value.problem
