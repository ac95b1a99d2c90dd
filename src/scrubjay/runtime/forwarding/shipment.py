"""What one request takes along, and how parcels are put together into requests (`upstream-and-operations.md` 8).

One parcel as it is, several merged into one envelope, or a batch of records for another scrubjay. When they are put together is
`lanes`, how they are written and what the answer means `carrier`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MergeTag
from scrubjay.errors import UpstreamError

Kind = Literal["envelope", "merged", "batch"]


@dataclass(slots=True, eq=False)
class Waiting:
    """A parcel in memory. `sequence` is its number in the spool, 0 if it is in memory alone; `since_mono` when it was received."""

    parcel: Parcel
    sequence: int
    since_mono: float
    from_backlog: bool = False
    failures: int = 0
    """Answers that held it back: the more, the longer until the next try."""
    faults: int = 0
    """Those among them that count against the parcel itself (5xx)."""
    tag: MergeTag | None = None
    """With whom it may share an envelope."""

    @property
    def size_bytes(self) -> int:
        return len(self.parcel.body)


@dataclass(slots=True, eq=False)
class Shipment:
    """At least one parcel. Sent again, it stays as it is. `batch_id`, 16 bytes, is kept for as long as nobody knows whether the batch
    arrived; without one it gets one when it is sent.
    """

    members: list[Waiting]
    kind: Kind = "envelope"
    batch_id: bytes = b""
    round: int = 0
    """Of `Permits`, when it was sent."""
    elsewhere: bool = False
    """Its last try went to an upstream of its project's own: how that ended says nothing of the common one."""

    def divided(self, *, apart: bool = False) -> list[Shipment]:
        """The same in two; what is alone, or each if they are to go `apart`, as an envelope."""
        if apart or len(self.members) == 1:
            return [Shipment([waiting]) for waiting in self.members]
        middle = len(self.members) // 2
        return [Shipment(part, self.kind) for part in (self.members[:middle], self.members[middle:])]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How parcels travel now. `requests`: at most so many at once, fewer if the permits say so; 0: nothing may be sent.

    A batch takes up to `live_records` of what just arrived and waits `linger_s` for them, or up to `backlog_records` of what was read
    back, and no more than `most_bytes` of bodies; what alone is larger goes as an envelope.
    """

    kind: Literal["envelope", "batch"] = "envelope"
    live_records: int = 1
    backlog_records: int = 1
    most_bytes: int = 0
    linger_s: float = 0.0
    requests: int | None = None


SINGLE: Final = Grouping()


class Sender(Protocol):
    """The way to the server; `carrier` is the real one."""

    on_change: Callable[[], None]
    """To be called when the grouping has become another."""

    @property
    def grouping(self) -> Grouping: ...

    def merge_tag(self, parcel: Parcel) -> MergeTag | None:
        """With whom a parcel may share an envelope."""

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        """The fate of each member, None if the server took it. Raises `UpstreamError` for all of them."""

    async def probe(self) -> bool: ...

    def came_back(self) -> None: ...
