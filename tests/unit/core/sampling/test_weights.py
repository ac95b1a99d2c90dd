"""How many a kept item stands for, and where that is written (`decisions.md` 5.9)."""

import json
import math

import pytest
from msgspec import Raw

from scrubjay.core.sampling.documents import open_document
from scrubjay.core.sampling.weights import UNWEIGHED, Weight, weigh_event, weigh_headers, weigh_records


def weighed(document: bytes, rate: float = 0.25, rule_id: int = 3100, fingerprint: str = "") -> object:
    members = open_document(document)
    assert members is not None
    written = weigh_event(members, rate, rule_id, fingerprint)
    return None if written is None else json.loads(written)


def context(rate: float, weight: float) -> dict[str, object]:
    return {"type": "scrubjay_sampling", "rate": rate, "weight": weight, "rule": 3100}


# Multiplying


@pytest.mark.parametrize(
    ("before", "rate", "after"),
    [
        (UNWEIGHED, 0.25, Weight(0.25, 4)),
        (UNWEIGHED, 1, Weight(1, 1)),
        (Weight(None, 3), 0.5, Weight(0.5, 6)),
        (Weight(0.5, 2), 0.5, Weight(0.5, 2)),
        (Weight(0.5, 2), 0.8, Weight(0.5, 2)),
        (Weight(0.5, 2), 0.125, Weight(0.125, 8)),
        (Weight(0.5, 6), 0.25, Weight(0.25, 12)),
        (Weight(0.5, 6), 1, Weight(0.5, 6)),
        (Weight(None, 2.0**52), 2.0**-53, Weight(2.0**-53, 2.0**53)),
    ],
)
def test_a_weight_is_multiplied_by_what_this_relay_adds(before: Weight, rate: float, after: Weight) -> None:
    assert before.kept_at(rate) == after


# Events


@pytest.mark.parametrize("contexts", ["", '"contexts":null', '"contexts":{}'])
def test_an_event_gets_a_context(contexts: str) -> None:
    document = weighed(b"{" + contexts.encode() + b"}", fingerprint="b0acdb57ac34e387")
    assert document == {"contexts": {"scrubjay_sampling": context(0.25, 4) | {"fingerprint": "b0acdb57ac34e387"}}}


def test_all_else_keeps_its_bytes() -> None:
    written = weigh_event(
        open_document(b'{ "a": 1.50, "contexts": { "os": {"v": 1e3, "n": "\\u00e9"} }, "z": [ 1, 2 ] }') or {}, 1, 7, ""
    )
    assert written == (
        b'{"a":1.50,"contexts":{"os":{"v": 1e3, "n": "\\u00e9"},"scrubjay_sampling":'
        b'{"type":"scrubjay_sampling","rate":1.0,"weight":1.0,"rule":7}},"z":[ 1, 2 ]}'
    )


def test_older_names_stay() -> None:
    document = weighed(b'{"sentry.interfaces.Contexts":{"os":{}}}')
    assert document == {"sentry.interfaces.Contexts": {"os": {}, "scrubjay_sampling": context(0.25, 4)}}
    document = weighed(b'{"sentry.interfaces.Contexts":{},"contexts":{}}')
    assert document == {"sentry.interfaces.Contexts": {}, "contexts": {"scrubjay_sampling": context(0.25, 4)}}


