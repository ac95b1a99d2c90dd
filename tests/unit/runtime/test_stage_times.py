"""The watch on the stages of one envelope in some."""

from __future__ import annotations

import itertools

import pytest

from scrubjay import reasons
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Account
from scrubjay.errors import Unavailable
from scrubjay.runtime.stage_times import TimedLedger
from support.items import make_envelope, make_item
from support.path import Accounts

ACCOUNT = Account("a" * 32, 7, "rev", None, 0.0)


class Observer(Accounts):
    def __init__(self, *due: bool) -> None:
        super().__init__()
        self._due = itertools.cycle(due)
        self.stages: list[tuple[str, float]] = []

    def timing_due(self) -> bool:
        return next(self._due)

    def stage(self, stage: str, seconds: float) -> None:
        self.stages.append((stage, seconds))


def ledger(observer: Observer) -> TimedLedger:
    clock = itertools.count(10.0, 0.5)
    return TimedLedger(observer, ClientReports(), strict=True, now_mono=lambda: next(clock))


def test_each_stage_is_timed_to_the_next_and_the_last_to_the_end() -> None:
    observer = Observer(True)
    with ledger(observer).open(make_envelope(make_item("event", b"{}")), ACCOUNT) as tally:
        tally.stage = "gate"
        tally.stage = "scrub"
        tally.drop(tally.items[0], reasons.SAMPLE_RATE)
        assert tally.stage == "scrub"
    assert observer.stages == [("gate", 0.5), ("scrub", 0.5)]
    assert [booking.stage for booking in observer.bookings] == ["scrub"]


def test_the_others_are_not() -> None:
    observer = Observer(False)
    with ledger(observer).open(make_envelope(make_item("event", b"{}")), ACCOUNT) as tally:
        tally.stage = "gate"
    assert observer.stages == []


def test_a_request_that_ends_early_is_timed_up_to_there() -> None:
    observer = Observer(True)

    def end_early() -> None:
        with ledger(observer).open(make_envelope(make_item("event", b"{}")), ACCOUNT) as tally:
            tally.stage = "hand_over"
            raise Unavailable(reasons.QUEUE_FAILED)

    with pytest.raises(Unavailable):
        end_early()
    assert observer.stages == [("hand_over", 0.5)]
    assert [booking.stage for booking in observer.bookings] == ["hand_over"]
