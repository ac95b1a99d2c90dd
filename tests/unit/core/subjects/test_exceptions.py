"""Exceptions in each form that clients send them in."""

import json

import pytest
from msgspec import Raw

from scrubjay.core.subjects.exceptions import ExceptionSubject, read_exceptions

ONE = {"type": "KeyError", "value": "x", "module": "shop"}


def read(exceptions: object) -> tuple[ExceptionSubject, ...] | None:
    return read_exceptions(Raw(json.dumps(exceptions).encode()))


@pytest.mark.parametrize("form", [ONE, [ONE], {"values": [ONE]}, {"values": [None, ONE, "x"]}, [None, ONE, {}]])
def test_forms(form: object) -> None:
    found = read(form)
    assert found is not None
    (exception,) = found
    assert [exception.value(name) for name in ("ty", "value", "module", "type")] == ["KeyError", "x", "shop", None]
    assert exception.elements("frames") is None
    assert not exception.is_broken


@pytest.mark.parametrize("form", [None, "x", 5, {}, {"values": None}, {"values": {}}])
def test_what_is_no_exception(form: object) -> None:
    assert read(form) is None
    assert read_exceptions(None) is None


@pytest.mark.parametrize("form", [[], {"values": []}, [None]])
def test_none_at_all(form: object) -> None:
    assert read(form) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", "x"), (1.5, "1.5"), (True, "true"), ({"a": 1}, '{"a":1}'), ([1], "[1]"), (None, None)],
)
def test_values_that_are_no_texts(value: object, expected: str | None) -> None:
    found = read([{"type": "E", "value": value}])
    assert found is not None
    assert found[0].text == expected


@pytest.mark.parametrize(
    ("mechanism", "unhandled"), [({"handled": False}, True), ({"handled": True}, False), ({"handled": 0}, False), (None, False)]
)  # fmt: skip
def test_unhandled(mechanism: object, unhandled: bool) -> None:
    found = read([{"type": "E", "mechanism": mechanism}])
    assert found is not None
    assert found[0].is_unhandled is unhandled


def test_frames() -> None:
    found = read([{"type": "E", "stacktrace": {"frames": [{"function": "outer"}, None, {"function": "inner"}]}}])
    assert found is not None
    frames = found[0].frames
    assert [frame.text("function") for frame in frames] == ["outer", None, "inner"]
    assert found[0].frames is frames
    without = read([{"type": "E", "stacktrace": None}])
    assert without is not None
    assert without[0].frames == ()
    assert repr(without[0]) == "<ExceptionSubject <Document ['stacktrace', 'type']>>"
