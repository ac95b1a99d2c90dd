"""Questions for keys of relays, and their answers."""

from __future__ import annotations

import json

import pytest

from scrubjay.core.relays.public_keys import MAX_RELAYS, KnownRelay, answer, question, read_question, read_reply
from scrubjay.errors import UpstreamError
from scrubjay.settings.keys import encode

A, B, C = (f"7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de00{digit}" for digit in "123")
KEY = bytes(32)


def test_a_question_and_its_answer() -> None:
    asked = read_question(json.dumps(question([A, B])).encode())
    assert asked == [A, B]
    relays = {A: KnownRelay(KEY, is_internal=True), B: None}
    assert answer(relays) == {"relays": {A: {"publicKey": encode(KEY), "internal": True}, B: None}}
    assert read_reply(answer(relays), [A, B]) == relays


def test_what_is_no_relay_is_passed_over() -> None:
    assert read_question(json.dumps({"relay_ids": [A.upper(), A, 5, None, "x", B.replace("-", "")]}).encode()) == [A, B]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "no object"),
        (b"{}", "relay_ids"),
        (json.dumps({"relay_ids": [A] * (MAX_RELAYS + 1)}).encode(), "at most"),
        (b"{", "."),
    ],
)
def test_what_asks_for_nobody(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_question(body)


def test_operations_59_an_older_server_answers_with_keys_alone() -> None:
    assert read_reply({"public_keys": {A: encode(KEY)}}, [A, B]) == {A: KnownRelay(KEY, is_internal=False), B: None}
    both = {"relays": {B: {"publicKey": encode(KEY)}}, "public_keys": {A: encode(KEY)}}
    assert read_reply(both, [A, B]) == {A: None, B: KnownRelay(KEY)}


def test_only_what_was_asked_for_counts() -> None:
    reply = {"relays": {C: {"publicKey": encode(KEY)}, "nobody": {}, A.upper(): {"publicKey": encode(KEY)}}}
    assert read_reply(reply, [A]) == {A: KnownRelay(KEY)}


@pytest.mark.parametrize("entry", [None, 5, {}, {"publicKey": 5}, {"publicKey": "="}, {"publicKey": "AAAA"}], ids=repr)
def test_an_entry_that_cannot_be_read_is_nobody(entry: object) -> None:
    assert read_reply({"relays": {A: entry}}, [A]) == {A: None}


@pytest.mark.parametrize("reply", [{}, {"relays": []}, {"relays": None, "public_keys": 5}], ids=repr)
def test_an_answer_about_nobody(reply: object) -> None:
    assert read_reply(reply, [A]) == {A: None}


def test_no_answer_at_all() -> None:
    with pytest.raises(UpstreamError):
        read_reply([], [A])
