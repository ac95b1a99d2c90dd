import logging

import pytest

from scrubjay import __version__, reasons
from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Account, Booking, Ledger, Parcel
from scrubjay.outcomes import Outcome
from scrubjay.runtime.account import AccountBook
from scrubjay.runtime.state import MAX_DROPS, Balance, Snapshot, StateFile
from scrubjay.runtime.telemetry import Telemetry

NOW = 1_800_000_000.0
KEY = "a1b2c3d4" * 4
ERROR = DataCategory.ERROR
ACCOUNT = Account(KEY, 7, "rev1", "e" * 32, NOW)


def booking(reason, amount=1, category=ERROR, **changes):
    return Booking(reason, ((category, amount),), ACCOUNT, **changes)


@pytest.fixture
def book():
    return Telemetry(4, now=lambda: NOW, mono=lambda: 50.0)


def restarted(book, held=None, **changes):
    """The slot's next process, after its predecessor wrote its last state file."""
    return Telemetry(book.slot, previous=book.snapshot(held or {}, **changes), now=lambda: NOW, mono=lambda: 50.0)


def drops(book):
    return book.snapshot({}).drops


def test_what_comes_and_ends_is_counted(book):
    book.received("event", ((ERROR, 3), (DataCategory.ATTACHMENT, 2048)))
    book.ended(booking(reasons.FORWARDED))
    book.ended(booking(reasons.CAPTURED))
    assert book.account({"spool": ((ERROR, 1),)}) == {
        "error": Balance(received=3, forwarded=1, captured=1, held=1),
        "attachment": Balance(received=2048),
    }
    assert drops(book) == []


def test_a_loss_leaves_a_record_without_payload(book):
    book.ended(
        Booking(
            reasons.rate_limited("quota_1"),
            ((ERROR, 1), (DataCategory.ATTACHMENT, 9)),
            ACCOUNT,
            item_type="event",
            stage="limit",
            origin="42",
            detail="d" * 1000,
            size_bytes=5120,
        )
    )
    (drop,) = drops(book)
    assert drop.quantities == {"error": 1, "attachment": 9}
    assert (drop.time_unix, drop.slot, drop.project_id, drop.key) == (NOW, 4, 7, KEY[:8])
    assert (drop.outcome, drop.reason, drop.origin, drop.stage) == ("rate_limited", "quota_1", "42", "limit")
    assert (drop.event_id, drop.size_bytes, drop.revision, drop.item_type) == ("e" * 32, 5120, "rev1", "event")
    assert len(drop.detail) == 200


def test_only_the_last_thousand_records_are_kept(book):
    for number in range(MAX_DROPS + 5):
        book.ended(booking(reasons.INTERNAL, origin=str(number)))
    assert [drops(book)[0].origin, drops(book)[-1].origin] == ["5", str(MAX_DROPS + 4)]
    assert book.account({})["error"].dropped == MAX_DROPS + 5


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        (reasons.SAMPLE_RATE, logging.DEBUG),
        (reasons.rate_limited("q"), logging.DEBUG),
        (reasons.too_large("event"), logging.INFO),
        (reasons.SPOOL_EVICTED, logging.WARNING),
        (reasons.UNACCOUNTED, logging.ERROR),
        (reasons.INTERNAL, logging.ERROR),
    ],
)
def test_the_level_says_how_bad_it_is(book, caplog, reason, level):
    caplog.set_level(logging.DEBUG, "scrubjay.account")
    book.ended(booking(reason))
    (record,) = caplog.records
    assert record.levelno == level
    assert record.fields["project_key"] == KEY[:8]
    assert record.fields["quantities"] == "error:1"


def test_one_reason_does_not_flood_the_log(book, caplog):
    caplog.set_level(logging.WARNING, "scrubjay.account")
    for _ in range(100):
        book.ended(booking(reasons.SPOOL_EVICTED))
    book.ended(booking(reasons.SPOOL_EXPIRED))
    assert len(caplog.records) == 2


def test_every_reason_of_the_table_can_be_booked(book):
    for reason in reasons.REASONS:
        book.received("event", ((ERROR, 1),))
        book.ended(booking(reason))
    assert book.account({})["error"].open == 0


