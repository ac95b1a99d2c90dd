"""Plain sampling on the path: what is left, what it weighs, and what the server is told of the rest (`decisions.md` 5.9)."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Ledger
from scrubjay.settings.decisions import Sampling
from scrubjay.settings.schema import Settings
from support.path import KEY, Path, envelope
from support.seeds import HIGH, LOW

FOLDING = Settings(sampling=Sampling(fold_rates=True))


def relay(*rules: dict[str, Any], settings: Settings | None = None, **config: Any) -> tuple[Path, ClientReports]:
    reports = ClientReports()
    project = json.dumps({"config": {"scrubjay": {"sampling": list(rules), "scrub": {"profile": "parity"}}, **config}})
    path = Path(project, settings)
    path.ports.ledger = Ledger(path.account, reports, strict=True)
    return path, reports


def told(reports: ClientReports) -> Counter[tuple[str, str]]:
    """By reason and category, how many the server is told were discarded."""
    counts: Counter[tuple[str, str]] = Counter()
    for due in reports.take():
        for payload in due.payloads:
            assert set(payload) == {"timestamp", "discarded_events"}
            lines = payload["discarded_events"]
            assert isinstance(lines, list)
            for line in lines:
                counts[line["reason"], line["category"]] += line["quantity"]
    return counts


def left(path: Path) -> list[Any]:
    return [json.loads(parcel.body.split(b"\n")[2]) for parcel in path.shelf.parcels]


def weight(event: Any) -> float:
    return float(event["contexts"]["scrubjay_sampling"]["weight"])


def test_first_n_then_a_share_decisions_82() -> None:
    path, reports = relay({"id": 3101, "applies": ["error"], "firstN": {"n": 2, "window": 60, "then": 0.25}})
    for number in range(1, 13):
        path.send(envelope(("event", '{"message":"full"}'), header=json.dumps({"event_id": f"{number:032x}"})))
    assert [weight(event) for event in left(path)] == [1, 1, 4, 4]
    assert [parcel.event_id for parcel in path.shelf.parcels] == [f"{number:032x}" for number in (1, 2, 5, 10)]
    assert told(reports) == {("sample_rate", "error"): 8}
    path.send(envelope(("event", '{"message":"full"}')), received_unix=1_767_607_260.0)
    assert weight(left(path)[-1]) == 1


def test_a_flood_of_new_kinds_decisions_83() -> None:
    path, reports = relay(
        {"id": 3101, "applies": ["error"], "firstN": {"n": 10, "window": 60, "then": 0, "newPerWindow": 600}}
    )
    for number in range(700):
        path.send(envelope(("event", f'{{"fingerprint":["kind {number}"]}}')))
    assert len(path.shelf.parcels) == 600
    assert told(reports) == {("sample_rate", "error"): 100}


def test_fatal_errors_stay_decisions_84() -> None:
    path, reports = relay({"id": 3101, "applies": ["error"], "rate": 0})
    path.send(envelope(("event", '{"level":"fatal"}')))
    assert weight(left(path)[0]) == 1
    assert told(reports) == {}


@pytest.mark.parametrize(("sample_rand", "sample_rate"), [("0.2", "0.25"), ("0.3", None)])
def test_rates_are_folded_decisions_85(sample_rand: str, sample_rate: str | None) -> None:
    path, _ = relay({"id": 3101, "applies": ["transaction"], "rate": 0.5}, settings=FOLDING)
    trace = {"trace_id": HIGH, "public_key": KEY, "sample_rate": "0.5", "sample_rand": sample_rand}
    path.send(envelope(("transaction", "{}"), header=json.dumps({"event_id": LOW, "trace": trace})))
    assert path.closes()
    sent = [json.loads(parcel.body.split(b"\n")[0])["trace"]["sample_rate"] for parcel in path.shelf.parcels]
    assert sent == ([] if sample_rate is None else [sample_rate])


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ({"function": "add_item", "lineno": 3}, {"function": "add_item", "lineno": 99}, 1),
        ({"function": "add_item", "lineno": 3}, {"function": "drop_item", "lineno": 3}, 2),
    ],
)
def test_lines_make_no_kind_decisions_86(first: object, second: object, kept: int) -> None:
    path, _ = relay({"id": 3101, "applies": ["error"], "firstN": {"n": 1, "window": 60, "then": 0}})
    for frame in (first, second):
        error = {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [frame]}}]}}
        path.send(envelope(("event", json.dumps(error))))
    assert len(path.shelf.parcels) == kept


def test_a_transaction_takes_its_spans_and_what_rides_on_it_along() -> None:
    path, reports = relay({"id": 3101, "applies": ["transaction"], "rate": 0})
    spans = json.dumps({"spans": [{}, {}, {}]})
    path.send(
        envelope(("transaction", spans), ("attachment", b"x" * 52), ('"type":"profile","platform":"python"', "{}"))
    )
    assert path.shelf.parcels == []
    assert told(reports) == {
        ("sample_rate", category): quantity
        for category, quantity in {
            "transaction": 1, "span": 4, "attachment": 52, "attachment_item": 1, "profile": 1, "profile_backend": 1,
        }.items()
    }  # fmt: skip


def test_what_is_kept_and_what_is_reported_is_what_came() -> None:
    """In each category that the server counts, over a mixture; the server makes `_indexed` from the others itself."""
    rng = random.Random(7)
    applies = ["error", "transaction", "span", "session", "replay", "profile", "monitor", "feedback"]
    path, reports = relay(
        {
            "id": 1,
            "applies": ["log_item"],
            "condition": {"op": "glob", "name": "log.body", "value": ["*a*"]},
            "rate": 0.2,
        },
        {"id": 2, "applies": ["log_item"], "rate": 0.7},
        {"id": 3, "applies": ["error"], "reservoir": {"size": 3, "window": 60}},
        {"id": 4, "applies": applies, "rate": 0.4, "protect": False},
    )
    kinds: list[tuple[tuple[str, str], ...]] = [
        (("event", '{"message":"full"}'), ("attachment", "text")),
        (('"type":"transaction","span_count":2', '{"spans":[{},{}]}'), ('"type":"profile","platform":"cocoa"', "{}")),
        (("transaction", '{"spans":[{}]}'),),
        (('"type":"span","item_count":2', '{"items":[{"trace_id":"%s"},{"name":"#"}]}' % HIGH),),
        (('"type":"log","item_count":3', '{"items":[{"body":"a#"},{"body":"b#"},{"body":"ab#"}]}'),),
        (("session", "{}"), ("check_in", "{}")),
        (("replay_event", "{}"), ("replay_recording", "{}\n[]")),
        (("feedback", "{}"),),
    ]
    for _ in range(400):
        header = json.dumps({"event_id": f"{rng.getrandbits(128):032x}"})
        items = [(name, payload.replace("#", str(rng.random()))) for name, payload in rng.choice(kinds)]
        path.send(envelope(*items, header=header))
    assert path.closes()
    came: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for counts, quantities in ((came, path.account.came), (kept, [parcel.quantities for parcel in path.shelf.parcels])):
        for part in quantities:
            for category, amount in part:
                counts[category.wire] += amount
    discarded = {category: quantity for (_, category), quantity in told(reports).items()}
    silent = {C.TRANSACTION_INDEXED.wire, C.SPAN_INDEXED.wire, C.PROFILE_INDEXED.wire, C.SESSION.wire}
    assert not silent & set(discarded)
    for category in set(came) - silent:
        assert 0 < kept[category] < came[category], category
        assert kept[category] + discarded[category] == came[category], category
