"""Allow lists against documents of any form: nothing survives that is not listed, with and without rules behind."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scrubbing import SETTINGS, scrub

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.settings.scrub import Scrub
from support.allowing import GONE, allow_list, leaves

KEY_NAMES = (
     "event_id", "type", "values", "user", "request", "headers", "cookies", "query_string", "data", "tags", "exception", "value",
     "stacktrace", "frames", "vars", "contexts", "os", "trace", "extra", "message", "logentry", "formatted", "spans", "attributes",
     "breadcrumbs", "_meta", "", "rem", "val", "items", "debug_meta", "images", "keep", "sdk", "aggregates", "0",
)  # fmt: skip
KEYS = st.sampled_from(KEY_NAMES)
SECRETS = st.sampled_from(["rosa klein", "a=rosa klein&b", "x; rosa klein=1", "rosa@klein", '{"a":"rosa klein"}'])
LEAVES = SECRETS | st.none() | st.booleans() | st.integers() | st.just("[Filtered]")
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner).map(list), max_size=3)
    | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25,
)  # fmt: skip
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6)
SHAPES = st.sampled_from(["event", "replay_event", "span", "session", "generic"])


def keepable(node: Any, *, below: bool = False) -> Any:
    """The document without secrets where the list lets them through: under the key `keep`, as a member or in a pair."""
    if isinstance(node, dict):
        return {key: keepable(value, below=below or key == "keep") for key, value in node.items()}
    if isinstance(node, list):
        return [keepable(value, below=below or (len(node) == 2 and node[0] == "keep")) for value in node]
    return "kept" if below and isinstance(node, str) else node


@given(DOCUMENTS, SHAPES)
def test_no_leaf_outside_of_the_list_survives(document: dict[str, Any], shape: str) -> None:
    listed = allow_list("keep", "keep.**")
    once = listed.reduce(json.dumps(keepable(document)).encode(), shape)
    assert b"klein" not in once
    assert listed.reduce(once, shape) == once


@given(DOCUMENTS, SHAPES)
def test_with_an_empty_list_nothing_is_left_but_words(document: dict[str, Any], shape: str) -> None:
    reduced = json.loads(allow_list().reduce(json.dumps(document).encode(), shape))
    reduced.pop("_meta", None)
    words = {*KEY_NAMES, "[Filtered]"}
    assert [leaf for leaf in leaves(reduced) if isinstance(leaf, str) and leaf not in words] == []


def test_what_is_left_is_scrubbed_by_the_rules() -> None:
    for profile in ("strict", "parity"):
        options = Scrub(mode="allow", allow=("extra.*",), profile=profile)
        program = compile_program(pii_config=None, settings=SETTINGS, options=options)
        assert scrub(program, {"extra": {"a": "4242424242424242"}, "user": {"email": "rosa@lab.example"}}) == {
            "extra": {"a": "[Filtered]"},
            "user": None,
            "_meta": {
                "extra": {"a": {"": {"rem": [["@creditcard:filter", "s", 0, 10]], "len": 16}}},
                "user": GONE,
            },
        }


def test_without_rules_only_the_list_counts() -> None:
    program = compile_program(pii_config=None, settings=None, options=Scrub(mode="allow", allow=("extra.b",)))
    assert scrub(program, {"extra": {"a": 1, "b": "x"}}) == {
        "extra": {"a": None, "b": "x"}, "_meta": {"extra": {"a": GONE}}
    }  # fmt: skip


def test_an_address_that_the_server_would_infer_is_not() -> None:
    """The list takes the user away; what then keeps the server from guessing comes after it."""
    program = compile_program(
        pii_config=None, settings=SETTINGS, options=Scrub(mode="allow", allow=("x",)), hide_client_ip=True
    )
    document = {"platform": "javascript", "user": {"ip_address": "192.0.2.1"}}
    assert scrub(program, document)["sdk"] == {"settings": {"infer_ip": "never"}}


@pytest.mark.parametrize("profile", ["strict", "parity"])
@given(document=DOCUMENTS, shape=SHAPES)
@settings(max_examples=50, deadline=None)
def test_no_such_leaf_survives_the_rules_either(profile: str, document: dict[str, Any], shape: str) -> None:
    program = allowing(profile)
    raw = json.dumps(keepable(document)).encode()
    once = scrub_document(program, raw, shape) or raw
    assert b"klein" not in once
    twice = scrub_document(program, once, shape) or once
    assert json.loads(twice) == json.loads(once)


@cache
def allowing(profile: str) -> ScrubProgram:
    return compile_program(
        pii_config=None, settings=SETTINGS, options=Scrub(mode="allow", allow=("keep", "keep.**"), profile=profile)
    )


def test_time_grows_with_the_payload_and_no_faster() -> None:
    """Twenty times the values; were something quadratic, it would take 400 times as long. A busy machine only ever adds."""
    listed = allow_list("keep", "$frame.function", "extra.** && !secret")

    def seconds(count: int) -> float:
        frame = {"function": "f", "vars": {"a": [1, "x", {"b": None}]}, "lineno": 5}
        document = {
            "exception": {"values": [{"stacktrace": {"frames": [frame] * count}}]},
            "extra": {"l": ["x"] * count},
        }
        raw = json.dumps(document).encode()
        best = float("inf")
        for _ in range(3):
            began = time.thread_time()
            listed.reduce(raw, "event")
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(4000) < 80 * max(seconds(200), 0.001)
