"""Explanations: changes in the order applied with selector and class, nothing of the values in what is printed (scrubbing-15.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.explain import Change, changes, explain, explained, nodes_of, pointer
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.rules import RuleSet
from scrubjay.core.scrub.screen import EVERY
from scrubjay.core.scrub.trace import Trace
from scrubjay.settings.scrub import Scrub
from support import scrubbing

CORPUS = scrubbing.corpus_events()[::9]


def explained_event(
    document: Any, config: dict[str, Any] | None = None, *, profile: str = "parity", shape: str = "event"
) -> Any:
    settings = None if config is not None else scrubbing.SETTINGS
    made = compile_program(pii_config=config, settings=settings, options=Scrub(profile=profile))
    return explain(made, json.dumps(document).encode(), shape)


def brief(change: Change) -> tuple[Any, ...]:
    return (
        pointer(change.path),
        change.rule,
        change.detector,
        change.selector,
        change.node_class,
        change.action,
        change.ranges,
    )


def test_changes_in_the_order_applied() -> None:
    document = {"message": "a@b.com paid 4242 4242 4242 4242", "user": {"ip_address": "192.0.2.1", "id": "7"}}
    found = explained_event(document)
    assert [brief(change) for change in found.changes] == [
        (
            "/logentry/formatted",
            "@creditcard:replace",
            "creditcard",
            "$logentry.formatted",
            "true",
            "replaced",
            ((13, 32),),
        ),
        ("/logentry/formatted", "@email:replace", "email", "$logentry.formatted", "true", "replaced", ((0, 7),)),
        ("/user/ip_address", "@ip:replace", "ipv4", "$string", "true", "replaced", ((0, 9),)),
        ("/user/ip_address", "@anything:remove", "anything", "$user.ip_address", "true", "removed", ((0, 4),)),
    ]
    assert [(change.before, change.after) for change in found.changes[2:]] == [("192.0.2.1", "[ip]"), ("[ip]", None)]
    assert {change.origin for change in found.changes} == {"default"}
    assert found.output == scrub_document(scrubbing.default_program("parity"), json.dumps(document).encode(), "event")


def test_the_form_of_a_change() -> None:
    found = explained_event({"extra": {"h": "ä Bearer abcdefghijkl"}}, {"applications": {"extra.**": ["@bearer"]}})
    assert found.changes[0].public() == {
        "path": "/extra/h", "rule": "@bearer:replace", "origin": "builtin", "detector": "bearer", "selector": "extra.**",
        "application": "extra.**", "class": "true", "action": "replaced", "kind": "string", "ranges": ((2, 21),), "taken": 19,
        "len_before": 21, "len_after": 16, "by_key": False, "word": False, "dry_run": False,
    }  # fmt: skip
    assert found.changes[0].remark == "@bearer"
    assert found.totals.rules.keys() == {"@bearer"}


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        ("extra.y || extra.x", "extra.x"),
        ("$string && !(a || b)", "$string"),
        ("$string && ($number || extra.**) && !a", "$string && extra.**"),
        ("!a && !b", "!a && !b"),
        ("!a", "!a"),
    ],
)
def test_the_part_of_a_selector_that_matched(selector: str, shown: str) -> None:
    (change,) = explained_event({"extra": {"x": "a@b.com"}}, {"applications": {selector: ["@email"]}}).changes
    assert (change.selector, change.application) == (shown, selector)


def test_closures_that_reach_every_class() -> None:
    (change,) = explained_event({"logentry": {"message": "by a@b.com"}}, profile="strict").changes
    assert (change.selector, change.node_class) == ("$logentry.message", "false")


@pytest.mark.parametrize(
    ("document", "detector", "by_key"),
    [
        ({"author": "me"}, "password", True),
        ({"x": "/auth/login"}, "password", False),
        ({"token": "t"}, "token_key", True),
    ],
)
def test_words_that_take_a_whole_text_are_marked(document: dict[str, Any], detector: str, by_key: bool) -> None:
    """scrubbing-G8"""
    (change,) = explained_event({"extra": document}).changes
    assert (change.detector, change.by_key, change.word) == (detector, by_key, True)


def test_rules_of_a_config_and_nodes_that_go() -> None:
    config = {
        "rules": {"r": {"type": "redact_pair", "keyPattern": "cart", "redaction": {"method": "remove"}}},
        "applications": {"$object": ["r"], "$number": ["@anything:remove"]},
    }
    found = explained_event({"extra": {"cart": {"sku": "x"}, "n": 5}}, config)
    assert [(*brief(change)[:6], change.kind, change.origin, change.after) for change in found.changes] == [
        ("/extra/cart", "r", "redact_pair", "$object", "true", "removed", "object", "config", None),
        ("/extra/n", "@anything:remove", "anything", "$number", "true", "removed", "number", "builtin", None),
    ]
    assert [(change.taken, change.len_after) for change in found.changes] == [(12, 0), (1, 0)]


def test_a_place_in_another_form_has_no_class_and_the_whole_selector() -> None:
    config = {"applications": {"$http.cookies.sid || extra.x": ["@anything:mask"]}}
    made = compile_program(pii_config=config, settings=None, options=Scrub(profile="parity"))
    trace = Trace()
    scrub_document(made, b'{"extra":{"x":"ab"}}', "event", trace)
    (change,) = changes(trace.touches)
    assert (change.selector, change.node_class) == ("$http.cookies.sid || extra.x", "")


def test_dry_runs_are_told_apart() -> None:
    config = {"rules": {"r": {"type": "email", "dry_run": True}}, "applications": {"$string": ["r"]}}
    found = explained_event({"extra": {"x": "a@b.com"}}, config)
    assert found.output is None
    assert [(change.rule, change.dry_run) for change in found.changes] == [("r", True)]
    assert (found.totals.rules, found.totals.tried["r"].hits) == ({}, 1)


@pytest.mark.parametrize("document", [{"n": 5}, {"n": {"a": "b"}}, {"n": [1]}, {"n": "text"}])
def test_dry_runs_meet_what_they_would_remove(document: dict[str, Any]) -> None:
    config = {"rules": {"r": {"type": "anything", "dry_run": True}}, "applications": {"extra.n": ["r"]}}
    found = explained_event({"extra": document}, config)
    assert (found.output, found.totals.tried["r"].nodes) == (None, 1)


@pytest.mark.parametrize(("name", "event"), CORPUS, ids=[f"{place}-{name}" for place, (name, _) in enumerate(CORPUS)])
@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_explaining_changes_nothing_of_the_result(name: str, event: bytes, profile: str) -> None:
    made, record = scrubbing.default_program(profile), Record()
    found = explain(made, event, "event")
    assert found.output == scrub_document(made, event, "event")
    assert found.output == scrub_document(made, event, "event", record)
    assert sum(count.bytes for count in record.rules.values()) == sum(
        count.bytes for count in found.totals.rules.values()
    )
    assert bool(record.rules) == bool(found.changes)
    assert all(change.selector for change in found.changes)


def test_what_a_removed_container_was_decides_what_matched() -> None:
    (change,) = explained_event(
        {"extra": {"x": {"y": 1}}}, {"applications": {"$string || $object && x": ["@anything:remove"]}}
    ).changes
    assert (change.selector, change.kind) == ("$object && x", "object")


def test_keys_that_hold_something() -> None:
    """scrubbing-G15"""
    found = explained_event(
        {"extra": {"ana@lab.example": 1, "pairs": [["bo@lab.example", 2]]}, "tags": {"x": "y"}}, profile="strict"
    )
    assert [
        (pointer(change.path), change.kind, change.before, change.after, change.action) for change in found.changes
    ] == [
        ("/extra/~", "key", "ana@lab.example", "[email]", "replaced"),
        ("/extra/pairs/~", "key", "bo@lab.example", "[email]", "replaced"),
    ]
    assert found.totals.rules["@email:replace"].hits == 2
    found = explained_event({"extra": {"Bearer abcdefghijkl": 1}}, profile="strict")
    assert [(change.kind, change.public()["path"]) for change in found.changes] == [("key", "/extra/~")]
    record = Record()
    scrub_document(
        scrubbing.default_program("strict"), b'{"request":{"headers":{"ana@lab.example":"1"}}}', "event", record
    )
    assert record.rules["@email:replace"].hits == 1


def test_json_in_a_text_is_explained_inside_or_as_a_text_but_not_twice() -> None:
    inside = explained_event({"extra": {"x": '{"mail": "ana@lab.example"}'}}, profile="strict")
    assert [pointer(change.path) for change in inside.changes] == ["/extra/x/mail"]
    config = {
        "rules": {"r": {"type": "redact_pair", "keyPattern": "email", "redaction": {"method": "replace", "text": "-"}}},
        "applications": {"$string": ["@email", "r"]},
    }
    given_up = explained_event({"extra": {"x": '{"mail": "ana@lab.example"}'}}, config, profile="strict")
    assert [pointer(change.path) for change in given_up.changes] == ["/extra/x"]
    assert {origin: count.hits for origin, count in given_up.totals.rules.items()} == {"@email": 1}


def test_numbers_go_whole() -> None:
    """scrubbing-G7"""
    made = compile_program(pii_config={"applications": {"extra.n": ["@card"]}}, settings=None, options=Scrub())
    trace = Trace()
    trace.begin(made.passes[0])
    trace.apply(made.passes[0].matcher.applications[0].rules[0], Text(b"4242424242424242"), 0, EVERY, ("extra", "n"))
    found = explained(made, b'{"extra":{"n":4242424242424242}}', b'{"extra":{"n":null}}', trace, "event")
    assert [(change.kind, change.action, change.after) for change in found.changes] == [("number", "removed", None)]


@pytest.mark.parametrize(
    ("shape", "document"),
    [
        ("log_container", {"items": [{"body": "b"}, {"body": "a@b.com"}]}),
        ("generic", {"items": [{}, {"body": "a@b.com"}]}),
    ],
)
def test_containers_and_untyped_json(shape: str, document: dict[str, Any]) -> None:
    found = explained_event(document, {"applications": {"body": ["@email"]}}, shape=shape)
    assert [brief(change)[:5] for change in found.changes] == [
        ("/items/1/body", "@email:replace", "email", "body", "maybe" if shape == "log_container" else "true")
    ]


def test_nodes_of_shapes() -> None:
    assert [node.path for node in nodes_of({"items": [{"body": "b"}]}, "log_container", strict=False)] == [
        ("items", "0", "body")
    ]
    assert [node.path for node in nodes_of({"urls": ["u"]}, "replay_event", strict=False)] == [("urls",), ("urls", "0")]
    assert [node.path for node in nodes_of(["a"], "session", strict=False)] == [("0",)]


def test_pointers_name_no_key_that_is_personal() -> None:
    assert pointer(("extra", "a/b~c", "0")) == "/extra/a~1b~0c/0"
    assert pointer(("extra", "ana@lab.example", "x")) == "/extra/~/x"
    assert pointer(()) == ""


def test_what_is_no_document_has_changes_only() -> None:
    trace = Trace()
    made = scrubbing.default_program("strict")
    trace.begin(made.passes[0])
    (rule, *_) = RuleSet({}, _Vocabulary(), closed=frozenset()).resolve(["@email"], "test")
    trace.apply(rule, Text(b"to a@b.com"), 0, -1, ())
    found = explained(made, b"to a@b.com", b"to [email]", trace, None)
    assert [(change.path, change.selector, change.node_class) for change in found.changes] == [((), "", "")]
    assert (found.output, found.suspects) == (b"to [email]", ())


class _Vocabulary:
    def detector_bit(self, _detector: object) -> int:
        return 1

    def key_pattern_bit(self, _pattern: object) -> int:
        return 1


def test_nothing_of_the_values_is_public() -> None:
    values = ["ana@lab.example", "4242424242424242", "192.0.2.17", "hunter2-Otter-quay", "q7Zt0pWm4kXv9sLb2nRc8yHd"]
    document = {
        "message": " ".join(values),
        "transaction": " ".join(values),
        "culprit": " ".join(values),
        "extra": {value: value for value in values}
        | {"password": values[3], "n": int(values[1]), "client_secret": values[4]},
        "request": {"url": f"https://h/?mail={values[0]}", "cookies": {value: value for value in values}},
        "tags": {"who": values[0], values[2]: "x"},
    }
    for profile in ("parity", "strict"):
        printed = json.dumps(explained_event(document, profile=profile).public())
        for value in (values[0], values[1], values[2], values[4]):
            assert value not in printed
    del document["extra"][values[3]], document["request"]["cookies"][values[3]]
    assert values[3] not in json.dumps(explained_event(document).public())
