"""What the sink sees of one request: its items as they came, and what became of each.

A `ports.Sighting`. It holds references only; copies are made when the way is over.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from scrubjay import reasons
from scrubjay.core.envelope import Item, Payload
from scrubjay.core.ledger import Booking, Tally
from scrubjay.core.ports import Ingress
from scrubjay.errors import Rejected


@dataclass(slots=True)
class SeenItem:
    """`headers` and `original` as they came; `item` as the path left it. `ending` None: it would have left, or did.

    `partial`: of what its container lost.
    """

    item: Item
    headers: dict[str, object]
    original: Payload
    ending: Booking | None = None
    partial: Booking | None = None


@dataclass(slots=True)
class Seen:
    """One request. Without `tally` its body was not read as an envelope, or nothing asked. `headers`: the envelope's, as they came."""

    ingress: Ingress
    began_mono: float = 0.0
    tally: Tally | None = None
    headers: dict[str, object] = field(default_factory=dict)
    items: list[SeenItem] = field(default_factory=list)
    error: Rejected | None = None

    def opened(self, tally: Tally) -> None:
        self.tally = tally
        self.headers = deepcopy(tally.envelope.headers)
        self.items = [SeenItem(item, dict(item.headers), item.payload) for item in tally.items]

    def ended(self, item: Item, booking: Booking, *, whole: bool) -> None:
        if booking.reason is reasons.CAPTURED:
            return
        for seen in self.items:
            if seen.item is item:
                if whole:
                    seen.ending = booking
                else:
                    seen.partial = booking

    def refused(self, error: Rejected) -> None:
        self.error = error

    @property
    def size_bytes(self) -> int:
        return len(self.ingress.body)
