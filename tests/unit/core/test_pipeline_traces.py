"""Trace sampling on the path: what leaves, what the account and the server's reports say (`decisions.md` 5.5, 5.6, 0.2)."""

import json
from typing import Any

import pytest
from msgspec import convert

from scrubjay.categories import DataCategory as C
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.envelope import Item, parse_envelope
from scrubjay.core.ledger import Ledger
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings
from support.path import EVENT_ID, KEY, PROGRAMS, Path, Plans, envelope
from support.seeds import HIGH, LOW
from support.trace_rules import config, rule

ROOT_KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
_plans: list[ProjectPlan] = []


def plan_of(*rules: dict[str, Any], settings: Settings | None = None, **members: Any) -> ProjectPlan:
    project = {"config": {"sampling": config(*rules), **members.pop("config", {})}, **members}
    plan = compile_plan(parse_project(json.dumps(project), "x.json"), settings or Settings(), PROGRAMS)
    assert plan.problems == ()
    _plans.append(plan)
    return plan


class Sampling(Path):
    """A relay that samples, with the reports that it would send."""

    def __init__(self, own: ProjectPlan, root: ProjectPlan | None = None) -> None:
        self.reports = ClientReports()
        super().__init__(None, plans=Plans({KEY: own, ROOT_KEY: root}))
        self.ports.ledger = Ledger(self.account, self.reports, strict=True)

    def send_all(self, *items: tuple[str, str | bytes], trace_id: str = HIGH, **trace: object) -> None:
        members = {"event_id": EVENT_ID, "trace": {"trace_id": trace_id, "public_key": KEY, **trace}}
        assert self.send(envelope(*items, header=json.dumps(members))).status == 200

    @property
    def ended(self) -> dict[str, dict[C, int]]:
        """By reason what ended here."""
        found: dict[str, dict[C, int]] = {}
        for booking in self.account.bookings:
            sums = found.setdefault(booking.reason.code, {})
            for category, amount in booking.quantities:
                sums[category] = sums.get(category, 0) + amount
        return found

    @property
    def told(self) -> dict[str, dict[str, int]]:
        """The sampling section of the report, quantities by reason and category."""
        found: dict[str, dict[str, int]] = {}
        for due in self.reports.take():
            for payload in due.payloads:
                assert payload["discarded_events"] == []
                for line in payload["filtered_sampling_events"]:
                    found.setdefault(line["reason"], {})[line["category"]] = line["quantity"]
        return found

    @property
    def left(self) -> list[Item]:
        return [item for parcel in self.shelf.parcels for item in parse_envelope(parcel.body).items]

    @property
    def trace(self) -> object:
        return json.loads(self.forwarded.split(b"\n", 1)[0]).get("trace")


TRANSACTION = json.dumps({"transaction": "/cart", "contexts": {"trace": {"trace_id": LOW}}, "spans": [{}, {}, {}]})


def test_a_dropped_transaction_is_reported_in_what_would_have_been_stored_decisions_76() -> None:
    relay = Sampling(plan_of(rule(3001, 0)))
    relay.send_all(("transaction", TRANSACTION), ("attachment", b"x" * 52))
    lost = {
        C.TRANSACTION: 1,
        C.TRANSACTION_INDEXED: 1,
        C.SPAN: 4,
        C.SPAN_INDEXED: 4,
        C.ATTACHMENT: 52,
        C.ATTACHMENT_ITEM: 1,
    }
    assert relay.ended == {"Sampled:3000": lost}
    assert relay.told == {
        "Sampled:3000": {"transaction_indexed": 1, "span_indexed": 4, "attachment": 52, "attachment_item": 1}
    }
    assert relay.left == []
    assert relay.closes()


def test_its_profile_leaves_alone_and_says_so_decisions_77() -> None:
    relay = Sampling(plan_of(rule(3001, 0)))
    relay.send_all(("transaction", TRANSACTION), ("profile", '{"platform":"python"}'))
    (profile,) = relay.left
    assert (profile.type, profile.headers["sampled"]) == ("profile", False)
    assert C.PROFILE not in relay.ended["Sampled:3000"]
    assert relay.closes()


def test_that_profile_passes_the_next_relay_decisions_81() -> None:
    first, second = (Sampling(plan_of(rule(3001, 0))) for _ in range(2))
    first.send_all(("transaction", TRANSACTION), ("profile", "{}"))
    second.send(first.forwarded)
    assert [item.type for item in second.left] == ["profile"]
    assert second.ended == {}


def test_that_profile_still_obeys_limits_decisions_77() -> None:
    quota = {"categories": ["profile"], "limit": 0, "reasonCode": "no_profiles"}
    relay = Sampling(plan_of(rule(3001, 1, type="project"), config={"quotas": [quota]}))
    relay.send(envelope(("transaction", TRANSACTION), ("profile", "{}")))
    assert [item.type for item in relay.left] == ["transaction"]


