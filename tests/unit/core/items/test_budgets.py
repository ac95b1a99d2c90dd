"""Sizes and counts per envelope (ingest.md 4.4)."""

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.items import KINDS, check_sizes
from scrubjay.core.items.batch import SPAN_CONTAINER_TYPE
from scrubjay.errors import TooLarge
from scrubjay.settings.limits import Limits
from support.items import make_item

KIB = 1024
MIB = 1024 * KIB
BOUNDS = Limits()
SPAN_CONTAINER = {"content_type": SPAN_CONTAINER_TYPE}


def sized(name: str, size: int, **headers: object) -> Item:
    return make_item(name, bytes(size), **headers)


FIT = {
    "event": [sized("event", MIB)],
    "attachments": [sized("attachment", 10)] * 30,
    "ingest-66": [sized("event", 10), *[sized("attachment", 10)] * 30],
    "ingest-67": [sized("transaction", 10), sized("profile", 10), sized("attachment", 10)],
    "ingest-68": [sized("replay_event", 10), sized("replay_recording", 10)],
    "ingest-70": [sized("session", 10)] * 100,
    "ingest-71": [sized("check_in", 100 * KIB)],
    "ingest-72 average": [sized("log", 3 * MIB, item_count=2)],
    "ingest-74 unknown": [sized("x", 50 * MIB)] * 3,
    "legacy spans": [sized("span", 10)] * 25,
    "both kinds of spans": [sized("span", 10), sized("span", 10, **SPAN_CONTAINER)],
    "client reports": [sized("client_report", KIB)] * 100,
    "none": [],
}
OVER = {
    "ingest-65 two events": ("event", [sized("event", 1), sized("event", 1)]),
    "ingest-65 event and feedback": ("feedback", [sized("event", 1), sized("feedback", 1)]),
    "event and form data": ("form_data", [sized("event", 1), sized("form_data", 1)]),
    "M33 event": ("event", [sized("event", MIB + 1)]),
    "ingest-66": ("attachment", [sized("event", 1), *[sized("attachment", 1)] * 31]),
    "ingest-69 check-ins": ("check_in", [sized("check_in", 1)] * 2),
    "ingest-69 logs": ("log", [sized("log", 1)] * 2),
    "M39 profiles": ("profile_chunk", [sized("profile", 1), sized("profile_chunk", 1)]),
    "ingest-70": ("session", [sized("session", 1)] * 101),
    "ingest-71": ("check_in", [sized("check_in", 100 * KIB + 1)]),
    "ingest-72": ("log", [sized("log", 3 * MIB, item_count=1)]),
    "ingest-73": ("span", [sized("span", 1)] * 26),
    "one span container": ("span", [sized("span", 1, **SPAN_CONTAINER)] * 2),
    "containers in all": ("trace_metric", [sized("trace_metric", 12 * MIB + 1, item_count=1000)]),
    "client reports in all": ("client_report", [sized("client_report", 60 * KIB)] * 2),
    "replay videos": ("replay_video", [sized("replay_video", 1)] * 2),
    "metric buckets": ("metric_buckets", [sized("metric_buckets", MIB + 1)]),
}


@pytest.mark.parametrize("items", FIT.values(), ids=FIT.keys())
def test_fits(items: list[Item]) -> None:
    check_sizes(items, BOUNDS)


@pytest.mark.parametrize(("culprit", "items"), OVER.values(), ids=OVER.keys())
def test_does_not_fit(culprit: str, items: list[Item]) -> None:
    """M33, M34, M39"""
    with pytest.raises(TooLarge) as caught:
        check_sizes(items, BOUNDS)
    assert caught.value.reason.code == f"too_large:{culprit}"
    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        ("M33 event", f"one item is too long: {MIB + 1} bytes, `limits.max_event_size` is {MIB}"),
        ("ingest-66", "too many items of a kind: 31, `limits.max_attachment_count` is 30"),
        ("ingest-69 logs", "too many items of a kind: 2, there may be one"),
        ("client reports in all", f"items of a kind are too long together: {120 * KIB} bytes, `limits.max_client_reports_size` is {100 * KIB}"),
    ],
)  # fmt: skip
def test_the_setting_is_named(case: str, cause: str) -> None:
    with pytest.raises(TooLarge) as caught:
        check_sizes(OVER[case][1], BOUNDS)
    assert caught.value.causes == (cause,)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_a_budget(name: str) -> None:
    item = make_item(name)
    assert item.kind.budget
    check_sizes([item], BOUNDS)


def test_bounds_are_the_operators() -> None:
    with pytest.raises(TooLarge):
        check_sizes([sized("event", 11)], Limits(max_event_size=10))
