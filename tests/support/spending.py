"""Quotas at work without a path: compile, draw up, count in memory, settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from scrubjay.core.enforcement import draw_up
from scrubjay.core.envelope import Item
from scrubjay.core.limits import Scoping, format_rate_limits
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quota_set import QuotaSet
from scrubjay.core.quotas import Charge
from scrubjay.core.rulings import NOTHING, Ruling
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from support.path import run_now

SCOPING = Scoping("a94ae32be2584e0bbd7a4cbb95971fee", 21, 42, 17)
NOW_UNIX = 1_700_000_000
"""For organisation 42 and windows of 60 s: 22 seconds before a window ends."""


@dataclass
class Spender:
    """One project's quotas over time. `own` and `shared` are in the reference's form, `extended` in ours."""

    extended: Sequence[object] = ()
    own: Sequence[object] = ()
    shared: Sequence[object] = ()
    quirks: bool = False
    quotas: QuotaSet = field(init=False)
    backend: MemoryBackend = field(default_factory=lambda: MemoryBackend(now_unix=lambda: NOW_UNIX))
    charges: list[Charge] = field(default_factory=list)
    """Of the last envelope."""

    def __post_init__(self) -> None:
        self.quotas, problems = compile_quotas(self.own, self.extended, self.shared, quirks=self.quirks)
        assert problems == []

    def spend(
        self, *items: Item, after_s: float = 0, event_id: str | None = None, client_ip: str | None = None
    ) -> Ruling:
        """What becomes of one envelope."""
        address = None if client_ip is None else IPv4Address(client_ip)
        bill = draw_up(items, self.quotas, SCOPING, event_id=event_id, client_ip=address)
        if bill is None:
            self.charges = []
            return NOTHING
        self.charges = bill.charges
        refusals = run_now(self.backend.consume(bill.charges, NOW_UNIX + after_s))
        return bill.settle(refusals, after_s)

    def consumed(self) -> dict[str, int | None]:
        """By quota; of several counters of one the sum."""
        sums: dict[str, int | None] = {}
        for usage in self.backend.usage():
            name = usage.counter.quota.id
            sums[name] = (sums.get(name) or 0) + (usage.consumed or 0)
        return sums


def told(ruling: Ruling, after_s: float = 0) -> str:
    """What the client learns."""
    answer = format_rate_limits(ruling.limits, after_s)
    return "" if answer is None else answer[1]
