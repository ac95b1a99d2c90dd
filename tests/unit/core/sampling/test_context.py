"""The dynamic sampling context: read, written, made from a transaction (`decisions.md` 5.5)."""

import json

import pytest

from scrubjay.core.sampling.context import TraceContext, context_of, read_context, trace_key, trace_of_span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
LEAST = {"trace_id": TRACE, "public_key": KEY}


def written(**members: object) -> dict[str, object]:
    """What is written of a context beyond its id and key."""
    context = read_context({**LEAST, **members})
    assert context is not None
    header = context.header()
    assert {name: header.pop(name) for name in LEAST} == LEAST
    return header


def test_the_least() -> None:
    assert read_context(LEAST) == TraceContext(TRACE, KEY)
    assert written() == {}


def test_ids_in_any_spelling() -> None:
    dashed = "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"
    assert read_context({"trace_id": dashed, "public_key": KEY}) == TraceContext(TRACE, KEY)
    assert written(replay_id=dashed) == {"replay_id": TRACE}


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        pytest.param("0.1", "0.1", id="decisions-79-text"),
        pytest.param(0.1, "0.1", id="decisions-79-number"),
        ("1e-1", "0.1"), (" 0.5 ", "0.5"), (1, "1.0"), (0, "0.0"), ("2.5", "2.5"), (1e-7, "1e-7"),
    ],
)  # fmt: skip
def test_rates(rate: object, text: str) -> None:
    assert written(sample_rate=rate) == {"sample_rate": text}


@pytest.mark.parametrize(
    ("sampled", "shown"),
    [
        (True, {"sampled": True}), (False, {"sampled": False}), ("true", {"sampled": True}), ("false", {"sampled": False}),
        pytest.param("maybe", {}, id="decisions-79-sampled"), ("True", {}), (None, {}),
    ],
)  # fmt: skip
def test_sampled(sampled: object, shown: dict[str, object]) -> None:
    assert written(sampled=sampled) == shown


def test_texts() -> None:
    texts = {"release": "shop@1", "environment": "", "transaction": "/cart"}
    assert written(**texts) == texts
    assert written(release=None, environment=None, transaction=None) == {}
    assert written(segment_name="/cart") == {"transaction": "/cart"}
    assert written(segment_name="/cart", transaction=None) == {"transaction": "/cart"}
    assert written(segment_name="/cart", transaction="/own") == {"transaction": "/own"}


def test_users() -> None:
    old = {"user": {"id": "u1", "segment": "vip"}}
    assert written(**old) == {"user_id": "u1", "user_segment": "vip"}
    assert written(**old, user_id="", user_segment="") == {"user_id": "u1", "user_segment": "vip"}
    assert written(**old, user_segment="basic") == {"user_segment": "basic"}
    assert written(user={"id": 7, "segment": ""}) == {}
    assert written(user="u1", user_id=None) == {}


def test_what_is_not_known_is_kept() -> None:
    others = {"sample_rand": "0.25", "org_id": "1", "anything": [{"deep": None}]}
    assert written(**others) == others
    assert written(replay_id=None) == {}


@pytest.mark.parametrize(
    "header",
    [
        None, "text", [], {}, {"trace_id": TRACE}, {"public_key": KEY}, {**LEAST, "trace_id": TRACE[1:]}, {**LEAST, "public_key": f"{KEY}0"},
        {**LEAST, "public_key": "4f2a8c1e-9b7d-4a63-80c5-e2f1a7b9d3c4"}, {**LEAST, "public_key": 7}, {**LEAST, "trace_id": 7},
        pytest.param({**LEAST, "sample_rate": -1}, id="decisions-79-negative"), {**LEAST, "sample_rate": "-0.5"}, {**LEAST, "sample_rate": "most"},
        {**LEAST, "sample_rate": "1e999"}, {**LEAST, "sample_rate": "null"}, {**LEAST, "sample_rate": True}, {**LEAST, "sample_rate": []},
        {**LEAST, "sample_rate": 10**400}, {**LEAST, "sample_rate": float("nan")}, {**LEAST, "sampled": 1}, {**LEAST, "release": 1},
        {**LEAST, "user_id": 7}, {**LEAST, "segment_name": []}, {**LEAST, "replay_id": "none"}, {**LEAST, "replay_id": 7},
    ],
)  # fmt: skip
def test_what_is_no_context(header: object) -> None:
    assert read_context(header) is None


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("0.25", 0.25),
        (0.25, 0.25),
        (0, 0.0),
        (1, None),
        ("1.0", None),
        (-0.1, None),
        ("x", None),
        ([], None),
        (None, None),
        ("null", None),
    ],
)
def test_the_number_of_the_head(number: object, read: float | None) -> None:
    assert TraceContext(TRACE, KEY, members={"sample_rand": number}).sample_rand == read


def test_another_rate() -> None:
    context = TraceContext(TRACE, KEY, 0.5, {"sample_rand": "0.1"}).sampled_at(0.25)
    assert context.header() == {**LEAST, "sample_rand": "0.1", "sample_rate": "0.25"}


def test_the_key_of_the_root() -> None:
    assert trace_key({"trace": {"public_key": KEY}}) == KEY
    for headers in ({}, {"trace": None}, {"trace": {}}, {"trace": {"public_key": 7}}):
        assert trace_key(headers) is None


# From a transaction

TRANSACTION = {
    "contexts": {"trace": {"trace_id": TRACE.upper(), "op": "http"}},
    "release": "shop@1",
    "environment": "prod",
    "transaction": "/cart",
    "user": {"id": 17, "segment": "vip", "email": "a@b.example"},
}


def begun(transaction: object) -> TraceContext | None:
    return context_of(json.dumps(transaction).encode(), KEY, None)


def test_from_a_transaction_decisions_80() -> None:
    context = context_of(json.dumps(TRANSACTION).encode(), KEY, 0.5)
    assert context is not None
    assert context.header() == {
        "trace_id": TRACE,
        "public_key": KEY,
        "release": "shop@1",
        "environment": "prod",
        "transaction": "/cart",
        "sample_rate": "0.5",
    }


def test_rules_see_the_user_of_a_transaction_and_nobody_else_does() -> None:
    """What scrubbing takes from the payload must not leave in the header."""
    context = begun(TRANSACTION)
    assert context is not None
    assert context.seen == {**context.members, "user_id": "17", "user_segment": "vip"}
    assert not {"user_id", "user_segment"} & context.sampled_at(0.5).header().keys()


def test_what_a_transaction_does_not_say() -> None:
    least = {"contexts": {"trace": {"trace_id": TRACE}}}
    assert begun(least) == TraceContext(TRACE, KEY)
    assert begun({**least, "user": None, "release": None, "environment": [], "transaction": ""}) == TraceContext(
        TRACE, KEY
    )
    assert begun({**least, "user": [7]}) == TraceContext(TRACE, KEY)


@pytest.mark.parametrize(
    "transaction",
    [
        {},
        [],
        {"contexts": None},
        {"contexts": {}},
        {"contexts": {"trace": None}},
        {"contexts": {"trace": {"trace_id": "none"}}},
        {"contexts": {"trace": {}}},
    ],
)
def test_a_transaction_without_a_trace(transaction: object) -> None:
    assert begun(transaction) is None


def test_the_trace_of_a_span() -> None:
    assert trace_of_span(json.dumps({"trace_id": TRACE.upper()}).encode()) == TRACE
    for span in (b"{}", b'{"trace_id":7}', b"[]", b"{"):
        assert trace_of_span(span) is None
