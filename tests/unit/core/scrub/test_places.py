"""Where rules acted, told without a word that could be anybody's (scrubbing.md 15.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub import places
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.places import MAX_PLACES, PathStyle, Place, Places
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.rules import RuleSet
from scrubjay.core.scrub.screen import EVERY, ScreenBuilder
from scrubjay.settings.scrub import Scrub
from support.scrubbing import SETTINGS, default_program

MAIL = "ana@lab.example"


def rules(config: dict[str, Any]) -> ScrubProgram:
    return compile_program(pii_config=config, settings=None, options=Scrub())


def told(
    document: object, scope: str = "event", style: PathStyle = "schema", program: ScrubProgram | None = None
) -> list[Place]:
    record = Places()
    output = scrub_document(program or default_program("strict"), json.dumps(document).encode(), scope, record)
    assert output is not None
    return record.told(scope, style, output)


def paths(document: object, scope: str = "event", style: PathStyle = "schema") -> list[str]:
    return [place.path for place in told(document, scope, style)]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"message": MAIL}, "logentry.formatted"),
        ({"logentry": {"params": ["x", {"k": MAIL}]}}, "logentry.params.*"),
        ({"user": {"name": MAIL}}, "user.name"),
        ({"user": {"ana lopez": MAIL}}, "user"),
        ({"user": {"data": {"ana lopez": MAIL}}}, "user.data"),
        ({"extra": {"ana lopez": {"x": MAIL}}}, "extra"),
        ({"tags": {"ana lopez": MAIL}}, "tags.*.*"),
        ({"breadcrumbs": {"values": [{"message": "x"}, {"message": MAIL}]}}, "breadcrumbs.values.*.message"),
        ({"exception": {"values": [{"value": MAIL}]}}, "exception.values.*.value"),
        ({"request": {"headers": {"x-ana": MAIL}}}, "request.headers.*.*"),
        ({"request": {"data": {"ana": [MAIL]}}}, "request.data"),
        ({"contexts": {"device": {"device_unique_identifier": MAIL}}}, "contexts.device.device_unique_identifier"),
        ({"contexts": {"ana lopez": {"x": MAIL}}}, "contexts"),
        ({"contexts": {"response": {"data": {"ana lopez": MAIL}}}}, "contexts.response.data"),
        ({"spans": [{"data": {"url.full": MAIL, "op": "x"}}]}, "spans.*.data.url.full"),
        ({"spans": [{"data": {"ana lopez": MAIL}}]}, "spans.*.data"),
        ({"ana lopez": {"x": MAIL}}, ""),
    ],
)
def test_paths_end_before_the_first_word_that_is_not_the_protocols(document: object, path: str) -> None:
    assert set(paths(document)) == {path}


@pytest.mark.parametrize(
    ("scope", "document", "path"),
    [
        ("replay_event", {"urls": ["x", "https://u:p@h/"]}, "urls.*"),
        ("span", {"data": {"http.request.header.x-ana": "192.0.2.1"}}, "data"),
        (
            "log_container",
            {"items": [{"attributes": {"user.email": {"type": "string", "value": MAIL}}}]},
            "items.*.attributes.user.email.value",
        ),
        (
            "log_container",
            {"items": [{"attributes": {"ana": {"type": "string", "value": MAIL}}}]},
            "items.*.attributes",
        ),
        ("log_container", {"items": [], "ana lopez": MAIL}, ""),
        ("generic", {"ana lopez": {"x": MAIL}}, ""),
        ("session", {"attrs": {"user_agent": MAIL}}, "attrs.user_agent"),
        ("session", {"attrs": {"ana lopez": MAIL}}, "attrs"),
        ("session", {"aggregates": [{"did": MAIL}]}, "aggregates.*.did"),
        ("generic", [{"x": MAIL}], "*"),
    ],
)
def test_payloads_of_other_kinds(scope: str, document: object, path: str) -> None:
    places = told(document, scope, program=compile_all())
    assert {place.path for place in places} == {path}


def compile_all() -> ScrubProgram:
    """Every text of every place."""
    applications = {"**": ["@email", "@ip", "@urlauth:legacy"], "$log.attributes.'user.email'.value": ["@email"]}
    return compile_program(pii_config={"applications": applications}, settings=SETTINGS, options=Scrub())


def test_members_that_a_context_does_not_have() -> None:
    config = {"applications": {"contexts.device.ana": ["@email"]}}
    assert told({"contexts": {"device": {"ana": MAIL}}}, program=rules(config)) == [
        Place("contexts.device", "@email", "s")
    ]


def test_images_and_their_members() -> None:
    document = {"debug_meta": {"images": [{"type": "elf", "code_file": "/home/ana/x.so", "debug_file": "x"}]}}
    config = {"applications": {"debug_meta.images.*.code_file": ["@userpath"]}}
    assert told(document, program=rules(config)) == [Place("debug_meta.images.*.code_file", "@userpath", "s")]


def test_a_place_comes_once_however_often_something_was_found_there() -> None:
    document = {"breadcrumbs": [{"message": MAIL}, {"message": MAIL}]}
    assert [place.path for place in told(document)] == ["breadcrumbs.values.*.message"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("@email:replace", "s"),
        ("@email:mask", "m"),
        ("@email:hash", "p"),
        ("@email:remove", "x"),
        ("@anything:remove", "x"),
    ],
)
def test_the_code_is_that_of_the_remark(rule: str, code: str) -> None:
    assert told({"extra": {"a": MAIL}}, program=rules({"applications": {"extra.a": [rule]}})) == [
        Place("extra", rule, code)
    ]


def test_nodes_that_were_removed_are_told() -> None:
    config = {"applications": {"extra.a": ["@anything:remove"]}}
    assert told({"extra": {"a": {"b": 1}}}, program=rules(config)) == [Place("extra", "@anything:remove", "x")]


def test_what_is_only_tried_is_not_told() -> None:
    record = Places()
    program = compile_program(
        pii_config={
            "rules": {"try": {"type": "email", "dry_run": True}, "nodes": {"type": "anything", "dry_run": True}},
            "applications": {"extra.a": ["try"], "extra.b": ["nodes"]},
        },
        settings=None,
        options=Scrub(),
    )
    document = {"extra": {"a": MAIL, "b": {"c": 1}}}
    scrub_document(program, json.dumps(document).encode(), "event", record)
    assert not record.told("event", "schema", None)


# Whole paths


def test_whole_paths_are_told_where_the_operator_asks() -> None:
    assert paths({"extra": {"ana lopez": [{"x": MAIL}]}}, style="full") == ["extra.ana lopez.*.x"]


def test_a_key_that_does_not_leave_is_not_told() -> None:
    """A key that was redacted, whoever did it: what is told stands in the output."""
    record = Places()
    program = default_program("strict")
    document = {"extra": {"ana lopez": {"x": MAIL}}}
    output = scrub_document(program, json.dumps(document).encode(), "event", record)
    assert output is not None
    redacted = output.replace(b"ana lopez", b"[name]")
    assert [place.path for place in record.told("event", "full", redacted)] == ["extra.~.x"]


def test_without_an_output_no_key_is_told_but_the_protocols() -> None:
    record = Places()
    scrub_document(default_program("strict"), json.dumps({"extra": {"ana": MAIL}}).encode(), "event", record)
    assert [place.path for place in record.told("event", "full", None)] == ["extra"]


def test_places_are_bounded_and_counts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MAX_PLACES", 2)
    record = Places()
    document = {"extra": {str(number) + "x": MAIL for number in range(5)}}
    output = scrub_document(default_program("strict"), json.dumps(document).encode(), "event", record)
    assert len(record.told("event", "full", output)) == 2
    assert sum(count.hits for count in record.rules.values()) == 5


def test_an_attempt_is_told_when_it_is_merged() -> None:
    (rule,) = RuleSet({}, ScreenBuilder(), closed=frozenset()).resolve(["@email"], "test")
    places = Places()
    places.enter(("items", "0"))
    attempt = places.attempt()
    attempt.apply(rule, Text(b"a@b.com"), 0, EVERY, ("body",))
    assert places.told("log_container", "schema", None) == []
    places.merge(attempt)
    places.merge(Record())
    assert [place.path for place in places.told("log_container", "schema", None)] == ["items.*.body"]
    for number in range(MAX_PLACES + 1):
        further = places.attempt()
        further.apply(rule, Text(b"a@b.com"), 0, EVERY, ("attributes", str(number)))
        places.merge(further)
    assert len(places._found) == MAX_PLACES
