"""The authority for the workers of one host that shares its limits with other hosts (`decisions.md` 9.4).

Leases from the store for the whole host, and passes tokens on to the workers that ask: the store is asked about once a second for a
counter however many workers use it. Runs in the thread of `service`, and may block on the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from scrubjay.runtime.quota_sharing.ledger import UNLIMITED, Answer, Ask, Grant, QuotaLedger
from scrubjay.runtime.quota_sharing.pots import Need, Pots, Refusals

_ROUNDS = 3


class Store(Protocol):
    """`store.RedisStore`: never fails, its own outage is its business."""

    @property
    def problem(self) -> str: ...

    def lease(self, ask: Ask) -> Answer: ...

    def beat(self) -> None: ...

    def close(self) -> None: ...


class Authority(Protocol):
    """Who answers the workers of a host. `holders`: how many of them there are."""

    def lease(self, ask: Ask, holders: int) -> Answer: ...

    def beat(self) -> None:
        """To be called every second or so."""
        ...

    def close(self) -> None: ...


class OwnAuthority:
    """This host shares with nobody: its ledger counts."""

    def __init__(self, now_unix: Callable[[], float] = time.time) -> None:
        self._ledger = QuotaLedger()
        self._now_unix = now_unix

    def lease(self, ask: Ask, holders: int) -> Answer:
        return self._ledger.lease(ask, self._now_unix(), holders)

    def beat(self) -> None:
        """Nobody to show it to."""

    def close(self) -> None:
        """Nothing to give back."""


class SharedAuthority:
    """Passes on what it leases from `store`."""

    def __init__(
        self,
        store: Store,
        *,
        ahead: bool = True,
        mono: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._pots = Pots(ahead=ahead)
        self._mono = mono
        self._offset_s = now_unix() - mono()

    def lease(self, ask: Ask, holders: int) -> Answer:
        for meter, (slot, unused) in zip(ask.meters, ask.returns, strict=False):
            self._pots.put_back(meter, slot, unused, self._now())
        needs: list[Need] = [
            ([(ask.meters[index], need) for index, need in claim.parts], claim.after) for claim in ask.claims
        ]
        for round_number in range(_ROUNDS):
            short = self._pots.shortfall(needs, self._now(), probes=round_number == 0)
            if short is None:
                break
            holders = max(holders, self._fetch(short))
        now_unix = self._now()
        results = self._pots.settle(needs, now_unix)
        return Answer(now_unix, holders, self._grants(ask, results, holders, now_unix), self._store.problem)

    def _fetch(self, ask: Ask) -> int:
        sent_mono = self._mono()
        answer = self._store.lease(ask)
        self._offset_s = answer.now_unix - sent_mono
        self._pots.credit(ask, answer, answer.now_unix)
        return answer.holders

    def _grants(self, ask: Ask, results: Sequence[Refusals], holders: int, now_unix: float) -> list[Grant]:
        tokens = [0] * len(ask.meters)
        refused = [(0, 0)] * len(ask.meters)
        failed: set[int] = set()
        for number, (claim, refusals) in enumerate(zip(ask.claims, results, strict=True)):
            if refusals or claim.after in failed:
                failed.add(number)
            for position, retry_s in refusals:
                index, need = claim.parts[position]
                need = max(need, 1)
                if not refused[index][0] or need < refused[index][0]:
                    refused[index] = need, retry_s
            for index, need in claim.parts if number not in failed else ():
                tokens[index] += need
        return [
            self._grant(ask, index, tokens[index], refused[index], holders, now_unix)
            for index in range(len(ask.meters))
        ]

    def _grant(
        self, ask: Ask, index: int, tokens: int, refused: tuple[int, int], holders: int, now_unix: float
    ) -> Grant:
        meter = ask.meters[index]
        if tokens:
            tokens += self._pots.advance(meter, ask.wants[index], holders, now_unix)
        pot = self._pots.pot(meter, now_unix)
        left = pot.left if pot.left == UNLIMITED else pot.left + pot.tokens
        return Grant(tokens, left, pot.slot, int(pot.ends_unix), *refused, pot.meter.group != meter.group)

    def _now(self) -> float:
        return self._mono() + self._offset_s

    def beat(self) -> None:
        """Gives back what no worker used for a while, as much as goes in one call, and shows that this host is there."""
        idle = self._pots.unused(self._now())
        if idle is not None:
            self._fetch(idle)
        self._store.beat()

    def close(self) -> None:
        while (idle := self._pots.unused(self._now(), idle_s=0)) is not None:
            self._fetch(idle)
        self._store.close()
