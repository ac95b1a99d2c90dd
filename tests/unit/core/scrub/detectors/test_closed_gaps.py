"""What `strict` finds beside the reference's own detectors (scrubbing.md 14: G2, G3, G6), each by its own examples."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detectors import closed_gaps
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub
from support import detecting, scrubbing

TestContract = detecting.contract(closed_gaps)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://u:p!q@h/x", "https://#@h/x"),
        ("see //u:p@h, ok", "see //#@h, ok"),
        ("https://me@corp.example:p@w@h?x=a@b", "https://#@h?x=a@b"),
        ('"https://u:p:q@h" and `//a@b`', '"https://#@h" and `//#@b`'),
    ],
)
def test_credentials_end_at_the_last_at_sign(text: str, left: str) -> None:
    assert marked(closed_gaps.URL_AUTH_WHOLE, text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://u:p!q@h/x", "https://u:#@h/x"),
        ("redis://:p/w@h", "redis://:p/w@h"),
        ("https://me@corp.example:p@w@h?x=a@b", "https://me@corp.example:#@h?x=a@b"),
    ],
)
def test_the_password_begins_at_the_first_colon(text: str, left: str) -> None:
    assert marked(closed_gaps.URL_PASSWORD_WHOLE, text) == left


def test_what_is_redacted_already_is_no_credential() -> None:
    """Taken once more it would go, and the words behind it would each stand in the place of the one before."""
    rules = {"applications": {"$message": ["@urlauth", "@email"]}}
    program = compile_program(pii_config=rules, settings=scrubbing.SETTINGS, options=Scrub(profile="strict"))
    got = scrubbing.scrub(program, {"message": "https://u:p@h and a@b.co from 192.0.2.1"})
    assert got["logentry"]["formatted"] == "https://[auth]@h and [email] from [ip]"
    assert marked(closed_gaps.URL_PASSWORD_WHOLE, "//u:\0@h //u:\0x@h //u:\0@\0@h") == "//u:\0@h //u:#@h //u:\0@\0@h"
    assert marked(closed_gaps.URL_AUTH_WHOLE, "//\0@h //u\0@h") == "//\0@h //#@h"


def marked(detector: closed_gaps.Detector, text: str) -> str:
    for [(start, end)] in reversed(detecting.spans(detector, text.encode())):
        text = text[:start] + "#" + text[end:]
    return text
