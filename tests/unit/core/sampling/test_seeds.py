"""Whose id decides on what (`decisions.md` 5.9)."""

from hashlib import blake2b

import pytest

from scrubjay.core.sampling.seeds import seed_of_item, seed_of_log, seed_of_span
from scrubjay.core.sampling.unit import unit_interval
from support.items import make_item
from support.seeds import HIGH, LOW

TRACE = {"trace": {"trace_id": LOW, "public_key": "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"}}
NO_TRACES = [{}, {"trace": None}, {"trace": {}}, {"trace": {"trace_id": 5}}, {"trace": {"trace_id": "g" * 32}}]


def hashed(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


def test_what_has_no_id_goes_by_its_bytes() -> None:
    payload = b'{"body":"disk full","level":"warn"}'
    seed = seed_of_item(make_item("session", payload), {})
    assert seed == "4d9dec3b47ff385caa219e86c3e87f28"
    assert unit_interval(seed) == 0.5161871925681303


@pytest.mark.parametrize(
    "item_type", ["event", "feedback", "user_report", "session", "sessions", "replay_event", "profile", "check_in"]
)
def test_the_event_decides_on_all_else(item_type: str) -> None:
    assert seed_of_item(make_item(item_type), TRACE | {"event_id": HIGH}) == HIGH


def test_spelling_of_an_id_does_not_matter() -> None:
    dashed = f"{LOW[:8]}-{LOW[8:12]}-{LOW[12:16]}-{LOW[16:20]}-{LOW[20:]}".upper()
    seed = seed_of_item(make_item("event"), {"event_id": dashed})
    assert unit_interval(seed) == unit_interval(LOW)


@pytest.mark.parametrize("headers", NO_TRACES)
def test_transactions_follow_their_trace(headers: dict[str, object]) -> None:
    item = make_item("transaction", {"contexts": {"trace": {"trace_id": HIGH}}})
    assert seed_of_item(item, headers | {"event_id": "1" * 32}) == HIGH
    assert seed_of_item(item, TRACE | {"event_id": "1" * 32}) == LOW


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"contexts": None},
        {"contexts": 5},
        {"contexts": {"trace": None}},
        {"contexts": {"trace": {}}},
        {"contexts": {"trace": {"trace_id": 7}}},
        b"junk",
    ],
)
def test_a_transaction_without_a_trace_goes_by_its_id(payload: object) -> None:
    item = make_item("transaction", payload)
    assert seed_of_item(item, {"event_id": HIGH}) == HIGH
    assert seed_of_item(item, {}) == hashed(bytes(item.payload))


@pytest.mark.parametrize("headers", NO_TRACES)
def test_spans_follow_their_trace(headers: dict[str, object]) -> None:
    item = make_item("span", {"trace_id": HIGH})
    assert seed_of_item(item, headers | {"event_id": "1" * 32}) == seed_of_span(item.payload, headers) == HIGH
    assert seed_of_span(item.payload, TRACE) == LOW


@pytest.mark.parametrize("payload", [b"{}", b'{"trace_id":5}', b'{"trace_id":"x"}', b"junk"])
def test_a_span_without_a_trace_goes_by_its_bytes(payload: bytes) -> None:
    assert seed_of_span(payload, {}) == hashed(payload)


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        (b'{"trace_id":"t","timestamp":1.50,"body":"d\xc3\xada","level":"info"}', (b"t", b"1.50", "día".encode())),
        (b"{}", (b"", b"", b"")),
        (b'{"body":{"a":1},"timestamp":"2026"}', (b"", b"2026", b'{"a":1}')),
        (b'{"timestamp":1.50,"trace_id":null}', (b"null", b"1.50", b"")),
        (b"7", (b"7",)),
    ],
)
def test_logs_go_by_what_tells_them_apart(record: bytes, parts: tuple[bytes, ...]) -> None:
    assert seed_of_log(record) == hashed(*parts)
