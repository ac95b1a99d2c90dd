"""Sampling by fixed rates, and the number that decides (`decisions.md` 5.4, 5.9)."""

import json
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay import reasons
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.sampling.fixed_rates import Sampling, SamplingRule, compile_sampling
from scrubjay.core.sampling.unit import unit_interval
from scrubjay.errors import ConfigError
from scrubjay.reasons import DataCategory as C
from support.corpus import Recorded, recorded
from support.items import make_item
from support.seeds import HIGH, LOW, ROWS

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"


def sampling(applies: str, rate: float, **more: object) -> Sampling:
    compiled, problems = compile_sampling([{"id": 3100, "applies": [applies], "rate": rate, **more}])
    assert problems == []
    assert compiled is not None
    return compiled


DROPPED = Dropped(reasons.SAMPLE_RATE, "3100")


def test_hash_of_a_payload() -> None:
    payload = b'{"body":"disk full","level":"warn"}'
    assert blake2b(payload, digest_size=16).hexdigest() == "4d9dec3b47ff385caa219e86c3e87f28"
    item = make_item("session", payload)
    assert unit_interval("4d9dec3b47ff385caa219e86c3e87f28") == 0.5161871925681303
    assert sampling("session", 0.516).decide(item, {}) == DROPPED
    assert sampling("session", 0.517).decide(item, {}) is None


# Whose id decides


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_traces_decide_on_transactions_decisions_67(rate: float) -> None:
    eleven, sixteen = ROWS[10][0], ROWS[15][0]
    rule = sampling("transaction", rate)
    item = make_item("transaction", {"spans": []})
    assert rule.decide(item, {"trace": {"trace_id": eleven, "public_key": KEY}, "event_id": HIGH}) is None
    expected = DROPPED if rate == 0.25 else None
    assert rule.decide(item, {"trace": {"trace_id": sixteen, "public_key": KEY}, "event_id": LOW}) == expected


def test_rates_0_and_1_decide_alone_decisions_68() -> None:
    assert sampling("error", 0).decide(make_item("event"), {"event_id": LOW}) == DROPPED
    assert sampling("error", 1).decide(make_item("event"), {"event_id": HIGH}) is None


def test_spelling_of_an_id_does_not_matter_decisions_68() -> None:
    dashed = f"{LOW[:8]}-{LOW[8:12]}-{LOW[12:16]}-{LOW[16:20]}-{LOW[20:]}".upper()
    assert sampling("error", 0.01).decide(make_item("event"), {"event_id": dashed}) is None


TRACE = {"trace_id": LOW, "public_key": KEY}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"trace": None},
        {"trace": {}},
        {"trace": {"trace_id": 5}},
        {"trace": {"trace_id": "g" * 32}},
        {"event_id": HIGH},
    ],
)
def test_without_a_context_the_payload_names_the_trace(headers: dict[str, object]) -> None:
    rule = sampling("transaction", 0.01)
    assert rule.decide(make_item("transaction", {"contexts": {"trace": {"trace_id": LOW}}}), headers) is None
    assert rule.decide(make_item("transaction", {"contexts": {"trace": {"trace_id": HIGH}}}), headers) == DROPPED


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"contexts": None},
        {"contexts": {"trace": None}},
        {"contexts": {"trace": {}}},
        {"contexts": {"trace": {"trace_id": 7}}},
        b"junk",
    ],
)
def test_without_any_trace_the_payload_itself_decides(payload: object) -> None:
    item = make_item("transaction", payload)
    number = unit_interval(blake2b(item.payload, digest_size=16).hexdigest())
    assert sampling("transaction", number).decide(item, {}) == DROPPED
    assert sampling("transaction", number + 1e-9).decide(item, {}) is None


@pytest.mark.parametrize(
    "item_type",
    [
        "event",
        "feedback",
        "user_report",
        "session",
        "sessions",
        "replay_event",
        "replay_recording",
        "profile",
        "check_in",
    ],
)
def test_the_event_id_decides_on_all_else(item_type: str) -> None:
    rules, _ = compile_sampling(
        [
            {
                "id": 3100,
                "applies": ["error", "feedback", "session", "replay", "profile", "monitor"],
                "rate": 0.01,
                "protect": False,
            }
        ]
    )
    item = make_item(item_type)
    assert rules.decide(item, {"event_id": LOW}) is None
    assert rules.decide(item, {"event_id": HIGH, "trace": TRACE}) == DROPPED


@pytest.mark.parametrize(
    "item_type", ["attachment", "client_report", "trace_metric", "galaxy", "security", "transaction"]
)
def test_what_no_rule_is_about_stays(item_type: str) -> None:
    assert sampling("error", 0).decide(make_item(item_type), {"event_id": HIGH}) is None


def test_the_first_rule_counts() -> None:
    rules, problems = compile_sampling(
        [
            {"id": 3100, "applies": ["error"], "rate": 1.0},
            {"id": 3101, "applies": ["error", "session"], "rate": 0},
        ]
    )
    assert rules.decide(make_item("event"), {"event_id": HIGH}) is None
    assert rules.decide(make_item("session"), {}) == Dropped(reasons.SAMPLE_RATE, "3101")
    assert problems == ["config.scrubjay.sampling: rule 3101 never decides on error, rule 3100 comes first"]
    assert repr(rules) == "<Sampling error 1, session 0>"


