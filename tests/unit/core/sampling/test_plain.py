"""Sampling by fixed rates, and the number that decides (`decisions.md` 5.4, 5.9)."""

import json
import random
import struct
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay import reasons
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.sampling.plain import Sampling, SamplingRule, compile_sampling, unit_interval
from scrubjay.errors import ConfigError
from scrubjay.reasons import DataCategory as C
from support.corpus import Recorded, recorded
from support.items import make_item

RATES = (0.01, 0.1, 0.25, 0.5, 0.9)

# The 23 vectors of decisions.md 5.4: seed, U, U as a big-endian double, decisions at RATES.
VECTORS = [
    "00000000000000000000000000000000",
    "0.21723014649319783",
    "3fcbce328b7260a0",
    "DDKKK",
    "00000000000000000000000000000001",
    "0.0947660722443896",
    "3fb84296dd0f5de8",
    "DKKKK",
    "00000000000000010000000000000000",
    "0.00416846337814003",
    "3f7112f35e239300",
    "KKKKK",
    "00000000000000008000000000000000",
    "0.21723014649319783",
    "3fcbce328b7260a0",
    "DDKKK",
    "80000000000000000000000000000000",
    "0.3948700195824446",
    "3fd9458ce711c238",
    "DDDKK",
    "ffffffffffffffffffffffffffffffff",
    "0.4667000898975493",
    "3fddde6a0dc99d70",
    "DDDKK",
    "414e119d37694a32869f9d81b76a0b70",
    "0.0009563746189722444",
    "3f4f56a6db08f000",
    "KKKKK",
    "67e5504410b1426f9247bb680e5fe0c8",
    "0.8117029693018862",
    "3fe9f9788166f758",
    "DDDDK",
    "4a106cf6b15144eb9131ae7db1a157a3",
    "0.22937639918110952",
    "3fcd5c34b27a8278",
    "DDKKK",
    "ff62a8b040f340bda5d830223def1d81",
    "0.3029947713948927",
    "3fd364442e8000fe",
    "DDDKK",
    "4c79f60c11214eb38604f4ae0781bfb2",
    "0.2497648583745956",
    "3fcff84b7d3458cc",
    "DDKKK",
    "a0fa8803753e40fd8124b21eeb2986b5",
    "0.523098109755364",
    "3fe0bd383f3ff568",
    "DDDDK",
    "771a43a4192642f0b136d5159a501700",
    "0.084458025231689",
    "3fb59f0a88413da8",
    "DKKKK",
    "0af7651916cd43dd8448eb211c80319c",
    "0.4814100191597561",
    "3fdecf6bf8108134",
    "DDDKK",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "0.5869564075348153",
    "3fe2c858cdd1450e",
    "DDDDK",
    "deadbeefdeadbeefdeadbeefdeadbeef",
    "0.45370407676139024",
    "3fdd097cd2f02180",
    "DDDKK",
    "0123456789abcdef0123456789abcdef",
    "0.610980944116175",
    "3fe38d27e8aea95f",
    "DDDDK",
    "fedcba9876543210fedcba9876543210",
    "0.818879479847563",
    "3fea3442bd29f1dd",
    "DDDDK",
    "11111111111111111111111111111111",
    "0.28099218281409144",
    "3fd1fbc6a2e79032",
    "DDDKK",
    "5bd5f6d346eb4c2fb4ed7a6d9f3f5c11",
    "0.5806002207542057",
    "3fe29446ea0611f9",
    "DDDDK",
    "c0ffee00c0ffee00c0ffee00c0ffee00",
    "0.5589994252281029",
    "3fe1e352c33acccb",
    "DDDDK",
    "1e57b752bc6e4544bbaa246cd1d05dee",
    "0.022461755375405734",
    "3f970036e2fe1320",
    "DKKKK",
    "9f86d081884c4d63a2feaa0c55ad015a",
    "0.9143948667873787",
    "3fed42b9060f6d1a",
    "DDDDD",
]
ROWS = list(zip(*[iter(VECTORS)] * 4, strict=True))
IDS = [f"vector-{number}" for number in range(1, 24)]

LOW, HIGH = ROWS[2][0], ROWS[22][0]
"""Seeds kept at 1 %, and not even at 90 %."""

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"


def sampling(applies: str, rate: float, **more: object) -> Sampling:
    compiled, problems = compile_sampling([{"id": 3100, "applies": [applies], "rate": rate, **more}])
    assert problems == []
    assert compiled is not None
    return compiled


DROPPED = Dropped(reasons.SAMPLE_RATE, "3100")


# The number


@pytest.mark.parametrize(("seed", "number", "double", "decisions"), ROWS, ids=IDS)
def test_vectors(seed: str, number: str, double: str, decisions: str) -> None:
    assert unit_interval(seed) == float(number)
    assert struct.pack(">d", unit_interval(seed)).hex() == double
    kept = [sampling("error", rate).decide(make_item("event"), {"event_id": seed}) is None for rate in RATES]
    assert "".join("K" if keep else "D" for keep in kept) == decisions


def test_a_rate_keeps_its_share() -> None:
    numbers = random.Random(1)
    kept = sum(unit_interval(f"{numbers.getrandbits(128):032x}") < 0.1 for _ in range(20_000))
    assert 1_800 < kept < 2_200


@given(st.integers(0, 2**128 - 1))
def test_the_number_is_below_one(bits: int) -> None:
    assert 0 <= unit_interval(f"{bits:032x}") < 1


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
