"""The account of what was received before and waited (`upstream-and-operations.md` 7.4)."""

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.envelope import Envelope, parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.ledger import Account, Ledger
from scrubjay.core.reopened import Counted, reopen
from scrubjay.errors import Denied, Unavailable
from support.path import Accounts, envelope

ACCOUNT = Account("k" * 32, 7, "pending", None, 1.0)
ERROR = ((DataCategory.ERROR, 1),)


def read(*items: tuple[str, str]) -> Envelope:
    parsed = parse_envelope(envelope(*items))
    for item in parsed.items:
        classify(item)
    return parsed


def test_nothing_is_received_again() -> None:
    book, counted = Accounts(), Counted(ERROR)
    with reopen(Ledger(book, strict=True), read(("event", "{}")), ACCOUNT, counted) as tally:
        assert tally.kept() == ERROR
    assert book.came == []
    assert counted.is_settled


def test_of_an_item_counts_what_was_left_of_it() -> None:
    book, counted = Accounts(), Counted(ERROR)
    with reopen(Ledger(book, strict=True), read(("event", "{}"), ("session", "{}")), ACCOUNT, counted) as tally:
        first, second = tally.items
        assert [amount for _, amount in tally.quantities(second)] == [0]
        tally.drop(first, reasons.PROJECT_ID)
        tally.drop(second, reasons.PROJECT_ID)
    assert [booking.quantities for booking in book.bookings if any(amount for _, amount in booking.quantities)] == [
        ERROR
    ]


def test_what_was_counted_by_other_rules_counts_all_the_same() -> None:
    book, counted = Accounts(), Counted(((DataCategory.UNKNOWN, 2), *ERROR))
    with reopen(Ledger(book, strict=True), read(("event", "{}")), ACCOUNT, counted) as tally:
        tally.drop_all(reasons.INTERNAL)
    assert dict(book.bookings[0].quantities) == {DataCategory.UNKNOWN: 2, DataCategory.ERROR: 1}


def touch(book: Accounts, counted: Counted, error: BaseException | None = None) -> None:
    """Everything that can be told of an envelope, and then the end."""
    with reopen(Ledger(book, strict=True), read(("event", "{}")), ACCOUNT, counted) as tally:
        tally.recount(tally.items[0], ((DataCategory.SPAN, 2),))
        tally.keep_sampled("1")
        tally.exceed("q", DataCategory.ERROR, 1, 1)
        tally.pass_unscrubbed(tally.items[0])
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [Unavailable(reasons.QUEUE_FAILED), KeyboardInterrupt()], ids=["full", "stopped"])
def test_what_goes_on_waiting_was_not_touched(error: BaseException) -> None:
    book, counted = Accounts(), Counted(ERROR)
    with pytest.raises(type(error)):
        touch(book, counted, error)
    assert (book.came, book.bookings, book.kept_by, book.excess, book.passed) == ([], [], {}, [], [])
    assert not counted.is_settled


@pytest.mark.parametrize("error", [Denied(reasons.CORS), RuntimeError()], ids=["denied", "broken"])
def test_what_ended_is_in_the_books_in_order(error: Exception) -> None:
    book, counted = Accounts(), Counted(ERROR)
    with pytest.raises(type(error)):
        touch(book, counted, error)
    assert counted.is_settled
    more = ((DataCategory.SPAN, 2),)
    assert (book.came, book.kept_by, len(book.excess), book.passed) == ([more], {"1": 1}, 1, ["event"])
    assert dict(book.bookings[0].quantities) == {DataCategory.ERROR: 1, DataCategory.SPAN: 2}


def test_it_is_not_accepted_twice() -> None:
    tally = reopen(Ledger(Accounts()), read(("event", "{}")), ACCOUNT, Counted(ERROR))
    with pytest.raises(AssertionError):
        tally._ledger.accept(["event"])
