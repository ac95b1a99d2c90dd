"""Where envelopes wait whose project's configuration is not known yet, and taking them up when it is (`upstream-and-operations.md` 7.4).

Owns how much may wait and where (`spool.envelopes.pending`, `pending_max_bytes`), whose turn it is, how long they may wait, and their end at a
shutdown. What is held where is `forwarding.withheld`'s; what becomes of an envelope is decided by the path, which it takes as if it came just now.

Invariants: nothing leaves but what came out of the path; what was answered with 200 goes on waiting until it is held as something else, or its
end is in the books; a few are taken up per round of the event loop, so that other requests come in between; keys take turns, and for
each key envelopes are taken up in the order in which they came.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from scrubjay import reasons
from scrubjay.core.ledger import Parcel
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.ports import Ingress
from scrubjay.core.reopened import Counted
from scrubjay.errors import Rejected, SpoolError, StillPending, Unavailable
from scrubjay.runtime.forwarding.outage import Chance
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.forwarding.withheld import Withheld, weight_bytes
from scrubjay.runtime.gateway.held import ingress_of_held
from scrubjay.runtime.outbox import Outbox
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.schema import Settings

_WINDOW_BYTES: Final = 1024 * 1024
"""Taken up together, before the next key has its turn."""
_ROUND_BYTES: Final = 16 * 1024
"""Of envelopes that begin together: some milliseconds of work, as they usually are."""
_DRAIN_POLL_S: Final = 0.05
_LEAST_PAUSE_S: Final = 5
_MOST_PAUSE_S: Final = 60

Process = Callable[[Ingress], Awaitable[object]]
"""The path."""


class Plans(Protocol):
    """`runtime.projects` is the real one; asking for a plan that is not known sees to it that it is fetched."""

    def find(self, key: str) -> ProjectPlan | None: ...


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def waiting_room(self, envelopes: int, size_bytes: int, capacity_bytes: int, oldest_age_s: float) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """So much may wait, as `withheld` weighs it, `max_key_share` of it for one key."""

    policy: Literal["memory", "disk", "reject"] = "memory"
    max_bytes: int = 32 * 1024 * 1024
    max_key_share: float = 0.5
    max_age_s: float = 86_400.0
    expiry_holdoff_s: float = 300.0


def room_options(settings: Settings) -> RoomOptions:
    """What waits raw becomes something else only where there is room for that: it may have half of the spool at most."""
    envelopes = settings.spool.envelopes
    most_bytes = envelopes.max_disk_size // 2 if envelopes.path is not None else envelopes.pending_max_bytes
    return RoomOptions(
        policy=envelopes.pending,
        max_bytes=min(envelopes.pending_max_bytes, most_bytes),
        max_key_share=envelopes.max_project_share,
        max_age_s=envelopes.max_envelope_delay_secs,
        expiry_holdoff_s=envelopes.expiry_holdoff,
    )


class WaitingRoom:
    """Of one worker. `outbox` is where what comes is held; `others` are those of adopted partitions, which may hold some too.

    `process` is the path; it may be set until the first call of `look`.
    """

    def __init__(
        self,
        plans: Plans,
        outbox: Outbox,
        others: Callable[[], Sequence[Outbox]],
        observer: Observer,
        options: RoomOptions,
        *,
        clock: Clock | None = None,
        chance: Chance = random.random,
    ) -> None:
        self._plans = plans
        self._outbox = outbox
        self._others = others
        self._observer = observer
        self._options = options
        self._clock = clock or Clock()
        self._chance = chance
        self.process: Process | None = None
        self._tasks = Tasks(observer.internal_error)
        self._due: dict[str, None] = {}
        self._is_working = False
        self._is_closed = False
        self._coming_bytes = 0
        self._coming_key_bytes: dict[str, int] = {}
        self._started_mono = self._clock.mono_s()

    def reconfigure(self, options: RoomOptions) -> None:
        """Other bounds, from the next envelope on."""
        self._options = options

    # Coming in

    async def hold(self, parcel: Parcel) -> None:
        """Raises `Unavailable` if it may not, or cannot, wait."""
        raw = parcel.raw
        assert raw is not None
        key, size_bytes = raw.awaits, weight_bytes(parcel)
        self._refuse_what_does_not_fit(key, size_bytes)
        self._coming_bytes += size_bytes
        self._coming_key_bytes[key] = self._coming_key_bytes.get(key, 0) + size_bytes
        try:
            await self._outbox.hold(parcel, on_disk=self._options.policy == "disk")
        finally:
            self._coming_bytes -= size_bytes
            self._coming_key_bytes[key] -= size_bytes
            if not self._coming_key_bytes[key]:
                del self._coming_key_bytes[key]
        if self._is_known(key):
            self.known(key)  # meanwhile

    def _refuse_what_does_not_fit(self, key: str, size_bytes: int) -> None:
        options, withheld = self._options, self._outbox.withheld
        if options.policy == "reject":
            raise self._unavailable("`spool.envelopes.pending` is `reject`")
        if withheld.size_bytes + self._coming_bytes + size_bytes > options.max_bytes:
            raise self._unavailable("`spool.envelopes.pending_max_bytes` is reached")
        of_key = withheld.bytes_of(key) + self._coming_key_bytes.get(key, 0)
        if of_key and of_key + size_bytes > options.max_key_share * options.max_bytes:
            raise self._unavailable("one key waits with its share of `spool.envelopes.pending_max_bytes`")

    def _unavailable(self, detail: str) -> Unavailable:
        pause_s = _LEAST_PAUSE_S + int(self._chance() * (_MOST_PAUSE_S - _LEAST_PAUSE_S))
        return Unavailable(reasons.PROJECT_PENDING, detail, retry_after_s=pause_s)

    def awaits(self, key: str) -> bool:
        """Whether something waits for this key's configuration."""
        return any(withheld.awaits(key) for withheld in self._withheld())

    def _withheld(self) -> list[Withheld]:
        return [outbox.withheld for outbox in (self._outbox, *self._others())]

    # Taking up

    def known(self, key: str) -> None:
        """What is known of a key has changed: who waits for it has a turn."""
        if not self._is_closed and self.awaits(key):
            self._due[key] = None
            self._begin()

    def look(self) -> None:
        """Asks for all that is waited for, and gives a turn to what is known, or has waited for too long. To be called every second or so."""
        if self._is_closed:
            return
        count = size_bytes = 0
        oldest_mono = now_mono = self._clock.mono_s()
        for withheld in self._withheld():
            count += len(withheld)
            size_bytes += withheld.size_bytes
            for key, since_mono in withheld.oldest():
                oldest_mono = min(oldest_mono, since_mono)
                if self._is_known(key) or self._is_expired(since_mono):
                    self._due[key] = None
        self._observer.waiting_room(count, size_bytes, self._options.max_bytes, now_mono - oldest_mono)
        self._begin()

    def _is_known(self, key: str) -> bool:
        return self._plans.find(key) is not PENDING

    def _is_expired(self, since_mono: float) -> bool:
        now_mono = self._clock.mono_s()
        return (
            now_mono - since_mono > self._options.max_age_s
            and now_mono - self._started_mono >= self._options.expiry_holdoff_s
        )

    def _begin(self) -> None:
        if self._due and not self._is_working and self.process is not None:
            self._is_working = True
            self._tasks.start("waiting-room", self._work(self.process))

    async def _work(self, process: Process) -> None:
        """Until nobody is left who can have a turn; who found no room has the next at the next look."""
        try:
            while self._due and not self._is_closed:
                due, self._due = self._due, {}
                for key in due:
                    if not self._outbox.is_surveyed:
                        return  # what was there at start comes first
                    for withheld in self._withheld():
                        if not self._is_closed and await self._take_turn(withheld, key, process):
                            self._due[key] = None
        finally:
            self._is_working = False

    async def _take_turn(self, withheld: Withheld, key: str, process: Process) -> bool:
        """Whether it got on, so that the key may have another turn."""
        try:
            taken = await withheld.take(key, _WINDOW_BYTES)
        except SpoolError as error:
            self._observer.internal_error("reading the spool", error)
            return False
        turn = _Turn(withheld, key, taken, process, self._clock, self._observer)
        try:
            turn.expire([self._is_expired(waiting.since_mono) for waiting in taken])
            if self._is_known(key):
                await turn.run()
            else:
                turn.is_blocked = True
        finally:
            turn.put_back()
        return bool(taken) and not turn.is_blocked

    # Ending

    async def drain(self, deadline_mono: float) -> int:
        """Ends taking up. What is in memory alone has until the deadline to become known. Returns how many parcels were lost."""
        withheld = self._outbox.withheld
        while withheld.holds_in_memory and self._clock.mono_s() < deadline_mono:
            self.look()
            await asyncio.sleep(_DRAIN_POLL_S)
        self._is_closed = True
        await self._tasks.settle(max(0.0, deadline_mono - self._clock.mono_s()))
        await self._tasks.stop()
        return withheld.lose(reasons.DRAIN_TIMEOUT)

    def __repr__(self) -> str:
        return f"<WaitingRoom {self._options.policy} {self._outbox.withheld!r}>"