def test_errors_stay_decisions_78() -> None:
    relay = Sampling(plan_of(rule(3001, 0), rule(3002, 0, type="project"), rule(3003, 0, type="transaction")))
    relay.send_all(("event", "{}"), ("attachment", b"x"))
    assert [item.type for item in relay.left] == ["event", "attachment"]


@pytest.mark.parametrize(
    ("members", "is_usable"),
    [
        pytest.param({"organizationId": 8}, False, id="decisions-80"),
        ({"organizationId": 7}, True),
        ({}, True),
        ({"disabled": True}, False),
        ({"publicKeys": [{"publicKey": ROOT_KEY, "isEnabled": False}]}, False),
    ],
)  # fmt: skip
def test_contexts_of_projects_that_do_not_count_are_built_anew(members: dict[str, Any], is_usable: bool) -> None:
    relay = Sampling(plan_of(rule(3001, 0.5), organizationId=7), plan_of(rule(3002, 1), **members))
    relay.send_all(("transaction", TRANSACTION), public_key=ROOT_KEY, sample_rate="0.1", sampled=True)
    if is_usable:
        assert relay.trace == {"trace_id": HIGH, "public_key": ROOT_KEY, "sample_rate": "0.1", "sampled": True}
    else:
        assert relay.trace == {"trace_id": LOW, "public_key": KEY, "transaction": "/cart", "sample_rate": "0.1"}


@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_what_scrubbing_takes_from_the_payload_does_not_leave_in_a_context_built_from_it(profile: str) -> None:
    transaction = {**json.loads(TRANSACTION), "user": {"id": "ana.secret"}}
    relay = Sampling(plan_of(rule(3001, 1), config={"scrubjay": {"scrub": {"profile": profile}}}))
    relay.send_all(("transaction", json.dumps(transaction)), public_key=ROOT_KEY)
    assert b"ana.secret" not in relay.forwarded


def test_the_root_decides_for_projects_without_rules() -> None:
    relay = Sampling(plan_of(), plan_of(rule(3002, 0)))
    relay.send_all(("transaction", TRANSACTION), public_key=ROOT_KEY)
    assert set(relay.ended) == {"Sampled:3000"}


def test_without_rules_nothing_is_touched() -> None:
    relay = Sampling(plan_of())
    relay.send_all(("transaction", TRANSACTION), ("profile", "{}"), public_key=ROOT_KEY, sampled="maybe")
    assert [item.type for item in relay.left] == ["transaction", "profile"]
    assert relay.trace == {"trace_id": HIGH, "public_key": ROOT_KEY, "sampled": "maybe"}


def test_spans_and_profiles_that_come_without_what_they_need() -> None:
    relay = Sampling(plan_of(rule(3001, 1)))
    container = '"type":"span","item_count":1,"content_type":"application/vnd.sentry.items.span.v2+json"'
    relay.send(envelope((container, '{"items":[{"trace_id":"x"}]}'), ("profile", "{}")))
    assert relay.ended == {
        "missing_dsc": {C.SPAN: 1, C.SPAN_INDEXED: 1},
        "profiling_invalid_standalone": {C.PROFILE: 1, C.PROFILE_INDEXED: 1},
    }
    assert relay.closes()


def test_what_a_filter_took_is_not_sampled() -> None:
    filters = {"ignoreTransactions": {"isEnabled": True, "patterns": ["/c*"]}}
    relay = Sampling(plan_of(rule(3001, 0), config={"filterSettings": filters}))
    relay.send_all(("transaction", TRANSACTION), ("profile", "{}"))
    assert set(relay.ended) == {"filtered-transaction"}
    assert relay.left == []


def test_filters_of_a_later_version_keep_all_traces() -> None:
    """Whatever they would have taken cannot be known (7.2)."""
    root = plan_of(rule(3002, 0))
    later = {"filterSettings": {"generic": {"version": 2, "filters": []}}}
    for sampling in ({}, {"sampling": config(rule(3001, 0))}):
        project = parse_project(json.dumps({"config": {**later, **sampling}}), "x.json")
        own = compile_plan(project, Settings(), PROGRAMS)
        relay = Sampling(own, root)
        relay.send_all(("transaction", TRANSACTION), public_key=ROOT_KEY)
        assert [item.type for item in relay.left] == ["transaction"]


def test_rates_are_folded_where_it_is_switched_on_decisions_85() -> None:
    settings = convert({"sampling": {"fold_rates": True}}, Settings)
    relay = Sampling(plan_of(rule(3001, 0.5), settings=settings))
    relay.send_all(("transaction", TRANSACTION), sample_rate="0.5", sample_rand="0.2")
    relay.send_all(("transaction", TRANSACTION), sample_rate="0.5", sample_rand="0.3")
    assert relay.trace == {"trace_id": HIGH, "public_key": KEY, "sample_rand": "0.2", "sample_rate": "0.25"}
    assert len(relay.ended) == 1


def test_sampling_can_be_switched_off() -> None:
    relay = Sampling(plan_of(rule(3001, 0), settings=convert({"sampling": {"dynamic": False}}, Settings)))
    relay.send_all(("transaction", TRANSACTION))
    assert [item.type for item in relay.left] == ["transaction"]
