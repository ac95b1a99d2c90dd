"""The account of what is held (upstream-and-operations 7.5, 7.7)."""

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Ledger
from scrubjay.core.spool_format import Record
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.spool.types import Evicted, StoredFacts
from support.forwarding import ERROR, KEY, KeptBook, MemorySpool, Observed, SetClock, parcel


class Desk:
    """A custody with all that is around it."""

    def __init__(self, spool: MemorySpool | None, *, spool_evicts: bool = False) -> None:
        self.book, self.observed, self.clock, self.spool = KeptBook(), Observed(), SetClock(), spool
        self.custody = Custody(Ledger(self.book), self.observed, self.clock, spool, spool_evicts=spool_evicts)
        if spool is not None and not spool.records:
            self.custody.end_survey()

    def store(self, name: str = "0", **changes) -> Waiting:
        assert self.spool is not None
        each = parcel(name, **changes)
        waiting = Waiting(each, self.spool._store(encode_record(each)), 0.0)
        self.custody.count_stored(each)
        self.custody.keep(waiting)
        return waiting

    def held(self, where: str) -> dict[str, int]:
        return {category.wire: amount for category, amount in self.custody.held()[where]}


def facts_of(sequence, each):
    meta, body = encode_record(each)
    return StoredFacts(sequence, meta, len(body))


def evicted(*waiting):
    return Evicted(tuple(facts_of(each.sequence, each.parcel) for each in waiting))


@pytest.fixture
def desk():
    return Desk(MemorySpool(), spool_evicts=True)


def test_a_stored_parcel_counts_as_stored_though_a_copy_is_in_memory(desk):
    desk.store(quantities=((DataCategory.ERROR, 1), (DataCategory.ATTACHMENT, 300)))
    assert desk.held("spool") == {"error": 1, "attachment": 300}
    assert desk.held("memory") == {}
    assert desk.custody.memory_bytes > 0


def test_the_end_of_a_stored_parcel(desk):
    waiting = desk.store()
    desk.custody.end(waiting, reasons.UPSTREAM_REJECTED, origin="upstream", detail="400 no")
    (booking,) = desk.book.bookings
    assert (booking.reason, booking.quantities, booking.origin, booking.detail, booking.stage) == (
        reasons.UPSTREAM_REJECTED,
        ERROR,
        "upstream",
        "400 no",
        "forward",
    )
    assert booking.account.now_unix == desk.clock.wall_unix
    assert desk.spool.acknowledged == [waiting.sequence]
    assert desk.held("spool") == {}
    assert (desk.custody.memory_bytes, desk.custody.copies) == (0, {})


def test_the_end_of_a_parcel_in_memory_alone():
    desk = Desk(None)
    waiting = Waiting(parcel(), 0, 0.0)
    desk.custody.count_unstored(ERROR)
    desk.custody.keep(waiting)
    assert desk.held("memory") == {"error": 1}
    desk.custody.end(waiting, reasons.DRAIN_TIMEOUT)
    assert desk.held("memory") == {}
    assert desk.book.codes == ["drain_timeout"]


def test_a_released_copy_is_still_held_on_disk(desk):
    waiting = desk.store()
    desk.custody.release(waiting)
    assert desk.held("spool") == {"error": 1}
    assert desk.custody.memory_bytes == 0
    assert desk.book.codes == []


def test_what_is_read_back_takes_no_room_of_the_window(desk):
    waiting = desk.store()
    desk.custody.release(waiting)
    waiting.from_backlog = True
    desk.custody.keep(waiting)
    assert (desk.custody.memory_bytes, desk.custody.backlog_bytes) == (0, waiting.size_bytes)
    desk.custody.end(waiting, reasons.FORWARDED)
    assert (desk.custody.memory_bytes, desk.custody.backlog_bytes) == (0, 0)


@pytest.mark.parametrize(("reason", "metric"), [(reasons.SPOOL_EXPIRED, {"expired": 1}), (reasons.FORWARDED, {})])
def test_what_the_spool_gave_up_is_counted(desk, reason, metric):
    desk.custody.end(desk.store(), reason)
    assert desk.observed.dropped == metric


