"""Exact counts in this process (`decisions.md` 2.4), for a relay with one worker.

Never suspends. Memory is bounded: counters of ended windows go after a minute's grace, and of too many the one that was used longest
ago goes first, which lets its quota start anew (quotas fail open).
"""

from __future__ import annotations

from collections.abc import Sequence

from scrubjay.core.quotas import Charge, Counter, Refusal

_GRACE_S = 60
"""How long counters outlive their window (`decisions.md` 2.4), as clocks may be set back a little."""

_Key = tuple[str, int, str | int | None, int]


class MemoryBackend:
    """Counters by quota, organisation, subscope and slot; the last used is the last in order."""

    def __init__(self, *, max_counters: int = 100_000) -> None:
        self._counts: dict[_Key, tuple[int, int]] = {}
        """What was consumed, and when the window ends (Unix seconds)."""
        self._max_counters = max_counters
        self._next_sweep_unix = 0

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        """Makes the charges in order; see `QuotaBackend.consume`."""
        now = int(now_unix)
        if now >= self._next_sweep_unix or len(self._counts) >= self._max_counters:
            self._forget(now)
        results: list[tuple[Refusal, ...]] = []
        denied: set[int] = set()
        for position, charge in enumerate(charges):
            refusals = () if charge.after in denied else self._make(charge, now)
            if refusals or charge.after in denied:
                denied.add(position)
            results.append(refusals)
        return results

    def _make(self, charge: Charge, now: int) -> tuple[Refusal, ...]:
        """All counters of the charge, or none."""
        places = [(counter, *_place(counter, now)) for counter in charge.counters]
        refusals = tuple(
            Refusal(counter.quota, ends - now)
            for counter, key, ends in places
            if not _has_room(counter.quota.limit, self._consumed(key), charge.amount)
        )
        if not refusals and charge.amount:
            for _, key, ends in places:
                consumed = self._consumed(key)
                self._counts.pop(key, None)
                self._counts[key] = (consumed + charge.amount, ends)
        return refusals

    def _consumed(self, key: _Key) -> int:
        return self._counts.get(key, (0, 0))[0]

    def _forget(self, now: int) -> None:
        kept = [(key, count) for key, count in self._counts.items() if count[1] + _GRACE_S > now]
        # Half at once, so that a flood of new counters does not pay for a sweep each.
        self._counts = dict(kept if len(kept) < self._max_counters else kept[len(kept) // 2 :])
        self._next_sweep_unix = now + _GRACE_S

    async def close(self) -> None:
        """Nothing to release."""

    def __repr__(self) -> str:
        return f"<MemoryBackend {len(self._counts)} counters>"


def _place(counter: Counter, now: int) -> tuple[_Key, int]:
    quota = counter.quota
    slot, ends_unix = quota.window(counter.organization_id, now)
    return (quota.id, counter.organization_id, counter.subscope, slot), ends_unix


def _has_room(limit: int | None, consumed: int, amount: int) -> bool:
    if limit is None:
        return True
    return consumed < limit if amount == 0 else consumed + amount <= limit