@pytest.mark.parametrize("contexts", ["[]", '"x"', "5"])
def test_contexts_that_are_none_are_left(contexts: str) -> None:
    assert weighed(b'{"contexts":' + contexts.encode() + b"}") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"weight": 3}, context(0.25, 12)),
        ({"weight": 3, "rate": 0.5}, context(0.25, 6)),
        ({"weight": 3, "rate": 0.1, "rule": 7}, context(0.1, 3)),
        ({"weight": 3, "rate": 0}, context(0.25, 12)),
        ({"weight": 3, "rate": 1.5}, context(0.25, 12)),
        ({"weight": 3, "rate": "x"}, context(0.25, 12)),
        ({"weight": 0.5}, context(0.25, 4)),
        ({"weight": -3}, context(0.25, 4)),
        ({"weight": True}, context(0.25, 4)),
        ({"weight": "3"}, context(0.25, 4)),
        ({"weight": 1e300}, context(0.25, 4)),
        ({"weight": 10**400}, context(0.25, 4)),
        ({"rate": 0.5}, context(0.25, 4)),
        ("x", context(0.25, 4)),
        (None, context(0.25, 4)),
    ],
)
def test_a_weight_from_before(before: object, after: object) -> None:
    document = json.dumps({"contexts": {"scrubjay_sampling": before}}).encode()
    assert weighed(document) == {"contexts": {"scrubjay_sampling": after}}


# Headers


@pytest.mark.parametrize(
    ("headers", "rate", "weight"),
    [
        ({}, 0.25, 4),
        ({"scrubjay_weight": 3}, 0.25, 12),
        ({"scrubjay_weight": 3, "scrubjay_rate": 0.5}, 0.25, 6),
        ({"scrubjay_weight": "3"}, 0.25, 4),
        ({"scrubjay_weight": math.inf}, 0.25, 4),
    ],
)
def test_other_items_bear_it_in_headers(headers: dict[str, object], rate: float, weight: float) -> None:
    assert weigh_headers(headers, rate) == {"scrubjay_weight": weight, "scrubjay_rate": rate}


# Records

RECORDS = [Raw(b'{"body": "a"}'), Raw(b'{"attributes":{"x": {"value":1.0}},"body":"b"}')]


def own(record: Raw) -> object:
    return json.loads(bytes(record))["attributes"]["scrubjay.weight"]


def test_records_of_one_weight_bear_none() -> None:
    assert weigh_records({}, RECORDS, [0.25, 0.25]) == ({"scrubjay_weight": 4, "scrubjay_rate": 0.25}, None)


def test_records_of_several_weights_bear_their_own_and_the_container_their_mean() -> None:
    headers, records = weigh_records({}, RECORDS, [1, 0.25])
    assert headers == {"scrubjay_weight": 2.5}
    assert records == [
        Raw(b'{"body":"a","attributes":{"scrubjay.weight":{"value":1.0,"type":"double"}}}'),
        Raw(b'{"attributes":{"x":{"value":1.0},"scrubjay.weight":{"value":4.0,"type":"double"}},"body":"b"}'),
    ]


def test_records_that_bear_a_weight_have_it_multiplied() -> None:
    _, first = weigh_records({}, RECORDS, [1, 0.25])
    headers, second = weigh_records({"scrubjay_weight": 2.5}, first or [], [0.5, 0.5])
    assert headers == {"scrubjay_weight": 5}
    assert [own(record) for record in second or []] == [{"value": 2, "type": "double"}, {"value": 8, "type": "double"}]


def test_records_of_a_container_that_bears_a_weight() -> None:
    headers, records = weigh_records({"scrubjay_weight": 2, "scrubjay_rate": 0.5}, RECORDS, [1, 0.25])
    assert headers == {"scrubjay_weight": 3, "scrubjay_rate": None}
    assert [own(record) for record in records or []] == [{"value": 2, "type": "double"}, {"value": 4, "type": "double"}]


def test_records_that_cannot_be_written_to_count_in_the_mean() -> None:
    odd = [
        Raw(b"7"),
        Raw(b'{"attributes":[]}'),
        Raw(b'{"attributes":{"scrubjay.weight":5}}'),
        Raw(b'{"attributes":null}'),
    ]
    headers, records = weigh_records({}, odd, [0.5, 0.5, 1, 0.25])
    assert headers == {"scrubjay_weight": 2.25}
    assert records is not None
    assert records[:2] == odd[:2]
    assert [own(record) for record in records[2:]] == [{"value": 1, "type": "double"}, {"value": 4, "type": "double"}]
