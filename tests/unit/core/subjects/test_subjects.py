"""Which subject stands for which item, and that it stays with it."""

import json
from ipaddress import ip_address

import msgspec
import pytest
from msgspec import Raw

from scrubjay.core.conditions import compile_condition
from scrubjay.core.envelope import Item
from scrubjay.core.subjects import Fields, subject_of, subject_of_record, subject_of_trace


def item(item_type: str, payload: object, **headers: object) -> Item:
    return Item({"type": item_type, **headers}, json.dumps(payload).encode())


EVENT = {"release": "app@1", "start_timestamp": 1000, "timestamp": 1001}


@pytest.mark.parametrize("item_type", ["event", "feedback", "security", "transaction", "replay_event"])
def test_events(item_type: str) -> None:
    subject = subject_of(item(item_type, EVENT))
    assert subject.value("event.release") == "app@1"
    assert subject.value("event.duration") == (1000.0 if item_type == "transaction" else None)


def test_reports_of_browsers() -> None:
    report = item("raw_security", {"csp-report": {}, "release": "x"}, sentry_release="app@1", sentry_environment=5)
    subject = subject_of(report)
    assert subject.value("event.release") == "app@1"
    assert subject.value("event.environment") is None


@pytest.mark.parametrize("packed", [json.dumps(EVENT), json.dumps(EVENT).encode()])
def test_events_of_films(packed: object) -> None:
    film = Item({"type": "replay_video"}, msgspec.msgpack.encode({"replay_event": packed, "replay_video": b"film"}))
    assert subject_of(film).value("event.release") == "app@1"


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"\x81", b"\x81\xa1\xff\x00", msgspec.msgpack.encode({"replay_event": 5}), msgspec.msgpack.encode({})],
)
def test_films_that_cannot_be_read(payload: bytes) -> None:
    subject = subject_of(Item({"type": "replay_video"}, payload), ip_address("::1"))
    assert subject.value("event.release") is None
    assert subject.value("envelope.client_ip") == ip_address("::1")


@pytest.mark.parametrize("item_type", ["session", "sessions"])
def test_sessions(item_type: str) -> None:
    assert subject_of(item(item_type, {"attrs": {"release": "app@1"}})).value("event.release") == "app@1"


def test_spans_alone() -> None:
    assert subject_of(item("span", {"op": "db"})).value("span.op") == "db"


@pytest.mark.parametrize("item_type", ["span", "log", "trace_metric"])
def test_containers_have_no_fields(item_type: str) -> None:
    record = {"name": "n", "body": "n", "attributes": {"a": {"value": "x"}}}
    container = item(item_type, {"items": [record], "name": "n"}, item_count=1)
    assert subject_of(container).value(f"{item_type}.name") is None
    subject = subject_of_record(item_type, Raw(json.dumps(record).encode()), ip_address("::1"))
    assert subject.value(f"{item_type}.attributes.a.value") == "x"
    assert subject.value("envelope.client_ip") == ip_address("::1")


@pytest.mark.parametrize("item_type", ["profile", "check_in", "attachment", "martian", "user_report"])
def test_others_have_the_address_alone(item_type: str) -> None:
    subject = subject_of(item(item_type, EVENT), ip_address("10.9.9.9"))
    assert type(subject) is Fields
    assert subject.value("event.release") is None
    assert subject.value("envelope.client_ip") == ip_address("10.9.9.9")


def test_the_address_of_the_client() -> None:  # decisions-98
    condition = compile_condition({"op": "cidr", "name": "envelope.client_ip", "value": ["10.0.0.0/8", "bad"]})
    event = item("event", EVENT)
    assert not condition.matches(subject_of(event))
    assert condition.matches(subject_of(event, ip_address("10.9.9.9")))
    assert condition.matches(subject_of(event))
    assert condition.matches(subject_of(item("attachment", "{"), ip_address("10.9.9.9")))


def test_a_subject_stays_with_its_payload() -> None:
    event = item("event", EVENT)
    subject = subject_of(event)
    assert subject_of(event) is subject
    event.replace(b'{"release":"app@2"}')
    assert subject_of(event).value("event.release") == "app@2"


def test_traces() -> None:
    assert subject_of_trace({"release": "app@1"}).value("trace.release") == "app@1"


def test_what_cannot_be_read_does_not_match() -> None:
    other = compile_condition({"op": "not", "inner": {"op": "eq", "name": "event.environment", "value": "prod"}})
    assert other.matches(subject_of(item("event", {})))  # decisions-88
    broken = Item({"type": "event"}, b'{"environment":')
    assert not other.matches(subject_of(broken))
    # Where the envelope came from can be told all the same, whatever was asked before.
    local = {"op": "cidr", "name": "envelope.client_ip", "value": ["::1"]}
    assert compile_condition(local).matches(subject_of(broken, ip_address("::1")))
    assert not compile_condition({"op": "or", "inner": [local, other_field]}).matches(subject_of(broken))


other_field = {"op": "eq", "name": "event.environment", "value": "prod"}
