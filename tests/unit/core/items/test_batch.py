"""Many or small records: what they count as (decisions.md 1.2)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.categories import Quantities
from scrubjay.core.items.batch import SPAN_CONTAINER_TYPE
from support.items import make_item


@pytest.mark.parametrize(
    ("name", "headers", "expected"),
    [
        ("session", {"item_count": 3}, ((C.SESSION, 3),)),
        ("sessions", {}, ((C.SESSION, 1),)),
        ("check_in", {"item_count": 2}, ((C.MONITOR, 2),)),
        ("span", {}, ((C.SPAN, 1), (C.SPAN_INDEXED, 1))),
        ("span", {"content_type": SPAN_CONTAINER_TYPE, "item_count": 9}, ((C.SPAN, 9), (C.SPAN_INDEXED, 9))),
        ("log", {"item_count": 5}, ((C.LOG_ITEM, 5), (C.LOG_BYTE, 900))),
        ("trace_metric", {"item_count": 5}, ((C.TRACE_METRIC, 5), (C.TRACE_METRIC_BYTE, 900))),
        ("client_report", {"item_count": 5}, ()),
        ("metric_buckets", {"item_count": 5}, ()),
    ],
)
def test_records_are_counted(name: str, headers: dict[str, object], expected: Quantities) -> None:
    """decisions-4"""
    item = make_item(name, b"x" * 900, **headers)
    assert item.kind.quantities(item) == expected
    assert not item.creates_event
    assert not item.rides_on_event


def test_empty_container_has_one_byte() -> None:
    item = make_item("log", b"")
    assert item.kind.quantities(item) == ((C.LOG_ITEM, 1), (C.LOG_BYTE, 1))
