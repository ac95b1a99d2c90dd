"""What of a loss the server is told, and how it is summed until then."""

from dataclasses import replace

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.core.client_reports import MAX_KEYS, MAX_LINES, ClientReports, Count
from scrubjay.core.ledger import Account, Booking
from scrubjay.outcomes import Outcome, Reason, Section

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
ACCOUNT = Account(KEY, 21, "rev", "5d2c7a5e1b8f4c0e9a3d6f7081920abc", 1_767_261_605.5)
TRACE = Reason("Sampled:3000", Outcome.SAMPLED, "", "", section=Section.SAMPLING)
"""As sampling by traces books."""


def booked(reason: Reason, *quantities: tuple[C, int], at: float | None = None) -> Booking:
    return Booking(reason, quantities, ACCOUNT if at is None else replace(ACCOUNT, now_unix=at))


def report_of(*bookings: Booking) -> dict[str, object]:
    reports = ClientReports()
    for booking in bookings:
        reports.add(booking)
    (due,) = reports.take()
    assert (due.key, due.project_id) == (KEY, 21)
    (payload,) = due.payloads
    return payload


def lines(payload: dict[str, object], section: Section) -> dict[tuple[str, str], int]:
    found = payload.get(section.value, [])
    assert isinstance(found, list)
    return {(line["reason"], line["category"]): line["quantity"] for line in found}


def test_limits_are_summed_in_one_report_decisions_110() -> None:
    limited = reasons.rate_limited("generic")
    log = booked(limited, (C.LOG_ITEM, 1), (C.LOG_BYTE, 100))
    assert report_of(booked(limited, (C.ERROR, 1)), log, booked(limited, (C.ERROR, 1))) == {
        "timestamp": 1_767_261_600,
        "discarded_events": [],
        "rate_limited_events": [
            {"reason": "generic", "category": "error", "quantity": 2},
            {"reason": "generic", "category": "log_item", "quantity": 1},
            {"reason": "generic", "category": "log_byte", "quantity": 100},
        ],
    }


@pytest.mark.parametrize(
    ("quantity", "told"),
    [(2**33, [2**32 - 1, 2**32 - 1, 2]), (2**32 - 1, [2**32 - 1]), (10**30, [2**32 - 1] * 64)],
)
def test_more_than_a_line_can_say_takes_several(quantity: int, told: list[int]) -> None:
    """Gigabytes of attachments may be evicted at once."""
    report = report_of(booked(reasons.SPOOL_EVICTED, (C.ATTACHMENT, quantity)))
    found = report["discarded_events"]
    assert isinstance(found, list)
    assert [line["quantity"] for line in found] == told


def test_filters_have_a_section_of_their_own_decisions_110() -> None:
    assert report_of(booked(reasons.ERROR_MESSAGE, (C.ERROR, 1))) == {
        "timestamp": 1_767_261_600,
        "discarded_events": [],
        "filtered_events": [{"reason": "error-message", "category": "error", "quantity": 1}],
    }


@pytest.mark.parametrize(
    ("reason", "section", "code"),
    [
        (reasons.SAMPLE_RATE, "discarded_events", "sample_rate"),
        (reasons.SPOOL_EVICTED, "discarded_events", "cache_overflow"),
        (reasons.SPOOL_EXPIRED, "discarded_events", "network_error"),
        (reasons.DRAIN_TIMEOUT, "discarded_events", "network_error"),
        (reasons.UPSTREAM_REJECTED, "discarded_events", "send_error"),
        (reasons.UPSTREAM_TOO_LARGE, "discarded_events", "send_error"),
        (reasons.UPSTREAM_ERROR, "discarded_events", "send_error"),
        (reasons.DISABLED_MEANWHILE, "discarded_events", "send_error"),
        (reasons.UNSCRUBBABLE, "discarded_events", "internal_sdk_error"),
        (reasons.INVALID_JSON, "discarded_events", "internal_sdk_error"),
        (reasons.INTERNAL_SENDING, "discarded_events", "internal_sdk_error"),
        (reasons.UNACCOUNTED, "discarded_events", "internal_sdk_error"),
        (reasons.ERROR_MESSAGE, "filtered_events", "error-message"),
        (TRACE, "filtered_sampling_events", "Sampled:3000"),
        (reasons.rate_limited("key_hourly"), "rate_limited_events", "key_hourly"),
        (reasons.rate_limited(None), "rate_limited_events", ""),
    ],
)
def test_what_the_server_is_told(reason: Reason, section: str, code: str) -> None:
    """The rows of the specification's table (8.3)."""
    assert report_of(booked(reason, (C.ERROR, 3)))[section] == [{"reason": code, "category": "error", "quantity": 3}]


