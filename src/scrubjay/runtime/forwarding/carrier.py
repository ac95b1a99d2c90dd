"""The way to one upstream: a parcel as it is, several merged into one envelope (`upstream-and-operations.md` 8.2), or a batch (8.3).

Owns which of these a shipment becomes on the wire, and what an answer to a merged envelope means for each. One envelope is
`upstream`'s business, a batch `batch_post`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Protocol

from scrubjay.core.ledger import Parcel, total
from scrubjay.core.merging import MergeTag, merge, merge_tag
from scrubjay.errors import Divide, Refused, Transient, UpstreamError
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment

_SENT_AT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_DONE: Final[tuple[None]] = (None,)
_ABOUT_THE_BODY: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


class Upstream(Protocol):
    """Sends one envelope; `runtime.upstream` is the real one. `merges`: several may share one."""

    @property
    def merges(self) -> bool: ...

    async def send(self, parcel: Parcel, waited_s: float) -> None: ...

    async def probe(self) -> bool: ...

    def came_back(self) -> None: ...


class Observer(Protocol):
    """What is counted here; `runtime.telemetry` is the real one."""

    def merged(self, envelopes: int) -> None: ...

    def waited(self, seconds: float) -> None: ...

    def delivered(self, seconds: float) -> None: ...


class Batches(Protocol):
    """Sends many records in one request; `batch_post` is the real one."""

    grouping: Grouping | None

    def listen(self, listener: Carrier) -> None:
        """Calls its `on_change` when the grouping has become another."""

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]: ...

    def came_back(self) -> None: ...


class Carrier:
    """A `Sender` to one upstream. Without `batches` none are sent."""

    def __init__(
        self,
        upstream: Upstream,
        observer: Observer,
        *,
        batches: Batches | None = None,
        now_unix: Callable[[], float] = time.time,
        clock_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._observer = observer
        self._now_unix = now_unix
        self._clock_mono = clock_mono
        self.on_change: Callable[[], None] = lambda: None
        self._batches = batches
        if batches is not None:
            batches.listen(self)

    @property
    def grouping(self) -> Grouping:
        return SINGLE if self._batches is None else self._batches.grouping or SINGLE

    def merge_tag(self, parcel: Parcel) -> MergeTag | None:
        """In a batch nothing is merged: compressed together it is as small, and the server can look at each."""
        return merge_tag(parcel) if self._upstream.merges and self.grouping.kind == "envelope" else None

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        """See `shipment.Sender`. How long it took is told of the first member: one look at the clock serves for a whole batch."""
        first, begun_mono = shipment.members[0], self._clock_mono()
        waited_s = now_mono - first.since_mono
        if first.parcel.attempts == 1:  # this try is counted already
            self._observer.waited(waited_s)
        fates = await self._carry(shipment, now_mono)
        self._observer.delivered(waited_s + self._clock_mono() - begun_mono)
        return fates

    async def _carry(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        if shipment.kind == "batch":
            if self._batches is None:
                raise Divide("no batches are sent", apart=True)
            return await self._batches.send(shipment, now_mono)
        if shipment.kind == "merged" and len(shipment.members) > 1:
            return await self._send_merged(shipment)
        (waiting,) = shipment.members
        await self._upstream.send(waiting.parcel, now_mono - waiting.since_mono)
        return _DONE

    async def _send_merged(self, shipment: Shipment) -> Sequence[UpstreamError | None]:
        parcels = [waiting.parcel for waiting in shipment.members]
        merged = replace(
            parcels[0],
            body=merge(parcels, datetime.fromtimestamp(self._now_unix(), UTC).strftime(_SENT_AT)),
            quantities=total([parcel.quantities for parcel in parcels]),
            item_types=tuple(sorted({name for parcel in parcels for name in parcel.item_types})),
        )
        try:
            await self._upstream.send(merged, 0.0)
        except Refused as error:
            if error.status in _ABOUT_THE_BODY:
                raise Divide(str(error), status=error.status) from error
            raise
        except Transient as error:
            if error.capped:  # maybe for the sake of one, which must not take the others along when its tries are over
                raise Divide(str(error), status=error.status, apart=True) from error
            raise
        self._observer.merged(len(parcels))
        return _DONE * len(parcels)

    async def probe(self) -> bool:
        return await self._upstream.probe()

    def came_back(self) -> None:
        self._upstream.came_back()
        if self._batches is not None:
            self._batches.came_back()
