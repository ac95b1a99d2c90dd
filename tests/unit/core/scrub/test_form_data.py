"""Form data of crash reporters (scrubbing.md 12, ingest.md A.5)."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from scrubjay.core.scrub.form_data import scrub_form_data
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unscrubbable
from support import scrubbing

STRICT = scrubbing.default_program("strict")


def form(*pairs: tuple[str | bytes, str | bytes]) -> bytes:
    parts = [part.encode() if isinstance(part, str) else part for pair in pairs for part in pair]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def fields(payload: bytes) -> list[tuple[str, str]]:
    texts = []
    while payload:
        (size,) = struct.unpack_from("<I", payload)
        texts.append(payload[4 : 4 + size].decode())
        payload = payload[4 + size :]
    return list(zip(texts[::2], texts[1::2], strict=True))


def scrubbed(*pairs: tuple[str | bytes, str | bytes], program: Any = STRICT) -> list[tuple[str, str]]:
    payload = form(*pairs)
    new = scrub_form_data(program, payload)
    return fields(payload if new is None else new)


def test_the_form_of_the_specification_is_read() -> None:
    assert form(("guid", "a1")).hex() == "0400000067756964" + "020000006131"
    assert scrub_form_data(STRICT, form(("guid", "a1"))) is None
    assert scrub_form_data(STRICT, b"") is None


def test_fields_of_their_own_are_extra() -> None:
    got = scrubbed(("guid", "a1"), ("mail", "ana@lab.example"), ("password", "x"), ("mail", "192.0.2.1"))
    assert got == [("guid", "a1"), ("mail", "[email]"), ("password", "[Filtered]"), ("mail", "[ip]")]
    program = scrubbing.config_program({"applications": {"extra.gone": ["@anything:remove"], "extra.x": ["@email"]}})
    assert scrubbed(("gone", "x"), ("x", "a@b.co"), ("y", "a@b.co"), program=program) == [
        ("x", "[email]"),
        ("y", "a@b.co"),
    ]


@pytest.mark.parametrize("name", ["sentry", "sentry___sdk"])
def test_json_is_an_event(name: str) -> None:
    ((key, value),) = scrubbed((name, '{"user":{"ip_address":"192.0.2.1"},"release":"192.0.2.1"}'))
    event = json.loads(value)
    assert key == name
    assert event["user"]["ip_address"] is None
    assert event["release"] == "192.0.2.1"
    assert "_meta" in event


def test_what_should_be_json_and_is_not_is_a_text() -> None:
    assert scrubbed(("sentry", "{broken ana@lab.example")) == [("sentry", "{broken [email]")]
    assert scrubbed(("sentry", '["ana@lab.example"]'))[0][1].count("ana@") == 0


def test_json_in_pieces_stays_in_pieces() -> None:
    text = json.dumps({"extra": {"mail": "ana@lab.example", "long": "x" * 100}})
    came = [(f"sentry__{number}", text[at : at + 50]) for number, at in enumerate(range(0, len(text), 50), 1)]
    got = scrubbed(("guid", "a1"), *reversed(came))
    assert [name for name, _ in got] == ["guid", *(name for name, _ in came)]
    event = json.loads("".join(value for _, value in got[1:]))
    assert event["extra"] == {"mail": "[email]", "long": "x" * 100}
    assert scrub_form_data(STRICT, form(("sentry__1", '{"a":'), ("sentry__2", "1}"))) is None
    program = scrubbing.config_program({"applications": {"extra.sentry": ["@anything:remove"]}})
    assert scrubbed(("sentry__1", "no"), ("sentry__2", "json"), program=program) == [
        ("sentry__1", ""),
        ("sentry__2", ""),
    ]


def test_single_members_become_one_event_if_they_change() -> None:
    clean = (("sentry[release]", "1.0"), ("sentry[tags][x]", "y"), ("sentry[tags][z]", "y"))
    assert scrub_form_data(STRICT, form(*clean)) is None
    ((name, value),) = scrubbed(*clean, ("sentry[user][email]", "ana@lab.example"), ("sentry[message]", "at 192.0.2.1"))
    event = json.loads(value)
    assert name == "sentry___members"
    assert event["release"] == "1.0"
    assert event["user"]["email"] == "[email]"
    assert "192.0.2.1" not in value


def test_members_that_shadow_others_do_not_leave() -> None:
    for pairs in (
        (("sentry[a]", "ana@lab.example"), ("sentry[a]", "x")),
        (("sentry[a]", "ana@lab.example"), ("sentry[a][b]", "x")),
        (("sentry[a][b]", "ana@lab.example"), ("sentry[a]", "x")),
    ):
        assert b"ana@" not in (scrub_form_data(STRICT, form(*pairs)) or b"ana@")


@pytest.mark.parametrize("tail", [b"\x01", b"\x03\0\0\0ab", b"\x02\0\0\0ab", b"\x02\0\0\0ab\xff\xff\xff\xff"])
def test_what_follows_a_broken_length_is_left_out(tail: bytes) -> None:
    assert scrub_form_data(STRICT, form(("guid", "a1")) + tail) == form(("guid", "a1"))


def test_broken_texts_are_mended() -> None:
    assert scrubbed((b"k\xff", b"ana@lab.example \xff")) == [("k\ufffd", "[email] \ufffd")]


def test_hostile_nesting_is_refused() -> None:
    with pytest.raises(Unscrubbable):
        scrub_form_data(STRICT, form(("sentry" + "[a]" * 50_000, "x")))
    with pytest.raises(Unscrubbable):
        scrub_form_data(STRICT, form(("sentry", '{"a":' * 50_000)))


def test_what_rules_did_is_counted() -> None:
    record = Record()
    scrub_form_data(STRICT, form(("a", "ana@lab.example"), ("sentry", '{"extra":{"b":"ana@lab.example"}}')), record)
    assert record.rules["@email:replace"].hits == 2
