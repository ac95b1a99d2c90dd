"""Original values in `_meta` (scrubbing.md 9.4)."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing

VALUE = {"": {"val": "at 192.0.2.1", "err": ["invalid_data"]}}
CLEAN = {"": {"val": "at [ip]", "err": ["invalid_data"]}}


@pytest.mark.parametrize(
    ("event", "meta", "clean"),
    [
        ({"extra": {"x": None}}, {"extra": {"x": VALUE}}, {"extra": {"x": CLEAN}}),
        ({"extra": {"l": [None], "o": {"a": None}}}, {"extra": {"l": {"0": VALUE}, "o": {"a": VALUE}}}, {"extra": {"l": {"0": CLEAN}, "o": {"a": CLEAN}}}),
        ({"user": {"ip_address": None}}, {"user": {"ip_address": VALUE}}, {"user": {"ip_address": CLEAN}}),
        ({"tags": [["a", None]]}, {"tags": {"0": {"1": VALUE}}}, None),
        ({"request": {"headers": [["a", None]]}}, {"request": {"headers": {"0": {"1": VALUE}}}}, {"request": {"headers": {"0": {"1": CLEAN}}}}),
        ({"contexts": {"os": {"name": None}}}, {"contexts": {"os": {"name": VALUE}}}, None),
        ({"contexts": {"feedback": None}}, {"contexts": {"feedback": {"message": VALUE}}}, None),
        ({"contexts": {"m": {"type": "x", "a": None}}}, {"contexts": {"m": {"a": VALUE}}}, {"contexts": {"m": {"a": CLEAN}}}),
        ({"release": None, "unknown": None}, {"release": VALUE, "unknown": VALUE}, {"release": VALUE, "unknown": CLEAN}),
        ({"spans": [{"data": {"a": None, "release": None}, "tags": {"a": None}}]},
         {"spans": {"0": {"data": {"a": VALUE, "release": VALUE}, "tags": {"a": VALUE}}, "x": VALUE}},
         {"spans": {"0": {"data": {"a": CLEAN, "release": VALUE}, "tags": {"a": VALUE}}, "x": VALUE}}),
        ({"request": {"headers": [[None, None], 5]}}, {"request": {"headers": {"0": {"1": VALUE}, "1": VALUE}}},
         {"request": {"headers": {"0": {"1": CLEAN}, "1": CLEAN}}}),
    ],
)  # fmt: skip
def test_by_class(event: dict[str, Any], meta: dict[str, Any], clean: Any) -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@ip"]}})
    got = scrubbing.scrub(program, {**event, "_meta": meta})
    assert got["_meta"] == (meta if clean is None else clean)


def test_removal_deletes_the_value() -> None:
    program = scrubbing.config_program({"applications": {"x": ["@anything:remove"]}})
    got = scrubbing.scrub(program, {"extra": {"x": None}, "_meta": {"extra": {"x": {"": {"val": "true", "err": []}}}}})
    assert got["_meta"] == {"extra": {"x": {"": {"err": []}}}}


@pytest.mark.parametrize("meta", [5, {}, {"extra": 5}, {"extra": {"x": {"": 5}}}, {"extra": {"x": {"": {"val": 5}}}}])
def test_other_metadata_is_left_alone(meta: Any) -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@ip"]}})
    event = {"extra": {"x": "y"}, "_meta": meta}
    assert scrubbing.scrub(program, event) == event


def test_originals_deep_in_untyped_content() -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@ip"]}})
    event = {"extra": {"a": {"b": [{"c": None}]}}, "user": {"data": {"x": {"y": None}}}, "sdk": {"packages": None}}
    meta = {
        "extra": {"a": {"b": {"0": {"c": VALUE}}}},
        "user": {"data": {"x": {"y": VALUE}}},
        "sdk": {"packages": VALUE},
        "spans": {"0": {"description": VALUE, "tags": {"a": VALUE}}},
        "server_name": {"0": VALUE},
    }
    got = scrubbing.scrub(program, {**event, "_meta": meta})["_meta"]
    assert got["extra"] == {"a": {"b": {"0": {"c": CLEAN}}}}
    assert got["user"] == {"data": {"x": {"y": CLEAN}}}
    assert got["sdk"] == {"packages": VALUE}


def test_originals_in_span_tags() -> None:
    program = scrubbing.config_program({"applications": {"a": ["@ip"]}})
    event = {"spans": [{"tags": {"a": None}}], "_meta": {"spans": {"0": {"tags": {"a": VALUE}}, "1": {"tags": VALUE}}}}
    assert scrubbing.scrub(program, event)["_meta"]["spans"]["0"] == {"tags": {"a": CLEAN}}
