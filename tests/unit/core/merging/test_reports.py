"""Reports of the same ten seconds are summed, line by line."""

import json

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.merging.reports import merge_reports, share_of_report
from support.merging import RECEIVED_UNIX, report

MOST = 2**32 - 1


def raw(payload, **headers):
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Item({"type": "client_report", **headers}, data)


def item(*lines, at=RECEIVED_UNIX, **sections):
    _, payload = report(*lines, at=at, **sections)
    return raw(payload)


def merged(*items):
    return [json.loads(bytes(each.payload)) for each in merge_reports(items)]


def lines(found, section="discarded_events"):
    return [(line["reason"], line["category"], line["quantity"]) for line in found[section]]


def test_a_report_takes_a_hundredth_or_its_share_of_the_bytes():
    shares = [share_of_report(item(*[("before_send", "error", 1)] * count)) for count in (1, 100)]
    assert shares[0].entries == 10
    assert 50 < shares[1].entries < 70


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        {},
        {"timestamp": 1},
        {"discarded_events": None},
        {"discarded_events": [{}]},
        b'{"discarded_events":[{"reason":"\\ud800","category":"error","quantity":1}]}',
        {"discarded_events": [], "unheard": 1},
        {"discarded_events": [], "timestamp": -1},
        {"discarded_events": [], "timestamp": 2**53},
        {"discarded_events": [], "timestamp": 1e300},
        {"discarded_events": [], "timestamp": "yesterday"},
        {"discarded_events": [], "timestamp": "1969-12-31T23:59:59Z"},
        {"discarded_events": [], "timestamp": [1]},
        *(
            {"discarded_events": [{"reason": "a", "category": "error", "quantity": 1} | change]}
            for change in (
                {"reason": "x" * 201},
                {"reason": 1},
                {"category": None},
                {"quantity": -1},
                {"quantity": MOST + 1},
                {"quantity": 1.5},
                {"quantity": "1"},
                {"unheard": 1},
            )
        ),
    ],
    ids=lambda payload: str(payload)[:60],
)
def test_what_is_not_understood_to_the_last_member_is_left_alone(payload):
    assert share_of_report(raw(payload)) is None


def test_so_is_what_has_headers_of_its_own():
    assert share_of_report(raw(report(("a", "error", 1))[1], item_count=1)) is None


def test_quantities_of_equal_lines_are_summed():
    (found,) = merged(
        item(("a", "error", 1), ("a", "transaction", 2)), item(("a", "error", 10), ("b", "error", 20)), item()
    )
    assert found["timestamp"] == RECEIVED_UNIX
    assert lines(found) == [("a", "error", 11), ("a", "transaction", 2), ("b", "error", 20)]


def test_sections_stay_apart():
    (found,) = merged(
        item(("a", "error", 1), filtered_events=[("a", "error", 2)]),
        item(
            rate_limited_events=[("a", "error", 3)],
            filtered_events=[("a", "error", 4)],
            filtered_sampling_events=[("Sampled:1", "transaction", 5)],
        ),
    )
    assert lines(found) == [("a", "error", 1)]
    assert lines(found, "filtered_events") == [("a", "error", 6)]
    assert lines(found, "rate_limited_events") == [("a", "error", 3)]
    assert lines(found, "filtered_sampling_events") == [("Sampled:1", "transaction", 5)]


def test_the_list_that_has_to_be_there_is_there():
    (found,) = merged(*[item(filtered_events=[("a", "error", 1)])] * 2)
    assert found["discarded_events"] == []


def test_times_in_the_same_ten_seconds_are_the_same():
    found = merged(
        item(("a", "error", 1), at=RECEIVED_UNIX),
        item(("a", "error", 2), at=RECEIVED_UNIX + 9.9),
        item(("a", "error", 4), at="2026-01-05T11:00:05+01:00"),
        item(("a", "error", 8), at=RECEIVED_UNIX + 10),
        item(("a", "error", 16), at=None),
    )
    assert [(each.get("timestamp"), lines(each)[0][2]) for each in found] == [
        (RECEIVED_UNIX, 7),
        (RECEIVED_UNIX + 10, 8),
        (None, 16),
    ]


def test_those_without_a_time_are_summed_too():
    assert merged(item(("a", "error", 1), at=None), item(("a", "error", 2), at=None)) == [
        {"discarded_events": [{"reason": "a", "category": "error", "quantity": 3}]}
    ]


def test_what_is_alone_in_its_time_keeps_its_bytes():
    first, second = item(("a", "error", 1)), item(("a", "error", 1), at=RECEIVED_UNIX + 60)
    assert merge_reports([first, second]) == [first, second]


def test_a_sum_that_no_line_holds_is_told_in_several():
    (found,) = merged(*[item(("a", "attachment", MOST))] * 3)
    assert lines(found) == [("a", "attachment", MOST)] * 3
    (found,) = merged(item(("a", "attachment", MOST)), item(("a", "attachment", 1)))
    assert lines(found) == [("a", "attachment", MOST), ("a", "attachment", 1)]


def test_nothing_is_a_quantity():
    (found,) = merged(*[item(("a", "error", 0))] * 2)
    assert lines(found) == [("a", "error", 0)]


def test_a_long_report_is_told_in_several():
    told = [(f"reason_{number}", "error", number) for number in range(100)]
    found = merge_reports([item(*told), item(*told)])
    assert len(found) > 1
    assert all(len(each.payload) <= 4096 for each in found)
    summed = [line for each in found for line in lines(json.loads(bytes(each.payload)))]
    assert summed == [(reason, category, 2 * quantity) for reason, category, quantity in told]


def test_one_line_is_not_divided():
    """A category may be as long as it likes."""
    (found,) = merged(*[item(("a", "x" * 5000, 1))] * 2)
    assert lines(found) == [("a", "x" * 5000, 2)]
