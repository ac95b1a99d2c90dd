"""Origins and sources: places on the web (`decisions.md` 7.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.origins import compile_origins


@pytest.mark.parametrize(
    ("patterns", "origin", "allowed"),
    [
        ([], "https://shop.example", False),
        (["shop.example"], "https://shop.example", True),
        (["shop.example"], "http://SHOP.example:8443/cart?x=1", True),
        (["shop.example"], "https://sub.shop.example", False),
        (["*.shop.example"], "https://sub.shop.example", True),
        (["*.shop.example"], "https://shop.example", True),
        (["*.shop.example"], "https://notshop.example", False),
        (["https://shop.example"], "http://shop.example", False),
        (["https://shop.example/path"], "https://shop.example", True),
        (["*://shop.example"], "app://shop.example", True),
        (["https://*"], "https://any.example", True),
        (["https://*"], "http://any.example", False),
        (["shop.example:8080"], "http://shop.example:8080", True),
        (["shop.example:8080"], "http://shop.example", False),
        (["shop.example:*"], "http://shop.example:9", True),
        (["[::1]"], "http://[::1]:3000", True),
        (["[::1]:3000"], "http://[::1]:3000", True),
        (["[::1]:3000"], "http://[::1]", False),
        (["other.example", "shop.example"], "https://shop.example", True),
    ],
)
def test_decisions_47_origins(patterns: list[str], origin: str, allowed: bool) -> None:
    allows = compile_origins(patterns)
    assert allows is not None
    assert allows(origin) is allowed


@pytest.mark.parametrize("patterns", [["*"], ["shop.example", "*"], ["*:*"], ["*://*"]])
def test_upstream_29_a_star_allows_every_origin(patterns: list[str]) -> None:
    assert compile_origins(patterns) is None


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("*.ads.example", "https://ads.example", True),
        ("*.ads.example", "https://a.b.ads.example/x", True),
        ("*.ads.example", "https://bads.example", False),
        ("*ads.example", "https://bads.example", True),
        ("ads.*", "https://ads.example", False),
        ("a.example:80", "http://a.example", False),
        ("a.example:80", "http://a.example:80/", True),
        ("about", "about", True),
        ("about", "https://about/", True),
        ("inline", "inline", True),
        ("https://about", "about", False),
        ("a.example", "https://a.example?x", True),
        ("a.example", "https://a.example#x", True),
        ("*.a.example", "https://evil.example#.a.example", False),
        ("a.example", "https://user:secret@a.example/", True),
        ("a.example", "https://a.example@evil.example/", False),
        ("a.example", "", False),
        ("a.example", "http://[::1", False),
        ("", "file:///x", True),
        ("file://*", "file:///x", True),
    ],
)
def test_a_place_decisions_105(pattern: str, url: str, matches: bool) -> None:
    rule = compile_origins([pattern])
    assert rule is not None
    assert rule(url) is matches


@given(st.lists(st.text(max_size=12), max_size=3), st.text(max_size=20))
def test_any_text_is_a_place(patterns: list[str], url: str) -> None:
    rule = compile_origins(patterns)
    assert rule is None or rule(url) in (True, False)
