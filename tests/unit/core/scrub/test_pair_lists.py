"""Pairs by their names: values, and names themselves (scrubbing.md 7.4, and 14: G7, G15)."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.json_text import decode_array
from scrubjay.core.scrub.pair_lists import read_pair_array
from support import scrubbing

EMAIL = "rosa.klein@ferry-line.example"


@pytest.mark.parametrize(
    ("headers", "strict", "parity"),
    [
        ([["X-Api-Key", "k"], ["A", "b"]], [["X-Api-Key", "[Filtered]"], ["A", "b"]], None),
        ([[EMAIL, "b"]], [["[email]", "b"]], [[EMAIL, "b"]]),
        ([["A", {"k": "10.20.30.40"}]], [["A", {"k": "[ip]"}]], [["A", {"k": "10.20.30.40"}]]),
        ([[None, "10.20.30.40"], ["A", True]], [[None, "[ip]"], ["A", "True"]], None),
    ],
)
def test_pairs(headers: list[Any], strict: list[Any], parity: list[Any] | None) -> None:
    for profile, left in (("strict", strict), ("parity", parity or strict)):
        got = scrubbing.scrub(scrubbing.default_program(profile), {"request": {"headers": headers}})
        assert got["request"]["headers"] == left


def test_pair_arrays() -> None:
    assert read_pair_array(decode_array(b'[["a",1],["b",{}]]')) is not None
    for no_pairs in (b'[["a",1],["b"]]', b"[[1,2]]", b'[["a",1],"b"]'):
        assert read_pair_array(decode_array(no_pairs)) is None


@pytest.mark.parametrize(
    "query",
    [{"k": '["taken"]'}, [["k", '["taken"]']], {"k": ["taken"]}, "k=[%22taken%22]", [["k", '\n ["taken"]']]],
)
@pytest.mark.parametrize("selector", ["0", "'query_string'.k.*", "$http.**.0"])
def test_json_in_values_is_opened_for_rules_that_need_no_content(query: object, selector: str) -> None:
    """Such a rule does not concern the value itself, so the screen may have seen nothing in the pair."""
    program = scrubbing.config_program({"applications": {selector: ["@anything"]}}, "strict")
    assert "taken" not in str(scrubbing.scrub(program, {"request": {"query_string": query}}))
