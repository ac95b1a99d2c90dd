"""Client reports on the path: passed on as they came, or taken out and their counts taken over."""

from __future__ import annotations

import json

import pytest

from scrubjay.core.client_reports import ClientReports
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Ledger
from scrubjay.core.limits import ActiveLimit, Scoping
from support.path import EVENT_ID, KEY, Path, envelope

NOW = 1_767_607_200
REPORT = {
    "timestamp": NOW - 15,
    "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 2}],
    "rate_limited_events": [{"reason": "slow", "category": "replay", "quantity": 1}],
}
DROPS_DEBUG = "config: {scrubjay: {sampling: [{id: 3100, applies: [error], rate: 0, protect: false}]}}"


def item(report: object) -> tuple[str, str]:
    return "client_report", json.dumps(report)


def merging(project: str = "config: {}") -> tuple[Path, ClientReports]:
    reports = ClientReports()
    return Path(project, reports=reports), reports


def told(reports: ClientReports) -> list[dict[str, object]]:
    return [payload for due in reports.take() for payload in due.payloads]


def test_as_they_came_unless_told_otherwise() -> None:
    path = Path("config: {scrubjay: {scrub: {profile: parity}}}")
    body = envelope(item({"discarded_events": "none"}), item(REPORT))
    assert path.send(body).status == 200
    assert path.forwarded.partition(b"\n")[2] == body.partition(b"\n")[2]
    assert path.closes()


def test_no_limit_takes_them_decisions_9() -> None:
    path = Path()
    path.ports.limits.learn(Scoping(KEY, 7), [ActiveLimit("key", frozenset(), 2000.0)], 1000.0)
    assert path.send(envelope(item(REPORT))).status == 200
    assert json.loads(bytes(parse_envelope(path.forwarded).items[0].payload)) == REPORT


def test_merged_ones_end_once_and_their_counts_are_ours_decisions_114() -> None:
    path, reports = merging()
    assert path.send(envelope(item(REPORT), ("session", '{"sid":"a"}'))).status == 200
    assert [one.type for one in parse_envelope(path.forwarded).items] == ["session"]
    assert path.account.lost() == [("client_report", "merged", "")]
    assert path.closes()
    assert told(reports) == [
        {
            "timestamp": NOW - 20,
            "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 2}],
            "rate_limited_events": [{"reason": "slow", "category": "replay", "quantity": 1}],
        }
    ]


def test_own_drops_and_reports_of_the_same_slot_are_one_report_decisions_114() -> None:
    reports = ClientReports()
    path = Path(DROPS_DEBUG, reports=reports)
    path.ports.ledger = Ledger(path.account, reports, strict=True)
    event = json.dumps({"event_id": EVENT_ID, "level": "error"})
    own = {"timestamp": NOW + 5, "discarded_events": [{"reason": "sample_rate", "category": "error", "quantity": 4}]}
    path.send(envelope(("event", event), item(own)))
    assert told(reports) == [
        {"timestamp": NOW, "discarded_events": [{"reason": "sample_rate", "category": "error", "quantity": 5}]}
    ]
    assert path.shelf.parcels == []
    assert path.closes()


def test_what_is_no_report_goes_and_the_answer_is_the_same_decisions_111() -> None:
    path, reports = merging()
    assert path.send(envelope(item({"timestamp": NOW}), item(REPORT))).status == 200
    assert [reason for _, reason, _ in path.account.lost()] == ["invalid_client_report", "merged"]
    assert len(told(reports)) == 1
    assert path.closes()


def test_categories_of_a_later_protocol_travel_on() -> None:
    path, reports = merging()
    strange = {"timestamp": NOW, "discarded_events": [{"reason": "r", "category": "dreams", "quantity": 1}]}
    path.send(envelope(item(strange), item(REPORT)))
    assert [json.loads(bytes(one.payload)) for one in parse_envelope(path.forwarded).items] == [strange]
    assert len(told(reports)) == 1
    assert path.closes()


@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_their_texts_are_scrubbed_before_they_are_merged(profile: str) -> None:
    project = f"config: {{scrubjay: {{scrub: {{profile: {profile}}}}}}}"
    path, reports = merging(project)
    line = {"reason": "mail to ana@lab.example", "category": "error", "quantity": 1}
    passing = Path(project)
    body = envelope(item({"timestamp": NOW, "discarded_events": [line]}))
    passing.send(body)
    path.send(body)
    (payload,) = told(reports)
    sent = json.loads(bytes(parse_envelope(passing.forwarded).items[0].payload))
    assert payload["discarded_events"] == sent["discarded_events"]
    if profile == "strict":
        assert "ana@" not in json.dumps(payload)
