"""Skeletons say which elements to open, and give up where they cannot know."""

from __future__ import annotations

import json

from scrubjay.core.scrub.skeleton import Skeleton, make_skeleton
from support import scrubbing

ONE = scrubbing.default_program("parity").passes[0]


def skeleton(*path: str) -> Skeleton:
    plan = ONE.documents["event"]
    for name in path:
        plan = plan.fields[name]
    assert plan.skeleton is not None
    return plan.skeleton


def flagged(document: object, *path: str) -> list[int] | None:
    scan = ONE.screen.borrow()
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return skeleton(*path).flagged(data, scan)


def exception(variables: object) -> dict[str, object]:
    return {"type": "E", "stacktrace": {"frames": [{"vars": {"a": "plain"}}, {"function": "f", "vars": variables}]}}


def test_elements_that_hold_something() -> None:
    values = [exception({"a": "x"}), None, exception({"password": "x"}), exception(None)]
    assert flagged(values, "exception", "values") == [2]
    assert flagged({"values": values}, "exception", "values") == [2]


def test_nothing_to_look_at() -> None:
    assert flagged([{"type": "password", "value": "password"}], "exception", "values") == []
    assert flagged([exception({"a": 1})], "exception", "values") == []


def test_repeated_keys_are_not_overlooked() -> None:
    frames = b'[{"stacktrace":{"frames":[{"vars":{"password":1},"vars":{}}]}}]'
    assert flagged(frames, "exception", "values") is None


def test_other_kinds_are_not_judged() -> None:
    assert flagged([{"stacktrace": {"frames": {"vars": 5}}}], "exception", "values") is None
    assert flagged({"vars": 1}, "exception", "values") is None
    assert flagged(rb'[{"stacktrace":{"frames":[{"v\u0061rs":1}]}}]', "exception", "values") is None


def test_only_lists_of_closed_objects_have_one() -> None:
    """Elsewhere an element may hold members that no type knows beforehand, and the skeleton would pass them over."""
    planner = ONE.planner
    spans, values = ONE.documents["event"].fields["spans"], ONE.documents["event"].fields["exception"].fields["values"]
    assert make_skeleton(planner.element(spans, -1)) is None
    assert make_skeleton(ONE.documents["event"].fields["extra"]) is None
    assert make_skeleton(planner.element(values, -1)) is not None
