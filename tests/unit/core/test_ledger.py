"""The account: whatever comes ends exactly once, and the server learns of what was lost here."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.categories import Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.ledger import UNCOUNTED, Account, Booking, Ledger, Parcel, Tally, total
from scrubjay.errors import Unavailable
from support.items import make_envelope, make_item

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
ACCOUNT = Account(KEY, 21, "rev", "5d2c7a5e1b8f4c0e9a3d6f7081920abc", 1_767_261_605.5)


@dataclass
class Book:
    """Notes what it is told."""

    got: list[tuple[str, Quantities]] = field(default_factory=list)
    ends: list[Booking] = field(default_factory=list)
    accepts: list[tuple[str, ...]] = field(default_factory=list)

    def received(self, item_type: str, quantities: Quantities) -> None:
        self.got.append((item_type, quantities))

    def ended(self, booking: Booking) -> None:
        self.ends.append(booking)

    def accepted(self, item_types: Iterable[str]) -> None:
        self.accepts.append(tuple(item_types))

    def lines(self) -> list[tuple[str, str, Quantities]]:
        return [(booking.item_type, booking.reason.code, booking.quantities) for booking in self.ends]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def ledger(book: Book) -> Ledger:
    return Ledger(book, strict=True)


def open_for(ledger: Ledger, *items: Item) -> Tally:
    return ledger.open(make_envelope(*items), ACCOUNT)


def event() -> Item:
    return make_item("event")


def attachment(size: int = 10, **headers: object) -> Item:
    return make_item("attachment", b"x" * size, **headers)


# The account closes


def test_what_nobody_touches_is_kept(ledger: Ledger, book: Book) -> None:
    with open_for(ledger, event(), attachment(2_048)) as tally:
        assert tally.kept() == ((C.ERROR, 1), (C.ATTACHMENT, 2_048), (C.ATTACHMENT_ITEM, 1))
    assert book.got == [("event", ((C.ERROR, 1),)), ("attachment", ((C.ATTACHMENT, 2_048), (C.ATTACHMENT_ITEM, 1)))]
    assert book.ends == []


def test_what_has_no_category_is_still_an_item(ledger: Ledger, book: Book) -> None:
    with open_for(ledger, make_item("client_report"), make_item("galaxy")) as tally:
        tally.drop(tally.items[0], reasons.INVALID_JSON)
        assert tally.kept() == UNCOUNTED
    assert book.lines() == [("client_report", "invalid_json", UNCOUNTED)]


def test_a_drop_says_all_about_itself(ledger: Ledger, book: Book) -> None:
    with open_for(ledger, event(), make_item("session", b"{12}")) as tally:
        tally.stage = "filter"
        session = tally.items[1]
        tally.drop(session, reasons.RELEASE_VERSION, origin="releases", detail="why")
        assert tally.envelope.dirty
        assert [item.type for item in tally.items] == ["event"]
    assert book.ends == [
        Booking(reasons.RELEASE_VERSION, ((C.SESSION, 1),), ACCOUNT, "session", "filter", "releases", "why", 4)
    ]


def test_dropping_what_is_gone_does_nothing(ledger: Ledger, book: Book) -> None:
    with open_for(ledger, event()) as tally:
        (item,) = tally.items
        tally.drop(item, reasons.SAMPLE_RATE)
        tally.drop(item, reasons.INVALID_JSON)
    assert book.lines() == [("event", "sample_rate", ((C.ERROR, 1),))]


def test_items_that_look_alike_are_told_apart(ledger: Ledger) -> None:
    with open_for(ledger, make_item("session"), make_item("session")) as tally:
        first, second = tally.items
        tally.drop(second, reasons.SAMPLE_RATE)
        assert tally.items == [first]


def test_what_rides_on_the_event_falls_with_it_decisions_36(ledger: Ledger, book: Book) -> None:
    items = make_item("transaction"), make_item("profile"), attachment(), make_item("user_report"), make_item("session")
    with open_for(ledger, *items) as tally:
        tally.drop(items[0], reasons.rate_limited("t"), origin="q")
        assert tally.items == [items[4]]
    assert [line[:2] for line in book.lines()] == [
        ("transaction", "t"),
        ("profile", "t"),
        ("attachment", "t"),
        ("user_report", "t"),
    ]
    assert total(booking.quantities for booking in book.ends) == tuple(
        (category, amount)
        for category, amount in (
            (C.TRANSACTION, 1),
            (C.ATTACHMENT, 10),
            (C.PROFILE, 1),
            (C.TRANSACTION_INDEXED, 1),
            (C.PROFILE_INDEXED, 1),
            (C.SPAN, 1),
            (C.FEEDBACK, 1),
            (C.SPAN_INDEXED, 1),
            (C.ATTACHMENT_ITEM, 1),
        )
    )
    assert {booking.origin for booking in book.ends} == {"q"}


def test_another_event_holds_what_rides(ledger: Ledger) -> None:
    items = event(), attachment(attachment_type="event.minidump"), attachment()
    with open_for(ledger, *items) as tally:
        tally.drop(items[0], reasons.SAMPLE_RATE)
        assert tally.items == [items[1], items[2]]
        tally.drop(items[1], reasons.SAMPLE_RATE)
        assert tally.items == []


def test_a_rider_falls_alone(ledger: Ledger) -> None:
    items = event(), attachment(), attachment()
    with open_for(ledger, *items) as tally:
        tally.drop(items[1], reasons.rate_limited(None))
        assert tally.items == [items[0], items[2]]


def test_records_that_fall_alone(ledger: Ledger, book: Book) -> None:
    log = make_item("log", b"x" * 900, item_count=5)
    with open_for(ledger, log) as tally:
        lost = ((C.LOG_ITEM, 2), (C.LOG_BYTE, 400))
        tally.drop_part(log, lost, reasons.SAMPLE_RATE, origin="3102", detail="d")
        assert tally.quantities(log) == ((C.LOG_ITEM, 3), (C.LOG_BYTE, 500))
        tally.drop(log, reasons.UNSCRUBBABLE)
    assert book.lines() == [("log", "sample_rate", lost), ("log", "unscrubbable", ((C.LOG_ITEM, 3), (C.LOG_BYTE, 500)))]
    assert (book.ends[0].origin, book.ends[0].detail) == ("3102", "d")


def test_no_more_is_lost_than_is_left(ledger: Ledger, book: Book) -> None:
    """What was written into a payload since it came is lost with its records, and never counted."""
    log = make_item("log", b"x" * 90, item_count=2)
    with open_for(ledger, log) as tally:
        tally.drop_part(log, ((C.LOG_ITEM, 1), (C.LOG_BYTE, 110), (C.SPAN, 3)), reasons.SAMPLE_RATE)
        assert tally.quantities(log) == ((C.LOG_ITEM, 1), (C.LOG_BYTE, 0))
    assert book.lines() == [("log", "sample_rate", ((C.LOG_ITEM, 1), (C.LOG_BYTE, 90)))]


def test_what_becomes_shorter_counts_as_it_came(ledger: Ledger) -> None:
    item = attachment(100)
    with open_for(ledger, item) as tally:
        item.replace(b"x")
        assert tally.kept() == ((C.ATTACHMENT, 100), (C.ATTACHMENT_ITEM, 1))


def test_what_an_item_turns_out_to_hold_decisions_12(ledger: Ledger, book: Book) -> None:
    item = make_item("transaction")
    with open_for(ledger, item) as tally:
        tally.recount(item, ())
        tally.recount(item, ((C.SPAN, 2), (C.SPAN_INDEXED, 2)))
        tally.drop(item, reasons.rate_limited("r"))
    received = total(quantities for _, quantities in book.got)
    assert (
        received
        == book.ends[0].quantities
        == ((C.TRANSACTION, 1), (C.TRANSACTION_INDEXED, 1), (C.SPAN, 3), (C.SPAN_INDEXED, 3))
    )
    assert len(book.got) == 2


def test_all_that_is_left_ends_under_one_reason(ledger: Ledger, book: Book) -> None:
    with open_for(ledger, event(), make_item("session")) as tally:
        tally.drop_all(reasons.CAPTURED, origin="o", detail="d")
        assert tally.items == []
    assert [line[:2] for line in book.lines()] == [("event", "captured"), ("session", "captured")]


# It does not close


def test_an_item_that_vanishes_is_unaccounted(book: Book) -> None:
    with open_for(Ledger(book), event()) as tally:
        tally.stage = "scrub"
        tally.items.clear()
    assert book.ends == [Booking(reasons.UNACCOUNTED, ((C.ERROR, 1),), ACCOUNT, stage="scrub")]


def test_a_strict_ledger_raises(ledger: Ledger, book: Book) -> None:
    with pytest.raises(AssertionError, match="unaccounted"), open_for(ledger, event()) as tally:
        tally.items.clear()
    assert book.lines() == [("", "unaccounted", ((C.ERROR, 1),))]
    assert repr(ledger) == "<Ledger strict=True>"


# Exceptions


def test_a_rejected_request_books_the_rest_under_its_reason(ledger: Ledger, book: Book) -> None:
    def refuse() -> None:
        with open_for(ledger, event(), make_item("session")) as tally:
            tally.drop(tally.items[1], reasons.SAMPLE_RATE)
            raise Unavailable(reasons.QUEUE_FAILED, "full")

    with pytest.raises(Unavailable):
        refuse()
    assert [(booking.item_type, booking.reason.code, booking.detail) for booking in book.ends] == [
        ("session", "sample_rate", ""),
        ("event", "queue_failed", "full"),
    ]


def test_a_bug_books_the_rest_as_internal(ledger: Ledger, book: Book) -> None:
    with pytest.raises(ZeroDivisionError), open_for(ledger, event()):
        raise ZeroDivisionError("secret text")
    assert [(booking.reason.code, booking.detail) for booking in book.ends] == [("internal", "ZeroDivisionError")]


# Parcels


@pytest.mark.parametrize(
    ("types", "only_counts"),
    [
        (("client_report",), True),
        (("client_report", "metric_buckets", "sessions"), True),
        (("client_report", "event"), False),
        (("session",), False),
        ((), False),
    ],
)
def test_what_is_added_up_where_it_arrives(types: tuple[str, ...], only_counts: bool) -> None:
    parcel = Parcel("id", "k" * 32, 7, b"{}\n", (), 0.0, item_types=types)
    assert parcel.only_counts is only_counts


def test_a_parcel_ends_with_its_quantities(ledger: Ledger, book: Book) -> None:
    parcel = Parcel(
        "id", KEY, 21, b"12345", ((C.ERROR, 1),), 1.0, "abc", item_types=("attachment", "event"), revision="r"
    )
    ledger.end(parcel, reasons.FORWARDED, now_unix=9.0, stage="forward", origin="o", detail="d")
    assert book.ends == [
        Booking(
            reasons.FORWARDED,
            ((C.ERROR, 1),),
            Account(KEY, 21, "r", "abc", 9.0),
            item_type="attachment,event",
            stage="forward",
            origin="o",
            detail="d",
            size_bytes=5,
        )
    ]


def test_whoever_tells_the_server_hears_each_booking(book: Book) -> None:
    told: list[Booking] = []

    class Reports:
        def add(self, booking: Booking) -> None:
            told.append(booking)

    ledger = Ledger(book, Reports())
    with open_for(ledger, event()) as tally:
        tally.drop(tally.items[0], reasons.SAMPLE_RATE)
    assert told == book.ends
