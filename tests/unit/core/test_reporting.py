"""Client reports of our own losses."""

import itertools
import json

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Account, Booking, Ledger
from scrubjay.core.reporting import MAX_ENVELOPE_BYTES, MAX_ITEM_BYTES, MAX_ITEMS, pack_reports
from scrubjay.outcomes import Reason

KEY = "a" * 32


class Book:
    def __init__(self) -> None:
        self.came: list[str] = []

    def received(self, item_type: str, quantities: Quantities) -> None:
        self.came.append(item_type)

    def ended(self, booking: Booking) -> None:
        pass

    def accepted(self, item_types: object) -> None:
        raise AssertionError("reports are not accepted from anybody")


def lose(reports: ClientReports, reason: Reason, *, key: str = KEY, at: float = 1_767_261_605, amount: int = 1) -> None:
    account = Account(key, 42, "", None, at)
    reports.add(Booking(reason, ((DataCategory.ERROR, amount),), account))


def packed(reports: ClientReports, book: Book | None = None) -> list[list[dict[str, object]]]:
    """Per parcel, the payloads of its items."""
    numbers = itertools.count()
    parcels = pack_reports(reports.take(), Ledger(book or Book()), now_unix=2e9, new_id=lambda: str(next(numbers)))
    for parcel in parcels:
        assert parcel.client is not None
        assert parcel.client.startswith("scrubjay/")
        assert len(parcel.body) <= MAX_ENVELOPE_BYTES + 10
    return [[json.loads(bytes(item.payload)) for item in parse_envelope(parcel.body).items] for parcel in parcels]


def test_nothing_lost_nothing_told() -> None:
    assert packed(ClientReports()) == []


def test_losses_of_one_key_travel_together_and_are_received() -> None:
    reports, book = ClientReports(), Book()
    lose(reports, reasons.rate_limited("r"), amount=2)
    lose(reports, reasons.ERROR_MESSAGE, at=1_767_261_620)
    lose(reports, reasons.SAMPLE_RATE, key="b" * 32)
    first, second = packed(reports, book)
    assert first == [
        {
            "timestamp": 1_767_261_600,
            "discarded_events": [],
            "rate_limited_events": [{"reason": "r", "category": "error", "quantity": 2}],
        },
        {
            "timestamp": 1_767_261_620,
            "discarded_events": [],
            "filtered_events": [{"reason": "error-message", "category": "error", "quantity": 1}],
        },
    ]
    assert second[0]["discarded_events"] == [{"reason": "sample_rate", "category": "error", "quantity": 1}]
    assert book.came == ["client_report", "client_report"]
    assert packed(reports) == []


def test_many_reasons_are_split_into_small_items_and_envelopes() -> None:
    """decisions-116"""
    reports = ClientReports()
    for number in range(3000):
        lose(reports, reasons.rate_limited(f"reason-{number:04}-{'x' * 40}"))
    parcels = packed(reports)
    assert len(parcels) > 1
    seen = []
    for payloads in parcels:
        assert len(payloads) <= MAX_ITEMS
        for payload in payloads:
            assert len(json.dumps(payload, separators=(",", ":"))) <= MAX_ITEM_BYTES
            assert payload["discarded_events"] == []
            seen += [line["reason"] for line in payload["rate_limited_events"]]  # type: ignore[attr-defined]
    assert len(seen) == len(set(seen)) == 3000


def test_the_longest_reasons_fit() -> None:
    reports = ClientReports()
    for number in range(30):
        lose(reports, reasons.rate_limited(f"{number:04}" + "\x01" * 5000))
    for (payloads,) in [packed(reports)]:
        assert len(payloads) > 1


def test_many_small_items_fill_several_envelopes() -> None:
    reports = ClientReports()
    for slot in range(150):
        lose(reports, reasons.SAMPLE_RATE, at=1_767_261_600 + 10 * slot)
    assert [len(payloads) for payloads in packed(reports)] == [100, 50]
