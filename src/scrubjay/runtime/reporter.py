"""When the server is told what was dropped here (`decisions.md` 8.5).

Owns the timer that the first loss arms, who may be told now, and the last report of the process. What is told is `client_reports`', how it
looks `reporting`'s; a report is sent like any parcel.

Invariants: while the server is away, or refuses all of a key, sums stay in memory and grow together; at the end of the process
they reach the outbox, which keeps what it cannot send.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from scrubjay import reasons
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import UPSTREAM, LimitTable, Scoping
from scrubjay.core.reporting import pack_reports
from scrubjay.errors import Unavailable
from scrubjay.runtime.names import new_id
from scrubjay.runtime.tasks import Tasks

SHUTDOWN_S: Final = 2.0
"""How long the last report may take."""
_JITTER: Final = 0.2
_LEAST_DELAY_S: Final = 1.0
"""Between one try and the next where the server could not be told."""
_AT_ONCE: Final = 100
_STAGE: Final = "report"


class Outbox(Protocol):
    """Where reports go; `runtime.outbox` is the real one."""

    @property
    def is_out(self) -> bool: ...

    def has_capacity(self) -> bool: ...

    async def put(self, parcel: Parcel) -> None: ...


class Reporter:
    """Without an `outbox` nothing is told, and nothing kept. `scoping_of` finds whose limits bind a key and project."""

    def __init__(
        self,
        reports: ClientReports,
        ledger: Ledger,
        outbox: Outbox | None,
        limits: LimitTable,
        *,
        delay_s: float,
        on_error: Callable[[str, BaseException], None],
        scoping_of: Callable[[str, int], Scoping] = Scoping,
        new_id: Callable[[], str] = new_id,
        chance: Callable[[], float] = random.random,
        now_unix: Callable[[], float] = time.time,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reports = reports
        self._ledger = ledger
        self._outbox = outbox
        self._limits = limits
        self._delay_s = delay_s
        self._new_id = new_id
        self._scoping_of = scoping_of
        self._chance = chance
        self._now_unix = now_unix
        self._now_mono = now_mono
        self._tasks = Tasks(on_error)
        self._timer: asyncio.TimerHandle | None = None
        self._refused_until_mono = 0.0
        self._telling = asyncio.Lock()
        self._closed = False
        self.is_on = True
        """`outcomes.emit_outcomes`."""
        reports.on_first = self.arm

    def arm(self) -> None:
        """There is something to tell: not yet, and not by all relays at once."""
        self._wait(self._delay_s * (1 - _JITTER + 2 * _JITTER * self._chance()))

    def _wait(self, delay_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._tasks.start("client-reports", self.send())

    async def send(self) -> None:
        """Tells what may be told now; for the rest there will be another time."""
        async with self._telling:
            if not self._closed:
                await self._send()

    async def _send(self) -> None:
        outbox = self._outbox
        if outbox is None or not self.is_on:
            self._reports.take()
            return
        if outbox.is_out or not outbox.has_capacity():
            self._wait(max(_LEAST_DELAY_S, self._delay_s))
            return
        self._refused_until_mono = float("inf")
        await self._put(outbox, self._pack(self._may_be_told))
        if len(self._reports):
            self._wait(max(_LEAST_DELAY_S, min(self._delay_s, self._refused_until_mono - self._now_mono())))

    def _may_be_told(self, key: str, project_id: int) -> bool:
        """Not while the server refuses everything of a key, its reports too (`decisions.md` 3.5, 8.5). Our own quotas are not asked."""
        now_mono = self._now_mono()
        refusing = [
            limit.until_mono
            for limit in self._limits.active(self._scoping_of(key, project_id), now_mono)
            if limit.origin == UPSTREAM and not limit.categories and not limit.namespaces
        ]
        if refusing:
            self._refused_until_mono = min(self._refused_until_mono, max(refusing))
        return not refusing

    async def close(self) -> None:
        """The last word: all that is left goes to the outbox, which keeps what cannot be sent any more. Nothing is told after it."""
        self._closed = True
        self._reports.on_first = lambda: None
        if self._timer is not None:
            self._timer.cancel()
        async with self._telling:
            if self._outbox is not None and self.is_on:
                await self._put(self._outbox, self._pack(lambda key, project_id: True), self._now_mono() + SHUTDOWN_S)

    def _pack(self, may_be_told: Callable[[str, int], bool]) -> list[Parcel]:
        due = self._reports.take(may_be_told)
        return pack_reports(due, self._ledger, now_unix=self._now_unix(), new_id=self._new_id)

    async def _put(self, outbox: Outbox, parcels: Sequence[Parcel], until_mono: float = float("inf")) -> None:
        for start in range(0, len(parcels), _AT_ONCE):
            group = parcels[start : start + _AT_ONCE]
            if self._now_mono() < until_mono:
                await asyncio.gather(*(self._put_one(outbox, parcel) for parcel in group))
                continue
            for parcel in group:
                self._ledger.end(parcel, reasons.DRAIN_TIMEOUT, now_unix=self._now_unix(), stage=_STAGE)

    async def _put_one(self, outbox: Outbox, parcel: Parcel) -> None:
        try:
            await outbox.put(parcel)
        except Unavailable as error:
            self._ledger.end(parcel, error.reason, now_unix=self._now_unix(), stage=_STAGE, detail=str(error))

    def __repr__(self) -> str:
        return f"<Reporter {self._reports!r}>"
