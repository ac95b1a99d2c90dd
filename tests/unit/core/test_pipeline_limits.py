"""What limits make of whole envelopes: the answer, what leaves, and what is reported (`decisions.md` 2.6, 3.5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import total
from scrubjay.core.limits import Scoping, parse_rate_limits
from scrubjay.outcomes import Section
from scrubjay.settings.decisions import Compat
from scrubjay.settings.schema import Settings
from support.path import KEY, Path, envelope

EVENT = ("event", "{}")
SPAN = ('"type":"span"', "{}")
ATTACHMENT = ('"type":"attachment","filename":"a"', "0123456789")
MINIDUMP = ('"type":"attachment","attachment_type":"event.minidump"', "0123456789")
LOG = ('"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json"', '{"items":[{}]}')
Items = tuple[tuple[str, str], ...]


def opened(
    limits: str = "",
    quotas: Sequence[object] = (),
    ours: Sequence[object] = (),
    quirks: bool = False,
) -> Path:
    """A relay of one project. `limits` are in force for its key; `quotas` in the reference's form, `ours` in the extended one."""
    project = {
        "projectId": 7,
        "organizationId": 42,
        "publicKeys": [{"publicKey": KEY, "numericId": 17}],
        "config": {"quotas": quotas, "scrubjay": {"quotas": ours, "scrub": {"opaque": "forward"}}},
    }
    path = Path(json.dumps(project), Settings(compat=Compat(reference_quirks=quirks)))
    path.ports.limits.learn(Scoping(KEY, 7, 42, 17), parse_rate_limits(limits, 1000.0), 1000.0)
    return path


def kept(path: Path) -> list[str]:
    return [item.type for parcel in path.shelf.parcels for item in parse_envelope(parcel.body).items]


def reported(path: Path) -> dict[str, dict[str, int]]:
    """What the server is told: quantities by reason."""
    sums: dict[str, dict[str, int]] = {}
    by_reason: dict[str, list[Any]] = {}
    for booking in path.account.bookings:
        if booking.reason.section is Section.RATE_LIMITED:
            by_reason.setdefault(booking.reason.code, []).append(booking.quantities)
    for code, parts in by_reason.items():
        sums[code] = {category.wire: amount for category, amount in total(parts)}
    return sums


@dataclass(frozen=True)
class Case:
    """`limits` are those in force, in the form of the header; `told` is the header of the answer."""

    name: str
    limits: str
    items: Items
    kept: list[str]
    reported: dict[str, dict[str, int]] = field(default_factory=dict)
    status: int = 429
    told: str | None = None


