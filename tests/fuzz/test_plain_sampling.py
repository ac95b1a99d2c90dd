"""Plain sampling: counts come back from what was kept, decisions come again, nothing hurts, and what nobody touches keeps its bytes."""

import json
import math
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.sampling.documents import open_document
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.plain import PlainSampling, Ruling, Weighted, compile_plain
from scrubjay.core.sampling.rules import SAMPLED_AS
from support.hostile import SHAPES
from support.items import make_envelope, make_item

NOW = 1_795_339_884.0
PROJECT = 42
INFO = {"op": "eq", "name": "event.level", "value": ["debug", "info"]}
RULES: list[dict[str, Any]] = [
    {"id": 3100, "applies": ["error", "replay"], "condition": INFO, "rate": 0.05},
    {"id": 3101, "applies": ["error", "session"], "reservoir": {"size": 100, "window": 60}},
    {"id": 3102, "applies": ["error", "log_item"], "firstN": {"n": 10, "window": 60, "then": 0.1, "newPerWindow": 600}},
    {"id": 3103, "applies": ["session", "transaction", "span", "replay", "profile", "monitor"], "rate": 0.3},
    {"id": 3104, "applies": ["feedback"], "rate": 0, "protect": False},
]


def compiled(*rules: Mapping[str, object]) -> PlainSampling:
    sampling, _ = compile_plain(rules or RULES)
    assert sampling is not None
    return sampling


def decide(
    sampling: PlainSampling, item: Item, envelope: Envelope, occasions: Occasions, now_unix: float = NOW
) -> tuple[Ruling, ...]:
    examined = sampling.examine(item, envelope, folds=True)
    if examined is None:
        return ()
    assert examined.explained()
    return sampling.rule(item, examined, sampling.settle(examined, occasions, PROJECT, now_unix))


def written(item: Item, ruling: Weighted) -> Item:
    """The item as it reaches the next relay."""
    headers = {name: value for name, value in {**item.headers, **ruling.headers}.items() if value is not None}
    payload = bytes(item.payload) if ruling.payload is None else ruling.payload
    return Item(headers | {"length": len(payload)}, payload)


def weight_in(item: Item) -> float:
    context = json.loads(bytes(item.payload)).get("contexts", {}).get("scrubjay_sampling", {})
    return float(context.get("weight", item.headers.get("scrubjay_weight", 1)))


# Statistics


def test_counts_come_back_from_the_weights() -> None:
    """100,000 events of three levels and fifty kinds in five windows: within four standard deviations, all and each part."""
    rng, sampling, occasions = random.Random(7), compiled(), Occasions()
    came: dict[str, int] = {}
    estimates: dict[str, float] = {}
    variances: dict[str, float] = {}
    payloads = [
        (level, encode_json({"level": level, "message": f"kind {chr(97 + kind % 26)}{kind // 26 * 'x'}"}))
        for level in ("info", "warning", "error")
        for kind in range(50)
    ]
    for number in range(100_000):
        level, payload = rng.choice(payloads)
        item = make_item_cheaply(payload)
        envelope = Envelope({"event_id": f"{rng.getrandbits(128):032x}"}, [item])
        came[level] = came.get(level, 0) + 1
        (ruling,) = decide(sampling, item, envelope, occasions, NOW + number * 3e-3)
        if isinstance(ruling, Weighted):
            assert ruling.payload is not None
            context = json.loads(ruling.payload)["contexts"]["scrubjay_sampling"]
            assert context["weight"] == pytest.approx(1 / context["rate"])
            estimates[level] = estimates.get(level, 0) + context["weight"]
            variances[level] = variances.get(level, 0) + (1 - context["rate"]) / context["rate"] ** 2
    for level, estimate in estimates.items():
        assert abs(estimate - came[level]) <= 4 * math.sqrt(variances[level]), level
    assert abs(sum(estimates.values()) - 100_000) <= 4 * math.sqrt(sum(variances.values()))


def make_item_cheaply(payload: bytes) -> Item:
    return Item({"type": "event", "length": len(payload)}, payload)