# Spans


def spans(*traces: object) -> dict[str, object]:
    return {"items": [{"trace_id": trace, "span_id": str(number)} for number, trace in enumerate(traces)]}


def test_the_context_decides_on_all_spans() -> None:
    rule = sampling("span", 0.01)
    container = make_item("span", spans(HIGH, HIGH), item_count=2)
    assert rule.decide(container, {"trace": TRACE}) is None
    assert rule.decide(container, {"trace": TRACE | {"trace_id": HIGH}}) == DROPPED


def test_without_a_context_each_span_follows_its_trace() -> None:
    rule = sampling("span", 0.01)
    ruling = rule.decide(make_item("span", spans(HIGH, LOW, HIGH), item_count=3), {})
    assert isinstance(ruling, Thinned)
    assert json.loads(ruling.payload) == {"items": [{"trace_id": LOW, "span_id": "1"}]}
    assert ruling.dropped == ((C.SPAN, 2), (C.SPAN_INDEXED, 2))
    assert rule.decide(make_item("span", spans(HIGH, HIGH), item_count=2), {}) == DROPPED
    assert rule.decide(make_item("span", spans(LOW, LOW), item_count=2), {}) is None


def test_a_single_span_follows_its_trace() -> None:
    rule = sampling("span", 0.01)
    assert rule.decide(make_item("span", {"trace_id": LOW}), {}) is None
    assert rule.decide(make_item("span", {"trace_id": HIGH}), {}) == DROPPED


@pytest.mark.parametrize("payload", [{}, {"trace_id": 5}, b"junk"])
def test_a_span_without_a_trace_decides_itself(payload: object) -> None:
    item = make_item("span", payload)
    number = unit_interval(blake2b(item.payload, digest_size=16).hexdigest())
    assert sampling("span", number).decide(item, {}) == DROPPED
    assert sampling("span", number + 1e-9).decide(item, {}) is None


# Logs


def seed_of_log(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


def test_records_of_logs_are_decided_one_by_one() -> None:
    records = [{"trace_id": LOW, "timestamp": 1795339884.25 + number, "body": f"día {number}"} for number in range(200)]
    payload = json.dumps({"version": 2, "items": records}).encode()
    ruling = sampling("log_item", 0.3).decide(make_item("log", payload, item_count=200), {"trace": TRACE})
    assert isinstance(ruling, Thinned)
    expected = [
        record
        for record in records
        if unit_interval(seed_of_log(LOW.encode(), str(record["timestamp"]).encode(), record["body"].encode())) < 0.3
    ]
    assert json.loads(ruling.payload) == {"version": 2, "items": expected}
    assert 30 < ruling.item_count == len(expected) < 90
    assert dict(ruling.dropped) == {C.LOG_ITEM: 200 - len(expected), C.LOG_BYTE: len(payload) - len(ruling.payload)}


@pytest.mark.parametrize(
    ("record", "seed"),
    [
        (b"{}", seed_of_log(b"", b"", b"")),
        (b'{"body":{"a":1},"timestamp":"2026"}', seed_of_log(b"", b"2026", b'{"a":1}')),
        (b'{"timestamp":1.50,"trace_id":null}', seed_of_log(b"null", b"1.50", b"")),
        (b"7", blake2b(b"7", digest_size=16).hexdigest()),
    ],
)
def test_odd_records(record: bytes, seed: str) -> None:
    item = make_item("log", b'{"items":[' + record + b"]}", item_count=1)
    number = unit_interval(seed)
    assert sampling("log_item", number).decide(item, {}) == DROPPED
    assert sampling("log_item", number + 1e-9).decide(item, {}) is None


def test_a_broken_container_is_left_to_others() -> None:
    assert sampling("log_item", 0).decide(make_item("log", b"junk", item_count=1), {}) is None


# Everything


EVERYTHING = ["error", "feedback", "log_item", "transaction", "span", "session", "replay", "profile", "monitor"]


@pytest.mark.parametrize("request_", recorded("envelope"), ids=str)
def test_recorded_envelopes_lose_what_the_ruling_says(request_: Recorded) -> None:
    rules, _ = compile_sampling([{"id": 3100, "applies": EVERYTHING, "rate": 0.5}])
    envelope = parse_envelope(request_.body)
    for item in envelope.items:
        classify(item)
        ruling = rules.decide(item, envelope.headers)
        assert ruling == rules.decide(item, envelope.headers)
        if isinstance(ruling, Thinned):
            before = dict(item.kind.quantities(item))
            item.replace(ruling.payload)
            item.headers["item_count"] = ruling.item_count
            after = dict(item.kind.quantities(item))
            assert {category: before[category] - after[category] for category in before} == dict(ruling.dropped)
            # What stayed is a subset that the same rules keep whole, at the next relay as well.
            assert rules.decide(item, envelope.headers) is None


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["items", "contexts", "trace", "trace_id", "exception", "values", "mechanism", "level", "body"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["event", "transaction", "span", "log", "session"]),
    SHAPES.map(json.dumps) | st.text(),
    st.integers(0, 3),
)
def test_any_payload_is_decided(item_type: str, payload: str, item_count: int) -> None:
    rules, _ = compile_sampling([{"id": 3100, "applies": EVERYTHING, "rate": 0.5}])
    item = make_item(item_type, payload.encode(), item_count=item_count)
    assert isinstance(rules.decide(item, {}), Dropped | Thinned | None)


