import os

import pytest

from scrubjay import reasons
from scrubjay.core.capture.item import ACCEPTED, CapturedItem, Fate, Packed, fate_of, json_of, outcome_of
from scrubjay.core.ledger import Account, Booking

ACCOUNT = Account("k" * 32, 1, "r", None, 0.0)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (reasons.CAPTURED, "accepted"),
        (reasons.FORWARDED, "accepted"),
        (reasons.SAMPLE_RATE, "sampled"),
        (reasons.INVALID_JSON, "invalid"),
        (reasons.PROJECT_ID, "invalid"),
        (reasons.REQUEST_TOO_LARGE, "too_large"),
        (reasons.rate_limited("q"), "rate_limited"),
    ],
)
def test_each_ending_is_one_of_six_outcomes(reason, outcome):
    assert outcome_of(reason) == outcome


def test_a_fate_is_the_booking_s_own():
    booking = Booking(reasons.INVALID_JSON, (), ACCOUNT, "event", "scrub", "o", "d")
    assert fate_of(booking) == Fate("invalid", "invalid_json", "scrub", "o", "d")
    assert fate_of(booking, "clean").summary() == {
        "outcome": "invalid",
        "outcome_reason": "invalid_json",
        "outcome_stage": "scrub",
        "outcome_origin": "o",
        "outcome_detail": "clean",
    }
    assert ACCEPTED.summary() == {"outcome": "accepted"}


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 5000, os.urandom(5000)])
def test_what_is_packed_comes_out_as_it_went_in(data):
    packed = Packed(memoryview(data))
    assert (packed.bytes(), packed.size_bytes) == (data, len(data))
    assert repr(packed) == f"<Packed {len(data)} bytes>"


def test_an_item_weighs_both_forms_and_its_report():
    item = CapturedItem("event", {"type": "event"}, b"{}", original=b'{"a":1}')
    heads_bytes = len(b'{"type":"event"}')
    assert item.heads_bytes == heads_bytes
    assert item.held_bytes == heads_bytes + 2 + 7
    item.keep_report(b"[]")
    assert (item.held_bytes, item.report) == (heads_bytes + 11, b"[]")
    assert (item.headers, item.document(), item.original()) == ({"type": "event"}, {}, b'{"a":1}')
    item.forget()
    assert (item.held_bytes, item.is_omitted, item.has_original, item.report) == (heads_bytes, True, False, None)
    assert (item.payload(), item.original(), item.size_bytes) == (None, None, 2)
    assert repr(item) == "<CapturedItem event of 2 bytes, accepted>"


def test_what_came_as_it_leaves_weighs_once():
    item = CapturedItem("event", {}, b"{}", is_unchanged=True)
    assert (item.held_bytes, item.original()) == (len(b"{}") * 2, b"{}")


def test_what_is_no_document_has_none():
    assert CapturedItem("attachment", {}, b"{}").document() is None
    assert CapturedItem("event", {}, b"{").document() is None
    assert json_of(None) is None
    assert json_of(b'{"a":"\\ud800"}') == {"a": "�"}
