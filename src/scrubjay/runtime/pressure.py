"""What a worker does as memory and disk fill up, long before it refuses everything (`upstream-and-operations.md` 9.3 to 9.5).

Owns what is refused to whom for want of room, how much of large bodies is let in, when the backlog stays on disk, and when freed memory is given back to
the system. How memory is measured is `memory`'s, which categories fall first `core.shedding`'s; the last resort, a 503, is the pipeline's.

Invariants: at the soft mark nothing that was accepted is given up, it only stays on disk; what a client is refused it is told for how long,
so that it counts the loss itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from scrubjay.core.limits import ActiveLimit
from scrubjay.core.shedding import FULL_AT, STARTS_AT, Shedding, over_share
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.frugality import give_back
from scrubjay.runtime.memory import MemoryGauge
from scrubjay.settings.limits import Limits
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import MIB

_COLLECT_EVERY_S: Final = 10.0
_BODIES_PART: Final = 8
_MOST_BODIES_BYTES: Final = 256 * MIB
_SHARED_ALONE: Final = 1.0
"""A share of everything: nobody is over it."""


class Room(Protocol):
    """Where parcels wait; `runtime.outbox` is the real one."""

    @property
    def fullness(self) -> float: ...

    def share_of(self, key: str) -> float: ...

    def look_again(self) -> None: ...


class Pressure:
    """`room` is set as soon as there is one; in mode `capture` nothing waits."""

    def __init__(self, settings: Settings, gauge: MemoryGauge, mono: Callable[[], float] = time.monotonic) -> None:
        self.room: Room | None = None
        self.gauge = gauge
        self._mono = mono
        self._shedding = Shedding(())
        self._collect_at_mono = 0.0
        self._memory_fullness = 0.0
        self._was_soft = False
        self._bodies: Bodies | None = None
        self._is_frugal = settings.relay.profile == "sidecar"
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        health, envelopes = settings.health, settings.spool.envelopes
        soft_share = envelopes.max_backpressure_memory_percent
        self.gauge.set_marks(health.max_memory_percent, health.max_memory_bytes, soft_share)
        self._shedding.reorder(envelopes.shed_order)
        self._max_share = envelopes.max_project_share

    def bodies(self, limits: Limits) -> Bodies:
        """The bound of large bodies, for a front door."""
        most_bytes = limits.max_bodies_size
        if most_bytes is None:
            most_bytes = min(self.gauge.limit_bytes // _BODIES_PART, _MOST_BODIES_BYTES)
        self._bodies = Bodies(most_bytes, self.gauge.has_room_for)
        return self._bodies

    def limits(self, key: str, now_mono: float) -> tuple[ActiveLimit, ...]:
        """What is refused to this key now; almost always nothing."""
        room = self.room
        if room is None:
            return ()
        disk = room.fullness
        found = self._shedding.limits(max(disk, self._memory_fullness), now_mono)
        # Nobody has a larger share of the bound than all together have.
        if disk > self._max_share and self._max_share < _SHARED_ALONE and room.share_of(key) > self._max_share:
            return (*found, over_share(now_mono))
        return found

    @property
    def kinds_refused(self) -> int:
        """How many kinds of data are refused to everybody now, whether anybody sends any or not."""
        if self.room is None:
            return 0
        self._shedding.limits(max(self.room.fullness, self._memory_fullness), self._mono())
        return len(self._shedding.shed)

    def may_read(self) -> bool:
        """Whether there is memory for what waits on disk."""
        return not self._was_soft

    def measure(self) -> None:
        """To be called a few times a second."""
        gauge = self.gauge
        gauge.measure()
        if (gauge.is_soft or self._is_frugal) and self._mono() >= self._collect_at_mono:
            self._collect_at_mono = self._mono() + _COLLECT_EVERY_S
            give_back()
            gauge.measure()
        if self._bodies is not None:
            self._bodies.let_in()
        is_soft, was_soft = gauge.is_soft, self._was_soft
        self._was_soft = is_soft
        self._memory_fullness = STARTS_AT + (FULL_AT - STARTS_AT) * gauge.between_marks()
        if was_soft and not is_soft and self.room is not None:
            self.room.look_again()

    def __repr__(self) -> str:
        return f"<Pressure {self.gauge!r} {self._shedding!r}>"
