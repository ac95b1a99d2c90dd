"""Which facts of a request travel on."""

from __future__ import annotations

from typing import Any

from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.outgoing import FACTS, outgoing_facts
from scrubjay.core.plan import ProjectPlan, pass_plan
from scrubjay.core.ports import Ingress
from scrubjay.settings.schema import Settings
from support.path import EVENT_ID, KEY, Path, envelope

AUTH = Auth(KEY, 7, "demo/1.0", False, "header")
EVERYTHING = pass_plan(Settings())
NOTHING = ProjectPlan("x", sends_client_ip=False, sends_user_agent=False, sends_origin=False)


def facts(
    headers: dict[str, object] | None = None,
    plan: ProjectPlan = EVERYTHING,
    *,
    auth: Auth = AUTH,
    trusted: bool = True,
    **request: Any,
) -> dict[str, object]:
    fields: dict[str, Any] = {
        "origin": "https://shop.example/cart?token=1",
        "client_ip": "127.0.0.1",
        "forwarded_for": "203.0.113.9, 127.0.0.1",
        "user_agent": "agent/1",
        "client_hints": {"sec_ch_ua": "x"},
    }
    ingress = Ingress(
        b"", lambda body, auth: parse_envelope(body), auth, 7, received_unix=0, now_mono=0, **fields | request
    )
    return outgoing_facts(headers or {}, plan, auth, ingress, trusted=trusted)


def test_all_facts_of_the_request_by_name() -> None:
    """ingest-116"""
    assert facts() == {
        "client": "demo/1.0",
        "version": 7,
        "origin": "https://shop.example/cart?token=1",
        "remote_addr": "127.0.0.1",
        "forwarded_for": "203.0.113.9, 127.0.0.1",
        "user_agent": "agent/1",
        "client_hints": {"sec_ch_ua": "x"},
        "no_cache": None,
    }
    assert tuple(facts()) == FACTS


def test_what_is_not_there_is_removed() -> None:
    got = facts(
        auth=Auth(KEY, 7, None, True, "query"),
        origin=None,
        client_ip=None,
        forwarded_for=None,
        user_agent=None,
        client_hints={},
    )
    assert got == dict.fromkeys(FACTS) | {"version": 7, "no_cache": True}


def test_ingest_118_a_relay_before_us_is_believed_only_where_it_is_trusted() -> None:
    given: dict[str, object] = {"forwarded_for": "192.0.2.1", "client": "other/2", "version": 6, "user_agent": None}
    trusting, wary = facts(given), facts(given, trusted=False)
    assert (trusting["forwarded_for"], trusting["client"], trusting["version"]) == ("192.0.2.1", "other/2", 6)
    assert trusting["user_agent"] == "agent/1"
    assert (wary["forwarded_for"], wary["client"], wary["version"]) == ("203.0.113.9, 127.0.0.1", "demo/1.0", 7)


def test_a_version_that_says_nothing_does_not_win() -> None:
    assert facts({"version": 7}, auth=Auth(KEY, 5, None, False, "header"))["version"] == 5


def test_privacy_switches_win_over_everything() -> None:
    got = facts({"forwarded_for": "192.0.2.1", "user_agent": "x", "origin": "y", "remote_addr": "z"}, NOTHING)
    assert {name for name, value in got.items() if value is not None} == {"client", "version"}


def test_what_a_relay_before_us_says_of_its_own_wait_and_name() -> None:
    path = Path()
    body = envelope(("event", "{}"), header=f'{{"event_id":"{EVENT_ID}","sent_at":"2026-01-05T09:59:57Z"}}')
    path.send(body, waited_s=60.5, delivery_id="d" * 32)
    (parcel,) = path.shelf.parcels
    assert (parcel.id, parcel.received_unix) == ("d" * 32, 1_767_607_200.0 - 60.5)
    assert parse_envelope(parcel.body).headers["sent_at"] == "2026-01-05T09:58:56.500000Z"
    path.send(envelope(("event", "{}")), waited_s=60.5)
    assert "sent_at" not in parse_envelope(path.shelf.parcels[1].body).headers


def test_a_time_at_the_edge_of_the_calendar_stays() -> None:
    path = Path()
    path.send(envelope(("event", "{}"), header='{"sent_at":"0001-01-01T00:00:00Z"}'), waited_s=60)
    assert parse_envelope(path.forwarded).headers["sent_at"] == "0001-01-01T00:00:00Z"
