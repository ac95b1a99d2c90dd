"""Who is sent next, how many at once, and what an answer or its absence does to a parcel.

Follows `upstream-and-operations.md` 6.6 and 6.7. The order and the company are `lanes`, the state of the connection `outage`, the end
of a parcel `custody`, the request itself `carrier`; `outbox` brings parcels.

Invariants: nothing is sent in an outage but probes; a parcel is in the lanes, on its way, on disk alone, or has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from scrubjay import reasons
from scrubjay.core.ledger import Parcel
from scrubjay.core.limits import ActiveLimit
from scrubjay.errors import Divide, Refused, Throttled, Transient, UpstreamError
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.lanes import Lanes
from scrubjay.runtime.forwarding.outage import Chance, Link, Pace, Permits, back_off_s
from scrubjay.runtime.forwarding.shipment import Grouping, Sender, Shipment, Waiting
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.tasks import Tasks

_UPSTREAM: Final = "upstream"
_NEVER: Final = float("inf")


class Observer(Protocol):
    """What is counted and logged here; `runtime.telemetry` is the real one."""

    def upstream_inflight(self, change: int) -> None: ...

    def upstream_up(self, up: bool, upstream: str = ..., detail: str = ...) -> None: ...

    def retry(self) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """The settings `http.*`, `limits.*` and `spool.envelopes.*` that matter here, in their units."""

    max_concurrent_requests: int = 100
    retry_delay_s: float = 1.0
    outage_grace_s: float = 10.0
    max_retry_interval_s: float = 60.0
    max_5xx_attempts: int = 5
    max_age_s: float = 86_400.0
    expiry_holdoff_s: float = 300.0
    max_unspool_per_s: int | None = None
    drops_ambiguous_counters: bool = False
    """`http.ambiguous_counters: drop`."""
    keeps_limited: bool = False
    """`http.rate_limited_policy: retry`."""


class Dispatcher:
    """`limit_of` tells of a limit that takes the whole of a parcel now, `is_disabled` whether its project is not served any more.

    `on_room` is called when less waits than before. `leave_on_disk` takes back what memory lets go of in an outage; it is only given parcels with a sequence number.
    """

    def __init__(
        self,
        upstream: Sender,
        custody: Custody,
        observer: Observer,
        options: DispatchOptions,
        *,
        limit_of: Callable[[Parcel], ActiveLimit | None],
        leave_on_disk: Callable[[Waiting], None],
        on_room: Callable[[], None],
        clock: Clock,
        chance: Chance,
        is_disabled: Callable[[Parcel], bool] = lambda parcel: False,
    ) -> None:
        self._upstream = upstream
        self._custody = custody
        self._observer = observer
        self._options = options
        self._limit_of = limit_of
        self._is_disabled = is_disabled
        self._leave_on_disk = leave_on_disk
        self._on_room = on_room
        self._clock = clock
        self._chance = chance
        self._link = Link(
            grace_s=options.outage_grace_s,
            retry_delay_s=options.retry_delay_s,
            longest_delay_s=options.max_retry_interval_s,
            chance=chance,
        )
        self._permits = Permits(options.max_concurrent_requests)
        self._pace = Pace(options.max_unspool_per_s)
        self._tasks = Tasks(observer.internal_error)
        self._flying: set[Shipment] = set()
        self._idle: list[asyncio.Future[Shipment]] = []
        self._senders = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_mono = _NEVER
        self._outage = asyncio.Event()
        self._known_up = False
        self._started_mono = 0.0
        self.lanes = Lanes(upstream.merge_tag)
        self.is_sending = False
        upstream.on_change = self.dispatch

    @property
    def is_out(self) -> bool:
        return self._link.is_out

    @property
    def is_empty(self) -> bool:
        """Nothing waits in memory, and nothing is on its way."""
        return not self._flying and not self.lanes.count

    @property
    def is_quiet(self) -> bool:
        return not self._flying

    def reconfigure(self, options: DispatchOptions) -> None:
        """For what is decided from now on."""
        self._options = options
        self._link.reconfigure(
            grace_s=options.outage_grace_s,
            retry_delay_s=options.retry_delay_s,
            longest_delay_s=options.max_retry_interval_s,
        )
        self._permits.reconfigure(options.max_concurrent_requests)
        self._pace = Pace(options.max_unspool_per_s)
        self.dispatch()

    def start(self) -> None:
        self._started_mono = self._clock.mono_s()
        self._tasks.start("upstream-probe", self._end_outages())
        self.is_sending = True
        self.dispatch()

    def pause(self) -> None:
        """What is on its way goes on; nothing else is sent."""
        self.is_sending = False

    def resume(self) -> None:
        self.is_sending = True
        self.dispatch()

    async def stop(self) -> list[Waiting]:
        """Ends at once, whatever is on its way. Returns what was in memory."""
        self.is_sending = False
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.stop()
        left = [waiting for shipment in self._flying for waiting in shipment.members] + self.lanes.take_all()
        self._flying.clear()
        return left

    def hurry(self) -> None:
        """Nobody waits for company any more."""
        self.lanes.is_hurried = True
        self.dispatch()

    # Choosing

    def dispatch(self) -> None:
        """Hands out what may be sent now, and sees to it that what may be sent later will be."""
        while (shipment := self._next()) is not None:
            if self._idle:
                self._idle.pop().set_result(shipment)  # the last to go idle has the warmest connection
            else:
                self._senders += 1
                self._tasks.start(f"upstream-sender-{self._senders}", self._send_all(shipment))
        self._set_timer()
        self._on_room()

    def _may_send(self, grouping: Grouping) -> bool:
        if not self.is_sending or self._link.is_out:
            return False
        most = self._permits.allowed
        return len(self._flying) < (most if grouping.requests is None else min(most, grouping.requests))

    def _next(self) -> Shipment | None:
        """Takes what is due next, and ends on the way those that are too old or may not leave any more."""
        if not self.lanes.count or not self._may_send(grouping := self._upstream.grouping):
            return None
        now_mono = self._clock.mono_s()
        while True:
            shipment = self.lanes.pop(
                now_mono,
                self._link.retries_from_mono(),
                self._pace.from_mono,
                grouping,
                most_backlog=self._pace.at_once,
            )
            if shipment is None:
                return None
            shipment.members = [waiting for waiting in shipment.members if self._may_leave(waiting, now_mono)]
            if shipment.members:
                if shipment.members[0].from_backlog:
                    self._pace.spend(now_mono, len(shipment.members))
                shipment.round = self._permits.round
                self._flying.add(shipment)
                return shipment

    def _is_too_old(self, waiting: Waiting, now_mono: float) -> bool:
        if now_mono - waiting.since_mono <= self._options.max_age_s:
            return False
        return now_mono - self._started_mono >= self._options.expiry_holdoff_s

    def _may_leave(self, waiting: Waiting, now_mono: float) -> bool:
        """What was learnt while the parcel waited takes it too, or holds it back (`decisions.md` 0.2 row 2)."""
        if self._is_too_old(waiting, now_mono):
            self._custody.end(waiting, reasons.SPOOL_EXPIRED)
            return False
        if not waiting.from_backlog and not waiting.parcel.attempts:
            return True
        if self._is_disabled(waiting.parcel):
            self._custody.end(waiting, reasons.DISABLED_MEANWHILE)
            return False
        limit = self._limit_of(waiting.parcel)
        if limit is None:
            return True
        if self._options.keeps_limited:
            due_mono = max(limit.until_mono, now_mono + self._options.retry_delay_s)
            self.lanes.add_timed(Shipment([waiting]), due_mono)
        else:
            self._custody.end(waiting, reasons.rate_limited(limit.reason), origin=limit.origin)
        return False

    def _set_timer(self) -> None:
        """Sees to what is due later. Without a free permit there is no need: the next answer dispatches."""
        if not self.lanes.count or not self._may_send(grouping := self._upstream.grouping):
            return
        due_mono = self.lanes.next_due_mono(self._link.retries_from_mono(), self._pace.from_mono, grouping)
        if due_mono == _NEVER:
            return
        if self._timer is not None:
            if self._timer_mono <= due_mono:
                return
            self._timer.cancel()
        self._timer_mono = due_mono
        # Not negative, but maybe 0: what became due since the lanes were asked.
        delay_s = max(0.0, due_mono - self._clock.mono_s())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.dispatch()

    # Sending

    async def _send_all(self, first: Shipment) -> None:
        shipment: Shipment | None = first
        while True:
            if shipment is None:
                idle: asyncio.Future[Shipment] = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                shipment = await idle
            await self._deliver(shipment)
            shipment = self._next()
            self.dispatch()

    async def _deliver(self, shipment: Shipment) -> None:
        """One try. Cancelled in the middle of it, the parcels stay among those that are on their way."""
        for waiting in shipment.members:
            waiting.parcel.attempts += 1
        self._observer.upstream_inflight(1)
        try:
            fates = await self._upstream.send(shipment, self._clock.mono_s())
        except Transient as error:
            self._try_again(shipment, error)
        except Divide as error:
            self._answered(shipment)
            for part in shipment.divided(apart=error.apart):
                self.lanes.add_timed(part, self._clock.mono_s())
        except UpstreamError as error:
            self._answered(shipment)
            for waiting in shipment.members:
                self._end(waiting, error)
        except Exception as error:  # noqa: BLE001 (a bug must neither stop the sender nor keep the parcel for ever)
            self._observer.internal_error("forwarding", error)
            if len(shipment.members) == 1:
                self._custody.end(shipment.members[0], reasons.INTERNAL_SENDING, detail=type(error).__name__)
            else:  # maybe for the sake of one, which must not take the others along
                for part in shipment.divided(apart=True):
                    self.lanes.add_timed(part, self._clock.mono_s())
        else:
            self._answered(shipment)
            self._settle(shipment, fates)
        finally:
            self._observer.upstream_inflight(-1)
        self._flying.discard(shipment)

    def _settle(self, shipment: Shipment, fates: Sequence[UpstreamError | None]) -> None:
        """Each member of a batch has a fate of its own; those that are to be sent again form a new one."""
        again: dict[tuple[float | None, bool], tuple[list[Waiting], Transient]] = {}
        for waiting, fate in zip(shipment.members, fates, strict=True):
            if fate is None:
                self._custody.end(waiting, reasons.FORWARDED)
            elif isinstance(fate, Transient):
                again.setdefault((fate.retry_after_s, fate.capped), ([], fate))[0].append(waiting)
            else:
                self._end(waiting, fate)
        for members, error in again.values():
            self._hold(Shipment(members, shipment.kind), error)

    def _end(self, waiting: Waiting, fate: UpstreamError) -> None:
        if isinstance(fate, Throttled):
            self._custody.end(waiting, replace(reasons.SERVER_LIMIT, code=str(fate)), origin=_UPSTREAM)
        else:
            reason = fate.reason if isinstance(fate, Refused) else reasons.UPSTREAM_ERROR
            self._custody.end(waiting, reason, origin=_UPSTREAM, detail=str(fate))

    def _try_again(self, shipment: Shipment, error: Transient) -> None:
        if error.network:
            self._permits.troubled(shipment.round, unanswered=error.ambiguous)
            if self._link.failed(self._clock.mono_s()):
                self._begin_outage(str(error))
        else:
            self._answered(shipment, well=False)
        if error.ambiguous and self._options.drops_ambiguous_counters and shipment.kind != "batch":
            self._drop_counters(shipment, error)
        self._hold(shipment, error)

    def _drop_counters(self, shipment: Shipment, error: Transient) -> None:
        """What may have arrived and would be added up again. A batch cannot be taken twice."""
        for waiting in [waiting for waiting in shipment.members if waiting.parcel.only_counts]:
            self._custody.end(waiting, reasons.AMBIGUOUS, origin=_UPSTREAM, detail=str(error))
            shipment.members.remove(waiting)

    def _hold(self, shipment: Shipment, error: Transient) -> None:
        """Until it may be sent again. In an outage memory lets go of what is on disk too."""
        if not error.network:
            self._count_failure(shipment, error)
        if not shipment.members:
            return
        self._observer.retry()
        now_mono = self._clock.mono_s()
        if self._link.is_out:
            for waiting in [waiting for waiting in shipment.members if waiting.sequence]:
                self._leave_on_disk(waiting)
                shipment.members.remove(waiting)
            if shipment.members:
                self.lanes.add_blocked(shipment)
        elif error.retry_after_s is not None:
            self.lanes.add_timed(shipment, now_mono + error.retry_after_s)
        elif error.network:
            self.lanes.add_blocked(shipment)
        else:
            delay_s = back_off_s(shipment.members[0].failures, self._options.max_retry_interval_s, self._chance)
            self.lanes.add_timed(shipment, now_mono + delay_s)

    def _count_failure(self, shipment: Shipment, error: Transient) -> None:
        for waiting in shipment.members.copy():
            waiting.failures += 1
            waiting.faults += error.capped
            if error.capped and waiting.faults >= self._options.max_5xx_attempts:
                self._custody.end(waiting, reasons.UPSTREAM_ERROR, origin=_UPSTREAM, detail=str(error))
                shipment.members.remove(waiting)

    # The connection's state

    def _answered(self, shipment: Shipment | None = None, *, well: bool = True) -> None:
        """`shipment`: by what; None: by a probe."""
        if shipment is not None and shipment.elsewhere:
            return
        was_out = self._link.is_out
        if self._link.answered():
            self._upstream.came_back()
        if was_out:
            self._permits.restart()
        elif well:
            self._permits.succeeded()
        if not self._known_up:
            self._known_up = True
            self._observer.upstream_up(True)

    def _begin_outage(self, detail: str) -> None:
        """Memory lets go of what is on disk too; only probes are sent from now on."""
        self._known_up = False
        self._observer.upstream_up(False, detail=detail)
        self._outage.set()
        for waiting in self.lanes.take_stored():
            self._leave_on_disk(waiting)

    async def _end_outages(self) -> None:
        while True:
            await self._outage.wait()
            self._outage.clear()
            while self._link.is_out:
                await asyncio.sleep(self._link.next_probe_delay_s())
                if self._link.is_out and await self._upstream.probe():
                    self._answered()
            self.dispatch()

    def __repr__(self) -> str:
        return f"<Dispatcher {self._link!r} {self._permits!r} {self.lanes!r} flying={len(self._flying)}>"