def test_operations_82_evicted_records_end_with_their_quantities(desk):
    waiting = desk.store()
    desk.custody.release(waiting)
    desk.custody.evicted(evicted(waiting))
    (booking,) = desk.book.bookings
    assert (booking.reason, booking.quantities, booking.account.key) == (reasons.SPOOL_EVICTED, ERROR, KEY)
    assert desk.held("spool") == {}
    assert desk.observed.dropped == {"evicted": 1}


def test_an_evicted_record_with_a_copy_lives_on_in_memory(desk):
    waiting = desk.store()
    desk.custody.evicted(evicted(waiting))
    assert desk.book.codes == []
    assert (desk.held("spool"), desk.held("memory")) == ({}, {"error": 1})
    desk.custody.end(waiting, reasons.FORWARDED)
    assert desk.held("memory") == {}
    assert desk.spool.acknowledged == []


def test_what_ended_is_not_lost_again_if_the_spool_did_not_hear_of_it_in_time(desk):
    waiting = desk.store()
    desk.custody.end(waiting, reasons.FORWARDED)
    desk.custody.evicted(evicted(waiting))
    assert desk.book.codes == ["forwarded"]
    assert desk.observed.dropped == {}


def test_what_ended_long_ago_is_forgotten(desk):
    for _ in range(3):
        desk.custody.end(desk.store(), reasons.FORWARDED)
        desk.clock.move(60.0)
    assert len(desk.custody._ended_numbers) == 1


def test_an_unreadable_record_ends_as_corrupt(desk):
    sequence = desk.spool._store(Record(b"?", b"body"))
    desk.custody.count_stored(parcel(quantities=((DataCategory.UNKNOWN, 1),)))
    desk.custody.end_unreadable(desk.spool.records[sequence])
    assert desk.book.codes == ["spool_corrupt"]
    assert desk.spool.acknowledged == [sequence]
    assert desk.held("spool") == {}
    assert desk.observed.dropped == {"corrupt": 1}


def test_what_was_in_damaged_records_shows_when_all_else_has_ended(desk):
    lost, kept = desk.store("lost"), desk.store("kept")
    desk.custody.release(lost)
    desk.custody.damaged(1, "segment at 64")
    desk.custody.settle()
    assert desk.book.codes == []
    desk.custody.end(kept, reasons.FORWARDED)
    desk.custody.settle()
    desk.custody.settle()
    assert desk.book.codes == ["forwarded", "spool_corrupt"]
    assert desk.book.bookings[1].quantities == ERROR
    assert desk.held("spool") == {}
    assert desk.observed.dropped == {"corrupt": 1}


def test_damage_to_what_had_ended_costs_nothing(desk):
    desk.custody.damaged(0, "segment at 64")
    desk.custody.settle()
    desk.custody.damaged(1, "found by the survey, before anything was counted")
    desk.custody.settle()
    assert desk.book.codes == []


def test_without_damage_what_is_left_is_no_damage(desk):
    desk.custody.release(desk.store())
    desk.custody.settle()
    assert desk.held("spool") == {"error": 1}
    assert repr(desk.custody) == "<Custody copies=0 memory_bytes=0>"


