"""JSON one level at a time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.scrub.json_text import (
    as_text,
    check_depth,
    decode_object,
    encode_text,
    has_shadowed_keys,
    text_bytes,
)
from scrubjay.errors import Unscrubbable


@pytest.mark.parametrize(
    ("data", "shadowed"),
    [
        (b"{}", False),
        (b'{"a":1,"b":[1,2]}', False),
        (b'{"a": 1, "b": [1, 2]}', False),
        (b'{ "a" : 1 ,\n"b":2}', False),
        (b'{"\\u0061":1}', False),
        ('{"é":1}'.encode(), False),
        (b'{"a":1,"a":2}', True),
        (b'{"a": 1, "a": 1}', True),
        (b'{"a":1,"\\u0061":1}', True),
        (b'{"a":"x","b":1,"a":"xy"}', True),
    ],
)
def test_shadowed_keys(data: bytes, shadowed: bool) -> None:
    assert has_shadowed_keys(data, decode_object(data)) is shadowed


@given(st.text())
def test_texts_there_and_back(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    for data in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        assert text_bytes(data.encode()) == text.encode()
    assert json.loads(encode_text(text.encode())) == text


@pytest.mark.parametrize(
    "payload",
    [b"[" * 5 + b"]" * 5, b'["[[[[[[[[", [[[[1]]]]]', b'["]]]]", {"a": [1]}]', b"[[],[],[],[],[],[],[{}]]", b"5"],
)
def test_depth_within_the_limit(payload: bytes) -> None:
    check_depth(payload, 5)


@pytest.mark.parametrize("payload", [b"[" * 6 + b"]" * 6, b"[{[{[{" + b"}]}]}]", b'{"a":[[[[[1]]]],"]"]}'])
def test_depth_above_the_limit(payload: bytes) -> None:
    with pytest.raises(Unscrubbable):
        check_depth(payload, 5)


def test_numbers_as_text() -> None:
    assert (as_text(b"5"), as_text(b"4.5"), as_text(b"true")) == ("5", "4.5", "True")
