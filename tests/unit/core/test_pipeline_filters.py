"""Filters on the path: what falls, with what, and whose address counts (`decisions.md` 0.2, 7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Ledger
from scrubjay.settings.decisions import Filters
from scrubjay.settings.schema import Settings
from support.path import Path, envelope

EVENT = '{"release":"1.0","message":"x"}'


def relay(settings: Settings | None = None, *, own: object = (), **filters: Any) -> Path:
    config = {"filterSettings": filters, "scrubjay": {"filters": own, "scrub": {"profile": "parity"}}}
    return Path(json.dumps({"config": config}), settings)


def lost(path: Path) -> list[tuple[str, str]]:
    return [(item_type, reason) for item_type, reason, _ in path.account.lost()]


@pytest.mark.parametrize(
    ("chain", "falls"),
    [
        ("1.2.3.4, 10.0.0.1", True),
        ("1.2.3.4", True),
        ("10.0.0.1, 1.2.3.4", False),
        ("unknown, 1.2.3.4", False),
        (None, False),
    ],
)
def test_the_first_of_the_chain_is_the_client_decisions_107(chain: str | None, falls: bool) -> None:
    path = relay(clientIps={"blacklistedIps": ["1.2.3.0/24"]})
    verdict = path.send(
        envelope(("event", '{"user":{"ip_address":"1.2.3.4"}}')), forwarded_for=chain, client_ip="1.2.3.4"
    )
    assert verdict.status == 200
    assert lost(path) == ([("event", "ip-address")] if falls else [])
    assert path.closes()


def test_what_belongs_to_an_event_falls_with_it() -> None:
    path = relay(releases={"releases": ["1.*"]})
    body = envelope(("event", EVENT), ("attachment", "x"), ("profile", '{"platform":"python"}'), ("session", "{}"))
    assert path.send(body).status == 200
    assert lost(path) == [(kind, "release-version") for kind in ("event", "attachment", "profile")]
    assert b'"session"' in path.forwarded
    assert path.closes()


def test_one_outcome_of_several_filters_decisions_108() -> None:
    path = relay(releases={"releases": ["1.*"]}, webCrawlers={"isEnabled": True}, errorMessages={"patterns": ["*"]})
    path.send(envelope(("event", '{"release":"1.0","request":{"headers":{"User-Agent":"Googlebot"}},"message":"x"}')))
    assert path.account.lost() == [("event", "release-version", "releases")]


def test_a_replay_falls_whole() -> None:
    path = relay(releases={"releases": ["1.*"]})
    path.send(envelope(("replay_event", EVENT), ("replay_recording", b'{"segment_id":0}\n[]'), ("session", "{}")))
    assert lost(path) == [("replay_event", "release-version"), ("replay_recording", "release-version")]
    assert path.closes()


def test_records_fall_one_by_one_and_the_account_closes() -> None:
    path = relay(releases={"releases": ["1.*"]}, localhost={"isEnabled": True})
    attributes: list[dict[str, Any]] = [
        {"sentry.release": {"value": "1.0"}},
        {},
        {"sentry.is_localhost": {"value": True}},
        {"sentry.release": {"value": "1.1"}},
    ]
    records = [
        {"timestamp": 1, "trace_id": "a" * 32, "level": "info", "body": "x", "attributes": a} for a in attributes
    ]
    header = '"type":"log","item_count":4,"content_type":"application/vnd.sentry.items.log+json"'
    path.send(envelope((header, json.dumps({"items": records}))))
    assert [(booking.reason.code, dict(booking.quantities).get(23)) for booking in path.account.bookings] == [
        ("release-version", 2), ("localhost", 1)
    ]  # fmt: skip
    assert b'"item_count":1' in path.forwarded
    assert path.closes()


def test_filters_come_before_sampling_and_quotas() -> None:
    config = {
        "filterSettings": {"releases": {"releases": ["1.*"]}},
        "quotas": [{"id": "q", "categories": ["error"], "limit": 1, "window": 60}],
        "scrubjay": {"sampling": [{"id": 3100, "applies": ["error"], "rate": 0, "protect": False}]},
    }
    path = Path(json.dumps({"config": config}))
    for _ in range(3):
        assert path.send(envelope(("event", EVENT))).status == 200
    assert set(lost(path)) == {("event", "release-version")}


def test_a_filter_s_id_is_told_to_the_server() -> None:
    path = relay(own=[{"id": "noise", "loggers": ["x"]}])
    reports = ClientReports()
    path.ports.ledger = Ledger(path.account, reports, strict=True)
    path.send(envelope(("event", '{"logger":"x"}')))
    (due,) = reports.take()
    (payload,) = due.payloads
    assert payload["filtered_events"] == [{"reason": "noise", "category": "error", "quantity": 1}]
    assert payload["discarded_events"] == []
    assert path.account.lost() == [("event", "noise", "noise")]


def test_filters_can_be_switched_off() -> None:
    settings = Settings(filters=Filters(enabled=False))
    path = relay(settings, releases={"releases": ["*"]}, own=[{"id": "noise", "releases": ["*"]}])
    path.send(envelope(("event", EVENT)))
    assert lost(path) == []
