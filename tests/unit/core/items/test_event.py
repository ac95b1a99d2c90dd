"""Items that are events: what they count as (decisions.md 1.2)."""

import pytest

from scrubjay.categories import DataCategory as C
from support.items import make_item


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("event", C.ERROR),
        ("security", C.SECURITY),
        ("raw_security", C.SECURITY),
        ("feedback", C.FEEDBACK),
        ("unreal_report", C.ERROR),
    ],
)
def test_events_count_once(name: str, category: C) -> None:
    item = make_item(name, item_count=5)
    assert item.kind.quantities(item) == ((category, 1),)
    assert item.creates_event
    assert item.rides_on_event


@pytest.mark.parametrize(("headers", "spans"), [({}, 1), ({"span_count": 4}, 5), ({"span_count": "4"}, 1)])
def test_transaction_counts_its_spans(headers: dict[str, object], spans: int) -> None:
    item = make_item("transaction", **headers)
    assert item.kind.quantities(item) == (
        (C.TRANSACTION, 1),
        (C.TRANSACTION_INDEXED, 1),
        (C.SPAN, spans),
        (C.SPAN_INDEXED, spans),
    )


def test_user_report_is_no_event() -> None:
    item = make_item("user_report")
    assert item.kind.quantities(item) == ((C.FEEDBACK, 1),)
    assert not item.creates_event
    assert item.rides_on_event
