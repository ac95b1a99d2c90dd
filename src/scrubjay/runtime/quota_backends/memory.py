"""Exact counts in this process (`decisions.md` 2.4), for a relay with one worker: it is its own authority.

Suspends only between the charges of an envelope that has thousands, so that others get their turn. What is counted how is
`quota_sharing.ledger`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from scrubjay.core.quotas import Charge, Refusal, Usage
from scrubjay.runtime.quota_backends.meters import Meters, nearest, reading
from scrubjay.runtime.quota_sharing.ledger import QuotaLedger

_AT_ONCE: Final = 1_000
"""Counters that are looked at before others get their turn: about 15 ms, and more than any envelope has that is not made for it."""


class MemoryBackend:
    """`now_unix` is asked for what is shown; what is counted is counted by the time of the charge."""

    def __init__(
        self,
        *,
        max_counters: int = 100_000,
        ledger: QuotaLedger | None = None,
        meters: Meters | None = None,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = QuotaLedger(max_counters=max_counters) if ledger is None else ledger
        self._meters = meters or Meters(max_counters)
        self._now_unix = now_unix

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        """Makes the charges in order; see `QuotaBackend.consume`."""
        results: list[tuple[Refusal, ...]] = []
        denied: set[int] = set()
        meter_of, make = self._meters.of, self._ledger.charge
        looked_at = 0
        for position, charge in enumerate(charges):
            looked_at += len(charge.counters)
            if looked_at > _AT_ONCE:
                looked_at = 0
                await asyncio.sleep(0)
            if charge.after in denied:
                denied.add(position)
                results.append(())
                continue
            counters, amount = charge.counters, charge.amount
            refused = make([(meter_of(counter), amount) for counter in counters], now_unix)
            if refused:
                denied.add(position)
            results.append(tuple(Refusal(counters[part].quota, left_s) for part, left_s in refused) if refused else ())
        return results

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        """See `QuotaBackend.usage`."""
        now_unix = self._now_unix()
        state = self._ledger.state
        readings = (reading(counter, meter, *state(meter, now_unix)) for counter, meter in self._meters.pairs())
        return nearest((one for one in readings if one[1]), most)

    def rehearsal(self) -> MemoryBackend:
        """See `QuotaBackend.rehearsal`."""
        return MemoryBackend(ledger=self._ledger.copy(), meters=self._meters.copy(), now_unix=self._now_unix)

    async def close(self) -> None:
        """Nothing to release."""

    def __repr__(self) -> str:
        return f"<MemoryBackend {len(self._ledger)} counters>"