def test_records_give_their_count_too() -> None:
    sampling = compiled(
        {
            "id": 1,
            "applies": ["log_item"],
            "condition": {"op": "glob", "name": "log.body", "value": ["*debug*"]},
            "rate": 0.1,
        },
        {"id": 2, "applies": ["log_item"], "rate": 0.5},
    )
    rng, occasions = random.Random(7), Occasions()
    by_header, by_record, came = 0.0, {"debug": 0.0, "plain": 0.0}, 400 * 50
    for _ in range(400):
        words = [rng.choice(("debug", "plain")) for _ in range(50)]
        records = [{"body": f"{word} {rng.random()}", "trace_id": "x", "timestamp": 1} for word in words]
        item = make_item("log", {"items": records}, item_count=50)
        *_, thinned, ruling = decide(sampling, item, make_envelope(item), occasions)
        assert isinstance(thinned, Thinned)
        assert isinstance(ruling, Weighted)
        kept = json.loads(ruling.payload or thinned.payload)["items"]
        weight = ruling.headers["scrubjay_weight"]
        assert isinstance(weight, float)
        by_header += weight * len(kept)
        for record in kept:
            own = record.get("attributes", {}).get("scrubjay.weight", {}).get("value", weight)
            by_record[record["body"].split()[0]] += own
    assert by_header == pytest.approx(sum(by_record.values()))
    assert abs(by_record["debug"] - came / 2) <= 4 * math.sqrt(came / 2 * 9) + 4 * math.sqrt(came / 4)
    assert abs(by_record["plain"] - came / 2) <= 4 * math.sqrt(came / 2 * 1) + 4 * math.sqrt(came / 4)


# Decisions come again

IDS = st.integers(0, 2**128 - 1).map(lambda bits: f"{bits:032x}")
KEYS = st.text(max_size=3) | st.sampled_from(
    [
        "level", "exception", "values", "type", "mechanism", "handled", "stacktrace", "frames", "module", "filename", "abs_path", "function",
        "in_app", "fingerprint", "logger", "logentry", "message", "formatted", "contexts", "trace", "trace_id", "scrubjay_sampling", "weight",
        "rate", "items", "attributes", "body", "timestamp", "scrubjay.weight", "value", "sentry.message.template",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["fatal", "info", "{{ default }}"])
    | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
PAYLOADS = (st.dictionaries(KEYS, VALUES, max_size=6) | VALUES).map(encode_json) | st.binary(max_size=20)
TYPES = st.sampled_from([*SAMPLED_AS, "attachment", "galaxy"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "item_count": st.integers(0, 4) | VALUES,
        "scrubjay_weight": VALUES,
        "scrubjay_rate": VALUES,
    },
)


@given(item_type=TYPES, payload=PAYLOADS, headers=HEADERS, event_id=IDS | st.none(), trace=VALUES)
def test_anything_is_decided_and_decided_again(
    item_type: str, payload: bytes, headers: dict[str, Any], event_id: str | None, trace: object
) -> None:
    item = make_item(item_type, payload, **headers)
    envelope = make_envelope(item, event_id=event_id, trace=trace)
    first = decide(compiled(), item, envelope, Occasions())
    assert first == decide(compiled(), make_item(item_type, payload, **headers), envelope, Occasions())
    for ruling in first:
        if isinstance(ruling, Weighted):
            encode_json(ruling.headers)
            weight = ruling.headers.get("scrubjay_weight", 1)
            assert isinstance(weight, (int, float))
            assert 1 <= weight < math.inf


RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5) | VALUES, min_size=1, max_size=6)