def test_what_is_beyond_a_watched_quota_is_counted_by_its_fate(book):
    book.exceeded("q", DataCategory.LOG_ITEM, 9, 4)
    book.exceeded("q", DataCategory.LOG_ITEM, 2, 2)
    assert dict(book.values.series["scrubjay_quota_excess_total"]) == {
        ("q", "log_item", "kept"): 6,
        ("q", "log_item", "dropped"): 5,
    }


def test_a_request_that_ends_unread_is_counted_as_a_request(book, caplog):
    caplog.set_level(logging.INFO, "scrubjay.http")
    book.rejected(reasons.AUTH_KEY, "short", key="k" * 32, project_id=7)
    (drop,) = drops(book)
    assert (drop.reason, drop.key, drop.project_id, drop.quantities) == ("auth_key", "k" * 8, 7, {})
    assert book.account({}) == {}
    assert book.values.series["scrubjay_requests_rejected_total"] == {("auth_key",): 1}
    assert caplog.records[0].levelno == logging.INFO


def test_codes_that_others_choose_are_bounded_and_the_category_stays_exact(book):
    for number in range(300):
        book.ended(booking(reasons.too_large(f"type{number}")))
    assert len(book.values.series["scrubjay_outcomes_total"]) == 101
    assert book.account({})["error"].dropped == 300


def test_unaccounted_is_counted_apart_and_an_unaccounted_surplus_lets_no_counter_fall(book):
    book.ended(booking(reasons.UNACCOUNTED, 2))
    book.ended(booking(reasons.UNACCOUNTED, -3))
    assert book.values.series["scrubjay_unaccounted_total"] == {("error",): 5}
    assert book.account({})["error"] == Balance(received=3, dropped=2)


def test_a_parcel_that_ends_through_the_ledger_is_booked(book):
    parcel = Parcel("p", KEY, 7, b"body", ((ERROR, 1),), NOW - 5, "e" * 32, item_types=("event",), revision="rev1")
    Ledger(book).end(parcel, reasons.SPOOL_EXPIRED, now_unix=NOW, stage="forward")
    assert drops(book)[0].size_bytes == 4
    assert drops(book)[0].item_type == "event"


# Over restarts


def test_counters_and_drops_go_on_after_a_restart(book, tmp_path):
    book.received("event", ((ERROR, 5),))
    book.ended(booking(reasons.FORWARDED, 3))
    book.ended(booking(reasons.INTERNAL, 2))
    book.request("envelope", 200, 0.01)
    file = StateFile(tmp_path, 4)
    file.write(book.snapshot({}))
    after = Telemetry(4, previous=file.load())
    assert after.close_account(()) == {}
    assert after.account({}) == book.account({})
    assert [drop.reason for drop in drops(after)] == ["internal"]
    assert after.values.series["scrubjay_requests_total"] == {("envelope", "200"): 1}
    after.received("event", ((ERROR, 1),))
    assert after.account({})["error"].received == 6


def test_after_a_kill_what_the_spool_holds_too_much_had_been_received(book, caplog):
    caplog.set_level(logging.INFO, "scrubjay.account")
    book.received("event", ((ERROR, 5),))
    book.ended(booking(reasons.FORWARDED, 5))
    after = restarted(book)
    held = {"spool": ((ERROR, 3), (DataCategory.LOG_ITEM, 10))}
    assert after.close_account(held["spool"]) == {"error": 3, "log_item": 10}
    assert after.account(held) == {
        "error": Balance(received=8, forwarded=5, held=3),
        "log_item": Balance(received=10, held=10),
    }
    assert caplog.records[-1].fields == {"error": "+3", "log_item": "+10"}
    assert caplog.records[-1].levelno == logging.INFO


def test_after_a_kill_what_the_spool_no_longer_holds_had_ended(book):
    book.received("event", ((ERROR, 9),))
    after = restarted(book, {"spool": ((ERROR, 9),)})
    held = {"spool": ((ERROR, 4),)}
    assert after.close_account(held["spool"]) == {"error": -5}
    assert after.account(held)["error"] == Balance(received=9, forwarded=5, held=4)
    assert after.values.series["scrubjay_outcomes_total"] == {("forwarded", "restart", "error"): 5}
    assert drops(after) == []


