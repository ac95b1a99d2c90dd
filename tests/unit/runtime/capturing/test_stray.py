"""Bodies that are no envelopes: whatever form a value has in them, it is not shown."""

import base64
import json
import zlib

import pytest

from scrubjay.runtime.capturing.showing import default_plan
from scrubjay.runtime.capturing.stray import SHOWN_BYTES, clean_start, clean_text
from support.planted import CARD, EMAIL, PASSWORD

PROGRAM = default_plan().scrub
assert PROGRAM is not None


def shown(body: bytes) -> str:
    assert PROGRAM is not None
    return clean_start(body, PROGRAM)


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        (b"", ""),
        (b"plain words\n\nof three lines", "plain words\n\nof three lines"),
        (json.dumps({"password": PASSWORD, "n": 5}, indent=2).encode(), '{"password":"[Filtered]","n":5}'),
        (json.dumps({"password": [PASSWORD], "n": 5}, indent=2).encode(), '{"password":null,"n":5}'),
        (f'{{"password":\n\n"{PASSWORD}", "x": '.encode(), '[Filtered]\n\n"[Filtered]", "x": '),
        (f"one\n-----BEGIN PRIVATE KEY-----\n{PASSWORD}\n{PASSWORD}".encode(), "one\n[Withheld]"),
        (base64.b64encode(json.dumps({"email": EMAIL}).encode()), '{"email":"[email]"}'),
        (base64.urlsafe_b64encode(f"mail to {EMAIL}".encode()).rstrip(b"="), "mail to [email]"),
        (b"A" * 25, "A" * 25),
        (json.dumps({"event_id": CARD[:4] + "-0566-5566-5556"}).encode(), '{"event_id":"[Filtered]"}'),
        (b"wordsthatlooklikebase64", "wordsthatlooklikebase64"),
    ],
)
def test_a_text_is_scrubbed_as_what_it_looks_like(body, clean):
    assert shown(body) == clean


@pytest.mark.parametrize(
    "body",
    [
        EMAIL.encode("utf-16-le"),
        f"\ufeff{CARD}".encode("utf-16-be"),
        EMAIL.encode("utf-32-le"),
        zlib.compress(EMAIL.encode(), 0),
        b"\xff\xfe\xfd" + EMAIL.encode(),
    ],
)
def test_what_is_no_text_is_described(body):
    assert shown(body) == f"[{len(body)} bytes that are no text; they begin with {body[:4].hex(' ')}]"


@pytest.mark.parametrize("before", range(SHOWN_BYTES - 20, SHOWN_BYTES + 4))
def test_a_value_at_the_end_of_what_is_shown_is_seen_whole(before):
    """A part of a number is no number that rules know."""
    text = shown(b"x" * (before - 1) + b" " + CARD.encode() + b" " + b"y" * 9000)
    assert CARD[:4] not in text
    assert len(text) <= SHOWN_BYTES


def test_where_much_was_taken_the_torn_end_is_not_shown():
    lines = f"{EMAIL}\n".encode() * 200
    body = lines[: SHOWN_BYTES + 500] + b"\n" + CARD.encode() + b"\n" + lines
    assert "[email]" in shown(body)
    assert CARD[:6] not in shown(body)


def test_a_character_that_is_cut_at_the_end_does_not_make_it_binary():
    assert shown("ö".encode() * 4000 + b"x").startswith("ööö")
    assert shown(b"x" + "ö".encode() * 4000).startswith("xööö")


def test_a_detail_of_what_was_refused():
    assert PROGRAM is not None
    assert clean_text(f"no such user: {EMAIL}", PROGRAM) == "no such user: [email]"
    assert clean_text("", PROGRAM) == ""
