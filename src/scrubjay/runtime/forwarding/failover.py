"""Several upstreams, of which one is used: fail-over once an outage is declared, fail-back when the first is well (6.10).

`Choice` knows which one is used, for all who send; `FailOver` is the `Sender` of one dispatcher over a carrier per upstream. That there
is an outage is decided by the dispatcher, which then asks `probe` until something answers: here any of the upstreams may.

Invariants: nothing is ever sent to two upstreams for good measure; without an outage only a fail-back changes the choice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol
from weakref import WeakSet

from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MergeTag
from scrubjay.errors import UpstreamError
from scrubjay.runtime.forwarding.shipment import Grouping, Sender, Shipment
from scrubjay.runtime.tasks import Tasks

_LOOK_EVERY_S: Final = 5.0
_WELL_FOR_S: Final = 60.0


class Observer(Protocol):
    """What is said and counted here; `runtime.telemetry` is the real one."""

    def upstream_chosen(self, upstream: str, instead_of: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


class Choice:
    """Which of several upstreams is used. `probes` say of each, in order of precedence, whether it is there."""

    def __init__(
        self,
        names: Sequence[str],
        probes: Sequence[Callable[[], Awaitable[bool]]],
        observer: Observer,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        well_for_s: float = _WELL_FOR_S,
    ) -> None:
        self._names = names
        self._probes = probes
        self._observer = observer
        self._look_every_s = look_every_s
        self._well_for_s = well_for_s
        self._tasks = Tasks(observer.internal_error)
        self._returns = False
        self.active = 0
        self.followers: WeakSet[FailOver] = WeakSet()
        self.on_use: Callable[[str], None] = lambda name: None
        """Hears of the one that is used from now on."""

    async def choose(self, avoided: int | None) -> bool:
        """Takes the first that is there; `avoided` is asked only if no other is. False: none is."""
        others = [index for index in range(len(self._probes)) if index != avoided]
        for group in (others, [] if avoided is None else [avoided]):
            there = await asyncio.gather(*(self.is_there(index) for index in group))
            found = next((index for index, is_there in zip(group, there, strict=True) if is_there), None)
            if found is not None:
                self._use(found)
                return True
        return False

    async def is_there(self, index: int) -> bool:
        return await self._probes[index]()

    def _use(self, index: int) -> None:
        if index == self.active:
            return
        before, self.active = self.active, index
        self._observer.upstream_chosen(self._names[index], self._names[before])
        self.on_use(self._names[index])
        for follower in tuple(self.followers):
            follower.on_change()
        if index and not self._returns:
            self._returns = True
            self._tasks.start("upstream-fail-back", self._fail_back())

    async def _fail_back(self) -> None:
        """Looks at those with precedence, until the first of all is used again."""
        clock = asyncio.get_running_loop().time
        well_since: dict[int, float] = {}
        while self.active:
            await asyncio.sleep(self._look_every_s)
            for index in range(self.active):
                if not await self.is_there(index):
                    well_since.pop(index, None)
                elif clock() - well_since.setdefault(index, clock()) >= self._well_for_s:
                    self._use(index)
                    break
        self._returns = False

    async def close(self) -> None:
        await self._tasks.stop()

    def __repr__(self) -> str:
        return f"<Choice {self._names[self.active]}>"


class FailOver:
    """A `Sender` to the upstream that is chosen. `carriers` stand in the order of the choice's names."""

    def __init__(self, carriers: Sequence[Sender], choice: Choice) -> None:
        self._carriers = carriers
        self._choice = choice
        self._used = 0
        self._probed_in_vain = False
        self.on_change: Callable[[], None] = lambda: None
        for index, carrier in enumerate(carriers):
            carrier.on_change = partial(self._tell, index)
        choice.followers.add(self)

    def _tell(self, index: int) -> None:
        if index == self._choice.active:
            self.on_change()

    @property
    def grouping(self) -> Grouping:
        return self._carriers[self._choice.active].grouping

    def merge_tag(self, parcel: Parcel) -> MergeTag | None:
        return self._carriers[self._choice.active].merge_tag(parcel)

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        self._used = self._choice.active
        return await self._carriers[self._used].send(shipment, now_mono)

    async def probe(self) -> bool:
        """Whether anybody is there. The one whose outage it is may answer probes all the same: it is not taken if another is there.

        When nobody was there at first it was more than one upstream's trouble, and precedence counts again.
        """
        choice, away = self._choice, self._used
        if choice.active != away and await choice.is_there(choice.active):
            return True  # somebody else has chosen already
        found = await choice.choose(None if self._probed_in_vain else away)
        self._probed_in_vain = not found
        return found

    def came_back(self) -> None:
        self._carriers[self._choice.active].came_back()

    def __repr__(self) -> str:
        return f"<FailOver {self._choice!r}>"
