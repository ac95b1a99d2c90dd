"""Arbitrary bytes are an envelope or a `BadRequest`; what is an envelope survives being written and read again."""

import contextlib
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.compat.store import read_store
from scrubjay.core.envelope import Envelope, Item, encode_json, parse_envelope, rewrite_header
from scrubjay.core.inflate import DECODERS, inflate, measure
from scrubjay.core.items import KINDS, check_sizes, classify
from scrubjay.errors import BadRequest, Rejected, TooLarge
from scrubjay.settings.limits import Limits

LIMITS = Limits()
NAMES = st.sampled_from(["type", "length", "item_count", "content_type", "attachment_type", "event_id", "dsn", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADERS = st.dictionaries(NAMES | st.text(max_size=4), VALUES, max_size=4)
ITEM_HEADERS = st.builds(
    lambda headers, name: {**headers, "type": name},
    HEADERS.map(lambda headers: {key: value for key, value in headers.items() if key != "length"}),
    st.sampled_from(sorted(KINDS)) | st.text(max_size=6),
)
LINES = st.sampled_from(
    [
        b"{}",
        b'{"type":"event"}',
        b'{"type":"x","length":3}',
        b'{"type":"x","length":0}',
        b"abc",
        b"",
        b" ",
        b"\r",
        b'{"type":1}',
    ]
)


@given(st.binary(max_size=200) | st.lists(LINES, max_size=8).map(b"\n".join))
def test_any_bytes(body: bytes) -> None:
    try:
        envelope = parse_envelope(body)
    except BadRequest:
        return
    for item in envelope.items:
        classify(item)
    again = parse_envelope(envelope.serialize())
    assert [bytes(item.payload) for item in again.items] == [bytes(item.payload) for item in envelope.items]
    assert parse_envelope(again.serialize()).serialize() == again.serialize()


@given(HEADERS, st.lists(st.tuples(ITEM_HEADERS, st.binary(max_size=40)), max_size=5))
def test_what_is_written_is_read(headers: dict[str, object], items: list[tuple[dict[str, object], bytes]]) -> None:
    made = Envelope(headers, [Item(item_headers, payload) for item_headers, payload in items])
    body = made.serialize()
    try:
        envelope = parse_envelope(body)
    except BadRequest:
        assert {"event_id", "dsn"} & headers.keys()
        return
    assert [bytes(item.payload) for item in envelope.items] == [payload for _, payload in items]
    for item, (item_headers, payload) in zip(envelope.items, items, strict=True):
        assert item.headers == {**item_headers, "length": len(payload)}
    assert envelope.serialize() == body


@given(ITEM_HEADERS, st.binary(max_size=40))
def test_every_item_can_be_judged(headers: dict[str, object], payload: bytes) -> None:
    """Whatever its headers hold, a kind counts and sizes it without a bug."""
    item = Item(headers, payload)
    try:
        classify(item)
    except BadRequest:
        return
    assert all(amount > 0 for _, amount in item.kind.quantities(item))
    assert isinstance(item.creates_event, bool)
    assert isinstance(item.rides_on_event, bool)
    assert isinstance(item.is_known, bool)
    check_sizes([item], LIMITS)


@given(
    HEADERS,
    st.dictionaries(st.sampled_from(["dsn", "sent_at", "x"]), st.none() | st.text(max_size=5), max_size=3),
    st.binary(max_size=30),
)
def test_rewriting_changes_the_first_line_alone(
    headers: dict[str, object], changes: dict[str, object], rest: bytes
) -> None:
    written = rewrite_header(encode_json(headers) + b"\n" + rest, changes)
    line, _, after = written.partition(b"\n")
    expected = {key: value for key, value in {**headers, **changes}.items() if key not in changes or value is not None}
    assert msgspec.json.decode(line) == msgspec.json.decode(encode_json(expected))
    assert after == rest


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\aeintype _dNI-0123456789', max_size=60).map(str.encode))
def test_store_bodies(body: bytes) -> None:
    for client in ("demo/1.0", "raven-python/6"):
        try:
            envelope = read_store(body, client, 1000)
        except BadRequest:
            continue
        assert len(envelope.items) == 1


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=300), st.integers(0, 1000))
def test_inflating_any_bytes(encoding: str, wire: bytes, limit: int) -> None:
    try:
        data = inflate(encoding, wire, limit)
    except (BadRequest, TooLarge):
        with pytest.raises(Rejected):
            measure(encoding, wire, limit)
        return
    assert len(data) == measure(encoding, wire, limit) <= limit


@pytest.mark.parametrize("seed", range(20))
def test_mutations_of_an_envelope(seed: int) -> None:
    """Bit by bit damage to a good body."""
    chance = random.Random(seed)
    good = b'{"event_id":null,"sent_at":"2026-01-05T10:00:00Z","trace":{"a":1}}\n{"type":"event","length":2}\n{}\n{"type":"x"}\nabc'
    for _ in range(300):
        body = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        with contextlib.suppress(BadRequest):
            parse_envelope(bytes(body)).serialize()
