"""Reading parts of a payload, and leaving records out of containers."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.core.items.partial import Container, Dropped, Thinned, count_spans, read, uncounted_spans
from support.items import make_item


class Named(msgspec.Struct):
    name: str = ""


DECODER = msgspec.json.Decoder(Named)


READINGS = [
    ("what is named", b'{"other":[1,{"a":2}],"name":"x"}', "x"),
    ("absent", b"{}", ""),
    ("a view", memoryview(b'{"name":"x"}'), "x"),
    ("another type", b'{"name":1}', None),
    ("no object", b"[1]", None),
    ("no JSON", b"\x00\x01", None),
    ("nothing", b"", None),
    ("half an object", b'{"name":"x"', None),
    ("bytes that are no text", b'{"name":"\xff\xfe"}', None),
    ("too deep", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"name":"x"}', None),
    ("half a pair elsewhere", rb'{"a":"\ud83d","name":"x"}', "x"),
    ("half a pair, the other half", rb'{"a":"\uDE00 tail","name":"x"}', "x"),
    ("half a pair in what is named", rb'{"name":"x\ud83d"}', "x\ufffd"),
    ("half a pair before a whole one", rb'{"name":"\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
    ("an escaped backslash is no escape", rb'{"a":"\ud83d","name":"\\ud83d"}', r"\ud83d"),
    ("half a pair and broken", rb'{"a":"\ud83d",name:"x"}', None),
    ("half a pair and another type", rb'{"a":"\ud83d","name":1}', None),
]


@pytest.mark.parametrize(("payload", "name"), [case[1:] for case in READINGS], ids=[case[0] for case in READINGS])
def test_read(payload: bytes, name: str | None) -> None:
    found = read(DECODER, payload)
    assert (found.name if found else None) == name


@given(st.text(), st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010), max_size=6))
def test_whatever_a_json_writer_emits_is_read(name: str, broken: str) -> None:
    payload = json.dumps({"a": broken, "name": name, "b": broken}).encode()
    found = read(DECODER, payload)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("payload", "spans"),
    [
        (b'{"spans":[{},{"a":[1,2]}]}', 2),
        (b'{"spans":[]}', 0),
        (b"{}", 0),
        (b'{"spans":null}', 0),
        (b'{"spans":{"a":1}}', 0),
        (b"junk", 0),
    ],
)
def test_count_spans(payload: bytes, spans: int) -> None:
    assert count_spans(payload) == spans
    more = ((C.SPAN, spans), (C.SPAN_INDEXED, spans)) if spans else ()
    assert uncounted_spans(make_item("transaction", payload)) == more


@pytest.mark.parametrize("announced", [None, "1", 1.0, True, -1, []])
def test_a_count_of_another_type_announces_nothing(announced: object) -> None:
    item = make_item("transaction", b'{"spans":[{}]}', span_count=announced)
    assert uncounted_spans(item) == ((C.SPAN, 1), (C.SPAN_INDEXED, 1))


def test_spans_are_not_counted_twice() -> None:
    assert uncounted_spans(make_item("transaction", b'{"spans":[{}]}', span_count=1)) == ()
    assert uncounted_spans(make_item("event", b'{"spans":[{}]}')) == ()


RECORDS = b'{"version":2, "items":[{"n":1} ,{"n":2},{"n":3}],"x":{"y":null}}'


def test_records_are_left_out_and_the_rest_stays_as_it_was() -> None:
    container = Container.open(make_item("log", RECORDS, item_count=3))
    assert container is not None
    assert [bytes(record) for record in container.records] == [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    ruling = container.keep(container.records[1:], reasons.RELEASE_VERSION, "releases")
    payload = b'{"version":2,"items":[{"n":2},{"n":3}],"x":{"y":null}}'
    lost = ((C.LOG_ITEM, 1), (C.LOG_BYTE, len(RECORDS) - len(payload)))
    assert ruling == Thinned(reasons.RELEASE_VERSION, "releases", payload, 2, lost)
    assert repr(container) == "<Container log of 3>"


@pytest.mark.parametrize(
    ("item_type", "lost"),
    [("span", ((C.SPAN, 2), (C.SPAN_INDEXED, 2))), ("trace_metric", ((C.TRACE_METRIC, 2), (C.TRACE_METRIC_BYTE, 18)))],
)
def test_what_records_count_as(item_type: str, lost: object) -> None:
    item = make_item(item_type, RECORDS, item_count=3)
    container = Container.open(item)
    ruling = container.keep(container.records[:1], reasons.SAMPLE_RATE, "3100")
    assert ruling.dropped == lost
    before = dict(item.kind.quantities(item))
    item.replace(ruling.payload)
    item.headers["item_count"] = ruling.item_count
    after = dict(item.kind.quantities(item))
    assert {category: before[category] - after[category] for category in before} == dict(lost)


def test_all_or_nothing() -> None:
    container = Container.open(make_item("log", RECORDS, item_count=3))
    assert container.keep(container.records, reasons.SAMPLE_RATE, "3100") is None
    assert container.keep([], reasons.SAMPLE_RATE, "3100") == Dropped(reasons.SAMPLE_RATE, "3100")


@pytest.mark.parametrize(
    ("item_type", "payload", "headers"),
    [
        ("event", RECORDS, {"item_count": 3}),
        ("span", b'{"trace_id":"x"}', {}),
        ("log", RECORDS, {}),
        ("log", RECORDS, {"item_count": 2}),
        ("log", RECORDS, {"item_count": "3"}),
        ("log", RECORDS, {"item_count": 3.0}),
        ("log", b'{"items":[1]}', {"item_count": True}),
        ("log", b'{"version":2}', {"item_count": 0}),
        ("log", b'{"items":{}}', {"item_count": 0}),
        ("log", b"junk", {"item_count": 1}),
    ],
)
def test_what_is_no_container_is_left_alone(item_type: str, payload: bytes, headers: dict[str, object]) -> None:
    assert Container.open(make_item(item_type, payload, **headers)) is None


def test_records_fall_for_different_reasons_one_after_another() -> None:
    container = Container.open(make_item("log", RECORDS, item_count=3))
    old, sampled = Dropped(reasons.RELEASE_VERSION, "releases"), Dropped(reasons.SAMPLE_RATE, "3100")
    assert container.let_fall([None, None, None]) == ()
    assert container.let_fall([old, old, old]) == (old,)
    assert container.let_fall([None, old, old]) == (container.keep(container.records[:1], old.reason, old.origin),)
    first, second = container.let_fall([sampled, None, old])
    assert (first.reason, first.item_count, second.reason, second.item_count) == (
        reasons.SAMPLE_RATE, 2, reasons.RELEASE_VERSION, 1
    )  # fmt: skip
    assert second.payload == b'{"version":2,"items":[{"n":2}],"x":{"y":null}}'
    lost = dict(first.dropped)[C.LOG_BYTE] + dict(second.dropped)[C.LOG_BYTE]
    assert lost == len(RECORDS) - len(second.payload)
    thinned, last = container.let_fall([old, sampled, sampled])
    assert (thinned.item_count, last) == (2, sampled)
