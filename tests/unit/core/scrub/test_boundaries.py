"""Word boundaries beside letters outside ASCII."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.boundaries import is_word
from support import scrubbing


@pytest.mark.parametrize(
    ("rule", "text", "left"),
    [
        ("@ip", "é192.0.2.1", "é192.0.2.1"),
        ("@ip", "192.0.2.1\u0301", "192.0.2.1\u0301"),
        ("@ip", "²192.0.2.1", "²[ip]"),
        ("@creditcard", "\u06644242424242424242", "\u06644242424242424242"),
        ("@creditcard", "é 424242424242424٢", "é [creditcard]"),
        ("@email", "éana@lab.example", "éana@lab.example"),
        ("@email", "é-ana@lab.example", "é[email]"),
        ("@email", "ö.éana@lab.example", "ö.éana@lab.example"),
        ("@email", "ana@lab.exampleé", "ana@lab.exampleé"),
        ("@email", "ana@lab.co.exampleé x", "[email].exampleé x"),
        ("@email", "é ana@lab.example, b@c.de日", "é [email], b@c.de日"),
        ("@urlauth", "éhttps://u:p@h", "éhttps://u:p@h"),
        ("@urlauth", "é//u:p@h", "é//[auth]@h"),
        ("@urlauth", "²//u:p@h", "²//u:p@h"),
        ("@bearer", "éBearer x", "éBearer x"),
        ("@bearer", "ſ Bearer x", "ſ Bearer [token]"),
        ("@cookies:filter", "é session__٣=a", "é session__٣=[Filtered]"),
    ],
)
def test_as_the_reference(rule: str, text: str, left: str) -> None:
    from sentry_relay.processing import pii_strip_event

    config = {"applications": {"$string": [rule]}}
    assert pii_strip_event(config, {"extra": {"x": text}})["extra"]["x"] == left
    assert scrubbing.scrub(scrubbing.config_program(config), {"extra": {"x": text}})["extra"]["x"] == left


def test_word_characters() -> None:
    assert all(map(is_word, "é\u0301\u0660Ⅷ‿\u200dⒶ🄰"))
    assert not any(map(is_word, "²½–€\u00a0"))
