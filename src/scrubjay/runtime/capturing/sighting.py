"""What the sink sees of one request: its items as they came, and what became of each.

A `ports.Sighting`. It holds references only; copies are made when the way is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scrubjay import reasons
from scrubjay.core.envelope import Item, Payload
from scrubjay.core.ledger import Booking, Tally
from scrubjay.core.ports import Ingress
from scrubjay.errors import Rejected


@dataclass(slots=True)
class SeenItem:
    """`headers` and `original` as they came; `item` as the path left it. `ending` None: it would have left, or did."""

    item: Item
    headers: dict[str, object]
    original: Payload
    ending: Booking | None = None


@dataclass(slots=True)
class Seen:
    """One request. Without `tally` its body was not read as an envelope, or nothing asked."""

    ingress: Ingress
    tally: Tally | None = None
    items: list[SeenItem] = field(default_factory=list)
    error: Rejected | None = None

    def opened(self, tally: Tally) -> None:
        self.tally = tally
        self.items = [SeenItem(item, dict(item.headers), item.payload) for item in tally.items]

    def ended(self, item: Item, booking: Booking, *, whole: bool) -> None:
        if not whole or booking.reason is reasons.CAPTURED:
            return
        for seen in self.items:
            if seen.item is item:
                seen.ending = booking

    def refused(self, error: Rejected) -> None:
        self.error = error
