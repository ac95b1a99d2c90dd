"""Paths, numbers, maps, content whose class its keys decide."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing


def frame(rules: list[str], **members: Any) -> dict[str, Any]:
    event = {"exception": {"values": [{"stacktrace": {"frames": [members]}}]}}
    config = {"applications": {"$frame.filename || $frame.vars": rules}}
    got = scrubbing.scrub(scrubbing.config_program(config), event)
    return got["exception"]["values"][0]["stacktrace"]["frames"][0]


@pytest.mark.parametrize(
    ("rule", "path", "got"),
    [
        ("@userpath", "/home/ines/a.py", "/home/[user]/a.py"),
        ("@userpath", "C:\\Users\\ines\\a.py", "C:\\Users\\[user]\\a.py"),
        ("@userpath", "a.py", "a.py"),
        ("@userpath", "/home/ines", "/home/ines"),
        ("@anything:remove", "/home/ines/a.py", "a.py"),
        ("@anything:remove", "a.py", "a.py"),
        ("@anything:remove", "", ""),
        ("@anything:remove", 5, 5),
        ("@anything", "true/a.py", "true/a.py"),
        ("@userpath", 5, 5),
    ],
)
def test_paths(rule: str, path: Any, got: Any) -> None:
    assert frame([rule], filename=path)["filename"] == got


def test_maps() -> None:
    assert frame(["@anything"], vars={"a": 1})["vars"] is None
    assert frame(["@anything"], vars="text")["vars"] == "text"


def test_numbers_and_scalars() -> None:
    program = scrubbing.config_program({"applications": {"contexts.device.*": ["@anything"]}})
    device = {"type": "device", "memory_size": 5, "free_memory": None, "uuid": "x", "online": True, "model": "m"}
    got = scrubbing.scrub(program, {"contexts": {"device": device}})["contexts"]["device"]
    assert got == {**device, "memory_size": None, "uuid": None}


def test_span_tags_are_texts() -> None:
    program = scrubbing.config_program({"applications": {"$span.tags.*": ["@ip"]}})
    event = {"spans": [{"tags": {"a": "192.0.2.1", "b": "x", "c": "192.0.2.999"}}, {"tags": 5}, {"data": 5}]}
    got = scrubbing.scrub(program, event)["spans"]
    assert got == [{"tags": {"a": "[ip]", "b": "x", "c": "192.0.2.999"}}, {"tags": 5}, {"data": 5}]


@pytest.mark.parametrize(
    "event",
    [
        {"extra": [["password", "taken"]]},
        {"extra": [["a", "b"], ["password", {"k": "taken"}]]},
        {"user": {"data": [["password", "taken"]]}},
        {"exception": [{"stacktrace": {"frames": [{"vars": [["password", "taken"]]}]}}]},
        {"spans": [{"tags": [["password", "taken"]]}]},
    ],
)
def test_pairs_in_place_of_a_map_go_by_their_names(event: dict[str, Any]) -> None:
    """In profile `strict`; the reference reads such a list by its positions, or drops it."""
    assert "taken" not in str(scrubbing.scrub(scrubbing.default_program("strict"), event))
    by_name = scrubbing.config_program({"applications": {"password": ["@anything"]}}, "strict")
    assert "taken" not in str(scrubbing.scrub(by_name, event))


def test_pairs_in_place_of_a_map_are_met_by_positions_as_well() -> None:
    config = {"applications": {"extra.'0'": ["@anything"], "a": ["@email"]}}
    event = {"extra": [["a", "ana@lab.example"], ["a", "ana@lab.example"]]}
    got = scrubbing.scrub(scrubbing.config_program(config, "strict"), event)
    assert got["extra"] == {"0": None, "1": ["a", "[email]"]}
    assert scrubbing.scrub(scrubbing.config_program(config), event)["extra"] == {
        "0": None,
        "1": ["a", "ana@lab.example"],
    }


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("rule", ["@anything:remove", "@anything:mask", "key"])
@pytest.mark.parametrize("selector", ["$frame.vars", "vars", "$object"])
def test_variables_sent_as_an_array_go_whole(selector: str, rule: str, profile: str) -> None:
    """As in the reference, to which they are an object."""
    config = {"rules": {"key": {"type": "redact_pair", "keyPattern": "^vars$"}}, "applications": {selector: [rule]}}
    for variables in (["taken"], [["a", "taken"]], []):
        event = {"stacktrace": {"frames": [{"vars": variables}]}}
        got = scrubbing.scrub(scrubbing.config_program(config, profile), event)
        assert got["stacktrace"]["frames"] == [{"vars": None}]


def test_members_of_a_map_that_no_rule_concerns_stay() -> None:
    """The screen sees `id` in both names; only one of them is named by the rule."""
    program = scrubbing.config_program({"applications": {"$span.tags.id": ["@anything"]}})
    got = scrubbing.scrub(program, {"spans": [{"tags": {"id": "taken", "idle": "kept"}}]})
    assert got["spans"][0]["tags"] == {"id": "[Filtered]", "idle": "kept"}
