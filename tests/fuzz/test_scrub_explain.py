"""Whoever looks on changes nothing: records, traces and explanations of documents of every shape, right and wrong."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.scrub.documents import CONTAINERS, scrub_document
from scrubjay.core.scrub.explain import Explanation, explain
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.schema import OBJECT_TYPES
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

SHAPES = (
    "event",
    "replay_event",
    "span",
    "log_container",
    "span_container",
    "trace_metric_container",
    "generic",
    "session",
)
VALUES = (
    "ana@lab.example",
    "4242424242424242",
    "192.0.2.17",
    "Bearer q7Zt0pWm4kXv9sLb",
    "/home/ana/a.py",
    "a=b&token=c",
    "plain",
    "",
)
# Words of the protocol, so that shapes meet, and members that nobody has heard of.
KEYS = sorted(
    {name for described in OBJECT_TYPES.values() for name in described.fields}
    | {"values", "items", "value", "type", "message", "author", "unheard_of", "ana@lab.example", "_meta", "0"}
)
KINDS = ("device", "os", "trace", "response", "monitor", "feedback", "elf", "sourcemap", "mine")
RULES = {
    "rules": {
        "dry": {"type": "email", "dry_run": True},
        "key": {"type": "redact_pair", "keyPattern": "author"},
        "whole": {"type": "anything", "redaction": {"method": "remove"}},
    },
    "applications": {
        "**": ["@email:mask", "@ip", "dry"], "$object && values": ["whole"], "*.type || $http.url": ["@creditcard"], "!$string": ["key"],
    },
}  # fmt: skip

nodes = st.recursive(
    st.one_of(st.sampled_from(VALUES), st.integers(), st.just(4242424242424242), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        st.lists(inner, max_size=3),
        st.lists(st.tuples(st.sampled_from(VALUES), inner), min_size=1, max_size=3),
        st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(("data", "code_file", "name", "headers"), inner)),
    ),
    max_leaves=25,
)  # fmt: skip
documents = st.dictionaries(st.sampled_from(KEYS), nodes, max_size=6)


def programs() -> list[ScrubProgram]:
    return [
        *(scrubbing.default_program(profile) for profile in ("parity", "strict")),
        *(
            compile_program(pii_config=RULES, settings=None, options=Scrub(profile=profile))
            for profile in ("parity", "strict")
        ),
    ]


PROGRAMS = programs()


@settings(max_examples=150, deadline=None)
@given(document=documents, shape=st.sampled_from(SHAPES), which=st.integers(0, len(PROGRAMS) - 1))
def test_who_looks_on_changes_nothing(document: dict[str, Any], shape: str, which: int) -> None:
    whole = {"items": [document, document]} if shape in CONTAINERS else document
    payload, program = json.dumps(whole).encode(), PROGRAMS[which]
    explanation: Explanation | None = None
    try:
        output = scrub_document(program, payload, shape)
    except Unscrubbable:
        output = b"refused"
    record = Record()
    try:
        assert scrub_document(program, payload, shape, record) == output
        explanation = explain(program, payload, shape)
    except Unscrubbable:
        assert output == b"refused"
    if explanation is not None:
        assert explanation.output == output
        assert record.tried.keys() == explanation.totals.tried.keys()
        assert {origin: count.bytes for origin, count in record.rules.items()} == {
            origin: count.bytes for origin, count in explanation.totals.rules.items()
        }
        printed = json.dumps(explanation.public())
        assert not any(value in printed for value in VALUES[:4])
