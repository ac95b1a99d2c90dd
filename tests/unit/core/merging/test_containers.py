"""Containers become one, record by record; one that some server might refuse is left alone."""

import json

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.merging.containers import merge_buckets, merge_containers, share_of_buckets, share_of_container
from support.merging import LOG, METRIC, SPAN, bucket, container


def item(*records, **options):
    headers, payload = container("log", *records, **options)
    return Item(headers, json.dumps(payload, separators=(",", ":")).encode())


def raw(payload, count, **headers):
    return Item({"type": "log", "item_count": count, "content_type": LOG} | headers, payload)


def buckets(payload, **headers):
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Item({"type": "metric_buckets", **headers}, data)


# Containers


@pytest.mark.parametrize(("kind", "media"), [("log", LOG), ("span", SPAN), ("trace_metric", METRIC)])
def test_each_type_has_its_media_type(kind, media):
    payload = b'{"items":[1,2]}'
    share = share_of_container(Item({"type": kind, "item_count": 2, "content_type": media}, payload))
    assert share is not None
    assert share.entries == 2
    for wrong in ("application/json", None, f"{media};charset=utf-8"):
        assert share_of_container(Item({"type": kind, "item_count": 2, "content_type": wrong}, payload)) is None


def test_what_stands_beside_the_records_is_asked_for():
    shares = [share_of_container(item(1, **members)).demand for members in ({}, {}, {"more": 1}, {"version": 1})]
    assert shares[0] == shares[1]
    assert len(set(shares)) == 3


def test_members_in_another_order_are_the_same():
    assert (
        share_of_container(raw(b'{"a":1,"items":[],"b":2}', 0)) == share_of_container(raw(b'{"b":2,"a":1,"items":[]}', 0))
    )  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 3, True, 2.0, "2", None])
def test_operations_96_a_wrong_count_is_left_alone(count):
    """It would make the sum wrong, and a wrong count invalidates the whole."""
    assert share_of_container(raw(b'{"items":[1,2]}', count)) is None


def test_a_missing_count_is_a_wrong_one():
    assert share_of_container(Item({"type": "log", "content_type": LOG}, b'{"items":[1]}')) is None


def test_other_headers_are_left_alone():
    assert share_of_container(raw(b'{"items":[1]}', 1, odd=True)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[1]",
        b"{}",
        b'{"items":{}}',
        b'{"items":1}',
        b'{"items":[1,]}',
        b'{"items":[1]}x',
        b'{"items":[1],"items":[1]}',
        b'{"items":[1],"version":1,"version":1}',
        b'{"items":["\xff"]}',
        b'{"items":["\\ud800"]}',
        b'{"items":[1e999]}',
        b'{"items":[NaN]}',
        b'{"items":[%b]}' % (b"[" * 122 + b"]" * 122),
        b'{"items":[%b]}' % (b"[" * 5000 + b"]" * 5000),
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_what_a_server_may_refuse_is_left_alone(payload):
    assert share_of_container(raw(payload, 1)) is None


def test_many_brackets_are_not_deep():
    assert share_of_container(raw(b'{"items":[[%b0]]}' % (b"[]," * 500), 1)) is not None
    assert share_of_container(raw(b'{"items":[%b]}' % (b"[" * 120 + b"]" * 120), 1)) is not None


def test_blanks_around_it_do_not_matter():
    assert share_of_container(raw(b'\t{"items":[ 1 , 2 ]}\n', 2)) is not None


def test_records_keep_their_bytes_and_are_counted():
    (found,) = merge_containers(
        [raw(b'{"version":2,"items":[ {"a": 1.0} , 2]}', 2), raw(b'{"version":2,"items":[]}', 0), raw(b'{"version":2,"items":[3]}', 1)]
    )  # fmt: skip
    assert bytes(found.payload) == b'{"version":2,"items":[{"a": 1.0} , 2,3]}'
    assert json.loads(found.header_line()) == {
        "type": "log",
        "item_count": 3,
        "content_type": LOG,
        "length": len(found.payload),
    }


# Buckets


def test_buckets_take_what_they_hold_and_stand_in_one_item():
    share = share_of_buckets(buckets([bucket(1), bucket(2)]))
    assert share is not None
    assert share.entries == 2
    assert share.demand is not None


@pytest.mark.parametrize("value", [1, 1.5, [1.0, 2.0], [1, 2], {"min": 1.0, "max": 2.0}])
def test_values_have_three_shapes(value):
    assert share_of_buckets(buckets([bucket(value=value)])) is not None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[1]",
        b'["\xff"]',
        [{}],
        [bucket(timestamp=-1)],
        [bucket(timestamp=1.5)],
        [bucket(name=1)],
        [bucket(type="x")],
        [bucket(value="1")],
        [bucket(tags={"a": 1})],
        [bucket(width=-1)],
        b'[{"timestamp":1,"name":"a","type":"c","value":1,"more":1e999}]',
    ],
    ids=str,
)
def test_what_is_no_bucket_is_left_alone(payload):
    assert share_of_buckets(buckets(payload)) is None


def test_buckets_with_headers_of_their_own_are_left_alone():
    assert share_of_buckets(buckets([bucket()], item_count=1)) is None


def test_lists_are_joined():
    (found,) = merge_buckets([buckets(b"[1 ]"), buckets(b" [ ] "), buckets(b"[2,3]")])
    assert bytes(found.payload) == b"[1,2,3]"
