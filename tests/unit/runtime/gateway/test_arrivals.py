"""What of a record's facts is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ports import Ingress
from scrubjay.core.spool_format import Record
from scrubjay.errors import BadRequest, TooLarge
from scrubjay.runtime.endpoints.common import chain_reader
from scrubjay.runtime.gateway.arrivals import Surroundings, delivery_of, facts_of, ingress_of, own_name
from scrubjay.runtime.gateway.senders import ANYBODY, Sender

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
NOW_UNIX = 1_767_607_200.0
INTERNAL = Sender("x", is_internal=True)
BODY = b'{"sent_at":"2026-01-05T09:59:57Z","origin":"https://a.example/","forwarded_for":"203.0.113.9"}\n'


def arrive(
    sender: Sender = INTERNAL, body: bytes = BODY, *, trusted: tuple[str, ...] | None = None, **members: Any
) -> Ingress:
    around = Surroundings(sender, "192.0.2.1", chain_reader(trusted), 1000, 86_400)
    return ingress_of({"k": KEY, "p": "7", **members}, body, around, now_unix=NOW_UNIX, now_mono=5.0)


def header(ingress: Ingress) -> dict[str, object]:
    return ingress.read(ingress.body, ingress.auth).headers


def test_facts_are_those_of_the_request_that_the_relay_took() -> None:
    got = arrive(
        h={
            "client": "sdk/1",
            "v": 5,
            "ua": " a\tgent ",
            "origin": "https://a.example",
            "xff": "203.0.113.9",
            "via": "a,b",
        }
    )
    assert got.auth is not None
    assert (got.auth.key, got.auth.client, got.auth.version, got.auth.source) == (KEY, "sdk/1", 5, "header")
    assert (got.path_project, got.user_agent, got.origin) == (7, "agent", "https://a.example/")
    assert got.via == "a, b"
    assert (got.received_unix, got.now_mono) == (NOW_UNIX, 5.0)


def test_an_internal_relay_says_when_and_from_whom() -> None:
    got = arrive(r=(NOW_UNIX - 60) * 1000, t=3000, h={"xff": "203.0.113.9", "origin": "https://a.example/"})
    assert (got.waited_s, got.forwarded_for, got.client_ip) == (60, "203.0.113.9", None)
    assert header(got)["sent_at"] == "2026-01-05T09:59:57.000000Z"
    assert header(got)["forwarded_for"] == "203.0.113.9"


def test_operations_105_another_one_says_what_a_client_could() -> None:
    got = arrive(ANYBODY, r=(NOW_UNIX - 60) * 1000, t=50_000, h={"xff": "203.0.113.9", "origin": "https://a.example/"})
    assert (got.waited_s, got.forwarded_for, got.client_ip) == (0, "203.0.113.9, 192.0.2.1", "192.0.2.1")
    assert header(got)["sent_at"] == "2026-01-05T09:59:57Z"
    assert header(got)["forwarded_for"] == "203.0.113.9, 192.0.2.1"
    assert arrive(ANYBODY).forwarded_for == "192.0.2.1"
    assert arrive(ANYBODY, trusted=("10.0.0.0/8",), h={"xff": "203.0.113.9"}).forwarded_for == "192.0.2.1"


@pytest.mark.parametrize(
    "received_ms",
    [None, "x", True, 0, -5, 1e300, float(NOW_UNIX * 1000 + 60_000), (NOW_UNIX - 90_000) * 1000, {}],
)
def test_times_that_cannot_be_say_nothing(received_ms: object) -> None:
    assert arrive(r=received_ms).waited_s == 0


@pytest.mark.parametrize("drift_ms", [None, "x", False, 1e15, 9e13])
def test_drifts_that_cannot_be_leave_the_time_that_was_sent(drift_ms: object) -> None:
    got = arrive(t=drift_ms, h={"origin": "https://a.example/"})
    assert header(got)["sent_at"] == "2026-01-05T09:59:57Z"


def test_facts_in_the_envelope_do_not_contradict_those_of_the_record() -> None:
    assert "origin" not in header(arrive())
    assert header(arrive(h={"origin": "https://b.example"}))["origin"] == "https://b.example/"
    assert "origin" not in header(arrive(body=b"{}\n", h={"origin": "https://b.example"}))


@pytest.mark.parametrize(
    "members",
    [
        *({"k": None}, {"k": 7}, {"k": "short"}, {"k": "ü" * 32}),
        *({"p": None}, {"p": 7}, {"p": ""}, {"p": "x"}, {"p": "9" * 30}),
        *({"h": {"v": "7"}}, {"h": {"v": 8}}, {"h": {"v": -1}}),
    ],
)
def test_records_that_cannot_be_used(members: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        arrive(**members)


@pytest.mark.parametrize("headers", [None, 7, [], {"client": 7, "ua": [], "xff": {}, "origin": 3, "v": None}])
def test_facts_of_other_types_are_none(headers: object) -> None:
    got = arrive(ANYBODY, h=headers)
    assert got.auth is not None
    assert (got.auth.client, got.auth.version, got.user_agent, got.forwarded_for) == (None, 7, None, "192.0.2.1")


def test_a_body_over_the_bound_of_the_route() -> None:
    with pytest.raises(TooLarge):
        arrive(body=bytes(1001))
    assert parse_envelope(b"{}\n").items == arrive(body=b"{}\n").read(b"{}\n", None).items


def test_names_of_deliveries() -> None:
    name = "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506"
    assert delivery_of({"d": name}) == bytes.fromhex(name.replace("-", ""))
    assert arrive(d=name).delivery_id == arrive(d=name.replace("-", "")).delivery_id
    for nothing in (None, "", "x" * 32, 7):
        assert delivery_of({"d": nothing}) is None
        assert arrive(d=nothing).delivery_id is None


def test_names_are_those_of_who_gave_them() -> None:
    name = bytes(range(16))
    senders = (INTERNAL, Sender("y", is_internal=True), Sender("y"), ANYBODY)
    found = [arrive(sender, d=name.hex()).delivery_id for sender in senders]
    assert found[1] == found[2]
    assert len({*found, name.hex()}) == 4
    assert found[3] == (own_name(name, "192.0.2.1") or b"").hex(), "of one that is not known, by where it is"
    assert own_name(None, "x") is None


@pytest.mark.parametrize("meta", [b"", b"[]", b"{", b"\xff", b"[" * 5000])
def test_facts_that_are_none(meta: bytes) -> None:
    with pytest.raises(BadRequest):
        facts_of(Record(meta, b""))
    assert facts_of(Record(json.dumps({"k": 1}).encode(), b"")) == {"k": 1}
