"""The protocol as allow-list mode reads it."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.allow_shapes import child_shape, is_needed, leaf_types, object_types, pairs_in, tells_kind
from scrubjay.core.scrub.json_text import Raw
from scrubjay.core.scrub.schema import OBJECT_TYPES


@pytest.mark.parametrize(
    ("shape", "key", "data", "expected"),
    [
        ("type:event", "user", b"{}", "type:user"),
        ("type:event", "tags", b"{}", "pairs:tags"),
        ("type:event", "unheard_of", b"{}", "any"),
        ("values:type:exception", "values", b"[]", "list:type:exception"),
        ("values:type:exception", "note", b"[]", "any"),
        ("contexts", "os", b"{}", "context:os_context"),
        ("contexts", "mine", b'{"type":"os"}', "context:os_context"),
        ("contexts", "mine", b"{}", "any"),
        ("contexts", "os", b"5", "any"),
        ("context:os_context", "name", b'"x"', "any"),
        ("attributes", "a", b"{}", "attribute"),
        ("map:string", "a", b'"x"', "string"),
        ("type:session", "aggregates", b"[]", "list:type:session"),
        ("any", "user", b"{}", "any"),
    ],
)
def test_children_have_the_shapes_of_the_schema(shape: str, key: str, data: bytes, expected: str) -> None:
    assert child_shape(shape, key, data).replace("dead", "any") == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'"9ec79c33ec9942ab8353589fcb2e04dc"', True),
        (b'"2026-01-02 03:04:05.1Z"', True),
        (b"1767323045.5", True),
        (b'"rosa.klein@ferry-line.example"', False),
        (b'"Rosa Klein"', False),
        (b'"' + b"a" * 101 + b'"', False),
        (b'{"a":1}', False),
    ],
)
def test_only_words_and_times_are_needed(data: bytes, expected: bool) -> None:
    assert is_needed("type:event", "event_id", data) is expected


def test_what_is_needed_depends_on_the_object() -> None:
    assert is_needed("type:session", "sid", b'"a"')
    assert not is_needed("type:event", "sid", b'"a"')
    assert not is_needed("any", "event_id", b'"a"')


@pytest.mark.parametrize(
    ("shape", "word", "expected"),
    [
        ("context:os_context", b'"os"', True),
        ("context:os_context", b'"rosa"', False),
        ("context:os_context", b"5", False),
        ("attribute", b'"integer"', True),
        ("debug_image", b'"elf"', True),
        ("any", b'"os"', False),
    ],
)
def test_a_kind_is_a_word_of_the_protocol(shape: str, word: bytes, expected: bool) -> None:
    assert tells_kind(shape, Raw(word)) is expected
    assert not tells_kind(shape, None)


def test_value_types() -> None:
    assert leaf_types(b'"x"', "message") == ("string", "message")
    assert [leaf_types(data) for data in (b'"x"', b"1", b"true")] == [("string",), ("number",), ("boolean",)]
    assert object_types("type:user") == OBJECT_TYPES["user"].value_types == ("user",)
    assert object_types("type:session") == object_types("any") == ("object",)
    assert object_types("values:type:thread") == ()


def test_pairs_are_read_where_there_are_any() -> None:
    assert pairs_in(b'{"a b":1}', "pairs", "tags") == [("a-b", b'"1"')]
    assert pairs_in(b'[["a",1]]', "any", "") == [("a", b"1")]
    assert pairs_in(b'[["a",1],["b"]]', "any", "") is None
    assert pairs_in(b"[[null,1]]", "any", "") is None
    assert pairs_in(b"[]", "any", "") is None
    assert pairs_in(b'[["a",1]]', "list", "any") is None
