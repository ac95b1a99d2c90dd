"""Counting where another one is the authority: by tokens leased from it in blocks (`decisions.md` 9.3, 9.4).

Owns what a worker asks for and when: what cannot be settled by what it holds waits for one round trip together with all else that
waits, and while that is under way the next one gathers. How the authority is reached is the `Line`'s; what is held, `quota_sharing.pots`'.

Invariants: where the tokens held suffice, `consume` does not suspend; whoever waits is served in order of arrival, and nobody who came
later takes a token from them; an authority that fails counts as an error and lets through.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from scrubjay.core.quotas import Charge, Refusal, Usage
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.quota_backends.meters import Meters, Reading, nearest, reading
from scrubjay.runtime.quota_sharing.ledger import UNLIMITED, Answer, Ask, QuotaLedger
from scrubjay.runtime.quota_sharing.pots import Need, Pots, Refusals

_LOG: Final = logging.getLogger("scrubjay.quotas")
_TEND_S: Final = 1.0
"""How often idle tokens are looked for while any are held."""
_NOTHING: Final = Ask((), (), ())
_ROUNDS: Final = 3
"""A slot may end on the way; then once more."""


class Line(Protocol):
    """The way to an authority. One call at a time."""

    async def lease(self, ask: Ask) -> Answer: ...

    async def close(self) -> None: ...


class _Waiter:
    """One `consume` that could not be settled at once."""

    __slots__ = ("needs", "result", "rounds")

    def __init__(self, needs: Sequence[Need], result: asyncio.Future[list[Refusals]]) -> None:
        self.needs = needs
        self.result = result
        self.rounds = 0


class LeasingBackend:
    """`ahead` False: nothing is held, each charge asks. `observe` hears of each call's result: `granted`, `refused`, `returned`, and `away`
    where the authority does not count as it should.
    """

    def __init__(
        self,
        line: Line,
        *,
        ahead: bool = True,
        mono: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
        observe: Callable[[str], None] = lambda result: None,
    ) -> None:
        self._line = line
        self._pots = Pots(ahead=ahead)
        self._meters = Meters()
        self._mono = mono
        self._offset_s = now_unix() - mono()
        """From our monotonic clock to the authority's, whose slots count; ours is a guess until it has answered."""
        self._observe = observe
        self.problem = ""
        """For readiness: why the authority does not count as it should; empty if it does."""
        self._waiting: list[_Waiter] = []
        self._contended: set[str] = set()
        """Counters that somebody waits for."""
        self._asking: asyncio.Task[None] | None = None
        self._tending: asyncio.TimerHandle | None = None

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        """See `QuotaBackend.consume`. The time is the authority's, not `now_unix`."""
        needs = [self._meters.need(charge) for charge in charges]
        now = self._now()
        if not self._is_contended(needs) and self._pots.shortfall(needs, now) is None:
            refusals = self._pots.settle(needs, now)
        else:
            refusals = await self._wait_for(needs)
        return [
            tuple(Refusal(charge.counters[part].quota, left_s) for part, left_s in refused) if refused else ()
            for charge, refused in zip(charges, refusals, strict=True)
        ]

    def _now(self) -> float:
        return self._mono() + self._offset_s

    def _is_contended(self, needs: Sequence[Need]) -> bool:
        return bool(self._contended) and any(meter.key in self._contended for parts, _ in needs for meter, _ in parts)

    # Asking

    async def _wait_for(self, needs: Sequence[Need]) -> list[Refusals]:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(needs, loop.create_future())
        self._waiting.append(waiter)
        self._contended.update(meter.key for parts, _ in needs for meter, _ in parts)
        if self._asking is None:
            self._asking = loop.create_task(self._ask_all(), name="quota-leases")
        return await waiter.result

    async def _ask_all(self) -> None:
        """Until nobody waits. The first step runs after everything else of this tick, so that all of it goes in one round trip."""
        batch: list[_Waiter] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._serve(batch)
                self._contended = {
                    meter.key for waiter in self._waiting for parts, _ in waiter.needs for meter, _ in parts
                }
        finally:
            self._asking = None
            self._contended.clear()
            for waiter in batch + self._waiting:
                if not waiter.result.done():  # only if this task was ended
                    waiter.result.set_exception(RuntimeError("quotas are no longer counted"))
        self._tend_later()

    async def _serve(self, batch: list[_Waiter]) -> None:
        """One round trip for all of `batch`; who is not settled by it waits for the next one, before all others."""
        needs = _joined(batch)
        ask = self._pots.shortfall(needs, self._now())
        failed = ask is not None and not await self._fetch(ask)
        again: list[_Waiter] = []
        for waiter in batch:
            waiter.rounds += 1
            if waiter.result.done():  # nobody waits for it any more
                continue
            now = self._now()
            is_settled = self._pots.shortfall(waiter.needs, now, probes=False) is None
            if is_settled or failed or waiter.rounds >= _ROUNDS:
                waiter.result.set_result(self._pots.settle(waiter.needs, now))
            else:
                again.append(waiter)
        self._waiting[:0] = again

    async def _fetch(self, ask: Ask) -> bool:
        sent_mono = self._mono()
        try:
            answer = await self._line.lease(ask)
        except Exception as error:  # noqa: BLE001  whatever ails the authority, envelopes go on
            self.problem = f"the quota authority cannot be asked: {error}"
            self._observe("away")
            _LOG.warning(self.problem)
            return False
        self._offset_s = answer.now_unix - sent_mono
        self._pots.credit(ask, answer, answer.now_unix)
        self.problem = answer.problem
        self._observe(_result(ask, answer))
        return True

    # Giving back

    def _tend_later(self) -> None:
        if self._tending is None and (self.problem or self._pots.holds()):
            self._tending = asyncio.get_running_loop().call_later(_TEND_S, self._tend)

    def _tend(self) -> None:
        self._tending = None
        ask = self._pots.unused(self._now()) if self._asking is None else None
        if ask is None and self.problem and self._asking is None:
            ask = _NOTHING  # whether it is well again
        if ask is None:
            self._tend_later()
        else:
            self._asking = asyncio.get_running_loop().create_task(self._give_back(ask), name="quota-returns")

    async def _give_back(self, ask: Ask) -> None:
        more: Ask | None = ask
        try:
            while more is not None:
                await self._fetch(more)
                more = None if self._waiting or self.problem else self._pots.unused(self._now())
        finally:
            self._asking = None
        if self._waiting:
            self._asking = asyncio.get_running_loop().create_task(self._ask_all(), name="quota-leases")
        self._tend_later()

    async def close(self) -> None:
        """Gives back what is held, and lets go of the authority."""
        while self._asking is not None:
            await asyncio.wait((self._asking,))
        if self._tending is not None:
            self._tending.cancel()
        while (ask := self._pots.unused(self._now(), idle_s=0)) is not None:
            await self._fetch(ask)
        await self._line.close()

    # Looking

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        """See `QuotaBackend.usage`: what is known here, as of the last answer."""
        now = self._now()
        readings: list[Reading] = []
        known_apart = self._pots.known_apart
        for key, (counter, meter) in self._meters.keyed():
            known = known_apart(key, now)
            if known is not None:
                left, held, ends_unix = known
                ceiling = meter.burst if meter.algorithm == "bucket" else meter.limit
                readings.append(reading(counter, meter, None if left == UNLIMITED else ceiling - left, ends_unix, held))
        return nearest(readings, most)

    def rehearsal(self) -> MemoryBackend:
        """See `QuotaBackend.rehearsal`. Tokens that are held count as not used."""
        ledger, now = QuotaLedger(), self._now()
        for _, meter in self._meters.pairs():
            known = self._pots.known(meter, now)
            if known is not None and known[0] != UNLIMITED:
                ceiling = meter.burst if meter.algorithm == "bucket" else meter.limit
                used = max(0, ceiling - known[0] - known[1])
                ledger.charge([(meter, used)], now)
        return MemoryBackend(ledger=ledger, meters=self._meters.copy(), now_unix=self._now)

    def __repr__(self) -> str:
        return f"<LeasingBackend {len(self._pots)} counters, {len(self._waiting)} waiting>"


def _result(ask: Ask, answer: Answer) -> str:
    if answer.problem:
        return "away"
    if not ask.claims:
        return "returned"
    return "refused" if any(grant.refused for grant in answer.grants) else "granted"


def _joined(batch: Sequence[_Waiter]) -> list[Need]:
    """The needs of all as one sequence; what they depend on moves with them."""
    joined: list[Need] = []
    for waiter in batch:
        start = len(joined)
        joined += [(parts, after if after < 0 else after + start) for parts, after in waiter.needs]
    return joined
