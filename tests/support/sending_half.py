"""The forwarding half of a worker, from outbox to socket, inside the test's own event loop. What stands behind it is the test's choice."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import LimitTable, Scoping
from scrubjay.runtime.account import Balance
from scrubjay.runtime.forwarding.batch_post import BatchOptions, BatchPost
from scrubjay.runtime.forwarding.carrier import Carrier
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.forwarding.http_client import HttpClient, Origin
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from scrubjay.runtime.spool.partition import Partition, SpoolOptions
from scrubjay.runtime.spool.types import SpoolEvent
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from support.forwarding import parcel, until
from support.mini_upstream import Arrival

FAST = DispatchOptions(retry_delay_s=0.02, outage_grace_s=0.1, max_retry_interval_s=0.05)


class SendingHalf:
    """`folder` None: without a spool. `upstream`: its options; `options`: those of the outbox. Without
    `batches` not even asking for them. At the end its account is closed."""

    def __init__(
        self,
        url: str,
        folder: Path | None = None,
        *,
        upstream: Mapping[str, Any] | None = None,
        dispatch: DispatchOptions = FAST,
        batches: BatchOptions | None = None,
        **options: Any,
    ) -> None:
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry, strict=True)
        self.limits = LimitTable()
        self.denied: list[str] = []
        self.folder = folder
        self.partition: Partition | None = None
        self.client = HttpClient(Origin.parse(url), connect_timeout_s=10.0)
        self.upstream = Upstream(
            self.client,
            self.telemetry,
            UpstreamOptions(**({"timeout_s": 5.0} | dict(upstream or {}))),
            on_limits=lambda each, limits: self.limits.learn(Scoping(each.key), limits, time.monotonic()),
            on_denied=lambda key, project_id: self.denied.append(key),
        )
        self.options = OutboxOptions(dispatch=dispatch, **options)
        self.batches = None if batches is None else BatchPost(self.upstream, self.telemetry, batches)

    async def __aenter__(self) -> SendingHalf:
        if self.folder is not None:
            self.partition = await Partition.open(
                self.folder,
                0,
                options=SpoolOptions(fsync="never"),
                on_event=self._on_event,
            )
        carrier = Carrier(self.upstream, self.telemetry, batches=self.batches)
        self.outbox = Outbox(carrier, self.ledger, self.telemetry, self.options, spool=self.partition)
        self.outbox.start(self.telemetry.close_account)
        if self.batches is not None:
            self.batches.start()
        return self

    def _on_event(self, event: SpoolEvent) -> None:
        self.outbox.on_spool_event(event)

    async def __aexit__(self, exc_type: object, *exc_info: object) -> None:
        await self.end()
        if exc_type is None:
            assert all(not balance.open for balance in self.telemetry.account(self.outbox.held()).values())

    async def end(self, within_s: float = 1.0) -> int:
        lost = await self.outbox.drain(time.monotonic() + within_s)
        if self.batches is not None:
            self.batches.close()
        self.upstream.close()
        if self.partition is not None:
            await self.partition.close()
        return lost

    async def kill(self) -> None:
        """The process is gone: nothing is finished, no acknowledgement written."""
        assert self.partition is not None
        self.partition._acks.clear()
        await self.outbox._tasks.stop()
        await self.outbox._dispatcher.stop()
        self.upstream.close()
        await self.partition.close()

    async def put(self, *names: str, **changes: Any) -> None:
        """Events that say their names."""
        await self.take(parcel(name, received_unix=time.time(), **changes) for name in names)

    async def take(self, parcels: Iterable[Parcel]) -> None:
        """Parcels of any kind, as the path hands them over."""
        for each in parcels:
            self.ledger.receive(each.item_types[0], each.quantities)
            await self.outbox.put(each)

    def account(self, category: str = "error") -> Balance:
        return self.telemetry.account(self.outbox.held())[category]

    @property
    def losses(self) -> list[str]:
        """The reasons of what was dropped last, one each."""
        return [drop.reason for drop in self.telemetry._drops]

    @property
    def is_out(self) -> bool:
        return self.outbox._dispatcher.is_out

    async def settled(self) -> None:
        """Nothing is held any more."""
        await until(lambda: not any(self.outbox.held().values()))


def names(arrivals: Iterable[Arrival]) -> list[str]:
    """What the events say."""
    return [arrival.envelope[1][0].payload.decode()[12:-2] for arrival in arrivals]


def numbers(count: int, start: int = 0) -> list[str]:
    return [str(index) for index in range(start, start + count)]