class _Turn:
    """A window of what waits for a key, on its way through the path. Whatever happens, `put_back` is called at its end."""

    def __init__(
        self,
        withheld: Withheld,
        key: str,
        taken: Sequence[Waiting],
        process: Process,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._withheld = withheld
        self._key = key
        self._taken = taken
        self._process = process
        self._clock = clock
        self._observer = observer
        self._stays: list[str | None] = [key] * len(taken)
        """For whom each is to wait on; None: it is gone."""
        self.is_blocked = False
        """The next would have to wait on as well."""

    def expire(self, are_old: Sequence[bool]) -> None:
        for index, is_old in enumerate(are_old):
            if is_old:
                self._withheld.end(self._taken[index], reasons.SPOOL_EXPIRED)
                self._stays[index] = None

    async def run(self) -> None:
        """A few small ones, or one, begin per round of the event loop; so their waiting for the disk overlaps."""
        begun_bytes = 0
        async with asyncio.TaskGroup() as group:
            for index, waiting in enumerate(self._taken):
                if self.is_blocked:
                    return
                if self._stays[index] is not None:
                    group.create_task(self._take_up(index, waiting))
                    begun_bytes += waiting.size_bytes
                if begun_bytes >= _ROUND_BYTES:
                    begun_bytes = 0
                    await asyncio.sleep(0)

    async def _take_up(self, index: int, waiting: Waiting) -> None:
        counted = Counted(waiting.parcel.quantities)
        now_unix, now_mono = self._clock.wall_ms() / 1000, self._clock.mono_s()
        reason, detail = reasons.INTERNAL, "it ended without an account"
        try:
            await self._process(ingress_of_held(waiting, counted, now_unix=now_unix, now_mono=now_mono))
        except StillPending as error:
            self._stays[index] = error.key
            self.is_blocked = self.is_blocked or error.key == self._key
            return
        except Unavailable:
            self.is_blocked = True
            return
        except Rejected as error:
            reason, detail = error.reason, error.detail
        except Exception as error:  # noqa: BLE001  one envelope's misfortune is not that of the others
            self._observer.internal_error("waiting room", error)
            detail = type(error).__name__
        self._stays[index] = None
        if counted.is_settled:
            self._withheld.hand_on(waiting)
        else:
            self._withheld.end(waiting, reason, detail=detail)

    def put_back(self) -> None:
        """What did not go waits on, where it was, or for whom else it needs."""
        staying: dict[str, list[Waiting]] = {}
        for waiting, key in zip(self._taken, self._stays, strict=True):
            if key is not None:
                staying.setdefault(key, []).append(waiting)
        for key, waitings in staying.items():
            self._withheld.put_back(waitings, key)
