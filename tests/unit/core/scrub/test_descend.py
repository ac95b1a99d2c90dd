"""The walk over untyped and typed content; that it equals the full walk is proved in `fuzz/test_scrub_screen.py`."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing


def scrub(config: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    got = scrubbing.scrub(scrubbing.config_program({"applications": config}), event)
    got.pop("_meta", None)
    return got


@pytest.mark.parametrize("text", ["", "true", "false", "null", "undefined"])
def test_texts_that_stand_for_nothing_stay(text: str) -> None:
    assert scrub({"$string": ["@anything:remove"]}, {"extra": {"a": text}}) == {"extra": {"a": text}}


def test_numbers_arrays_and_objects_can_go_whole() -> None:
    event = {
        "extra": {"password": 5, "secret": [1], "token": {"a": 1}, "auth": True, "apikey": None, "n": [["otp", 5]]}
    }
    got = scrub({"**": ["@password"]}, event)
    assert got == {
        "extra": {"password": None, "secret": None, "token": None, "auth": True, "apikey": None, "n": [["otp", None]]}
    }


def test_pair_arrays() -> None:
    event = {"extra": {"h": [["authorization", "x"], ["a", "192.0.2.1"]], "l": [["a", "192.0.2.1"], [1, 2]]}}
    got = scrub({"h.authorization || l.0": ["@anything"], "$string": ["@ip"]}, event)
    assert got == {"extra": {"h": [["authorization", "[Filtered]"], ["a", "[ip]"]], "l": [None, [1, 2]]}}


def test_positions() -> None:
    got = scrub({"l.1 || frames.0.function": ["@anything"]}, {"extra": {"l": ["a", "b", "c"]}})
    assert got == {"extra": {"l": ["a", "[Filtered]", "c"]}}
    frames = [{"vars": {"a": "x"}}, {"vars": {"a": "x"}}]
    event = {"exception": {"values": [{"stacktrace": {"frames": frames}}]}}
    got = scrub({"frames.1.vars.a": ["@anything"]}, event)
    assert [f["vars"]["a"] for f in got["exception"]["values"][0]["stacktrace"]["frames"]] == ["x", "[Filtered]"]


def test_removed_objects() -> None:
    event = {"user": {"geo": {"city": "x"}}, "spans": [{"tags": {"a": "x"}, "data": {"a": "x"}}], "extra": {"a": 1}}
    got = scrub({"extra || $span.tags || $span.data": ["@anything"]}, event)
    assert got == {"user": {"geo": {"city": "x"}}, "spans": [{"tags": None, "data": None}], "extra": None}


def test_nodes_are_counted() -> None:
    from scrubjay.errors import Unscrubbable

    event = {"spans": [{"tags": {"a": "192.0.2.1"}}] * 40_000}
    with pytest.raises(Unscrubbable, match="nodes"):
        scrub({"$span.tags.*": ["@ip"]}, event)
