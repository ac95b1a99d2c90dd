"""What all subjects have in common: memory, tags, headers, times and states."""

import json
from ipaddress import ip_address

import pytest
from msgspec import Raw

from scrubjay.core.conditions import CLIENT_IP
from scrubjay.core.subjects.document import Document
from scrubjay.core.subjects.fields import Fields, at, duration_ms, read_headers, read_tags, state


def raw(value: object) -> Raw:
    return Raw(json.dumps(value).encode())


def test_a_subject_without_fields() -> None:
    subject = Fields(b'{"release":"1"}', ip_address("10.9.9.9"))
    assert subject.value(CLIENT_IP) == ip_address("10.9.9.9")
    assert subject.value("event.release") is None
    assert subject.elements("event.exception.values") is None
    assert not subject.is_broken
    subject.tell("event.release", "2")
    assert subject.value("event.release") == "2"
    assert subject.document.text("release") == "1"
    assert repr(subject) == "<Fields <Document ['release']>>"


def test_without_fields_nothing_is_broken() -> None:
    subject = Fields(b"{")
    assert subject.document.is_broken
    assert not subject.is_broken


def test_paths() -> None:
    document = Document(b'{"http":{"url":"u"}}')
    assert at(Document.text, ("request", "http"), "url")(document) == "u"
    assert at(Document.text, "request", "url")(document) is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"a": 1, "b c": True, "d": None, "e": " x\n", "f": [1]}, {"a": "1", "b-c": "True", "d": None, "e": "x", "f": None}),
        ([["a", 1], ["a", 2], [3, "x"], ["x"], None, [None, "y"]], {"a": "1", "3": "x"}),
        ("x", {}),
        (None, {}),
    ],
)  # fmt: skip
def test_tags(tags: object, expected: object) -> None:
    assert read_tags(raw(tags)) == expected
    assert read_tags(None) == {}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"user-agent": "x", "x-FOO-bar": ["a", 5, None], "n": 5, "z": None}, [("N", "5"), ("User-Agent", "x"), ("X-FOO-Bar", "a,5")]),
        ([["b", "1"], ["a", "2"], [5, "x"], ["c", {}], "d"], [("B", "1"), ("A", "2")]),
        ({"": "e", "-": "d", "é-a": "x"}, [("", "e"), ("-", "d"), ("É-A", "x")]),
        ("x", []),
    ],
)  # fmt: skip
def test_headers(headers: object, expected: object) -> None:
    assert read_headers(raw(headers)) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1000, 1000.75, 750.0),
        (1000.75, 1000.75, 0.0),
        (1001, 1000, None),
        (None, 1000, None),
        (1000, None, None),
        (1000, True, None),
        ("1970-01-01T00:16:40Z", 1000.5, 500.0),
        ("1970-01-01T00:16:40", 1000.5, 500.0),
        ("1970-01-01T01:16:40.250+01:00", 1000.5, 250.0),
        ("1970-01-01", 1000, None),
        ("soon", 1000, None),
        (1000, 1e300, None),
        (1000, "0001-01-01T00:00:00+23:00", None),
        ([], 1000, None),
    ],
)
def test_duration(start: object, end: object, expected: float | None) -> None:
    document = Document(json.dumps({"start_timestamp": start, "timestamp": end}).encode())
    assert duration_ms(document) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ok", "ok"),
        ("success", "ok"),
        ("failure", "internal_error"),
        (5, "not_found"),
        (17, None),
        (-1, None),
        (True, None),
        ("OK", None),
        (None, None),
        (5.0, None),
    ],
)
def test_states(value: object, expected: str | None) -> None:
    assert state(Document(json.dumps({"status": value}).encode()), "status") == expected
