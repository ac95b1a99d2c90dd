"""Any condition over any payload: never an exception, and what cannot be read never matches."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from ipaddress import ip_address

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from scrubjay.core.conditions import compile_condition
from scrubjay.core.envelope import Item
from scrubjay.core.subjects import EventSubject, Fields, subject_of, subject_of_record, subject_of_trace
from support.hostile import SHAPES

NAMES = [
    *("event.level", "event.release", "event.release.version.short", "event.release.build", "event.duration", "event.platform"),
    *("event.logentry.formatted", "event.logentry.message", "event.tags.a", "event.tags.", "event.extra.a.b", "event.extra..", "event."),
    *("event.request.headers.User-Agent", "event.request.headers.", "event.request.url", "event.user.ip_address", "event.user.geo.city"),
    *("event.measurements.a.value", "event.breakdowns.a.b", "event.contexts.os.name", "event.contexts.trace.status", "event.sdk.name"),
    *("event.contexts.profile.profile_id", "event.contexts.response.status_code", "event.exception.values", "ty", "value", "module"),
    *("span.duration", "span.status", "span.data.a", "span.tags.a", "span.measurements.a.value", "span.name", "span.attributes.a.value"),
    *("log.body", "log.level", "log.attributes.a.value", "trace_metric.name", "trace.release", "trace.user.id", "trace.replay_id"),
    *("envelope.client_ip", "", ".", "event", "\ud800", "x" * 2000),
]  # fmt: skip
TYPES = [
    "event",
    "transaction",
    "feedback",
    "security",
    "raw_security",
    "replay_event",
    "replay_video",
    "session",
    "sessions",
    "span",
]
TYPES += ["log", "trace_metric", "profile", "check_in", "attachment", "martian"]
RECORDS = ["span", "log", "trace_metric"]

MEMBERS = sorted(
    {part for name in NAMES for part in name.split(".")} | {"start_timestamp", "timestamp", "type", "values", "attrs"}
)
MEMBERS += [
    "exception",
    "sentry.interfaces.Exception",
    "sentry.interfaces.User",
    "attributes",
    "stacktrace",
    "frames",
    "message",
    "status",
]

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["app@1.0-rc+b7", "10.9.9.9", "4c79f60c11214eb38604f4ae0781bfb2", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
)  # fmt: skip
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=6),
    max_leaves=25,
)
names = st.sampled_from(NAMES)
leaves = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("eq"), "name": names, "value": documents}, optional={"options": st.just({"ignoreCase": True})}
    ),
    st.fixed_dictionaries({"op": st.sampled_from(["gt", "gte", "lt", "lte"]), "name": names, "value": scalars}),
    st.fixed_dictionaries({"op": st.just("glob"), "name": names, "value": st.lists(st.text(max_size=8), max_size=3)}),
    st.fixed_dictionaries(
        {
            "op": st.just("cidr"),
            "name": names,
            "value": st.lists(st.sampled_from(["::/0", "0.0.0.0/0", "x"]), max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("release"),
            "name": names,
            "comparator": st.sampled_from(["lt", "gte", "x"]),
            "value": st.sampled_from(["1.0", "x"]),
        }
    ),
    st.fixed_dictionaries({"op": st.text(max_size=4)}),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"op": st.sampled_from(["and", "or"]), "inner": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"op": st.just("not"), "inner": inner}),
        st.fixed_dictionaries({"op": st.sampled_from(["any", "all"]), "name": names, "inner": inner}),
    ),
    max_leaves=6,
)
budget = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def subjects(payload: bytes) -> list[Fields]:
    client_ip = ip_address("10.9.9.9")
    found = [subject_of(Item({"type": item_type}, memoryview(payload)), client_ip) for item_type in TYPES]
    film = msgspec.msgpack.encode({"replay_event": payload})
    return [
        *found,
        subject_of(Item({"type": "replay_video"}, film)),
        *(subject_of_record(item_type, Raw(payload), client_ip) for item_type in RECORDS),
    ]


def ask_all(payload: bytes) -> None:
    """Whatever else rules may want to know of it."""
    for subject in subjects(payload):
        for name in NAMES:
            subject.value(name)
            for element in subject.elements(name) or ():
                assert element.value("ty") is None or isinstance(element.value("ty"), str)
        if isinstance(subject, EventSubject):
            assert subject.level in (None, "debug", "info", "warning", "error", "fatal")
            assert subject.fingerprint is None or all(isinstance(part, str) for part in subject.fingerprint)
            assert all(
                exception.is_unhandled in (True, False) and exception.frames != [] for exception in subject.exceptions
            )
            assert isinstance(subject.header("Host"), str | None)


@given(config=conditions, document=documents)
@budget
def test_any_condition_over_any_document(config: object, document: object) -> None:
    matches = compile_condition(config).matches
    for subject in subjects(json.dumps(document).encode()):
        assert matches(subject) is matches(subject)
    if isinstance(document, dict):
        assert matches(subject_of_trace(document)) in (True, False)


@given(
    config=documents
    | conditions.map(lambda config: [config])
    | st.dictionaries(st.sampled_from(["op", "name", "inner", "value"]), documents)
)
@budget
def test_what_is_no_condition_is_refused_or_taken(config: object) -> None:
    try:
        condition = compile_condition(config)
    except ValueError:
        return
    assert condition.matches(EventSubject(b"{}")) in (True, False)


@given(document=documents)
@budget
def test_whatever_is_asked_of_any_document(document: object) -> None:
    ask_all(json.dumps(document).encode())


@given(payload=st.binary(max_size=200))
@budget
def test_whatever_is_asked_of_any_bytes(payload: bytes) -> None:
    ask_all(payload)


@given(config=conditions, document=documents, data=st.data())
@budget
def test_what_cannot_be_read_does_not_match(config: object, document: object, data: st.DataObject) -> None:
    whole = json.dumps({"release": document}).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    subject = EventSubject(cut)
    spelled = json.dumps(config)
    if '"name"' in spelled and "envelope.client_ip" not in spelled:
        assert not (compile_condition(config).matches(subject) and subject.is_broken)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_hostile_payloads(shape: Callable[[int], bytes]) -> None:
    ask_all(shape(200_000))


def test_broken_bytes_of_a_real_event() -> None:
    rng = random.Random(20_261_122)
    event = {
        "exception": {"values": [{"type": "E", "stacktrace": {"frames": [{"function": "f"}]}}]},
        "tags": [["a", "b"]],
        "request": {"headers": {"user-agent": "x"}},
        "contexts": {"os": {"name": "Linux"}},
        "timestamp": 1.5,
        "release": "app@1.0",
        "measurements": {"a": {"value": 1}},
    }
    payload = json.dumps(event).encode()
    for _ in range(300):
        broken = bytearray(payload)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        ask_all(bytes(broken))
