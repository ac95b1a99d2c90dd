"""Where a project names an upstream of its own: its parcels leave the common way (`upstream-and-operations.md` 6.10: the project's wins).

Owns telling them apart. Which upstream a key's project names is the plans' to say, the ways are `roads`'. Invariants: a parcel goes to one
upstream; what is wrong with another one is no outage of ours: its parcels alone wait for it, each for its own back-off; one that did not
answer is tried by one request at a time, since all of ours would wait there in place of others' items; where no project names one
nothing is added.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MergeTag
from scrubjay.errors import Divide, Transient, UpstreamError
from scrubjay.runtime.forwarding.outage import Chance, back_off_s
from scrubjay.runtime.forwarding.shipment import Grouping, Sender, Shipment

_LONGEST_PAUSE_S: Final = 60.0


class Places(Protocol):
    """Which projects go elsewhere; `runtime.projects` is the real one."""

    @property
    def diverts(self) -> bool:
        """Whether any may."""

    def upstream_of(self, key: str) -> str | None:
        """The one that the project of `key` names."""


@dataclass(slots=True)
class _Absent:
    """An upstream that did not answer, so many times in a row; it is tried again from a time on."""

    tries: int
    from_mono: float
    is_tried: bool = False


class Junction:
    """A `Sender` over the common one. `way_to` gives the sender to another upstream; None: to what leads here, which the common way has to take."""

    def __init__(
        self,
        common: Sender,
        places: Places,
        way_to: Callable[[str], Awaitable[Sender | None]],
        *,
        mono: Callable[[], float] = time.monotonic,
        chance: Chance = random.random,
    ) -> None:
        self._common = common
        self._places = places
        self._way_to = way_to
        self._mono = mono
        self._chance = chance
        self._absent: dict[str, _Absent] = {}
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
        shipment.elsewhere = named != {None}
        if not shipment.elsewhere:
            return await self._common.send(shipment, now_mono)
        if len(named) > 1 or shipment.kind == "batch":
            raise Divide("for several upstreams", apart=True)
        (place,) = named
        assert place is not None
        way = await self._way_to(place)
        if way is None:
            shipment.elsewhere = False
            return await self._common.send(shipment, now_mono)
        absent = self._absent.get(place)
        if absent is not None:
            self._begin_trial(place, absent)
        is_absent = False
        try:
            return await way.send(shipment, now_mono)
        except Transient as error:
            is_absent = error.network
            raise Transient(
                f"{place}: {error}",
                status=error.status,
                retry_after_s=error.retry_after_s,
                network=False,
                capped=error.capped,
                ambiguous=error.ambiguous,
            ) from error
        finally:
            self._end_trial(place, absent, is_absent=is_absent)

    def _begin_trial(self, place: str, absent: _Absent) -> None:
        """Raises `Transient` if it is not due, or another one tries."""
        left_s = absent.from_mono - self._mono()
        if absent.is_tried or left_s > 0:
            pause_s = max(left_s, self._pause_s(absent.tries))
            raise Transient(f"{place}: it did not answer", network=False, retry_after_s=pause_s)
        absent.is_tried = True

    def _end_trial(self, place: str, absent: _Absent | None, *, is_absent: bool) -> None:
        """`absent`: what was known of it before. What failed beside others, or before them, fails for one reason."""
        if not is_absent:
            self._absent.pop(place, None)
        elif absent is None:
            self._absent.setdefault(place, _Absent(1, self._mono() + self._pause_s(1)))
        else:
            absent.tries += 1
            absent.from_mono = self._mono() + self._pause_s(absent.tries)
            absent.is_tried = False

    def _pause_s(self, tries: int) -> float:
        return back_off_s(tries, _LONGEST_PAUSE_S, self._chance)

    async def probe(self) -> bool:
        return await self._common.probe()

    def came_back(self) -> None:
        self._common.came_back()

    def __repr__(self) -> str:
        return f"<Junction {self._common!r}>"
