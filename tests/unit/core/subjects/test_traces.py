"""A trace by the names of conditions: `decisions.md` 6.3."""

import pytest

from scrubjay.core.conditions import HexId, Value, compile_condition
from scrubjay.core.subjects.traces import TraceSubject

REPLAY = "4C79F60C-1121-4EB3-8604-F4AE0781BFB2"


@pytest.mark.parametrize(
    ("context", "name", "expected"),
    [
        ({"release": "app@1"}, "release", "app@1"),
        ({"release": 5}, "release", None),
        ({"environment": "prod"}, "environment", "prod"),
        ({"transaction": "/cart"}, "transaction", "/cart"),
        ({"segment_name": "/cart"}, "transaction", "/cart"),
        ({"user_id": "7"}, "user.id", "7"),
        ({"user_id": ""}, "user.id", None),
        ({"user": {"id": "7", "segment": "vip"}}, "user.id", "7"),
        ({"user": {"id": "7", "segment": "vip"}}, "user.segment", "vip"),
        ({"user_id": "8", "user": {"id": "7", "segment": "vip"}}, "user.segment", None),
        ({"user": "7"}, "user.id", None),
        ({"replay_id": REPLAY}, "replay_id", HexId(REPLAY.replace("-", "").lower())),
        ({"replay_id": "4c79"}, "replay_id", None),
        ({"sample_rate": "0.1"}, "sample_rate", None),
        ({"trace_id": REPLAY}, "trace_id", None),
    ],
)
def test_fields(context: dict[str, object], name: str, expected: Value) -> None:
    subject = TraceSubject(context)
    value = subject.value(f"trace.{name}")
    assert value == expected
    assert type(value) is type(expected)
    assert subject.value(f"event.{name}") is None
    assert subject.elements("trace.user") is None


def test_ids_in_any_case() -> None:  # decisions-90
    subject = TraceSubject({"replay_id": REPLAY})
    bare = REPLAY.replace("-", "")
    for value, expected in ((bare, True), (bare.lower(), True), (REPLAY, False)):
        assert compile_condition({"op": "eq", "name": "trace.replay_id", "value": value}).matches(subject) is expected


def test_shows_what_it_knows() -> None:
    assert repr(TraceSubject({"release": "1"})) == "<TraceSubject ['trace.release']>"
