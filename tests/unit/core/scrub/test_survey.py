"""Nodes are what the walk sees: class and steps of each, against the reference's answers and against the walk itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.documents import untyped_class
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE, Application, Matcher
from scrubjay.core.scrub.selectors import parse_selector
from scrubjay.core.scrub.survey import Node, survey, survey_untyped
from support import scrubbing

VECTORS = scrubbing.vectors()
ALL_TEXTS = {
    "rules": {"r": {"type": "pattern", "pattern": "(?s).", "redaction": {"method": "replace", "text": "#"}}},
    "applications": {"$string": ["r"]},
}
EXEMPT = ("", "true", "false", "null", "undefined")


def by_path(document: dict[str, Any], type_name: str = "event", *, strict: bool = False) -> dict[str, Node]:
    return {".".join(node.path): node for node in survey(document, type_name, strict=strict)}


def steps_of(node: Node) -> list[Any]:
    return [step.name for step in node.steps]


@pytest.mark.parametrize("vector", VECTORS["selectors"], ids=lambda vector: vector["selector"])
def test_selectors_reach_the_nodes_that_the_reference_says(vector: dict[str, Any]) -> None:
    """scrubbing-selectors: 72 selectors with the exact leaves that they reach. A container that is reached goes with its leaves."""
    matcher = Matcher([Application(parse_selector(vector["selector"]), ())], lambda _key: 2)
    (application,) = matcher.applications
    reached = {
        path
        for path, node in by_path(VECTORS["selector_event"]).items()
        if matcher.matches(application.selector, node.state(matcher), node.node_class)
    }
    leaves = {".".join(map(str, path)) for path in scrubbing.leaves(VECTORS["selector_event"])}
    gone = {leaf for leaf in leaves if any(leaf == path or leaf.startswith(path + ".") for path in reached)}
    assert gone == set(vector["masked_or_removed"])


@pytest.mark.parametrize(
    ("name", "event"), scrubbing.corpus_events()[::7], ids=lambda value: value if isinstance(value, str) else ""
)
def test_texts_of_class_true_are_those_that_the_walk_changes(name: str, event: bytes) -> None:
    document = json.loads(event)
    before = json.loads(event)
    after = scrubbing.scrub(scrubbing.config_program(ALL_TEXTS), before)
    expected = [
        node
        for node in survey(document, "event", strict=False)
        if node.node_class == TRUE
        and node.kind == "string"
        and node.value not in EXEMPT
        and "string" in node.steps[-1].types
    ]
    changed = [text for text in scrubbing.texts(after) if text and set(text) == {"#"}]
    assert len(changed) == len(expected)


@pytest.mark.parametrize(
    ("path", "node_class", "steps"),
    [
        ("message", TRUE, ["logentry", "formatted"]),
        ("logentry.message", FALSE, ["logentry", "message"]),
        ("breadcrumbs.0.message", TRUE, ["breadcrumbs", "values", 0, "message"]),
        ("exception.value", TRUE, ["exception", "values", 0, "value"]),
        ("threads.values.0.stacktrace.frames.0.vars.0", TRUE,
         ["threads", "values", 0, "stacktrace", "frames", 0, "vars", "0"]),
        ("request.headers.x-a", TRUE, ["request", "headers", "X-A"]),
        ("request.cookies.0.1", TRUE, ["request", "cookies", "sid"]),
        ("request.cookies.1", TRUE, ["request", "cookies", 1]),
        ("request.cookies.2.1", TRUE, ["request", "cookies", 2]),
        ("request.query_string", TRUE, ["request", "query_string"]),
        ("tags.0.1", MAYBE, ["tags", "t"]),
        ("contexts.os.name", FALSE, ["contexts", "os", "name"]),
        ("contexts.phone.type", FALSE, ["contexts", "phone", "type"]),
        ("contexts.phone.name", MAYBE, ["contexts", "phone", "name"]),
        ("contexts.mine.type", TRUE, ["contexts", "mine", "type"]),
        ("contexts.cron", MAYBE, ["contexts", "cron"]),
        ("contexts.feedback.message", FALSE, ["contexts", "feedback", "message"]),
        ("debug_meta.images.0.code_file", MAYBE, ["debug_meta", "images", 0, "code_file"]),
        ("debug_meta.images.1.code_file", FALSE, ["debug_meta", "images", 1, "code_file"]),
        ("spans.0.data.order.id", FALSE, ["spans", 0, "data", "order", "id"]),
        ("spans.0.data.list.0", TRUE, ["spans", 0, "data", "list", 0]),
        ("extra.pairs.0.1", TRUE, ["extra", "pairs", "k"]),
        ("extra.none", TRUE, ["extra", "none"]),
        ("other", TRUE, ["other"]),
    ],
)  # fmt: skip
def test_shapes(path: str, node_class: int, steps: list[Any]) -> None:
    found = by_path(
        {
            "_meta": {"extra": {}},
            "message": "m",
            "logentry": {"message": "m"},
            "breadcrumbs": [{"message": "m"}],
            "exception": {"type": "E", "value": "v"},
            "threads": {"values": [{"stacktrace": {"frames": [{"vars": ["v"]}]}}]},
            "request": {"headers": {"x-a": "b"}, "cookies": [["sid", "v"], "odd", [None, "v"]], "query_string": "a=b"},
            "tags": [["t", "v"]],
            "contexts": {
                "os": {"name": "n"},
                "phone": {"type": "device", "name": "n"},
                "mine": {"type": "mine"},
                "cron": {"type": "monitor"},
                "feedback": {"message": "m"},
            },
            "debug_meta": {"images": [{"type": "elf", "code_file": "a"}, {"code_file": "b"}]},
            "spans": [{"data": {"order": {"id": "i"}, "list": ["a"]}}],
            "extra": {"pairs": [["k", "v"]], "none": None},
            "other": 5,
        }
    )
    assert (found[path].node_class, steps_of(found[path])) == (node_class, steps)


def test_a_log_entry_as_text() -> None:
    assert steps_of(by_path({"logentry": "text"})["logentry"]) == ["logentry", "formatted"]


def test_kinds_and_keys() -> None:
    found = by_path({"extra": {"s": "", "n": 1, "f": 1.5, "b": True, "o": {}, "a": [0], "z": None}})
    kinds = [found[f"extra.{key}"].kind for key in "snfboaz"]
    assert kinds == ["string", "number", "number", "boolean", "object", "array", "null"]
    assert (found["extra.s"].key, found["extra.a.0"].key) == ("s", None)
    assert Node((), (), {}, FALSE).key is None


@pytest.mark.parametrize(
    ("document", "path", "in_strict"),
    [
        ({"user": {"email": {"a": "b"}}}, "user.email.a", TRUE),
        ({"request": "text"}, "request", TRUE),
        ({"contexts": {"mine": "text"}}, "contexts.mine", TRUE),
        ({"user": {"email": True}}, "user.email", TRUE),
        ({"breadcrumbs": {"values": "text"}}, "breadcrumbs", FALSE),
    ],
)
def test_values_of_the_wrong_kind(document: dict[str, Any], path: str, in_strict: int) -> None:
    assert by_path(document)[path].node_class == FALSE
    assert by_path(document, strict=True)[path].node_class == in_strict


def test_attributes_of_streamed_records() -> None:
    log = {
        "body": "b",
        "attributes": {"a": {"type": "string", "value": "v"}, "sentry.release": {"value": {"x": "y"}}, "bare": "v"},
    }
    found = by_path(log, "log")
    assert steps_of(found["body"]) == ["", "body"]
    assert found["body"].steps[0].types == ("log",)
    assert {path: node.node_class for path, node in found.items()} == {
        "body": MAYBE,
        "attributes": MAYBE,
        "attributes.a": MAYBE,
        "attributes.a.type": FALSE,
        "attributes.a.value": TRUE,
        "attributes.sentry.release": MAYBE,
        "attributes.sentry.release.value": FALSE,
        "attributes.sentry.release.value.x": FALSE,
        "attributes.bare": FALSE,
    }
    assert by_path(log, "log", strict=True)["attributes.bare"].node_class == TRUE


def test_open_types_hold_anything_in_strict() -> None:
    span = {"odd": {"x": "v"}}
    assert by_path(span, "span")["odd.x"].node_class == MAYBE
    assert by_path(span, "span", strict=True)["odd.x"].node_class == TRUE


def test_untyped_json_and_what_is_no_object() -> None:
    found = {".".join(node.path): node for node in survey_untyped([{"name": "n", "release": "r"}], untyped_class)}
    assert {path: node.node_class for path, node in found.items()} == {"0": TRUE, "0.name": TRUE, "0.release": FALSE}
    assert not list(survey([], "event", strict=True))
    assert not list(survey_untyped("text", untyped_class))


def test_only_the_places_that_are_asked_for() -> None:
    document = {
        "extra": {"a": {"b": 1}, "c": 2},
        "tags": [["t", "v"], ["u", "w"]],
        "exception": {"values": [{"value": "v"}, {"value": "w"}]},
        "_meta": {},
    }
    within = {
        ("extra",),
        ("extra", "a"),
        ("tags",),
        ("tags", "1"),
        ("tags", "1", "1"),
        ("exception", "values"),
        ("exception",),
    }
    found = [node.path for node in survey(document, "event", strict=True, within=within)]
    assert found == [("extra",), ("extra", "a"), ("tags",), ("tags", "1", "1"), ("exception",)]
    every = [node for node in survey(document, "event", strict=True) if node.path in within]
    assert list(survey(document, "event", strict=True, within=within)) == every
    log = {"attributes": {"a": {"value": "v"}, "b": {"value": "v"}}, "_meta": {}}
    base = ("items", "3")
    attributes = {(*base, *path) for path in (("attributes",), ("attributes", "b"))}
    assert [node.path for node in survey(log, "log", strict=True, base=base, within=attributes)] == sorted(attributes)
    assert [node.path for node in survey(log, "log", strict=True, base=base)][-1] == (*base, "attributes", "b", "value")
    assert [node.path for node in survey_untyped({"a": 1, "b": 2}, untyped_class, within={("b",)})] == [("b",)]