def test_what_was_being_answered_when_it_was_killed_was_promised_to_nobody(book):
    """Two were on their way to the disk when the books were written for the last time, and three more came and were stored after that."""
    book.received("event", ((ERROR, 9), (DataCategory.SESSION, 2)))
    after = restarted(book, {"spool": ((ERROR, 7),)})
    assert after.close_account(((ERROR, 10),)) == {"error": 1, "session": -2}
    assert after.account({"spool": ((ERROR, 10),)}) == {
        "error": Balance(received=10, held=10),
        "session": Balance(received=2, dropped=2),
    }
    (drop,) = drops(after)
    assert (drop.reason, drop.quantities, drop.stage) == ("unanswered", {"session": 2}, "restart")
    after = restarted(
        book, {"spool": ((ERROR, 12), (DataCategory.SESSION, 2))}
    )  # more than had come: nobody was being answered
    assert after.close_account(((ERROR, 4), (DataCategory.SESSION, 2))) == {"error": -5}
    assert after.account({"spool": ((ERROR, 4),)})["error"] == Balance(received=9, forwarded=5, held=4)


def test_what_was_in_memory_alone_is_lost_with_the_process(book):
    book.received("event", ((ERROR, 9),))
    after = restarted(book, {"memory": ((ERROR, 6),), "spool": ((ERROR, 3),)})
    assert after.close_account(((ERROR, 1),)) == {"error": -8}
    assert after.account({"spool": ((ERROR, 1),)})["error"] == Balance(received=9, forwarded=2, dropped=6, held=1)
    (drop,) = drops(after)
    assert (drop.reason, drop.quantities, drop.stage) == ("drain_timeout", {"error": 6}, "restart")


def test_after_an_orderly_stop_a_difference_is_unaccounted(book):
    book.received("event", ((ERROR, 9),))
    after = restarted(book, {"spool": ((ERROR, 9),)}, stopped=True)
    after.close_account(())
    assert after.account({})["error"] == Balance(received=9, dropped=9)
    assert after.values.series["scrubjay_unaccounted_total"] == {("error",): 9}
    assert drops(after)[0].reason == "unaccounted"


def test_a_spool_without_a_state_file_is_taken_in(book):
    held = {"spool": ((ERROR, 2),)}
    book.close_account(held["spool"])
    assert book.account(held)["error"] == Balance(received=2, held=2)


def test_the_account_closes_whatever_the_file_missed():
    """Every split of the last second: what came, what went, what is held, what was known of it."""
    for known_received in range(4):
        for known_ended in range(known_received + 1):
            for held_now in range(4):
                before = AccountBook()
                before.received("event", ((ERROR, known_received),))
                before.ended(booking(reasons.FORWARDED, known_ended))
                state = Snapshot(0, 1, "1", NOW, NOW, 0.0, series=before.values.series_rows())
                after = AccountBook(previous=state)
                held = {"spool": ((ERROR, held_now),)}
                after.close_account(held["spool"])
                balance = after.account(held)["error"]
                assert balance.open == 0
                assert balance.received >= known_received
                assert balance.forwarded >= known_ended


def test_what_the_last_books_say_is_on_disk_is_held_until_the_account_is_closed(book):
    """The survey of the disk takes its time, and the account is whole meanwhile: what is new and what ends is counted as ever."""
    book.received("event", ((ERROR, 9), (DataCategory.SESSION, 2)))
    after = restarted(book, {"spool": ((ERROR, 9), (DataCategory.SESSION, 2))})
    assert after.account({})["error"] == Balance(received=9, held=9)
    after.received("event", ((ERROR, 1),))
    after.ended(booking(reasons.FORWARDED, 3))
    assert after.account({"spool": ((ERROR, -2),)})["error"] == Balance(received=10, forwarded=3, held=7)
    assert after.snapshot({"spool": ((ERROR, -2),)}).held == {"spool": {"error": 7, "session": 2}}
    assert after.close_account(((ERROR, 8), (DataCategory.SESSION, 2))) == {"error": -1}
    assert after.account({"spool": ((ERROR, 6),)})["error"] == Balance(received=10, forwarded=4, held=6)


@pytest.mark.parametrize(
    ("orderly", "damaged", "codes"),
    [
        (False, 0, {"restart": 9}),
        (False, 4, {"spool_corrupt": 4, "restart": 5}),
        (False, 99, {"spool_corrupt": 9}),
        (True, 0, {"unaccounted": 9}),
        (True, 1, {"spool_corrupt": 9}),
    ],
)
def test_what_was_in_damaged_records_is_booked_as_that(book, orderly, damaged, codes):
    """After an orderly stop nothing else can have been: a record may count as several."""
    book.received("event", ((ERROR, 9),))
    after = restarted(book, {"spool": ((ERROR, 9),)}, stopped=orderly)
    after.close_account((), damaged)
    outcomes = after.values.series["scrubjay_outcomes_total"]
    assert {code: amount for (_, code, _), amount in outcomes.items()} == codes
    assert after.account({})["error"].open == 0