@pytest.mark.parametrize(
    "reason",
    [
        reasons.FORWARDED,
        reasons.CAPTURED,
        reasons.MERGED,
        reasons.INVALID_CLIENT_REPORT,
        reasons.QUEUE_FAILED,
        reasons.OUT_OF_MEMORY,
        reasons.INTERNAL,
        reasons.PROJECT_ID,
        reasons.UPSTREAM_DENIED,
        reasons.CORS,
        reasons.too_large("event"),
        reasons.SERVER_LIMIT,
    ],
)
def test_what_others_count_is_not_reported(reason: Reason) -> None:
    reports = ClientReports()
    reports.add(booked(reason, (C.ERROR, 1)))
    assert reports.take() == []


def test_each_reason_that_is_told_has_a_section_and_a_name_that_servers_know() -> None:
    known = {"sample_rate", "cache_overflow", "network_error", "send_error", "internal_sdk_error", "backpressure"}
    known |= {"missing_signature", "invalid_signature"}
    for reason in reasons.REASONS:
        if reason.section is Section.DISCARDED:
            assert reason.reported_reason in known, reason.code
        elif reason.section is not None:
            assert reason.status in (200, 429), reason.code


@pytest.mark.parametrize("quantity", [(C.SESSION, 1), (C.UNKNOWN, 1), (C.ATTACHMENT, 0)])
def test_sessions_and_what_has_no_category_are_never_reported(quantity: tuple[C, int]) -> None:
    reports = ClientReports()
    for reason in (reasons.SAMPLE_RATE, TRACE, reasons.ERROR_MESSAGE, reasons.rate_limited("r")):
        reports.add(booked(reason, quantity))
    assert reports.take() == []
    assert len(reports) == 0


TRANSACTION = ((C.TRANSACTION, 1), (C.TRANSACTION_INDEXED, 1), (C.SPAN, 4), (C.SPAN_INDEXED, 4), (C.ATTACHMENT, 52))


@pytest.mark.parametrize(
    ("reason", "section", "told"),
    [
        (TRACE, Section.SAMPLING, {"transaction_indexed": 1, "span_indexed": 4, "attachment": 52}),
        (reasons.SAMPLE_RATE, Section.DISCARDED, {"transaction": 1, "span": 4, "attachment": 52}),
        (
            reasons.ERROR_MESSAGE,
            Section.FILTERED,
            {"transaction": 1, "transaction_indexed": 1, "span": 4, "span_indexed": 4, "attachment": 52},
        ),
    ],
    ids=["decisions-76", "plain", "filters"],
)
def test_what_is_told_of_a_transaction(reason: Reason, section: Section, told: dict[str, int]) -> None:
    payload = report_of(booked(reason, *TRANSACTION))
    assert {category: quantity for (_, category), quantity in lines(payload, section).items()} == told


def test_without_a_project_there_is_nobody_to_tell() -> None:
    reports = ClientReports()
    reports.add(Booking(reasons.SAMPLE_RATE, ((C.ERROR, 1),), Account(KEY, None, "", None, 0)))
    assert reports.take() == []


