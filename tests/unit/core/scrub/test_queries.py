"""Values of parameters with sensitive names are replaced in place (scrubbing.md 15.6)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub
from support import scrubbing

SETTINGS = {**scrubbing.SETTINGS, "sensitiveFields": ["pin"]}
STRICT = compile_program(pii_config=None, settings=SETTINGS, options=Scrub(bundles=()))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://h/a?token=abc&b=1#x", "https://h/a?token=[Filtered]&b=1#x"),
        ("?api_key=1;pin=2&c=3", "?api_key=[Filtered];pin=[Filtered]&c=3"),
        ("a=1&user[password]=x%20y&c=3", "a=1&user[password]=[Filtered]&c=3"),
        ("https://h/#access_token=abc&b", "https://h/#access_token=[Filtered]&b"),
        ("https://h/a?token=&b=1", "[Filtered]"),
        ("https://h/secret?token=abc", "[Filtered]"),
        ("https://h/?token=abc&b=my password", "[Filtered]"),
        ("https://h/?b=1&c=2", "https://h/?b=1&c=2"),
    ],
)
def test_values_are_replaced_in_place(text: str, left: str) -> None:
    got = scrubbing.scrub(STRICT, {"extra": {"url": text}})
    assert got["extra"]["url"] == left
    assert scrubbing.scrub(STRICT, {"extra": {"url": left}})["extra"]["url"] == left


@pytest.mark.parametrize(
    "event",
    [
        {"request": {"data": "ä&token=abc&b=1"}},
        {"breadcrumbs": {"values": [{"data": {"http.query": "token=abc&b=1"}}]}},
        {"tags": [["url", "/x?token=abc&b=1"]]},
        {"spans": [{"data": {"url.full": "https://h/?token=abc&b=1"}}]},
    ],
)
def test_places(event: dict[str, object]) -> None:
    got = str(scrubbing.scrub(STRICT, event))
    assert "token=[Filtered]&b=1" in got
    assert "abc" not in got


def test_elsewhere_a_word_takes_the_whole() -> None:
    assert scrubbing.scrub(STRICT, {"extra": {"link": "https://h/?token=abc"}})["extra"]["link"] == "[Filtered]"
