"""Suggested selectors: those of the reference, and each reaches what it was suggested for."""

from __future__ import annotations

import json

import pytest

from scrubjay.core.scrub.matching import MAYBE, Application, Matcher
from scrubjay.core.scrub.selectors import parse_selector
from scrubjay.core.scrub.suggestions import suggest
from scrubjay.core.scrub.survey import survey, survey_untyped
from support import scrubbing
from support.requirements import require

CORPUS = pytest.mark.parametrize(
    ("name", "event"), scrubbing.corpus_events()[::7], ids=lambda value: value if isinstance(value, str) else ""
)


@CORPUS
def test_the_reference_suggests_the_same(name: str, event: bytes) -> None:
    try:
        from sentry_relay import processing as reference
    except ImportError:
        require(False, "needs the package sentry-relay")
    document = json.loads(event)
    # Its normalisation writes the kind into a context that has none, and makes texts of tags that are numbers.
    for key, context in (document.get("contexts") or {}).items():
        if isinstance(context, dict):
            context.setdefault("type", key)
    for span in document.get("spans") or ():
        span["tags"] = {tag: str(value) for tag, value in (span.get("tags") or {}).items()}
    theirs = {entry["path"] for entry in reference.pii_selector_suggestions_from_event(document)}
    ours = set()
    for suggestion in suggest(survey(document, "event", strict=False)):
        ours.add(suggestion.specific)
        if suggestion.basic in ("$string", "$number"):
            ours.add(suggestion.basic)
    assert ours == theirs


@CORPUS
def test_each_selector_reaches_its_node(name: str, event: bytes) -> None:
    for suggestion in suggest(survey(json.loads(event), "event", strict=True)):
        for text in filter(None, (suggestion.specific, suggestion.basic)):
            selector = parse_selector(text)
            matcher = Matcher([Application(selector, ())], lambda _key: 2)
            node = suggestion.node
            assert matcher.matches(selector, node.state(matcher), node.node_class), text


def test_forms() -> None:
    document = {
        "user": {"email": "e"},
        "request": {"headers": {"X-Name": "v"}},
        "extra": {"x": ["a b"], "a b": 1},
        "tags": {"t": "v"},
    }
    found = {suggestion.specific: suggestion.basic for suggestion in suggest(survey(document, "event", strict=False))}
    assert found["$user.email"] == "$string"
    assert found["$http.headers.X-Name"] == "$string"
    assert found["extra.x.*"] == "$string"
    assert found["extra.'a b'"] == "$number"
    assert found["tags.t"] == ""


def test_nothing_for_what_nothing_reaches() -> None:
    document = {"platform": "p", "extra": {"none": None, "flag": True}, "culprit": "c"}
    assert [(one.specific, one.node.node_class) for one in suggest(survey(document, "event", strict=False))][1:] == [
        ("culprit", MAYBE)
    ]


def test_nodes_without_a_protocol_object_above_begin_at_the_root() -> None:
    found = suggest(survey_untyped([["a"]], lambda _key, node_class: node_class))
    assert [one.specific for one in found] == ["*", "*.*"]
