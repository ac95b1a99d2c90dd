"""One batch on its way through the path: each record by itself, and a word for each.

Owns the pace (nobody else waits for a batch), stopping when there is no room, and what each ending means for the sender. What is
remembered beyond the batch, and how many go at once, is `receiver`'s.

Invariants: a record is called taken only when the outbox holds it, or when it ended in our books; what is neither taken nor dropped was
not taken, and may come again; a record whose delivery is under way elsewhere waits for its end and shares it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal, Protocol

from scrubjay import reasons
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.core.spool_format import Record
from scrubjay.errors import Rejected, Unavailable
from scrubjay.runtime.gateway.arrivals import Surroundings, delivery_of, facts_of, ingress_of, own_name
from scrubjay.runtime.gateway.once import GivenUp, Once

PAUSE_S: Final = 5
_PAUSE_SPREAD_S: Final = 25
_AT_ONCE: Final = 256
"""So many records of a batch may wait together for one write to the disk."""
_ROUND_BYTES: Final = 16 * 1024
"""Of records that begin together: some milliseconds of work, as they usually are."""
_FULL: Final = frozenset({reasons.QUEUE_FAILED, reasons.OUT_OF_MEMORY})
"""Reasons for which the next record would be refused as well."""

Process = Callable[[Ingress, Ports], Awaitable[Verdict]]


class Observer(Protocol):
    """What is counted and logged here; `runtime.telemetry` is the real one."""

    def batch_record(self, fate: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a record; `known`: it was taken before."""

    word: Literal["taken", "known", "dropped", "later"]
    status: int = 200
    reason: str = ""
    retry_after_s: int | None = None


TAKEN: Final = Fate("taken")
_KNOWN: Final = Fate("known")
_BROKEN: Final = Fate("later", 500, reasons.INTERNAL.code)
_UNKNOWN: Final = Fate("later", 503, reasons.QUEUE_FAILED.code, PAUSE_S)
"""Another request was at it, and ended without a word."""


def refusal(ports: Ports) -> Unavailable | None:
    """Why nothing can be taken now."""
    if not ports.has_memory():
        reason = reasons.OUT_OF_MEMORY
    elif ports.outbox is not None and not ports.outbox.has_capacity():
        reason = reasons.QUEUE_FAILED
    else:
        return None
    return Unavailable(reason, retry_after_s=PAUSE_S + int(ports.rng() * _PAUSE_SPREAD_S))


class Passage:
    """`deliveries`: what was taken by the name of its delivery. After `take`, `fates` are in the order of the records, and `limits` the
    texts of `X-Sentry-Rate-Limits` by key.
    """

    def __init__(
        self,
        deliveries: Once[bytes, Fate],
        around: Surroundings,
        ports: Ports,
        observer: Observer,
        *,
        process: Process = process,
        now_unix: Callable[[], float] = time.time,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliveries = deliveries
        self._around = around
        self._ports = ports
        self._observer = observer
        self._process = process
        self._now_unix = now_unix
        self._now_mono = now_mono
        self._refusal: Fate | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.fates: list[Fate] = []
        self.limits: dict[str, str] = {}

    async def take(self, records: Sequence[Record]) -> None:
        """A few small records, or one, begin per round of the event loop: other requests come in between, and their waiting overlaps."""
        self.fates = [_BROKEN] * len(records)
        begun_bytes = 0
        async with asyncio.TaskGroup() as group:
            for index, record in enumerate(records):
                await self._room.acquire()
                group.create_task(self._take(index, record))
                begun_bytes += len(record.body) + len(record.meta)
                if begun_bytes >= _ROUND_BYTES:
                    begun_bytes = 0
                    await asyncio.sleep(0)
        for fate in self.fates:
            self._observer.batch_record(fate.word)

    async def _take(self, index: int, record: Record) -> None:
        try:
            self.fates[index] = await self._fate(record)
        finally:
            self._room.release()

    async def _fate(self, record: Record) -> Fate:
        try:
            facts = facts_of(record)
        except Rejected as error:
            return _fate_of(error)
        delivery = own_name(delivery_of(facts), self._around.whose)
        if delivery is None:
            return await self._work(facts, record.body)
        try:
            fate, is_new = await self._deliveries.run(delivery, lambda: self._work(facts, record.body))
        except GivenUp:
            return _UNKNOWN
        return _KNOWN if fate.word == "taken" and not is_new else fate

    async def _work(self, facts: dict[str, object], body: bytes) -> Fate:
        if self._refusal is None and (full := refusal(self._ports)) is not None:
            self._refusal = _fate_of(full)
        if self._refusal is not None:
            return self._refusal
        try:
            ingress = ingress_of(facts, body, self._around, now_unix=self._now_unix(), now_mono=self._now_mono())
            verdict = await self._process(ingress, self._ports)
        except Rejected as error:
            fate = _fate_of(error)
            if error.reason in _FULL:
                self._refusal = fate
            return fate
        except Exception as error:  # noqa: BLE001  one record's misfortune is not that of the others
            self._observer.internal_error("batch", error)
            return _BROKEN
        if verdict.rate_limits is not None and ingress.auth is not None:
            self.limits[ingress.auth.key] = verdict.rate_limits
        return TAKEN


def _fate_of(error: Rejected) -> Fate:
    is_passing = error.status in (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
    return Fate("later" if is_passing else "dropped", error.status, error.reason.code, error.retry_after_s)
