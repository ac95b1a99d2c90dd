"""Single members of payloads, each missing when it is not what it should be."""

import pytest
from msgspec import Raw

from scrubjay.core.sampling.documents import exceptions_of, open_document, text_of


@pytest.mark.parametrize("payload", [b"", b"[]", b"junk", b"7", b'{"a":'])
def test_no_object(payload: bytes) -> None:
    assert open_document(payload) is None


def test_an_object_is_opened_one_level() -> None:
    assert open_document(b'{"a": {"b": 1.50}, "c": null}') == {"a": Raw(b'{"b": 1.50}'), "c": Raw(b"null")}


@pytest.mark.parametrize(
    ("raw", "text"), [(None, ""), (Raw(), ""), (Raw(b"5"), ""), (Raw(b"null"), ""), (Raw(b'"x"'), "x")]
)
def test_texts(raw: Raw | None, text: str) -> None:
    assert text_of(raw) == text


@pytest.mark.parametrize(
    ("exception", "types"),
    [
        (b"null", []),
        (b"[]", []),
        (b'{"values":null}', [None]),
        (b'{"values":[null,{"type":"A"},{}]}', ["A", None]),
        (b'[{"type":"A"},{"type":5}]', ["A", 5]),
        (b'{"type":"A"}', ["A"]),
        (b'"x"', None),
        (b'{"values":["x"]}', None),
    ],
)
def test_exceptions(exception: bytes, types: list[object] | None) -> None:
    found = exceptions_of({"exception": Raw(exception)})
    assert types == (None if found is None else [one.type for one in found])


def test_no_exceptions() -> None:
    assert exceptions_of({}) == []
