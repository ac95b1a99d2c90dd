"""Reading an object as little as possible, whatever it is."""

import json

import pytest
from msgspec import Raw

from scrubjay.core.conditions import HexId
from scrubjay.core.subjects.document import Document, array, json_text, lenient, members, pairs, scalar, text


def raw(value: object) -> Raw:
    return Raw(json.dumps(value).encode())


def document(**members_: object) -> Document:
    return Document(json.dumps(members_).encode())


def test_members_are_found_by_the_first_name_that_is_there() -> None:
    found = document(message="m", logentry=None)
    assert found.raw("logentry", "message") == Raw(b"null")
    assert found.raw("exception", "message") == Raw(b'"m"')
    assert found.raw("exception") is None


def test_children_are_opened_once() -> None:
    found = document(user={"geo": {"city": "Graz"}}, tags=["x"], release="1")
    assert found.child("person", "user").child("geo").text("city") == "Graz"
    assert found.child("user") is found.child("user")
    for name in ("tags", "release", "nothing"):
        assert found.child(name).child("geo").text("city") is None


@pytest.mark.parametrize("payload", [b"[]", b"", b"null", b'{"a":', b"\xff", b'"x"', b'{"a":1}x', b"[" * 100_000])
def test_what_is_no_object_has_no_members(payload: bytes) -> None:
    found = Document(memoryview(payload))
    assert found.is_broken is (payload != b"")
    assert found.text("a") is None
    assert found.is_broken is (payload != b"")


def test_nothing_is_not_broken() -> None:
    assert Document(None).text("a") is None
    assert not Document(None).is_broken
    assert not Document(b"{}").is_broken


def test_halves_of_pairs_are_mended() -> None:
    assert Document(rb'{"a":"x\ud800y"}').text("a") == "x\ufffdy"


def test_kinds() -> None:
    found = document(t="x", i=5, f=1.5, b=True, n=None, o={}, h="4C-79", l=[1])
    names = "tifbnohl-"
    assert [found.text(name) for name in names] == ["x", *[None] * 5, "4C-79", None, None]
    assert [found.number(name) for name in names] == [None, 5, 1.5, *[None] * 6]
    assert [found.whole(name) for name in names] == [None, 5, 1, *[None] * 6]
    assert [found.truth(name) for name in names] == [None, None, None, True, *[None] * 5]
    assert [found.lenient(name) for name in names] == ["x", "5", "1", "True", None, None, "4C-79", None, None]
    assert found.hex_id("h") == "4c79"
    assert isinstance(found.hex_id("h"), HexId)
    assert [found.hex_id(name) for name in "tin"] == [None, None, None]
    assert found.items("l") == [Raw(b"1")]
    assert found.items("o") is None


@pytest.mark.parametrize(
    "number", [b"18446744073709551616", b"-9223372036854775809", b"9" * 5000, b"1e400", b"1" * 400]
)
def test_numbers_beyond_the_protocol_are_missing(number: bytes) -> None:
    assert scalar(Raw(number)) is None
    assert lenient(Raw(number)) is None


def test_floats_as_texts() -> None:
    assert lenient(Raw(b"-2.9")) == "-2"
    assert lenient(Raw(b"1e300")) is None


def test_raw_values() -> None:
    assert scalar(None) is None
    assert text(raw("x")) == "x"
    assert text(raw(5)) is None
    assert json_text(raw({"a": 1})) == '{"a":1}'
    assert json_text(Raw(b"[" * 100_000)) is None
    assert json_text(raw(None)) is None
    assert json_text(raw("x")) == "x"
    assert json_text(None) is None
    assert json_text(Raw(b'["\xff"]')) == '["\ufffd"]'
    assert array(None) is None
    assert members(None) is None
    assert members(raw({"a": 1})) == {"a": Raw(b"1")}
    assert list(pairs(raw([["a", 1], ["b"], None, {"key": "c"}]))) == [(Raw(b'"a"'), Raw(b"1"))]
    assert list(pairs(None)) == []


def test_shows_what_was_read() -> None:
    found = document(b=1, a=2)
    assert repr(found) == "<Document>"
    assert found.text("a") is None
    assert repr(found) == "<Document ['a', 'b']>"