def test_one_report_per_key_and_slot_oldest_first() -> None:
    reports = ClientReports()
    for key, now in (("a", 25.0), ("b", 25.0), ("a", 9.9), ("a", 20.0)):
        reports.add(Booking(reasons.SAMPLE_RATE, ((C.ERROR, 1),), Account(key, 21, "", None, now)))
    taken = [
        (due.key, [(payload["timestamp"], lines(payload, Section.DISCARDED)) for payload in due.payloads])
        for due in reports.take()
    ]
    line = ("sample_rate", "error")
    assert taken == [("a", [(0, {line: 1}), (20, {line: 2})]), ("b", [(20, {line: 1})])]
    assert reports.take() == []


def test_the_length_of_a_slot_can_be_chosen() -> None:
    reports = ClientReports(interval_s=60)
    reports.add(booked(reasons.SAMPLE_RATE, (C.ERROR, 1), at=179.0))
    assert [payload["timestamp"] for due in reports.take() for payload in due.payloads] == [120]


def test_those_who_may_not_be_told_yet_keep_their_sums() -> None:
    reports = ClientReports()
    for project_id in (1, 2):
        reports.merge("k", project_id, 0, [Count(Section.DISCARDED, "sample_rate", C.ERROR, 1)])
    assert [due.project_id for due in reports.take(lambda key, project_id: project_id == 2)] == [2]
    assert repr(reports) == "<ClientReports of 1 keys, 1 sums>"
    assert [due.project_id for due in reports.take()] == [1]


def test_the_first_thing_to_tell_is_announced_and_each_first_one_after_a_while() -> None:
    told: list[int] = []
    reports = ClientReports(on_first=lambda: told.append(len(told)))
    for key in ("a", "a", "b"):
        reports.add(Booking(reasons.SAMPLE_RATE, ((C.ERROR, 1),), Account(key, 21, "", None, 0)))
    assert told == [0]
    reports.take()
    reports.add(booked(reasons.SAMPLE_RATE, (C.ERROR, 1)))
    assert told == [0, 1]


def test_too_many_reasons_are_told_as_one() -> None:
    reports = ClientReports()
    for number in range(MAX_LINES + 10):
        reports.add(booked(reasons.rate_limited(str(number)), (C.ERROR, 1)))
    reports.add(booked(reasons.rate_limited("0"), (C.ERROR, 1)))
    ((payload,),) = (due.payloads for due in reports.take())
    limited = lines(payload, Section.RATE_LIMITED)
    assert len(limited) == MAX_LINES
    assert limited["0", "error"] == 2
    assert lines(payload, Section.DISCARDED) == {("internal_sdk_error", "error"): 10}


def test_in_a_long_outage_the_time_goes_before_the_reason() -> None:
    """An outage of a day at one loss a slot: bounded, each quantity right, each reason right."""
    reports = ClientReports()
    slots = 8_640
    for slot in range(slots):
        reports.add(booked(reasons.SAMPLE_RATE, (C.ERROR, 1), (C.TRANSACTION, 2), at=slot * 10.0))
    (due,) = reports.take()
    assert len(due.payloads) == MAX_LINES / 2
    told: dict[tuple[str, str], int] = {}
    for payload in due.payloads:
        for line, quantity in lines(payload, Section.DISCARDED).items():
            told[line] = told.get(line, 0) + quantity
    assert told == {("sample_rate", "error"): slots, ("sample_rate", "transaction"): 2 * slots}
    assert due.payloads[-1]["timestamp"] == (MAX_LINES / 2 - 1) * 10


def test_of_too_many_keys_the_last_are_not_told() -> None:
    reports = ClientReports()
    for number in range(MAX_KEYS + 5):
        reports.add(Booking(reasons.SAMPLE_RATE, ((C.ERROR, 1),), Account(str(number), 21, "", None, 0)))
    assert len(reports) == MAX_KEYS


@pytest.mark.parametrize("reason", ["x" * 300, "é" * 101, "€" * 80])
def test_long_reasons_are_cut_to_what_servers_take(reason: str) -> None:
    payload = report_of(booked(reasons.rate_limited(reason), (C.ERROR, 1)))
    ((shown, _),) = lines(payload, Section.RATE_LIMITED)
    assert 198 <= len(shown.encode()) <= 200
    assert reason.startswith(shown)
