"""Parcels as records (upstream-and-operations 7.3)."""

import json

import pytest

from scrubjay.categories import DataCategory
from scrubjay.errors import SpoolCorrupt
from scrubjay.runtime.forwarding.parcel_record import (
    UNREADABLE,
    decode_facts,
    decode_record,
    encode_meta,
    encode_record,
    owner_of,
)
from support.forwarding import EVENT_ID, KEY, parcel

FULL = parcel(
    quantities=((DataCategory.ERROR, 1), (DataCategory.ATTACHMENT, 2048)),
    received_unix=1_767_323_045.678,
    item_types=("attachment", "event"),
    client="sentry.python/2.0",
    version=6,
    origin="https://shop.example/",
    user_agent="Mozilla/5.0",
    forwarded_for="203.0.113.9, 127.0.0.1",
    via="first, second",
    attempts=3,
)


def test_a_parcel_survives_the_disk():
    assert decode_record(*encode_record(FULL)) == FULL


def test_a_bare_parcel_survives_the_disk():
    bare = parcel(event_id=None, revision="", item_types=())
    assert decode_record(*encode_record(bare)) == bare


def test_the_members_are_those_of_the_specification():
    assert json.loads(encode_meta(FULL)) == {
        "k": KEY,
        "p": "42",
        "r": 1_767_323_045_678,
        "e": EVENT_ID,
        "d": "id-0",
        "c": {"error": 1, "attachment": 2048},
        "i": ["attachment", "event"],
        "h": {
            "client": "sentry.python/2.0",
            "v": 6,
            "origin": "https://shop.example/",
            "ua": "Mozilla/5.0",
            "xff": "203.0.113.9, 127.0.0.1",
            "via": "first, second",
        },
        "a": 3,
        "v": "r1",
    }


def test_an_address_that_is_not_sent_is_not_stored():
    assert b"xff" not in encode_meta(parcel(user_agent="x"))


@pytest.mark.parametrize("char", ["a", "\x01", "ä", "\U0001f600", "\udcff"])
def test_texts_of_clients_are_cut(char):
    long = char * 100_000
    hostile = parcel(user_agent=long, origin=long, client=long, forwarded_for=long, item_types=(long,) * 500)
    assert len(encode_meta(hostile)) <= 65_535
    assert len(decode_record(*encode_record(hostile)).user_agent) == 1024


def test_the_vector_of_the_specification_is_a_parcel():
    meta = b'{"k":"a94ae32be2584e0bbd7a4cbb95971fee","p":"42","r":1767323045678}'
    read = decode_record(meta, b"body")
    assert (read.key, read.project_id, read.received_unix) == (KEY, 42, 1_767_323_045.678)
    assert read.quantities == UNREADABLE


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"k":1,"p":"42","r":1}',
        b'{"k":"x","p":42,"r":1}',
        b'{"k":"x","p":"4x","r":1}',
        b'{"k":"x","p":"42","r":"1"}',
    ],
)
def test_what_is_no_parcel_is_corrupt(meta):
    with pytest.raises(SpoolCorrupt):
        decode_record(meta, b"")


def test_members_of_a_wrong_type_are_left_out():
    read = decode_record(b'{"k":"x","p":"1","r":1,"e":5,"d":5,"i":"no","h":[],"a":"x","v":1,"c":[]}', b"")
    assert (read.event_id, read.id, read.item_types, read.attempts, read.revision) == (None, "", (), 0, "")


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (b'{"k":"x","c":{"error":2,"log_byte":70}}', ("x", ((DataCategory.ERROR, 2), (DataCategory.LOG_BYTE, 70)))),
        (b'{"k":5,"c":{"of_tomorrow":2,"and_after":1}}', ("", ((DataCategory.UNKNOWN, 3),))),
        (b'{"k":"x","c":{"error":"2"}}', ("x", UNREADABLE)),
        (b"{}", ("", UNREADABLE)),
        (b"\xff", ("", UNREADABLE)),
    ],
)
def test_what_cannot_be_read_counts_as_one_unknown(meta, expected):
    assert decode_facts(meta) == expected


def test_a_loss_is_booked_to_the_owner():
    account = owner_of(encode_meta(FULL), 5.0)
    assert (account.key, account.project_id, account.revision, account.event_id) == (KEY, 42, "r1", EVENT_ID)
    nobody = owner_of(b"?", 5.0)
    assert (nobody.key, nobody.project_id, nobody.event_id) == ("", None, None)
