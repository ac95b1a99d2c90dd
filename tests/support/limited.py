"""Envelopes under limits: items of short names, and what a ruling does to them."""

from __future__ import annotations

from collections.abc import Sequence

from scrubjay.core.envelope import Item
from scrubjay.core.ledger import total
from scrubjay.core.limits import format_rate_limits
from scrubjay.core.rulings import Ruling
from support.items import make_item

NOW = 1_000.0

EVENT = ("event", {})
TRANSACTION = ("transaction", {})
ATTACHMENT = ("attachment", {"filename": "a"})
MINIDUMP = ("attachment", {"attachment_type": "event.minidump"})
TRACE_ATTACHMENT = ("attachment", {"content_type": "application/vnd.sentry.trace-attachment", "meta_length": 4})
SPAN_ATTACHMENT = ("attachment", TRACE_ATTACHMENT[1] | {"span_id": "ad54d9ad54d9ad54"})
LOG = ("log", {"item_count": 1})

Kind = tuple[str, dict[str, object]]


def items_of(kinds: Sequence[Kind]) -> list[Item]:
    """Payloads of ten bytes, so that bytes can be told from counts."""
    return [make_item(item_type, b'{"a":1234}', **headers) for item_type, headers in kinds]


def positions(items: list[Item], ruling: Ruling) -> set[int]:
    """Which items fall."""
    fallen = {id(fall.item) for fall in ruling.falls}
    return {position for position, item in enumerate(items) if id(item) in fallen}


def lost(ruling: Ruling) -> dict[str, int]:
    """What falls and is marked, by category."""
    fallen = {id(fall.item): fall for fall in ruling.falls}.values()
    parts = [part for fall in fallen for part in (fall.item.kind.quantities(fall.item), fall.uncounted)]
    return {category.wire: amount for category, amount in total([*parts, *(mark.lost for mark in ruling.marks)])}


def told(ruling: Ruling) -> str:
    answer = format_rate_limits(ruling.limits, NOW)
    return answer[1] if answer else ""
