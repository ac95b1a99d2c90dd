"""What is granted while the authority cannot be asked (`decisions.md` 9.4, `quotas.on_redis_error`).

`local`, the default: each replica grants itself its part of what was left when it last heard, rounded up: with R replicas, a limit L
and a consumption of C that all know, all together grant at most L - C + R - 1 for the rest of the slot, and at most L + R - 1 in each slot
that begins meanwhile. What others took after a replica last heard is what it cannot know: it adds at most that amount, once, and a
replica that knows of fewer others than there are takes the part of those it does not know. `open` grants everything, `closed` nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from scrubjay.runtime.quota_sharing.ledger import BUCKET, FIXED, UNLIMITED, Answer, Ask, Grant, Meter, QuotaLedger

Policy = Literal["local", "open", "closed"]
_RETRY_S: Final = 2
"""How long an answer of `open` and `closed` stands: the authority may be back by then."""


class Outage:
    """One authority's absence, from the first call that failed to the first that did not.

    `left` says what was left of a meter in a slot when the authority last spoke of it; None if it did not.
    """

    def __init__(self, policy: Policy, left: Callable[[Meter, int], int | None]) -> None:
        self._policy = policy
        self._left = left
        self._ledger = QuotaLedger()
        self._parts: dict[str, tuple[int, Meter]] = {}
        """By key: the slot for which the part was cut, and the meter with nothing but that part as its limit."""

    def answer(self, ask: Ask, replicas: int, now_unix: float) -> Answer:
        """Never fails, never waits."""
        if self._policy == "local":
            meters = [self._part(meter, max(1, replicas), int(now_unix)) for meter in ask.meters]
            return self._ledger.lease(ask._replace(meters=meters), now_unix)
        grants = [self._flat(ask, index, int(now_unix)) for index in range(len(ask.meters))]
        return Answer(now_unix, max(1, replicas), grants)

    def cap(self, meter: Meter, slot: int, left: int, now_unix: float) -> None:
        """No more than `left` remains of this replica's part: the authority is back, though it may not know all yet."""
        cut = self._parts.get(meter.key)
        if cut is not None and cut[0] == slot and meter.algorithm == FIXED:
            used, _ = self._ledger.state(cut[1], now_unix)
            self._parts[meter.key] = slot, cut[1]._replace(limit=min(cut[1].limit, used + left))

    def _flat(self, ask: Ask, index: int, now: int) -> Grant:
        """All that is asked for, or nothing."""
        slot, ends = ask.meters[index].window(now)
        ends = min(ends, now + _RETRY_S)
        needs = [need for claim in ask.claims for position, need in claim.parts if position == index]
        if self._policy == "open":
            return Grant(sum(needs) + ask.wants[index], UNLIMITED, slot, ends)
        return Grant(0, 0, slot, ends, max([1, *needs]), _RETRY_S)

    def _part(self, meter: Meter, replicas: int, now: int) -> Meter:
        if meter.limit == UNLIMITED:
            return meter
        slot, _ = meter.window(now)
        cut = self._parts.get(meter.key)
        if cut is None or cut[0] != slot:
            left = self._left(meter, slot)
            known = meter.limit if left is None or meter.algorithm == BUCKET else left
            part = meter._replace(limit=-(-known // replicas), burst=-(-meter.burst // replicas))
            cut = self._parts[meter.key] = slot, part
        return cut[1]
