"""Questions for configurations, and their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.relays.config_reply import DISABLED, WAITING, Enabled, State, read_reply
from scrubjay.core.relays.serving import MAX_KEYS, Caller, Question, answer, read_question

K1, K2, K3 = "a" * 32, "b" * 32, "c" * 32
TRUSTED, STRANGER = Caller("good", is_internal=False), Caller("bad", is_internal=False)
OWN = Caller("own", is_internal=True)
OPEN = Enabled({"rev": "r1", "config": {"trustedRelays": ["good"], "quotas": [1]}})


def asked(**members: Any) -> Question:
    return read_question(json.dumps({"publicKeys": [K1], **members}).encode())


def told(question: Question, caller: Caller, states: dict[str, State], **more: Any) -> dict[str, Any]:
    body = answer(question, caller, states, **{"shared": None, "upstream": None, "max_bytes": 1 << 20, **more})
    return json.loads(body)


def test_operations_48_what_is_no_key_is_passed_over() -> None:
    keys = [K1, "deadbeef", 42, None, [], {}, "é" * 32, " " * 32, K1, "x" * 33]
    assert asked(publicKeys=keys, revisions=["r", *[None] * 9]).revisions == {K1: None}
    assert told(asked(publicKeys=[K1, "deadbeef", 42]), OWN, {K1: OPEN})["configs"].keys() == {K1}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "malformed|truncated"),
        (b"[]", "no object"),
        (b"{}", "publicKeys"),
        (b'{"publicKeys": {}}', "publicKeys"),
        (json.dumps({"publicKeys": [1] * (MAX_KEYS + 1)}).encode(), "at most"),
        (b"[" * 200_000, "nested|deep"),
        (b'{"publicKeys": ["\xff"]}', "."),
    ],
)
def test_what_asks_for_nothing(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_question(body)


@pytest.mark.parametrize("revisions", [["r1"], [], ["r1", "r1", "r1"], "r1", {}, None], ids=repr)
def test_operations_49_revisions_that_do_not_match_the_keys_are_none(revisions: object) -> None:
    assert asked(publicKeys=[K1, K2], revisions=revisions).revisions == {K1: None, K2: None}


def test_operations_49_a_revision_that_is_equal() -> None:
    reply = told(asked(revisions=["r1"]), TRUSTED, {K1: OPEN})
    assert reply == {"configs": {}, "unchanged": [K1]}
    assert told(asked(revisions=["r2"]), TRUSTED, {K1: OPEN})["configs"].keys() == {K1}
    assert told(asked(revisions=[7]), TRUSTED, {K1: OPEN})["configs"].keys() == {K1}
    assert told(asked(revisions=["x"]), TRUSTED, {K1: Enabled({"config": {"trustedRelays": ["good"]}})})["configs"]


def test_an_equal_revision_is_told_to_nobody_who_may_not_read_it() -> None:
    assert told(asked(revisions=["r1"]), STRANGER, {K1: OPEN}) == {"configs": {}}


def test_operations_46_what_is_not_known_yet_is_pending() -> None:
    question = asked(publicKeys=[K1, K2, K3])
    states: dict[str, State] = {K1: WAITING, K2: DISABLED, K3: OPEN}
    reply = told(question, TRUSTED, states)
    assert reply["pending"] == [K1]
    assert reply["configs"].keys() == {K3}
    assert told(question, STRANGER, states) == {"configs": {}, "pending": [K1]}
    states[K1] = OPEN
    assert told(question, TRUSTED, states).keys() == {"configs"}


@pytest.mark.parametrize(("caller", "full", "quotas"), [(OWN, True, True), (OWN, False, False), (TRUSTED, True, False)])
def test_operations_50_only_internal_relays_get_everything(caller: Caller, full: bool, quotas: bool) -> None:
    config = told(asked(fullConfig=full), caller, {K1: OPEN})["configs"][K1]["config"]
    assert ("quotas" in config) is quotas
    assert told(asked(fullConfig=full), STRANGER, {K1: OPEN}) == {"configs": {}}


def test_what_goes_for_all_projects() -> None:
    question = asked(publicKeys=[], **{"global": True})
    assert told(question, STRANGER, {}, shared=None) == {"configs": {}, "global": {}, "globalStatus": "pending"}
    shared = {"quotas": [], "options": {"relay.x": 1}}
    assert told(question, STRANGER, {}, shared=shared)["global"] == shared
    assert told(question, STRANGER, {}, shared=shared)["globalStatus"] == "ready"
    assert "global" not in told(asked(), STRANGER, {K1: WAITING}, shared=shared)


def test_what_finds_no_room_is_to_be_asked_for_again() -> None:
    large = Enabled({"config": {"piiConfig": "x" * 1000, "trustedRelays": ["good"]}})
    reply = told(asked(publicKeys=[K1, K2, K3]), TRUSTED, {K1: large, K2: large, K3: large}, max_bytes=2500)
    assert (list(reply["configs"]), reply["pending"]) == ([K1, K2], [K3])
    alone = told(asked(), TRUSTED, {K1: large}, max_bytes=10)
    assert list(alone["configs"]) == [K1], "a large one must arrive some day"


def test_our_own_side_understands_the_answer() -> None:
    states: dict[str, State] = {K1: OPEN, K2: WAITING, K3: DISABLED}
    reply = told(asked(publicKeys=[K1, K2, K3]), TRUSTED, states, upstream="https://us.example/")
    read = read_reply(reply, {K1: None, K2: None, K3: None})
    assert isinstance(read.states[K1], Enabled)
    assert (read.states[K2], read.states[K3]) == (WAITING, DISABLED)
    assert read.problems == ()
    assert reply["configs"][K1]["upstream"] == "https://us.example/"


def test_members_of_a_question() -> None:
    question = asked(fullConfig=True, noCache=True)
    assert (question.full, question.no_cache, question.wants_shared) == (True, True, False)
    question = asked(fullConfig="yes", noCache=1, **{"global": 1})
    assert (question.full, question.no_cache, question.wants_shared) == (False, False, False)
