"""Spans and records by the names of conditions: `decisions.md` 6.3."""

import json

import pytest

from scrubjay.core.conditions import HexId, Value
from scrubjay.core.subjects.spans import RecordSubject, SpanSubject

SPAN = {
    "exclusive_time": 1.5,
    "description": "SELECT 1",
    "op": "db",
    "span_id": "FA90FDEAD5F74052",
    "parent_span_id": "fa90fdead5f74053",
    "trace_id": "4c79f60c-1121-4eb3-8604-f4ae0781bfb2",
    "status": "ok",
    "is_segment": False,
    "origin": "manual",
    "start_timestamp": 1000,
    "timestamp": 1000.5,
    "was_transaction": True,
    "tags": {"a": "b"},
    "sentry_tags": {"group": "g"},
    "data": {"http.method": "GET", "code": 200, "sentry.release": "app@1", "environment": "prod", "browser.name": "Firefox"},
    "measurements": {"size": {"value": 7}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("span.exclusive_time", 1.5),
        ("span.description", "SELECT 1"),
        ("span.op", "db"),
        ("span.span_id", HexId("fa90fdead5f74052")),
        ("span.parent_span_id", HexId("fa90fdead5f74053")),
        ("span.trace_id", HexId("4c79f60c11214eb38604f4ae0781bfb2")),
        ("span.status", "ok"),
        ("span.is_segment", False),
        ("span.origin", "manual"),
        ("span.duration", 500.0),
        ("span.was_transaction", True),
        ("span.tags.a", "b"),
        ("span.sentry_tags.group", "g"),
        ("span.data.http.method", "GET"),
        ("span.data.code", 200),
        ("span.measurements.size.value", 7),
        ("event.release", "app@1"),
        ("event.environment", "prod"),
        ("event.transaction", None),
        ("event.contexts.browser.name", "Firefox"),
        ("span.nothing", None),
        ("span.nothing.at.all", None),
        ("event.tags.a", None),
        ("log.body", None),
    ],
)
def test_fields_of_spans(name: str, expected: Value) -> None:
    value = SpanSubject(json.dumps(SPAN).encode()).value(name)
    assert value == expected
    assert type(value) is type(expected)


ATTRIBUTES = {
    "sentry.release": {"type": "string", "value": "app@1"},
    "code": {"type": "integer", "value": 200},
    "flag": {"type": "boolean", "value": True},
    "bare": "x",
}


@pytest.mark.parametrize(
    ("prefix", "simple"), [("span", ("name", "status")), ("log", ("body", "level")), ("trace_metric", ("name",))]
)
def test_fields_of_records(prefix: str, simple: tuple[str, ...]) -> None:
    record = {"name": "n", "status": "ok", "body": "b", "level": "info", "attributes": ATTRIBUTES}
    subject = RecordSubject(json.dumps(record).encode(), prefix)
    found = {name for name in record if subject.value(f"{prefix}.{name}") is not None}
    assert found == set(simple)
    assert subject.value(f"{prefix}.attributes.sentry.release.value") == "app@1"
    assert subject.value(f"{prefix}.attributes.code.value") == 200
    assert subject.value(f"{prefix}.attributes.flag.value") is True
    for name in (
        "attributes.code.type",
        "attributes.bare.value",
        "attributes.gone.value",
        "attributes",
        "links.a.value",
    ):
        assert subject.value(f"{prefix}.{name}") is None
    assert subject.value("event.release") is None
    assert subject.attribute("code") == 200
