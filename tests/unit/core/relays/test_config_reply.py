"""Questions about projects, and answers of upstreams that may say anything."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.relays.config_reply import (
    DISABLED,
    UNCHANGED,
    WAITING,
    Enabled,
    question,
    read_reply,
    read_shared,
    shared_question,
)
from scrubjay.errors import UpstreamError

K1, K2 = "a94ae32be2584e0bbd7a4cbb95971fee", "b" * 32


def test_a_question_names_keys_and_revisions_in_one_order() -> None:
    assert question([(K1, "r1"), (K2, None)]) == {
        "publicKeys": [K1, K2],
        "revisions": ["r1", None],
        "fullConfig": False,
        "noCache": False,
    }
    told = question([], full=True, no_cache=True)
    assert (told["fullConfig"], told["noCache"]) == (True, True)
    assert shared_question() == {"global": True, "publicKeys": []}


@pytest.mark.parametrize(
    ("reply", "revision", "state"),
    [
        pytest.param({"pending": [K1]}, None, WAITING, id="not computed yet"),
        pytest.param({"pending": [K1], "configs": {K1: {"rev": "r"}}}, None, WAITING, id="both"),
        pytest.param({"unchanged": [K1]}, "r1", UNCHANGED, id="the revision is current"),
        pytest.param({"configs": {K1: {"disabled": True}}}, None, DISABLED, id="said to be disabled"),
        pytest.param({"configs": {K1: None}}, "r1", DISABLED, id="null"),
        pytest.param({"configs": {}}, None, DISABLED, id="operations_52 nowhere"),
        pytest.param({}, None, DISABLED, id="operations_52 no member at all"),
        pytest.param({"configs": None, "pending": None, "unchanged": None}, None, DISABLED, id="members are null"),
        pytest.param({"pending": [[], {}, 1, None]}, None, DISABLED, id="no keys in the list"),
    ],
)
def test_each_key_has_a_state(reply: object, revision: str | None, state: object) -> None:
    said = read_reply(reply, {K1: revision})
    assert said.states == {K1: state}
    assert said.problems == ()


def test_a_document_is_given_on_as_it_came() -> None:
    document = {"rev": "r2", "projectId": 42, "config": {"quotas": "whatever"}}
    said = read_reply({"configs": {K1: document, "f" * 32: {"rev": "nobody asked"}}}, {K1: None, K2: None})
    state = said.states[K1]
    assert isinstance(state, Enabled)
    assert (state.document, state.revision, repr(state)) == (document, "r2", "<Enabled r2>")
    assert set(said.states) == {K1, K2}
    assert said.states[K2] is DISABLED


@pytest.mark.parametrize("revision", [7, None, [], "r" * 257])
def test_a_revision_that_is_none_is_not_named_again(revision: object) -> None:
    assert Enabled({"rev": revision}).revision is None


@pytest.mark.parametrize("entry", [[], "", 0, False, True, 1.5, [{}]])
def test_what_is_no_configuration_leaves_its_key_waiting(entry: object) -> None:
    said = read_reply({"configs": {K1: entry, K2: {"disabled": "yes"}}}, {K1: None, K2: None})
    assert said.states[K1] is WAITING
    assert said.problems == ((K1, "the configuration is no object"),)
    assert isinstance(said.states[K2], Enabled), "only `true` disables; the reader of documents says what is wrong"


def test_unchanged_means_nothing_where_no_revision_was_named() -> None:
    said = read_reply({"unchanged": [K1]}, {K1: None})
    assert said.states == {K1: WAITING}
    assert [key for key, _ in said.problems] == [K1]


@pytest.mark.parametrize(
    "reply",
    [None, [], "text", 1, {"configs": []}, {"configs": "x"}, {"pending": K1}, {"pending": {}}, {"unchanged": 1}],
)
def test_an_answer_that_is_none_disables_nobody(reply: object) -> None:
    with pytest.raises(UpstreamError):
        read_reply(reply, {K1: None})


@pytest.mark.parametrize(
    ("reply", "document"),
    [
        ({"global": {"quotas": []}, "globalStatus": "ready"}, {"quotas": []}),
        ({"global": {"quotas": []}}, {"quotas": []}),
        ({"global": {"quotas": []}, "globalStatus": "pending"}, None),
        ({"globalStatus": "pending"}, None),
        ({"global": None}, {}),
        ({}, {}),
    ],
)
def test_operations_58_what_goes_for_all_is_not_used_before_it_is_ready(reply: Any, document: object) -> None:
    assert read_shared(reply).document == document


@pytest.mark.parametrize("reply", [None, [], {"global": []}, {"global": "x", "globalStatus": "ready"}])
def test_what_goes_for_all_must_be_an_object(reply: object) -> None:
    with pytest.raises(UpstreamError):
        read_shared(reply)
