"""Client reports of others: what counts of them, and as of when."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.categories import DataCategory as C
from scrubjay.core.client_reports import ClientReports, Count
from scrubjay.core.ledger import Account, Booking, Ledger
from scrubjay.core.received_reports import RETENTION_S, Received, merge_reports, read_report
from scrubjay.outcomes import Section
from support.items import make_envelope, make_item

NOW = 1_767_261_605.5
ERROR = {"reason": "queue_overflow", "category": "error", "quantity": 2}
ONE = Count(Section.DISCARDED, "queue_overflow", C.ERROR, 2)


def read(report: object, **known: object) -> Received | None:
    return read_report(json.dumps(report).encode(), received_unix=NOW, **known)  # type: ignore[arg-type]


def counts(report: object) -> tuple[Count, ...]:
    received = read(report)
    assert received is not None
    return received.counts


def test_sections_are_kept_apart_decisions_114() -> None:
    received = read(
        {
            "timestamp": 1_767_261_588.9,
            "discarded_events": [ERROR],
            "rate_limited_events": [{"reason": "", "category": "log_byte", "quantity": 9}],
            "filtered_events": [{"reason": "web-crawlers", "category": "user_report_v2", "quantity": 1}],
            "filtered_sampling_events": [{"reason": "Sampled:3001", "category": "span_indexed", "quantity": 7}],
            "more": {"of": "it"},
        }
    )
    assert received == Received(
        1_767_261_588,
        (
            ONE,
            Count(Section.RATE_LIMITED, "", C.LOG_BYTE, 9),
            Count(Section.FILTERED, "web-crawlers", C.FEEDBACK, 1),
            Count(Section.SAMPLING, "Sampled:3000", C.SPAN_INDEXED, 7),
        ),
    )


@pytest.mark.parametrize(
    "report",
    [
        pytest.param({"timestamp": 1}, id="decisions-111"),
        {"discarded_events": None},
        {"discarded_events": {}},
        {"discarded_events": [{"reason": 3, "category": "error", "quantity": 1}]},
        {"discarded_events": [{"reason": "r", "category": "error"}]},
        {"discarded_events": [{**ERROR, "quantity": -1}]},
        {"discarded_events": [{**ERROR, "quantity": 1.5}]},
        {"discarded_events": [{**ERROR, "quantity": "1"}]},
        {"discarded_events": [{**ERROR, "quantity": 2**32}]},
        {"discarded_events": [{**ERROR, "quantity": 10**400}]},
        {"discarded_events": [], "filtered_events": None},
        {"discarded_events": [], "timestamp": -1},
        {"discarded_events": [], "timestamp": -0.5},
        {"discarded_events": [], "timestamp": "yesterday"},
        {"discarded_events": [], "timestamp": "1969-12-31T23:59:59Z"},
        {"discarded_events": [], "timestamp": []},
        [],
        "x",
        None,
    ],
)
def test_what_is_no_report(report: object) -> None:
    assert read(report) is None


@pytest.mark.parametrize("payload", [b"", b"{", b'{"discarded_events":[' + b"[" * 100_000, b"\xff", b"\x00"])
def test_what_is_no_json(payload: bytes) -> None:
    assert read_report(payload, received_unix=NOW) is None


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param({"reason": "r" * 201}, False, id="decisions-112 long"),
        ({"reason": "r" * 200}, True),
        ({"reason": "é" * 101}, False),
        ({"quantity": 0}, False),
    ],
)
def test_lines_that_do_not_count_leave_the_others(line: dict[str, object], kept: bool) -> None:
    found = counts({"discarded_events": [{**ERROR, **line}, ERROR]})
    assert found[-1] == ONE
    assert len(found) == 1 + kept


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        pytest.param("Sampled:", None, id="decisions-113 empty"),
        pytest.param("Sampled:a", None, id="decisions-113 text"),
        pytest.param("Sampled:1456,1401,9", "Sampled:1400,0", id="decisions-113"),
    ],
)
def test_rules_are_named_by_their_categories(reason: str, shown: str | None) -> None:
    line = {"reason": reason, "category": "transaction_indexed", "quantity": 1}
    found = counts({"discarded_events": [ERROR], "filtered_sampling_events": [line]})
    assert [count.reason for count in found] == ["queue_overflow", *([shown] if shown else [])]


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (None, NOW),
        (1_767_261_000, 1_767_261_000),
        (1_767_261_000.99, 1_767_261_000),
        ("2026-01-01T10:00:00Z", 1_767_261_600),
        ("2026-01-01T10:00:00", 1_767_261_600),
        ("2026-01-01T11:00:00.25+01:00", 1_767_261_600),
        (NOW + 60, int(NOW + 60)),
    ],
)
def test_the_time_of_a_report(timestamp: object, at: float) -> None:
    received = read({"discarded_events": [ERROR], "timestamp": timestamp})
    assert received == Received(at, (ONE,))


def test_without_a_time_it_is_when_it_came_decisions_112() -> None:
    assert read({"discarded_events": [ERROR]}, sent_at="2025-01-01T00:00:00Z") == Received(NOW, (ONE,))


@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param(NOW - RETENTION_S - 86_400, id="decisions-112 91 days back"),
        pytest.param(NOW + 62, id="decisions-112 61 seconds ahead"),
        0,
        1e300,
        10**400,
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_too_old_or_not_yet_counts_for_nothing(timestamp: object) -> None:
    received = read({"discarded_events": [ERROR], "timestamp": timestamp})
    assert received is None or received == Received(NOW)


@pytest.mark.parametrize(
    ("sent_at", "shift_s"),
    [
        ("2026-01-01T10:00:00Z", 0),
        ("2026-01-01T09:05:06Z", 0),
        ("2026-01-01T09:05:05Z", 3300.5),
        ("2026-01-01T12:00:05.5Z", -7200),
        (None, 0),
        ("soon", 0),
        (7, 0),
    ],
)
def test_a_clock_that_is_far_off_is_set_right(sent_at: object, shift_s: float) -> None:
    received = read({"discarded_events": [ERROR], "timestamp": 1_767_254_400}, sent_at=sent_at)
    assert received is not None
    assert received.at_unix == pytest.approx(1_767_254_400 + shift_s, abs=0.01)


def test_a_category_that_nobody_knows_is_noticed() -> None:
    received = read({"discarded_events": [ERROR, {**ERROR, "category": "internal"}]})
    assert received is not None
    assert not received.is_whole
    long_ago = read({"timestamp": 0, "discarded_events": [{**ERROR, "category": "internal"}]})
    assert long_ago == Received(NOW)


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=30), st.none())
some_lines = st.lists(
    st.fixed_dictionaries(
        {"reason": st.text(max_size=20), "category": st.sampled_from(["error", "x"]), "quantity": numbers}
    )
)


@given(numbers, some_lines, st.one_of(st.none(), st.text(max_size=30)))
def test_anything_is_read_without_complaint(timestamp: object, lines: list[object], sent_at: object) -> None:
    report = {"timestamp": timestamp, "discarded_events": lines, "filtered_sampling_events": lines}
    received = read_report(json.dumps(report).encode(), received_unix=NOW, sent_at=sent_at)
    if received is not None:
        assert NOW - RETENTION_S <= received.at_unix <= NOW + 60
        assert all(count.quantity > 0 for count in received.counts)


def test_items_end_once_whatever_they_hold() -> None:
    """What becomes of the envelope is shown in `test_pipeline_reports`."""
    good, strange = {"discarded_events": [ERROR]}, {"discarded_events": [{**ERROR, "category": "internal"}]}
    ends: list[str] = []

    class Book:
        def received(self, item_type: str, quantities: object) -> None: ...
        def accepted(self, item_types: object) -> None: ...
        def unscrubbed(self, item_type: str) -> None: ...
        def exceeded(self, *excess: object) -> None: ...
        def ended(self, booking: Booking) -> None:
            ends.append(booking.reason.code)

    def merged(project_id: int | None) -> tuple[list[str], int]:
        items = [make_item("client_report", json.dumps(report).encode()) for report in (good, strange, {})]
        ends.clear()
        reports = ClientReports()
        account = Account("k", project_id, "", None, NOW)
        with Ledger(Book(), strict=True).open(make_envelope(*items, make_item("session")), account) as tally:
            merge_reports(tally, reports)
        return [item.type for item in tally.items], len(reports)

    assert merged(21) == (["client_report", "session"], 1)
    assert ends == ["merged", "invalid_client_report"]
    assert merged(None) == (["client_report"] * 3 + ["session"], 0)
