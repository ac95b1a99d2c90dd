"""Which names mean something where: what is told of them agrees with what the subjects read."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address

import pytest
from msgspec import Raw

from scrubjay.core.conditions import Asked, Subject
from scrubjay.core.envelope import Item
from scrubjay.core.subjects import subject_of, subject_of_record, subject_of_trace
from scrubjay.core.subjects.names import (
    EVENTS,
    ITEMS,
    KINDS_OF,
    LOGS,
    REPLAYS,
    SENDERS,
    SESSIONS,
    SPAN_RECORDS,
    SPANS,
    TRACE,
    TRACE_METRICS,
    Kind,
    missing_fields,
)

RELEASE = "app@1.2.3+build"
KEY = "k"
HEX = "ab" * 16
TEXTS = ("name", "version", "arch", "brand", "family", "model", "locale", "orientation", "uuid", "build", "id", "slug")
CONTEXT = {
    **dict.fromkeys(TEXTS, "x"),
    **dict.fromkeys(("device_app_hash", "kernel_version", "vendor_name", "crash_type", "channel", "op"), "x"),
    **dict.fromkeys(("in_foreground", "charging", "online", "simulator", "rooted"), True),
    **dict.fromkeys(("battery_level", "screen_density", "screen_dpi", "screen_width_pixels", "status_code"), 1),
    "screen_height_pixels": 1,
    "profile_id": HEX,
    "status": "ok",
    "runtime_version": "x",
    "update_id": "x",
}
CONTEXTS = ("app", "device", "os", "browser", "profile", "trace", "response", "unreal", "gpu", "monitor", "runtime")
USER = dict.fromkeys(("email", "id", "segment", "name", "sentry_user"), "x")
GEO = dict.fromkeys(("city", "country_code", "region", "subdivision"), "x")
EVERYTHING = {
    **dict.fromkeys(("dist", "environment", "transaction", "logger", "server_name", "platform"), "x"),
    **dict.fromkeys(("description", "op", "origin", "name", "body"), "x"),
    **dict.fromkeys(("span_id", "parent_span_id", "trace_id", "replay_id"), HEX),
    **dict.fromkeys(("is_segment", "was_transaction"), True),
    "type": "transaction",
    "level": "info",
    "status": "ok",
    "exclusive_time": 1.5,
    "start_timestamp": 1,
    "timestamp": 2,
    "release": RELEASE,
    "logentry": {"formatted": "x", "message": "x"},
    "user": {**USER, "ip_address": "192.0.2.1", "geo": GEO},
    "request": {"method": "GET", "url": "/", "headers": {KEY.upper(): "x"}},
    "sdk": {"name": "x", "version": "1"},
    "transaction_info": {"source": "url"},
    "contexts": dict.fromkeys((*CONTEXTS, "ota_updates"), CONTEXT),
    "exception": {"values": [{"type": "x", "value": "x", "module": "x"}]},
    "tags": {KEY: "x"},
    "sentry_tags": {KEY: "x"},
    "extra": {KEY: "x"},
    "data": {KEY: "x", "release": "x", "environment": "x", "transaction": "x", "browser.name": "x"},
    "measurements": {KEY: {"value": 1}},
    "breakdowns": {KEY: {KEY: {"value": 1}}},
    "attributes": {KEY: {"value": "x"}},
    "attrs": {"release": RELEASE, "environment": "x"},
}
"""An object that says all that any object can."""
RAW = Raw(json.dumps(EVERYTHING).encode())


def whole(item_type: str) -> Subject:
    return subject_of(Item({"type": item_type}, bytes(RAW)))


SUBJECTS: dict[Kind, Subject] = {
    EVENTS: whole("event"),
    REPLAYS: whole("replay_event"),
    SESSIONS: whole("session"),
    SPANS: whole("span"),
    SPAN_RECORDS: subject_of_record("span", RAW),
    LOGS: subject_of_record("log", RAW),
    TRACE_METRICS: subject_of_record("trace_metric", RAW),
    SENDERS: subject_of(Item({"type": "attachment"}, b""), ip_address("192.0.2.1")),
    TRACE: subject_of_trace(EVERYTHING),
}


def with_keys(name: str) -> str:
    return re.sub("<[^>]*>", lambda key: KEY.upper() if key[0] == "<Name>" else KEY, name)


ALL_NAMES = sorted({with_keys(name) for kind in (*ITEMS, TRACE) for name in kind.names})


def test_every_kind_is_here() -> None:
    assert set(SUBJECTS) == {*ITEMS, TRACE}
    assert {kind for kinds in KINDS_OF.values() for kind in kinds} == {*ITEMS} - {SENDERS}


@pytest.mark.parametrize("kind", SUBJECTS, ids=lambda kind: kind.title)
def test_an_object_has_the_fields_that_are_told_of_it_and_no_others(kind: Kind) -> None:
    subject = SUBJECTS[kind]
    there = [name for name in ALL_NAMES if subject.value(name) is not None]
    told = [name for name in ALL_NAMES if not list(missing_fields([Asked(name)], (kind,), "these"))]
    assert there == told
    assert {with_keys(name) for name in kind.names} <= set(there)


@pytest.mark.parametrize("kind", SUBJECTS, ids=lambda kind: kind.title)
def test_an_object_has_the_lists_that_are_told_of_it(kind: Kind) -> None:
    assert all(
        SUBJECTS[kind].elements(name) is None for name in ("event.exception.values", "x") if name not in kind.lists
    )
    for name, names in kind.lists.items():
        elements = SUBJECTS[kind].elements(name)
        assert elements
        assert all(elements[0].value(field) is not None for field in names)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked("event.enviroment"), "`event.enviroment` is no field of items, so it is always missing; did you mean `event.environment`?"),
        (Asked("event.tag.tenant"), "`event.tag.tenant` is no field of items, so it is always missing; did you mean `event.tags.<key>`?"),
        (Asked("log.attributes.x"), "`log.attributes.x` is no field of items, so it is always missing; did you mean `log.attributes.<key>.value`?"),
        (Asked("trace.release"), "`trace.release` is no field of items, so it is always missing; did you mean `event.release`?"),
        (Asked("trace.replay_id"), "`trace.replay_id` is no field of items, so it is always missing"),
        (Asked("galaxy"), "`galaxy` is no field of items, so it is always missing"),
        (Asked("q" * 5000), f"`{'q' * 80}` is no field of items, so it is always missing"),
        (Asked("event.tags."), "`event.tags.` is no field of items, so it is always missing; did you mean `event.tags.<key>`?"),
        (
            Asked("event.exception.values"),
            "`event.exception.values` is a list, into which only `any` and `all` look, so it is always missing",
        ),
        (
            Asked("event.exceptions", is_list=True),
            "`event.exceptions` is no list of items, so it is always missing; did you mean `event.exception.values`?",
        ),
        (Asked("event.level", is_list=True), "`event.level` is no list of items, so it is always missing"),
        (
            Asked("type", within="event.exception.values"),
            "`type` is no field of the elements of `event.exception.values`, so it is always missing; did you mean `ty`?",
        ),
    ],
)  # fmt: skip
def test_a_name_that_nothing_has(asked: Asked, sentence: str) -> None:
    assert list(missing_fields([asked], ITEMS, "items")) == [sentence]


@pytest.mark.parametrize(
    "asked",
    [
        Asked("event.extra.a.b\nc"),
        Asked("event.measurements.lcp.value"),
        Asked("envelope.client_ip"),
        Asked("event.exception.values", is_list=True),
        Asked("module", within="event.exception.values"),
        Asked("whatever", within="event.exceptions"),
    ],
)
def test_nothing_is_said_of_others(asked: Asked) -> None:
    """Of what is inside a list that nothing has that list is named, and no more."""
    assert list(missing_fields([asked], ITEMS, "items")) == []


def test_what_has_no_fields() -> None:
    assert len(list(missing_fields([Asked("event.level")], (), "profiles"))) == 1
