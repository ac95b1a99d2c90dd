"""Shape conversions as functions (scrubbing.md 5.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.normalise import as_json_text, header_name, is_ip, parse_form, read_pairs, write_pairs


@pytest.mark.parametrize(
    ("kind", "data", "pairs"),
    [
        ("headers", {"x-token": "q", "accept": ["a", 5, None, "b"]}, [["Accept", "a,5,b"], ["X-Token", "q"]]),
        ("headers", [["x-a", None], [None, "y"]], [["X-A", None], [None, "y"]]),
        ("headers", {"a": 5, "b": True, "c": {"d": 1}}, [["A", "5"], ["B", "True"], ["C", {"d": 1}]]),
        ("cookies", "a=1; b=%20x;; c=", [["a", "1"], ["b", " x"], ["c", ""]]),
        ("cookies", {"b": "2", "a": "1"}, [["a", "1"], ["b", "2"]]),
        ("query_string", "?a=1&b=x+y&&c", [["a", "1"], ["b", "x y"], ["c", ""]]),
        ("query_string", [["a", {"b": 1}]], [["a", '{"b":1}']]),
        ("tags", {"a b": " x ", "n": 5, "t": True, "f": False, "z": None, "l": []}, [
            ["a-b", "x"], ["f", "False"], ["l", []], ["n", "5"], ["t", "True"], ["z", None]]),
    ],
)  # fmt: skip
def test_pairs(kind: str, data: Any, pairs: Any) -> None:
    read = read_pairs(kind, json.dumps(data).encode())
    assert read is not None
    assert json.loads(write_pairs(read)) == pairs


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("cookies", "a; b=1"),
        ("cookies", "=1"),
        ("headers", "text"),
        ("tags", [5]),
        ("tags", [["a"]]),
        ("tags", [[1, 2]]),
        ("tags", 5),
    ],
)
def test_wrong_kinds(kind: str, data: Any) -> None:
    assert read_pairs(kind, json.dumps(data).encode()) is None


def test_addresses() -> None:
    assert all(map(is_ip, ("192.0.2.1", "::1", "{{auto}}")))
    assert not any(map(is_ip, ("", "x", "192.0.2.1.1", "fe80::1%eth0")))


def test_names_and_texts() -> None:
    assert header_name("x-auth-Token") == "X-Auth-Token"
    assert as_json_text(b'{"b": 1, "a": [1.5]}') == rb'"{\"a\":[1.5],\"b\":1}"'
    assert parse_form("") == []