class TestSurvey:
    """What was there at start: ten records of two keys, of which the survey has told of so many."""

    def desk(self, told: int) -> Desk:
        self.parcels = [parcel(str(number), key=KEY if number < 7 else "f" * 32) for number in range(10)]
        desk = Desk(MemorySpool([encode_record(each) for each in self.parcels]), spool_evicts=True)
        desk.custody.find([facts_of(number, each) for number, each in enumerate(self.parcels[:told], 1)])
        return desk

    def test_it_counts_when_all_of_it_has_been_seen(self):
        desk = self.desk(10)
        assert not desk.custody.is_surveyed
        desk.store("new", quantities=((DataCategory.SESSION, 4),))
        assert desk.held("spool") == {"session": 4}
        assert desk.custody.end_survey() == (((DataCategory.ERROR, 10),), 0)
        assert desk.custody.is_surveyed
        assert desk.held("spool") == {"error": 10, "session": 4}

    def test_what_ends_before_that_is_subtracted_already(self):
        """The books go by what the last process said as long as that; both together are right at any moment."""
        desk = self.desk(5)
        waiting = Waiting(self.parcels[2], 3, 0.0, from_backlog=True)
        desk.custody.keep(waiting)
        desk.custody.end(waiting, reasons.FORWARDED)
        assert desk.held("spool") == {"error": -1}
        desk.custody.end_survey()
        assert desk.held("spool") == {"error": 4}

    @pytest.mark.parametrize("sequence", [2, 9])
    def test_what_is_evicted_meanwhile_was_there_at_start_whether_the_survey_got_to_it_or_not(self, sequence):
        desk = self.desk(5)
        desk.custody.evicted(Evicted((facts_of(sequence, self.parcels[sequence - 1]),)))
        left = [number for number in range(6, 11) if number != sequence]
        desk.custody.find([facts_of(number, self.parcels[number - 1]) for number in left])
        assert desk.custody.end_survey() == (((DataCategory.ERROR, 10),), 0)
        assert desk.held("spool") == {"error": 9}
        assert desk.book.codes == ["spool_evicted"]

    def test_damage_that_it_finds_is_told_to_whoever_closes_the_account_and_booked_there(self):
        desk = self.desk(8)
        desk.custody.damaged(2, "segment at 64")
        desk.custody.settle()
        assert desk.custody.end_survey() == (((DataCategory.ERROR, 8),), 2)
        desk.custody.settle()
        assert desk.book.codes == []
        assert desk.observed.dropped == {"corrupt": 2}


class TestShares:
    def test_a_key_has_its_part_of_what_is_used(self, desk):
        desk.spool.fullness = 0.6
        large = desk.store("large" * 500, key="f" * 32)
        small = desk.store()
        whole = large.size_bytes + small.size_bytes
        assert desk.custody.share_of("f" * 32) == pytest.approx(0.6 * large.size_bytes / whole)
        assert desk.custody.share_of(KEY) == pytest.approx(0.6 * small.size_bytes / whole)
        assert desk.custody.share_of("unheard of") == 0.0

    def test_what_ended_in_whatever_way_weighs_nothing(self, desk):
        desk.spool.fullness = 0.5
        first, second, third = desk.store("1"), desk.store("2"), desk.store("3")
        desk.custody.end(first, reasons.FORWARDED)
        desk.custody.evicted(evicted(second))
        desk.custody.release(third)
        assert desk.custody.share_of(KEY) == 0.5
        desk.custody.evicted(evicted(third))
        assert desk.custody.share_of(KEY) == 0.0
        desk.custody.end(second, reasons.FORWARDED)
        assert (desk.custody._key_bytes, desk.custody._all_bytes) == ({}, 0)

    def test_what_cannot_be_read_weighs_until_it_ends(self, desk):
        sequence = desk.spool._store(Record(b"?", b"body"))
        desk.custody.count_stored(parcel(key="", body=b"body"))
        desk.custody.end_unreadable(desk.spool.records[sequence])
        assert (desk.custody._key_bytes, desk.custody._all_bytes) == ({}, 0)

    def test_what_was_in_damaged_records_weighs_until_it_is_booked(self, desk):
        desk.custody.release(desk.store())
        desk.custody.damaged(1, "segment at 64")
        desk.custody.settle()
        assert (desk.custody._key_bytes, desk.custody._all_bytes) == ({}, 0)

    def test_nobody_has_any_before_all_is_known_or_without_a_spool(self):
        desk = TestSurvey().desk(10)
        desk.spool.fullness = 1.0
        assert desk.custody.share_of(KEY) == 0.0
        desk.custody.end_survey()
        assert desk.custody.share_of(KEY) == pytest.approx(0.7, abs=0.01)
        alone = Desk(None)
        alone.custody.keep(Waiting(parcel(), 0, 0.0))
        assert alone.custody.share_of(KEY) == 0.0