SAYS_NOTHING = {"decisions-32", "decisions-33"}
"""The next crash report must come too."""
LOST_PROFILE = {"profile": 1, "profile_indexed": 1}
CASES = [
    Case(
        "decisions-29",
        "60:error:key:e",
        (EVENT, ATTACHMENT),
        [],
        {"e": {"error": 1, "attachment": 10, "attachment_item": 1}},
        told="60:error:key:e",
    ),
    Case(
        "decisions-30",
        "60:attachment:key:a",
        (EVENT, ATTACHMENT),
        ["event"],
        {"a": {"attachment": 10, "attachment_item": 1}},
        told="60:attachment:key:a",
    ),
    Case(
        "decisions-32",
        "60:attachment:key:a",
        (MINIDUMP,),
        ["attachment"],
        {"a": {"attachment": 10, "attachment_item": 1}},
        status=200,
    ),
    Case(
        "decisions-33",
        "60:attachment;attachment_item;session;transaction:key",
        ((MINIDUMP[0] + ',"rate_limited":true', MINIDUMP[1]),),
        ["attachment"],
        status=200,
    ),
    Case(
        "decisions-34",
        "60:attachment:key:a",
        (MINIDUMP, ATTACHMENT),
        ["attachment"],
        {"a": {"attachment": 20, "attachment_item": 2}},
        told="60:attachment:key:a",
    ),
    Case("decisions-35", "60:session:key", (EVENT, ("session", "{}")), ["event"], {"": {"session": 1}}),
    Case(
        "decisions-36",
        "60:transaction:key",
        (("transaction", "{}"), ("profile", "{}")),
        [],
        {"": {"transaction": 1, "transaction_indexed": 1, "span": 1, "span_indexed": 1} | LOST_PROFILE},
        told="60:transaction;span:key",
    ),
    Case("decisions-37", "60:transaction:key", (("profile", "{}"),), [], {"": LOST_PROFILE}),
    Case("decisions-38", "60:transaction_indexed:key", (("transaction", "{}"),), ["transaction"], status=200),
    Case("decisions-39", "60:transaction:key", (SPAN, SPAN), [], {"": {"span": 2, "span_indexed": 2}}),
    Case(
        "decisions-40",
        "60:profile_chunk_ui:key",
        (
            ('"type":"profile_chunk","platform":"python"', "{}"),
            ('"type":"profile_chunk","platform":"javascript"', "{}"),
        ),
        ["profile_chunk"],
        {"": {"profile_chunk_ui": 1}},
    ),
    Case(
        "decisions-41",
        "60:log_byte:key",
        (("log", "0123456789"), ("log", "0123456789")),
        [],
        {"": {"log_item": 2, "log_byte": 20}},
    ),
    Case("decisions-42", "60:feedback:key", (("user_report", "{}"),), [], {"": {"feedback": 1}}),
    Case("decisions-43", "60::key", (("galaxy", "x"),), ["galaxy"], status=200),
    Case(
        "decisions-44",
        "10:error:key:a,50:error:project:b",
        (EVENT,),
        [],
        {"b": {"error": 1}},
        told="50:error:project:b, 10:error:key:a",
    ),
    Case("decisions-9", "60::key", (("client_report", "{}"),), ["client_report"], status=200, told="60::key"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_limits_in_force(case: Case) -> None:
    path = opened(case.limits)
    answer = path.send(envelope(*case.items))
    assert (answer.status, kept(path)) == (case.status, case.kept)
    assert reported(path) == case.reported
    assert path.closes()
    if case.told is not None or case.name in SAYS_NOTHING:
        assert answer.rate_limits == case.told
    waits = max(int(piece.partition(":")[0]) for piece in case.limits.split(","))
    assert answer.retry_after_s == (waits if case.status == 429 else None)


def test_the_endpoint_of_crash_clients_hides_limits_decisions_34() -> None:
    path = opened("60:attachment:key:a")
    answer = path.send(envelope(MINIDUMP, ATTACHMENT), hides_limits=True)
    assert (answer.status, answer.rate_limits, answer.retry_after_s) == (200, None, None)
    assert kept(path) == ["attachment"]


def test_the_mark_of_a_crash_report_travels_decisions_32() -> None:
    path = opened("60:attachment:key:a")
    path.send(envelope(MINIDUMP))
    (item,) = parse_envelope(path.forwarded).items
    assert item.headers["rate_limited"] is True


def test_a_quota_that_allows_nothing_decisions_10() -> None:
    path = opened(quotas=[{"limit": 0, "reasonCode": "off"}])
    answer = path.send(envelope(EVENT, LOG))
    assert (answer.status, answer.rate_limits, kept(path)) == (429, "60::organization:off", [])


@pytest.mark.parametrize(
    ("header", "payload", "spans"),
    [("", '{"spans":[{},{}]}', 3), (',"span_count":666', '{"spans":[]}', 667)],
    ids=["decisions-12", "decisions-13"],
)
def test_spans_of_a_transaction_are_reported(header: str, payload: str, spans: int) -> None:
    path = opened(quotas=[{"limit": 0, "categories": ["transaction"], "reasonCode": "r"}])
    assert path.send(envelope((f'"type":"transaction"{header}', payload))).status == 429
    assert reported(path) == {"r": {"transaction": 1, "transaction_indexed": 1, "span": spans, "span_indexed": spans}}
    assert path.closes()


def quota(**members: object) -> dict[str, object]:
    return {"id": "q", "window": 60} | members


def test_the_request_that_trips_a_quota_is_told_decisions_31() -> None:
    path = opened(quotas=[quota(categories=["error"], limit=1)])
    answers = [path.send(envelope(EVENT)) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    assert [(stage, code) for stage, code in ((b.stage, b.reason.code) for b in path.account.bookings)] == [
        ("limit", ""),
        ("gate", ""),
    ]


def test_nobody_waits_longer_than_the_cap_decisions_23() -> None:
    path = opened(quotas=[quota(categories=["error"], limit=1, window=86_400)])
    path.send(envelope(EVENT))
    assert path.send(envelope(EVENT)).retry_after_s == 300
    assert path.send(envelope(EVENT), now_mono=1301.0, received_unix=1_767_607_501.0).retry_after_s == 300


def test_a_batch_falls_whole_and_single_ones_still_fit_decisions_18() -> None:
    path = opened(quotas=[quota(categories=["log_item"], limit=10)])

    def logs(count: int) -> int:
        records = ",".join(["{}"] * count)
        header = LOG[0].replace('"item_count":1', f'"item_count":{count}')
        path.ports.limits.expire(float("inf"))  # as another relay would, which has not learnt of the refusal
        return path.send(envelope((header, f'{{"items":[{records}]}}'))).status

    assert [logs(count) for count in (8, 5, 1, 1, 1)] == [200, 429, 200, 200, 429]


def test_groups_are_refused_in_silence_decisions_25() -> None:
    """429 without a limit would stop the client for everything."""
    grouped = quota(
        categories=["monitor"], limit=9, groupBy={"maxCardinality": 2, "dimensions": ["checkInSlug"]}, reasonCode="r"
    )
    path = opened(quotas=[grouped])
    answers = [path.send(envelope(("check_in", f'{{"monitor_slug":"{slug}"}}'))) for slug in "abca"]
    assert [(answer.status, answer.rate_limits) for answer in answers] == [(200, None)] * 4
    assert len(kept(path)) == 3
    assert reported(path) == {"r": {"monitor": 1}}
    assert len(path.ports.limits) == 0


def test_quotas_by_release_decisions_121() -> None:
    grouping = {"maxCardinality": 2, "dimensions": ["release"], "overflow": "shared"}
    ours = quota(categories=["error"], limit=1, groupBy=grouping)
    path = opened(ours=[ours])
    for release in ("r1", "r2", "r3", "r4"):
        path.send(envelope(("event", f'{{"release":"{release}"}}')))
    assert len(kept(path)) == 3
    assert path.account.lost() == [("event", "", "q")]


def test_records_beyond_a_quota_leave_their_container() -> None:
    noise = {"op": "eq", "name": "log.body", "value": "noise"}
    ours = quota(categories=["log_item"], limit=1, condition=noise, reasonCode="noise")
    path = opened(ours=[ours])
    bodies = ["noise", "news", "noise", "noise"]
    payload = json.dumps({"items": [{"body": body} for body in bodies]})
    header = LOG[0].replace('"item_count":1', '"item_count":4')
    assert path.send(envelope((header, payload))).status == 200
    (item,) = parse_envelope(path.forwarded).items
    assert json.loads(bytes(item.payload)) == {"items": [{"body": "news"}]}
    assert item.headers["item_count"] == 1
    assert reported(path)["noise"]["log_item"] == 3
    assert path.closes()


def test_watched_quotas_are_counted_and_take_nothing() -> None:
    path = opened(ours=[quota(categories=["error"], limit=1, action="observe")])
    assert [path.send(envelope(EVENT)).status for _ in range(3)] == [200, 200, 200]
    assert path.account.excess == [("q", "error", 1, 1)] * 2


def test_metric_buckets_decisions_27() -> None:
    spans = quota(categories=["metric_bucket"], namespace="spans", limit=0, reasonCode="cut")
    path = opened(quotas=[spans])
    buckets = json.dumps([{"name": name} for name in ("c:spans/a@none", "c:sessions/b@none")])
    answer = path.send(envelope(("metric_buckets", buckets), EVENT))
    assert (answer.status, answer.rate_limits) == (429, "60:metric_bucket:organization:cut:spans")
    assert kept(path) == ["metric_buckets", "event"]
    assert reported(path) == {"cut": {"metric_bucket": 1}}
    assert path.closes()
    assert path.send(envelope(("metric_buckets", '[{"name":"c:spans/a@none"}]'))).status == 429
    assert path.closes()


def test_what_the_reference_does_by_mistake() -> None:
    """Q1 and Q11 (`decisions.md` 12)."""
    for quirks, left in ((False, []), (True, ["sessions"])):
        path = opened("60:session:key", quirks=quirks)
        assert path.send(envelope(("sessions", "{}"))).status == 429
        assert kept(path) == left
    riders: Items = (EVENT, ("user_report", "{}"), ("replay_event", "{}"))
    for quirks, told in ((False, {"error": 1, "feedback": 1, "replay": 1}), (True, {"error": 1})):
        path = opened("60:error:key", quirks=quirks)
        path.send(envelope(*riders))
        assert reported(path) == {"": told}
        assert path.closes()
