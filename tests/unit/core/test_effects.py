"""What rules said is done, and the account closes (`decisions.md` 0.2, 2.6, 5.6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.core.effects import enforce, settle, take, thin_traces
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.ledger import Account, Ledger, Tally
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.rulings import Cut, Excess, Fall, Mark, Ruling
from scrubjay.core.sampling import dynamic
from scrubjay.core.sampling.dynamic import TraceRuling
from scrubjay.core.sampling.plain import Weighted
from scrubjay.core.scrub.payloads import Replaced, Unscrubbed
from support.items import make_envelope, make_item
from support.path import Accounts

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
LIMIT = ActiveLimit("key", frozenset({C.ATTACHMENT}), 60.0, "full", "q")
DROPPED = Dropped(reasons.RELEASE_VERSION, "releases")


@pytest.fixture
def book() -> Accounts:
    return Accounts()


class Opened:
    def __init__(self, book: Accounts) -> None:
        self._book = book
        self.tallies: list[Tally] = []

    def __call__(self, *items: Item, **headers: object) -> Tally:
        envelope = make_envelope(*items)
        envelope.headers.update(headers)
        tally = Ledger(self._book, strict=True).open(envelope, Account(KEY, 7, "r", None, 1.0))
        self.tallies.append(tally)
        return tally


@pytest.fixture
def opened(book: Accounts) -> Iterator[Opened]:
    """Every account that a test opens has to close."""
    made = Opened(book)
    yield made
    for tally in made.tallies:
        tally.close()


def test_a_transaction_takes_the_spans_along_that_nobody_announced(opened: Opened, book: Accounts) -> None:
    transaction, attachment = make_item("transaction", b'{"spans":[{},{}]}'), make_item("attachment", b"x")
    tally = opened(transaction, attachment)
    take(tally, transaction, DROPPED)
    assert tally.items == []
    lost = dict(book.bookings[0].quantities)
    assert (lost[C.TRANSACTION], lost[C.SPAN], lost[C.SPAN_INDEXED]) == (1, 3, 3)
    take(tally, transaction, DROPPED)  # what is gone is counted once
    assert len(book.bookings) == 2


def test_a_replay_falls_whole(opened: Opened, book: Accounts) -> None:
    event, recording = make_item("replay_event", b"{}"), make_item("replay_recording", b"{}\n[]")
    tally = opened(event, recording, make_item("session", b"{}"))
    take(tally, event, DROPPED)
    assert [item.type for item in tally.items] == ["session"]
    assert {booking.origin for booking in book.bookings} == {"releases"}


def test_records_leave_a_container(opened: Opened, book: Accounts) -> None:
    logs = make_item("log", b'{"items":[{},{}]}', item_count=2)
    tally = opened(logs)
    take(tally, logs, Thinned(reasons.SAMPLE_RATE, "3", b'{"items":[{}]}', 1, ((C.LOG_ITEM, 1), (C.LOG_BYTE, 3))))
    assert (logs.payload, logs.headers["item_count"]) == (b'{"items":[{}]}', 1)
    assert book.bookings[0].quantities == ((C.LOG_ITEM, 1), (C.LOG_BYTE, 3))


def test_what_is_kept_is_written_to(opened: Opened, book: Accounts) -> None:
    event = make_item("event", b"{}", old=1)
    tally = opened(event)
    take(tally, event, Weighted(b'{"a":1}', {"scrubjay_weight": 2.0, "old": None}, {"trace_id": "t"}, {3000: 2}))
    assert book.kept_by == {"3000": 2}
    assert event.payload == b'{"a":1}'
    assert event.dirty
    assert event.headers["scrubjay_weight"] == 2.0
    assert "old" not in event.headers
    assert tally.envelope.headers["trace"] == {"trace_id": "t"}
    assert tally.envelope.dirty


def test_nothing_to_write_leaves_all_as_it_was(opened: Opened) -> None:
    event = make_item("event", b"{}")
    tally = opened(event)
    take(tally, event, Weighted(None, {}))
    assert not event.dirty
    assert not tally.envelope.dirty


def test_a_transaction_that_is_sampled_away_leaves_its_profile(opened: Opened, book: Accounts) -> None:
    transaction, profile = make_item("transaction", b"{}"), make_item("profile", b"{}")
    tally = opened(transaction, profile, trace={"trace_id": "a"})
    fall = dynamic.Fall(transaction, Dropped(reasons.sampled("Sampled:3000"), "3001"), ((C.SPAN, 1),))
    thin_traces(tally, TraceRuling((fall,), (profile,), {"trace_id": "b"}))
    assert tally.items == [profile]
    assert profile.headers["sampled"] is False
    assert profile.dirty
    assert tally.envelope.headers["trace"] == {"trace_id": "b"}
    assert dict(book.bookings[0].quantities)[C.SPAN] == 2


def test_what_trace_sampling_keeps_is_counted_under_the_rule_that_decided(opened: Opened, book: Accounts) -> None:
    tally = opened(make_item("transaction", b"{}"))
    match = dynamic.Match(0.5, (3000, 3001), "0" * 32)
    kept, dropped = (dynamic.Decision("transaction", match, None, is_kept) for is_kept in (True, False))
    thin_traces(tally, TraceRuling(decisions=(kept, dropped)))
    assert book.kept_by == {"3001": 1}


def test_a_context_that_is_of_no_use_goes(opened: Opened) -> None:
    tally = opened(make_item("event", b"{}"), trace={})
    thin_traces(tally, TraceRuling(context=None))
    assert "trace" not in tally.envelope.headers
    tally.envelope.dirty = False
    thin_traces(tally, TraceRuling())
    assert not tally.envelope.dirty


def test_limits_take_mark_and_cut(opened: Opened, book: Accounts) -> None:
    crash = make_item("attachment", b"MDMP", attachment_type="event.minidump")
    plain, logs = make_item("attachment", b"xyz"), make_item("log", b'{"items":[{},{}]}', item_count=2)
    tally = opened(crash, plain, logs)
    cut = Thinned(reasons.rate_limited("few"), "q2", b'{"items":[{}]}', 1, ((C.LOG_ITEM, 1), (C.LOG_BYTE, 3)))
    told = enforce(
        tally,
        Ruling(
            falls=(Fall(plain, LIMIT, is_reported=False),),
            marks=(Mark(crash, LIMIT, ((C.ATTACHMENT, 4), (C.ATTACHMENT_ITEM, 1))),),
            limits=(LIMIT,),
            cuts=(Cut(logs, cut),),
        ),
    )
    assert told == (LIMIT,)
    assert tally.items == [crash, logs]
    assert crash.headers["rate_limited"] is True
    assert [(booking.reason.code, booking.reason.section is None) for booking in book.bookings] == [
        ("full", True),
        ("few", False),
        ("full", False),
    ]


def test_excess_is_told_whatever_became_of_it(opened: Opened, book: Accounts) -> None:
    event = make_item("event")
    enforce(opened(event), Ruling(excess=(Excess("watched", C.ERROR, 1, 1), Excess("thinned", C.LOG_ITEM, 9, 4))))
    assert book.excess == [("watched", "error", 1, 1), ("thinned", "log_item", 9, 4)]
    assert book.bookings == []


def test_scrubbing_is_settled(opened: Opened, book: Accounts) -> None:
    bad, changed, partly, open_, clean = (make_item("session", b"{}") for _ in range(5))
    logs = make_item("log", b'{"items":[{},{}]}', item_count=2)
    tally = opened(bad, changed, partly, open_, clean, logs)
    settle(tally, bad, reasons.UNSCRUBBABLE)
    settle(tally, changed, b"[]")
    settle(tally, partly, Replaced(b"()", {"h": 1}))
    settle(tally, open_, Unscrubbed())
    settle(tally, clean, None)
    settle(tally, logs, Replaced(b'{"items":[{}]}', {"item_count": 1}, ((C.LOG_ITEM, 1), (C.LOG_BYTE, 3))))
    assert [item.payload for item in tally.items] == [b"[]", b"()", b"{}", b"{}", b'{"items":[{}]}']
    assert partly.headers["h"] == 1
    assert book.passed == ["session"]
    assert [booking.reason for booking in book.bookings] == [reasons.UNSCRUBBABLE, reasons.UNSCRUBBABLE]