def test_a_stop_before_the_books_of_a_killed_process_are_closed_leaves_them_as_those_of_one(book):
    book.received("event", ((ERROR, 9),))
    after = restarted(book, {"spool": ((ERROR, 9),)})
    assert not after.snapshot({}, stopped=True).stopped
    after.close_account(())
    assert after.snapshot({}, stopped=True).stopped
    assert restarted(book, stopped=True).snapshot({}, stopped=True).stopped
    assert book.snapshot({}, stopped=True).stopped


def test_outcomes_of_the_table_are_the_ones_the_account_knows(book):
    assert {outcome for outcome in Outcome if outcome not in ("forwarded", "captured")} == {
        "filtered", "sampled", "rate_limited", "invalid", "lost"
    }  # fmt: skip


@pytest.mark.parametrize(("held", "received", "forwarded"), [(5, 10, 4), (8, 13, 4), (3, 10, 6)])
def test_books_of_another_slot_are_closed_and_added(book, held, received, forwarded):
    """What its partition holds decides, as at a start of its own; nothing that was counted is counted less."""
    book.received("event", ((ERROR, 100),))
    other = Telemetry(9, now=lambda: NOW - 1, mono=lambda: 50.0)
    other.received("event", ((ERROR, 10),))
    other.ended(booking(reasons.FORWARDED, 4))
    other.ended(booking(reasons.rate_limited("few")))
    other.worker_restarted()
    book.ended(booking(reasons.CAPTURED, 100))
    book.ended(booking(reasons.rate_limited("late"), 0))
    book.inherit(9, other.snapshot({"spool": ((ERROR, 5),)}), ((ERROR, held),))
    assert book.account({"spool": ((ERROR, held),)})["error"] == Balance(
        received=100 + received, forwarded=forwarded, captured=100, dropped=1, held=held
    )
    assert book.account({"spool": ((ERROR, held),)})["error"].open == 0
    assert {"few", "late"} <= {drop.reason for drop in drops(book)}
    assert book.values.series["scrubjay_worker_restarts_total"][("9",)] == 1
    assert book.values.series["scrubjay_build_info"] == {(__version__,): 1}


def test_a_partition_without_books_counts_as_received(book):
    book.inherit(9, None, ((ERROR, 3),))
    assert book.account({"spool": ((ERROR, 3),)})["error"] == Balance(received=3, held=3)


def test_adoptions_are_counted(book):
    book.adopted("p09", 3)
    assert book.values.series["scrubjay_spool_adoptions_total"] == {(): 1}


def by_project(book):
    return dict(book.values.series["scrubjay_project_outcomes_total"])


def test_projects_are_told_apart_only_where_that_is_wanted(book):
    book.ended(booking(reasons.FORWARDED))
    assert by_project(book) == {}
    book.count_projects_apart(apart=True)
    book.ended(booking(reasons.FORWARDED, 2))
    book.ended(booking(reasons.QUEUE_FAILED))
    book.ended(booking(reasons.UNACCOUNTED, -1))
    counts = {("7", "forwarded", "error"): 2, ("7", "lost", "error"): 1}
    assert by_project(book) == counts
    book.count_projects_apart(apart=True)
    assert by_project(book) == counts, "a reload changes nothing"
    later = restarted(book)
    later.count_projects_apart(apart=True)
    later.inherit(9, None, ((ERROR, 1),))
    later.ended(booking(reasons.FORWARDED))
    assert by_project(later) == {**counts, ("7", "forwarded", "error"): 3}
    later.count_projects_apart(apart=False)
    assert by_project(later) == {}


def test_losses_are_those_that_are_not_meant(book):
    for reason in (
        reasons.QUEUE_FAILED,
        reasons.UNKNOWN_ITEM,
        reasons.FORWARDED,
        reasons.CORS,
        reasons.rate_limited("x"),
    ):
        book.ended(booking(reason))
    book.rejected(reasons.OUT_OF_MEMORY)
    assert dict(book.values.series["scrubjay_losses_total"]) == {("queue_failed",): 1, ("out_of_memory",): 1}
