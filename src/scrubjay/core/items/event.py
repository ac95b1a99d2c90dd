"""Items that are events: errors, transactions, security reports, crash archives, feedback."""

from __future__ import annotations

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import ItemKind, always, counts, u32


def _transaction(item: Item) -> Quantities:
    """A transaction is a span too, and brings the spans that its header announces (`decisions.md` 1.2)."""
    spans = 1 + (u32(item, "span_count") or 0)
    return (
        (DataCategory.TRANSACTION, 1),
        (DataCategory.TRANSACTION_INDEXED, 1),
        (DataCategory.SPAN, spans),
        (DataCategory.SPAN_INDEXED, spans),
    )


EVENT = ItemKind("event", "json", "event", "event", counts(DataCategory.ERROR), always, always)
TRANSACTION = ItemKind("transaction", "json", "event", "event", _transaction, always, always)
SECURITY = ItemKind("security", "json", "event", "event", counts(DataCategory.SECURITY), always, always)
RAW_SECURITY = ItemKind("raw_security", "json", "generic", "event", counts(DataCategory.SECURITY), always, always)
FEEDBACK = ItemKind("feedback", "json", "event", "event", counts(DataCategory.FEEDBACK), always, always)
UNREAL_REPORT = ItemKind("unreal_report", "binary", "archive", "attachment", counts(DataCategory.ERROR), always, always)
USER_REPORT = ItemKind(
    "user_report", "json", "user_report", "attachment", counts(DataCategory.FEEDBACK), rides_on_event=always
)