@given(item_type=st.sampled_from(["log", "span"]), records=RECORDS, level=st.sampled_from(["fatal", "info"]))
def test_any_records_are_decided(item_type: str, records: list[Any], level: str) -> None:
    sampling = compiled(
        {"id": 1, "applies": ["log_item"], "reservoir": {"size": 1, "window": 1}},
        {"id": 2, "applies": ["span"], "condition": {"op": "eq", "name": "span.name", "value": "x"}, "rate": 0.2},
        {"id": 3, "applies": ["log_item", "span"], "rate": 0.5},
    )
    records = [{**record, "level": level} if isinstance(record, dict) else record for record in records]
    item = make_item(item_type, encode_json({"items": records}), item_count=len(records))
    left, lost = len(records), 0
    for ruling in decide(sampling, item, make_envelope(item), Occasions()):
        if isinstance(ruling, Dropped):
            left = 0
        elif isinstance(ruling, Thinned):
            left = ruling.item_count
            lost += ruling.dropped[0][1]
            assert len(json.loads(ruling.payload)["items"]) == left
        elif ruling.payload is not None:
            assert len(json.loads(ruling.payload)["items"]) == left
    assert left == 0 or left + lost == len(records)


ONES = st.sampled_from([0.05, 0.25, 0.5, 0.8])


@given(event_id=IDS, rates=st.lists(ONES, min_size=2, max_size=3), item_type=st.sampled_from(["event", "session"]))
def test_relays_in_a_row_weigh_as_the_strictest_of_them(event_id: str, rates: list[float], item_type: str) -> None:
    item = make_item(item_type, {"message": "full"})
    for number, rate in enumerate(rates):
        rule = {"id": number, "applies": ["error", "session"], "rate": rate}
        (ruling,) = decide(compiled(rule), item, make_envelope(item, event_id=event_id), Occasions())
        if isinstance(ruling, Dropped):
            return
        assert isinstance(ruling, Weighted)
        item = written(item, ruling)
    assert weight_in(item) == pytest.approx(1 / min(rates))


# Bytes


@given(
    members=st.dictionaries(KEYS, VALUES, max_size=6), contexts=st.dictionaries(KEYS, VALUES, max_size=4) | st.none()
)
def test_what_nobody_touches_keeps_its_bytes(members: dict[str, Any], contexts: dict[str, Any] | None) -> None:
    spaced = json.dumps(members | {"contexts": contexts}, indent=1).encode()
    item = make_item("event", spaced)
    sampling = compiled({"id": 1, "applies": ["error"], "rate": 0.5})
    (ruling,) = decide(sampling, item, make_envelope(item, event_id=1 * "0" * 31 + "1"), Occasions())
    assert isinstance(ruling, Weighted)
    assert ruling.payload is not None
    before, after = open_document(spaced), open_document(ruling.payload)
    assert before is not None
    assert after is not None
    inner_before, inner_after = open_document(before.pop("contexts")) or {}, open_document(after.pop("contexts"))
    assert after == before
    assert list(after) == list(before)
    assert inner_after is not None
    inner_before.pop("scrubjay_sampling", None)
    assert inner_after.pop("scrubjay_sampling")
    assert inner_after == inner_before


# Floods and hostile payloads


def test_a_flood_of_kinds_is_bounded_and_capped() -> None:
    """A hundred projects with 5,000 kinds each in one window."""
    uncapped = compiled({"id": 1, "applies": ["error"], "firstN": {"n": 10, "window": 60, "then": 0}})
    capped = compiled(
        {"id": 2, "applies": ["error"], "firstN": {"n": 10, "window": 60, "then": 0, "newPerWindow": 600}}
    )
    occasions = Occasions()
    kept = 0
    for number in range(60_000):
        item = make_item_cheaply(b'{"fingerprint":["%d"]}' % number)
        envelope = Envelope({}, [item])
        for sampling in (uncapped, capped):
            examined = sampling.examine(item, envelope)
            assert examined is not None
            (ruling,) = sampling.rule(item, examined, sampling.settle(examined, occasions, number % 10, NOW))
            kept += sampling is capped and isinstance(ruling, Weighted)
    assert kept == 600 * 10
    assert occasions.remembered <= 100_000


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("item_type", ["event", "log", "span", "transaction", "feedback"])
def test_payloads_made_to_hurt(shape: str, item_type: str) -> None:
    payload = SHAPES[shape](200_000)
    for headers in ({}, {"item_count": 1}):
        item = make_item(item_type, payload, **headers)
        decide(compiled(), item, make_envelope(item, event_id="0" * 32), Occasions())
