"""Records of containers under plain sampling: each is decided and weighed (`decisions.md` 5.9)."""

import json

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Thinned
from scrubjay.core.sampling.plain import Weighted
from support.items import make_envelope, make_item
from support.plain_sampling import DROPPED, TRACE, UNWEIGHED, fate, logs, plain
from support.seeds import HIGH, LOW


def spans(*traces: object) -> Item:
    records = [{"trace_id": trace, "span_id": str(number)} for number, trace in enumerate(traces)]
    return make_item("span", {"items": records}, item_count=len(records))


def test_the_context_decides_on_all_spans() -> None:
    sampling = plain({"applies": ["span"], "rate": 0.01})
    kept = (Weighted(None, {"scrubjay_weight": 100.0, "scrubjay_rate": 0.01}, kept={3100: 2}),)
    assert fate(sampling, spans(HIGH, HIGH), trace=TRACE) == kept
    assert fate(sampling, spans(LOW, LOW), trace=TRACE | {"trace_id": HIGH}) == DROPPED


def test_without_a_context_each_span_follows_its_trace() -> None:
    sampling = plain({"applies": ["span"], "rate": 0.01})
    thinned, weighted = fate(sampling, spans(HIGH, LOW, HIGH))
    assert isinstance(thinned, Thinned)
    assert json.loads(thinned.payload) == {"items": [{"trace_id": LOW, "span_id": "1"}]}
    assert thinned.dropped == ((C.SPAN, 2), (C.SPAN_INDEXED, 2))
    assert thinned.item_count == 1
    assert weighted == Weighted(None, {"scrubjay_weight": 100.0, "scrubjay_rate": 0.01}, kept={3100: 1})


def bodied(word: str) -> dict[str, object]:
    return {"op": "glob", "name": "log.body", "value": [f"*{word}*"]}


MIXED = plain(
    {"applies": ["log_item"], "condition": bodied("noise"), "rate": 0},
    {"applies": ["log_item"], "condition": bodied("tick"), "rate": 0},
    {"applies": ["log_item"], "condition": bodied("keep"), "rate": 1},
    {"applies": ["log_item"], "rate": 0.5},
)


def test_each_rule_answers_for_the_records_that_it_takes() -> None:
    first, second, weighted = fate(
        MIXED, logs({"body": "noise"}, {"body": "tick"}, {"body": "keep"}, {"body": "noise"})
    )
    assert isinstance(first, Thinned)
    assert (first.origin, first.item_count, first.dropped[0]) == ("3100", 2, (C.LOG_ITEM, 2))
    assert isinstance(second, Thinned)
    assert (second.origin, second.item_count, second.dropped[0]) == ("3101", 1, (C.LOG_ITEM, 1))
    assert json.loads(second.payload) == {"items": [{"body": "keep"}]}
    assert weighted == Weighted(None, UNWEIGHED.headers)


def test_records_of_different_weight_bear_their_own() -> None:
    records = [{"body": f"line {number}"} for number in range(20)]
    *_, weighted = fate(MIXED, logs({"body": "keep"}, *records))
    assert isinstance(weighted, Weighted)
    assert weighted.payload is not None
    kept = json.loads(weighted.payload)["items"]
    weights = [record["attributes"]["scrubjay.weight"]["value"] for record in kept]
    assert weights == [1, *[2] * (len(kept) - 1)]
    assert 4 < len(kept) < 18
    assert weighted.kept == {3103: len(kept) - 1}
    assert weighted.headers == {"scrubjay_weight": sum(weights) / len(kept)}


def test_fatal_logs_are_kept_decisions_84() -> None:
    sampling = plain({"applies": ["log_item"], "rate": 0})
    item = logs({"level": "fatal"}, {"level": "info"}, 7)
    thinned, weighted = fate(sampling, item)
    assert isinstance(thinned, Thinned)
    assert json.loads(thinned.payload) == {"items": [{"level": "fatal"}]}
    assert weighted == UNWEIGHED
    assert fate(plain({"applies": ["log_item"], "rate": 0, "protect": False}), item) == DROPPED


def test_first_logs_of_a_kind_are_kept() -> None:
    sampling = plain({"applies": ["log_item"], "firstN": {"n": 1, "window": 60, "then": 0}})
    thinned, _ = fate(sampling, logs({"body": "took 5 ms"}, {"body": "took 7 ms"}, {"body": "done"}))
    assert isinstance(thinned, Thinned)
    assert json.loads(thinned.payload) == {"items": [{"body": "took 5 ms"}, {"body": "done"}]}


@pytest.mark.parametrize(
    "item",
    [
        make_item("log", {"items": [{}]}),
        make_item("log", {"items": [{}]}, item_count=2),
        make_item("log", b"junk", item_count=1),
        make_item("span", {"items": 5}, item_count=1),
    ],
)
def test_a_container_that_cannot_be_opened_stays(item: Item) -> None:
    assert fate(plain({"applies": ["log_item", "span"], "rate": 0}), item) == ()


def test_records_that_no_rule_is_about_stay() -> None:
    sampling = plain({"applies": ["log_item"], "condition": bodied("noise"), "rate": 0})
    assert fate(sampling, logs({"body": "fine"})) == ()
    item = logs({"body": "fine"}, {"body": "noise"})
    envelope = make_envelope(item)
    examined = sampling.examine(item, envelope)
    assert examined is not None
    assert examined.explained().startswith("record 1: no rule; record 2: rule 3100: rate 0; number 0.")


def test_records_that_stay_keep_their_bytes() -> None:
    body = b'{"body": "keep \\u00e9", "n": 1.00}'
    item = make_item("log", b'{"items": [' + body + b',{"body":"noise"}]}', item_count=2)
    thinned, *_ = fate(MIXED, item)
    assert isinstance(thinned, Thinned)
    assert thinned.payload == b'{"items":[' + body + b"]}"