# Protection


@pytest.mark.parametrize(
    ("event", "is_protected"),
    [
        ({"level": "fatal"}, True),
        ({"level": "error"}, False),
        ({"exception": {"values": [{"mechanism": {"handled": True}}, {"mechanism": {"handled": False}}]}}, True),
        ({"exception": {"values": [None, {"mechanism": None}, {"mechanism": {"handled": None}}]}}, False),
        ({"exception": {"values": [{"mechanism": {"type": "x"}}]}}, False),
        ({"exception": [{"mechanism": {"handled": False}}]}, True),
        ({"exception": {"mechanism": {"handled": False}}}, True),
        ({"exception": {"mechanism": {"handled": True}}}, False),
        ({"exception": None}, False),
        ({"exception": {"values": []}}, False),
        ({"exception": "x"}, True),
        (b"junk", True),
    ],
)
def test_fatal_and_unhandled_errors_are_kept_decisions_84(event: object, is_protected: bool) -> None:
    item = make_item("event", event)
    assert sampling("error", 0).decide(item, {"event_id": HIGH}) == (None if is_protected else DROPPED)
    assert sampling("error", 0, protect=False).decide(item, {"event_id": HIGH}) == DROPPED


def test_feedback_is_kept() -> None:
    assert sampling("feedback", 0).decide(make_item("feedback"), {"event_id": HIGH}) is None
    assert sampling("feedback", 0, protect=False).decide(make_item("feedback"), {"event_id": HIGH}) == DROPPED


def test_a_fatal_transaction_follows_its_trace() -> None:
    assert sampling("transaction", 0).decide(make_item("transaction", {"level": "fatal"}), {}) == DROPPED


def test_fatal_logs_are_kept() -> None:
    item = make_item("log", {"items": [{"level": "fatal"}, {"level": "info"}, 7]}, item_count=3)
    ruling = sampling("log_item", 0).decide(item, {})
    assert isinstance(ruling, Thinned)
    assert json.loads(ruling.payload) == {"items": [{"level": "fatal"}]}
    assert sampling("log_item", 0, protect=False).decide(item, {}) == DROPPED


# Compiling


@pytest.mark.parametrize("dynamic", [None, {}, {"version": 2, "rules": []}, "junk"])
def test_no_rules(dynamic: object) -> None:
    assert compile_sampling([], dynamic=dynamic) == (None, [])


@pytest.mark.parametrize("dynamic", [{"version": 2, "rules": [{"id": 1}]}, {"rulesV2": [{"id": 1}]}])
def test_rules_in_the_form_of_the_reference_are_named(dynamic: object) -> None:
    rules, problems = compile_sampling([], dynamic=dynamic)
    assert rules is None
    assert problems == ["config.sampling: dynamic sampling rules are not yet enforced, what they are about is kept"]


def test_a_rule() -> None:
    assert SamplingRule(3100, frozenset({C.ERROR}), 0.5).protects


RULE = {"id": 3100, "applies": ["error"], "rate": 0.5}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("error", ""),
        (RULE | {"condition": {"op": "and", "inner": []}}, ".condition"),
        (RULE | {"firstN": {"n": 1}}, ".firstN"),
        (RULE | {"decay": {}}, ".decay"),
        (RULE | {"reservoir": {}}, ".reservoir"),
        (RULE | {"rates": 1}, ".rates"),
        (RULE | {"id": "3100"}, ".id"),
        (RULE | {"id": True}, ".id"),
        (RULE | {"id": -1}, ".id"),
        ({"applies": ["error"], "rate": 0.5}, ".id"),
        (RULE | {"rate": 1.5}, ".rate"),
        (RULE | {"rate": -0.5}, ".rate"),
        (RULE | {"rate": float("nan")}, ".rate"),
        (RULE | {"rate": True}, ".rate"),
        (RULE | {"rate": "half"}, ".rate"),
        ({"id": 3100, "applies": ["error"]}, ".rate"),
        (RULE | {"protect": "no"}, ".protect"),
        (RULE | {"applies": []}, ".applies"),
        (RULE | {"applies": "error"}, ".applies"),
        (RULE | {"applies": ["errors"]}, ".applies"),
        (RULE | {"applies": [["error"]]}, ".applies"),
        ({"id": 3100, "rate": 0.5}, ".applies"),
    ],
)
def test_a_rule_that_cannot_be_honoured_is_an_error(rule: object, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_sampling([RULE, rule])
    assert caught.value.path == f"config.scrubjay.sampling[1]{path}"
    assert path.removeprefix(".") in str(caught.value)
