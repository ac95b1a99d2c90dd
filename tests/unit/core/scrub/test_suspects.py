"""Suspects and the reasons why they were left (scrubbing-15.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.explain import explain
from scrubjay.core.scrub.matching import TRUE
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.settings.scrub import Scrub
from support import scrubbing

MAIL = "ana@lab.example"


def program(config: dict[str, Any] | None = None, *, profile: str = "parity", **settings: Any) -> ScrubProgram:
    return compile_program(
        pii_config=config, settings={**scrubbing.SETTINGS, **settings} if settings or config is None else None,
        options=Scrub(profile=profile),
    )  # fmt: skip


def reasons(made: ScrubProgram, document: Any, shape: str = "event") -> dict[str, str]:
    found = explain(made, json.dumps(document).encode(), shape).suspects
    return {".".join(suspect.path): suspect.reason for suspect in found}


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ({"transaction": MAIL}, "transaction", "class false"),
        ({"culprit": MAIL}, "culprit", "class maybe without specific selector"),
        ({"exception": {"values": [{"value": "4242424242424242"}]}}, "exception.values.0.value", "exempt text"),
        ({"extra": {"open": "4242424242424242"}}, "extra.open", "excluded by excludeFields"),
        ({"extra": {"n": 4242424242424242}}, "extra.n", "number"),
        ({"extra": {MAIL: 1}}, f"extra.{MAIL}", "key"),
        ({"extra": {"x": MAIL}}, "extra.x", "no rule for it"),
        (
            {"extra": {"x": "192.0.2.1"}, "_meta": {"extra": {"x": {"": {"rem": [["q", "s", 0, 9]]}}}}},
            "extra.x",
            "protected by an incoming remark",
        ),
    ],
)  # fmt: skip
def test_reasons(document: dict[str, Any], path: str, reason: str) -> None:
    assert reasons(program(excludeFields=["open"]), document) == {path: reason}


def test_reasons_of_configs() -> None:
    made = program({"applications": {"$string && !open": ["@email"]}})
    assert reasons(made, {"extra": {"open": MAIL, "x": MAIL}}) == {"extra.open": "excluded by its selector"}
    made = program({"applications": {"open && $number": ["@email"], "$string && closed": ["@email"]}})
    assert reasons(made, {"extra": {"open": MAIL}}) == {"extra.open": "no rule for it"}


def test_what_is_only_tried_is_left() -> None:
    config = {"rules": {"r": {"type": "email", "dry_run": True}}, "applications": {"$string": ["r"]}}
    assert reasons(program(config), {"extra": {"x": MAIL}}) == {"extra.x": "dry run"}


def test_a_path_that_a_live_rule_reaches_only_in_part() -> None:
    config = {"applications": {"$frame.abs_path": ["@email"]}}
    event = {"stacktrace": {"frames": [{"abs_path": f"/home/{MAIL}"}]}}
    assert reasons(program(config), event) == {"stacktrace.frames.0.abs_path": "no rule for it"}


def test_what_was_redacted_is_no_suspect_even_if_it_looks_like_one() -> None:
    config = {
        "rules": {
            "r": {
                "type": "pattern",
                "pattern": "[a-z]+@[a-z.]+",
                "redaction": {"method": "replace", "text": "x@y.example"},
            }
        },
        "applications": {"$string": ["r"]},
    }
    assert reasons(program(config), {"extra": {"x": f"to {MAIL} now"}}) == {}


def test_strict_trusts_no_remark_that_came() -> None:
    meta = {"extra": {"x": {"": {"rem": [["q", "s", 0, 15]]}}}}
    assert reasons(program(profile="strict"), {"extra": {"x": MAIL}, "_meta": meta}) == {}


def test_places_and_lengths_are_characters() -> None:
    (suspect,) = explain(program(), json.dumps({"extra": {"x": f"ä {MAIL}"}}).encode(), "event").suspects
    assert (suspect.spans, suspect.length, suspect.kind, suspect.node_class) == (((2, 17),), 17, "string", TRUE)


def test_records_of_containers_and_untyped_json() -> None:
    logs = {"items": [{"body": "b"}, {"body": MAIL, "_meta": {"body": {"": {"rem": []}}}}]}
    assert reasons(program({}), logs, "log_container") == {"items.1.body": "class maybe without specific selector"}
    assert reasons(program({}), [{"name": MAIL}], "generic") == {"0.name": "no rule for it"}


def test_the_same_text_in_many_places() -> None:
    places = {f"extra.list.{index}.x": "excluded by excludeFields" for index in range(3)}
    document = {"extra": {"list": [{"x": "4242424242424242"}] * 3}, "transaction": MAIL}
    assert reasons(program(excludeFields=["x"]), document) == places | {"transaction": "class false"}
