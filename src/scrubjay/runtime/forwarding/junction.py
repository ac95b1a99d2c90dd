"""Where a project names an upstream of its own: its parcels leave the common way (`upstream-and-operations.md` 6.10: the project's wins).

Owns telling them apart. Which upstream a key's project names is the plans' to say, the ways are `roads`'. Invariants: a parcel goes to one
upstream; what is wrong with another one is no outage of ours: its parcels alone wait for it, each for its own back-off; where no project
names one nothing is added.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MergeTag
from scrubjay.errors import Divide, Transient, UpstreamError
from scrubjay.runtime.forwarding.shipment import Grouping, Sender, Shipment


class Places(Protocol):
    """Which projects go elsewhere; `runtime.projects` is the real one."""

    @property
    def diverts(self) -> bool:
        """Whether any may."""

    def upstream_of(self, key: str) -> str | None:
        """The one that the project of `key` names."""


class Junction:
    """A `Sender` over the common one. `way_to` gives the sender to another upstream; None: to what leads here, which the common way has to take."""

    def __init__(self, common: Sender, places: Places, way_to: Callable[[str], Awaitable[Sender | None]]) -> None:
        self._common = common
        self._places = places
        self._way_to = way_to
        self.on_change: Callable[[], None] = lambda: None
        common.on_change = self._tell

    def _tell(self) -> None:
        self.on_change()

    @property
    def grouping(self) -> Grouping:
        return self._common.grouping

    def merge_tag(self, parcel: Parcel) -> MergeTag | None:
        """What shares an envelope has one key, and so one upstream."""
        return self._common.merge_tag(parcel)

    def send(self, shipment: Shipment, now_mono: float) -> Coroutine[Any, Any, Sequence[UpstreamError | None]]:
        return self._divert(shipment, now_mono) if self._places.diverts else self._common.send(shipment, now_mono)

    async def _divert(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        keys = {waiting.parcel.key for waiting in shipment.members}
        named = {self._places.upstream_of(key) for key in keys}
        if named == {None}:
            return await self._common.send(shipment, now_mono)
        if len(named) > 1 or shipment.kind == "batch":
            raise Divide("for several upstreams", apart=True)
        (place,) = named
        assert place is not None
        way = await self._way_to(place)
        if way is None:
            return await self._common.send(shipment, now_mono)
        try:
            return await way.send(shipment, now_mono)
        except Transient as error:
            raise Transient(
                f"{place}: {error}",
                status=error.status,
                retry_after_s=error.retry_after_s,
                network=False,
                capped=error.capped,
                ambiguous=error.ambiguous,
            ) from error

    async def probe(self) -> bool:
        return await self._common.probe()

    def came_back(self) -> None:
        self._common.came_back()

    def __repr__(self) -> str:
        return f"<Junction {self._common!r}>"
