"""Long integers are searched as their digits (scrubbing.md 14, G7)."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing

RULES = {"digits": {"type": "pattern", "pattern": "7777", "redaction": {"method": "remove"}}}


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (4242424242424242, None),
        (-4242424242424242, None),
        (4242424242424242.0, None),
        (4242424242424242.5, 4242424242424242.5),
        (777700000000, None),
        (77770000000, 77770000000),
        (7777000000000000000, None),
        (77770000000000000000, 77770000000000000000),
        (1732284000000, 1732284000000),
    ],
)
def test_a_hit_removes_the_number(value: float, left: float | None) -> None:
    config = {"applications": {"$string": ["@creditcard:mask", "digits"]}, "rules": RULES}
    got = scrubbing.scrub(scrubbing.config_program(config, "strict"), {"extra": {"x": value}})
    assert got["extra"]["x"] == left
    if left is None:
        rule = "@creditcard:mask" if "4242" in str(value) else "digits"
        assert got["_meta"]["extra"]["x"][""] == {"rem": [[rule, "x"]]}


def test_rules_that_take_texts_whole_do_not_take_numbers() -> None:
    config: dict[str, Any] = {"applications": {"$string": ["@anything:mask"]}}
    event = {"extra": {"x": 4242424242424242}}
    assert scrubbing.scrub(scrubbing.config_program(config, "strict"), event) == event


def test_numbers_in_pairs() -> None:
    """Those of headers count as texts (5.6), those of cookies stay numbers."""
    program = scrubbing.default_program("strict")
    sent = {"headers": [["X-A", 4242424242424242], ["X-B", 5]], "cookies": [["a", 4242424242424242], ["b", 5]]}
    got = scrubbing.scrub(program, {"request": sent})["request"]
    assert got["headers"] == [["X-A", "[Filtered]"], ["X-B", "5"]]
    assert got["cookies"] == [["a", None], ["b", 5]]
