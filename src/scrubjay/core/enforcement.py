"""What limits and quotas take from an envelope (`decisions.md` 2.6).

`judge` holds an envelope's checks against limits that are known; `draw_up` turns them into the charges of one backend call, whose answer
`Bill.settle` reads by the same rules. Nothing is dropped here: a `Ruling` says what falls, to which limit, and what the client should
be told. What rides on the event is named in full, so that the account shows each item's end. All of it is pure; what looks into
payloads (`QuotaSet.looks_into`) may run in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.checks import Check, checks_of, touched
from scrubjay.core.envelope import Item
from scrubjay.core.items.buckets import Buckets
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.networks import Address
from scrubjay.core.quota_set import BoundQuotas, QuotaSet
from scrubjay.core.quotas import EVERY_CATEGORY, Charge, Quota, Refusal, bit, mask_of
from scrubjay.core.rulings import NOTHING, Losses, Ruling
from scrubjay.core.shares import Share, Sharing, longest

_BLOCKED: Final = -1
"""In place of a charge's position: it is known already that what waits for it is refused."""
_SILENT: Final = ("user_report", "replay_event")
"""What the reference drops with its event without counting it (`decisions.md` 12, Q11)."""
_BUCKETS: Final = bit(DataCategory.METRIC_BUCKET)


def judge(items: Sequence[Item], limits: Sequence[ActiveLimit], *, quirks: bool = False) -> Ruling:
    """What known limits take from an envelope. Indexed categories are not looked at (`decisions.md` 1.1)."""
    about = 0
    for limit in limits:
        about |= mask_of(limit.categories) if limit.categories else EVERY_CATEGORY
    if not about & touched(items):
        return NOTHING
    checks = checks_of(items, about, counted=False)
    if quirks:
        for check in checks:
            if check.category is DataCategory.SESSION:  # Q1
                check.items = [item for item in check.items if item.kind.type == "session"]
    losses = Losses()
    _rule(checks, lambda number: [limit for limit in limits if limit.takes(checks[number].category)], losses, quirks)
    return losses.ruling()


@dataclass(frozen=True, slots=True)
class _BucketShare:
    """The metric buckets of one namespace, and where the answer about them will be; `known` refuse without counting."""

    item: Item
    buckets: Buckets
    positions: list[int]
    known: tuple[Quota, ...]
    charge: int | None


@dataclass(slots=True)
class Bill:
    """What an envelope would use up; `charges` go to the backend in one call.

    By number of its check: `positions` of charges, and the zero quotas that refuse without counting (`known`).
    """

    bound: BoundQuotas
    quirks: bool
    checks: list[Check]
    charges: list[Charge] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    known: dict[int, tuple[Quota, ...]] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    buckets: list[_BucketShare] = field(default_factory=list)

    @property
    def refuses(self) -> bool:
        """Whether anything is refused without counting."""
        return (
            bool(self.known) or any(share.refuses for share in self.shares) or any(part.known for part in self.buckets)
        )

    def settle(self, refusals: Sequence[Sequence[Refusal]], now_mono: float, *, cap_s: int = 300) -> Ruling:
        """The ruling that follows from the backend's answer; nobody is told to wait longer than `cap_s`."""
        if not self.refuses and not any(refusals):
            return NOTHING

        def limit_of(quota: Quota, left_s: int) -> ActiveLimit:
            return quota.refusal(now_mono + min(left_s, cap_s))

        def limits_of(known: Sequence[Quota], charge: int | None) -> list[ActiveLimit]:
            if known or charge is None:
                return [self.bound.zero_limit(quota, now_mono) for quota in known]
            return [limit_of(refusal.quota, refusal.left_s) for refusal in refusals[charge]]

        losses = Losses()
        answers = [
            limits_of(self.known.get(number, ()), self.positions.get(number)) for number in range(len(self.checks))
        ]
        _rule(self.checks, answers.__getitem__, losses, self.quirks)
        for share in self.shares:
            share.settle(refusals, limit_of, losses)
        for part in self.buckets:
            limits = limits_of(part.known, part.charge)
            if limits:
                losses.tell(limits)
                losses.lose(part.item, part.buckets, part.positions, longest(limits))
        return losses.ruling()


def draw_up(
    items: Sequence[Item],
    quotas: QuotaSet,
    scoping: Scoping,
    *,
    event_id: str | None = None,
    client_ip: Address | None = None,
) -> Bill | None:
    """The charges for what the gate left of an envelope; None if no quota is about it."""
    mask = touched(items)
    if not quotas.touches & mask:
        return None
    bound = quotas.bound_to(scoping)
    bill = Bill(bound, quotas.quirks, checks_of(items, quotas.touches, counted=True))
    sharing = Sharing(bound, bill.charges, event_id, client_ip) if quotas.looks_into & mask else None
    waits: list[int | None] = []
    """Of checks: the charge that must have been granted before what depends on them is made."""
    for number, check in enumerate(bill.checks):
        wait = None if check.after is None else waits[check.after]
        if wait != _BLOCKED:
            about = bound.of(check.category)
            if about.zero:
                bill.known[number] = about.zero
                wait = _BLOCKED
            elif (gone := 0 if sharing is None else sharing.shut(check, about.closed)) and check.event is not None:
                wait = _BLOCKED
            else:
                if about.counters and (not gone or gone < check.amount):
                    bill.charges.append(Charge(check.amount - gone, about.counters, wait))
                    wait = bill.positions[number] = len(bill.charges) - 1
                if sharing is not None and (about.hard or about.soft):
                    wait = sharing.ask(check, about, wait)
        waits.append(wait)
    if sharing is not None:
        bill.shares += sharing.shares
    if quotas.touches & mask & _BUCKETS:
        _draw_up_buckets(bill, items)
    return bill if bill.charges or bill.known or bill.shares or bill.buckets else None


def _draw_up_buckets(bill: Bill, items: Sequence[Item]) -> None:
    for item in items:
        buckets = Buckets.open(item) if item.kind.type == "metric_buckets" else None
        if buckets is None:
            continue
        for namespace, positions in buckets.by_namespace().items():
            about = bill.bound.of_buckets(namespace)
            if about.zero:
                bill.buckets.append(_BucketShare(item, buckets, positions, about.zero, None))
            elif about.counters:
                bill.buckets.append(_BucketShare(item, buckets, positions, (), len(bill.charges)))
                bill.charges.append(Charge(len(positions), about.counters))


def _rule(
    checks: Sequence[Check], answer: Callable[[int], Sequence[ActiveLimit]], losses: Losses, quirks: bool
) -> None:
    blocked: set[int] = set()
    for number, check in enumerate(checks):
        if check.after in blocked:
            blocked.add(number)
            continue
        limits = answer(number)
        if not limits:
            continue
        blocked.add(number)
        limit = longest(limits)
        if quirks and check.event is not None:
            for item in check.items:
                if item.kind.type in _SILENT:
                    losses.fall(item, limit, is_reported=False)
        for item in check.items:
            losses.fall(item, limit)
        for item in check.crashes:
            losses.mark(item, limit)
        if check.items or not check.crashes:
            losses.tell(limits)
