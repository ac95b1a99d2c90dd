"""Quotas that look at what an item says: with a condition, dimensions, or another answer to excess than to drop it (`decisions.md` 9.1).

Owns what they are charged for: an item, or those records of a batch that are alike to them, and metric buckets by namespace.
They are asked after the quotas that take all alike. Of each share first the quotas that refuse, then those that do not simply
refuse, one by one, so that none of these keeps another from counting. Their refusals are for the item alone: nobody else is told, and
nothing is remembered, because a limit on the wire has neither conditions nor dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from msgspec import Raw

from scrubjay.categories import DataCategory
from scrubjay.core.checks import Check, amount_of
from scrubjay.core.dimensions import Counted, group_of
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Container
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.networks import Address
from scrubjay.core.quota_set import BoundQuotas, CategoryQuotas
from scrubjay.core.quotas import ZERO_QUOTA_S, Charge, Quota, Refusal
from scrubjay.core.rulings import Excess, Losses
from scrubjay.core.sampling.unit import keeps
from scrubjay.core.subjects import subject_of, subject_of_record

_BYTES: Final = frozenset({DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE})

Matched = tuple[Quota, str | None]
"""A quota that is about something, and the group that this something is counted in."""
LimitOf = Callable[[Quota, int], ActiveLimit]
"""The limit that a refusal by a quota stands for, given the seconds until its window ends."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a check that the same quotas are about, and where their answers will be.

    `positions`: of the records of `batch`. `refused`: quotas that allow nothing. `charge`: of all that refuse together; `soft`: the
    others with a charge each, None where they allow nothing.
    """

    check: Check
    item: Item
    amount: int
    batch: Container | None
    positions: tuple[int, ...]
    refused: tuple[Quota, ...]
    charge: int | None
    soft: tuple[tuple[Quota, int | None], ...]
    seed: bytes | memoryview
    """What decides on the excess where it is sampled; of records it is themselves."""

    @property
    def refuses(self) -> bool:
        """Whether anything of it is refused without counting."""
        return bool(self.refused) or any(charge is None for _, charge in self.soft)

    def settle(self, refusals: Sequence[Sequence[Refusal]], limit_of: LimitOf, losses: Losses) -> None:
        refused = [limit_of(quota, ZERO_QUOTA_S) for quota in self.refused]
        if self.charge is not None:
            refused += [limit_of(refusal.quota, refusal.left_s) for refusal in refusals[self.charge]]
        if refused:
            self._lose(self.positions, longest(refused), losses)
            return
        for quota, charge in self.soft:
            left_s = ZERO_QUOTA_S if charge is None else next((one.left_s for one in refusals[charge]), None)
            if left_s is not None:
                self._exceed(quota, limit_of(quota, left_s), losses)

    def _exceed(self, quota: Quota, limit: ActiveLimit, losses: Losses) -> None:
        kept = self.amount
        if self.batch is not None:
            records = self.batch.records
            lost = [at for at in self.positions if not _keeps_excess(quota, records[at])]
            kept -= self.amount * len(lost) // len(self.positions)
            self._lose(lost, limit, losses)
        elif not _keeps_excess(quota, self.seed):
            kept = 0
            self._lose((), limit, losses)
        losses.exceed(Excess(quota.id, self.check.category, self.amount, kept))

    def _lose(self, positions: Iterable[int], limit: ActiveLimit, losses: Losses) -> None:
        if self.batch is not None:
            losses.lose(self.item, self.batch, positions, limit)
        elif self.check.event is not None:
            for item in self.check.items:
                losses.fall(item, limit)
        elif any(item is self.item for item in self.check.crashes):
            losses.mark(self.item, limit)
        else:
            losses.fall(self.item, limit)


def longest(limits: Sequence[ActiveLimit]) -> ActiveLimit:
    """The one that gives the reason (`decisions.md` 2.6)."""
    return max(limits, key=lambda limit: limit.until_mono)


def _keeps_excess(quota: Quota, seed: bytes | memoryview | Raw) -> bool:
    """By the id that sampling decides by too, but not the same number: what sampling kept is not kept again for that."""
    if quota.sampled_excess >= 1:
        return True
    digest = blake2b(quota.id.encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(b"\x1f")
    digest.update(seed)
    return keeps(digest.hexdigest(), quota.sampled_excess)


class Sharing:
    """Finds the shares of one envelope, and adds their charges to those of the whole."""

    __slots__ = ("_bound", "_charges", "_client_ip", "_event_id", "_gone", "_last", "_opened", "shares")

    def __init__(
        self, bound: BoundQuotas, charges: list[Charge], event_id: str | None, client_ip: Address | None
    ) -> None:
        self._bound = bound
        self._charges = charges
        self._event_id = event_id
        self._client_ip = client_ip
        self._opened: dict[int, tuple[Container | None, list[Counted]]] = {}
        self._last: dict[tuple[int, tuple[int, ...]], int] = {}
        """Of an item and some of its records: the charge that further ones of the same wait for."""
        self._gone: dict[int, set[int]] = {}
        """Of items: the records that fell to a quota which allows nothing (0 is an item that is no batch)."""
        self.shares: list[Share] = []

    def shut(self, check: Check, closed: Sequence[Quota]) -> int:
        """What quotas that allow nothing take of a check; it is charged nowhere (`decisions.md` 2.4).

        Returns how much of the check's amount is gone, by these quotas or by those of an earlier check of the same items.
        """
        if not closed and not self._gone:
            return 0
        amount = 0
        for item, whole in _parts(check):
            gone = self._gone.get(id(item), set())
            batch, counted = self._open(item)
            for matched, positions in _alike(counted, closed, gone):
                part = _part(check.category, whole, batch, positions)
                quotas = tuple(quota for quota, _ in matched)
                self.shares.append(Share(check, item, part, batch, tuple(positions), quotas, None, (), b""))
                gone.update(positions)
            if gone:
                self._gone[id(item)] = gone
                amount += _part(check.category, whole, batch, sorted(gone))
        return amount

    def ask(self, check: Check, about: CategoryQuotas, wait: int | None) -> int | None:
        """The shares of one check; returns what those who depend on its passing wait for."""
        last = wait
        for item, whole in _parts(check):
            batch, counted = self._open(item)
            gone = self._gone.get(id(item), set())
            for matched, positions in _alike(counted, (*about.hard, *about.soft), gone):
                amount = _part(check.category, whole, batch, positions)
                last = self._share(check, item, amount, batch, tuple(positions), matched, wait)
        return wait if check.event is None else last

    def _share(
        self,
        check: Check,
        item: Item,
        amount: int,
        batch: Container | None,
        positions: tuple[int, ...],
        matched: Sequence[Matched],
        wait: int | None,
    ) -> int | None:
        place = id(item), positions
        last = self._last.get(place)
        if last is not None and (wait is None or wait < last):
            wait = last
        hard = [(quota, group) for quota, group in matched if not quota.sampled_excess]
        charge = self._charge(amount, hard, wait)
        if charge is not None:
            wait = self._last[place] = charge
        soft = tuple(
            (quota, None if quota.limit == 0 else self._charge(amount, ((quota, group),), wait))
            for quota, group in matched
            if quota.sampled_excess
        )
        seed = item.payload if self._event_id is None else self._event_id.encode()
        self.shares.append(Share(check, item, amount, batch, positions, (), charge, soft, seed))
        return wait

    def _charge(self, amount: int, matched: Sequence[Matched], wait: int | None) -> int | None:
        if not matched:
            return None
        counters = tuple(self._bound.counter(quota, group) for quota, group in matched)
        self._charges.append(Charge(amount, counters, wait))
        return len(self._charges) - 1

    def _open(self, item: Item) -> tuple[Container | None, list[Counted]]:
        """The records of a batch, else the item itself."""
        opened = self._opened.get(id(item))
        if opened is None:
            batch = Container.open(item)
            if batch is None:
                counted = [Counted(item.kind.type, subject_of(item, self._client_ip))]
            else:
                counted = [
                    Counted(item.kind.type, subject_of_record(item.kind.type, record, self._client_ip), is_record=True)
                    for record in batch.records
                ]
            opened = self._opened[id(item)] = batch, counted
        return opened


def _parts(check: Check) -> Iterable[tuple[Item, int]]:
    """The items that a check is about, with what each adds to it."""
    if check.event is not None:
        return ((check.event, check.amount),)
    parts = ((item, amount_of(item, check.category)) for item in (*check.items, *check.crashes))
    return (part for part in parts if part[1])


def _alike(
    counted: Sequence[Counted], quotas: Sequence[Quota], gone: Collection[int]
) -> Iterable[tuple[list[Matched], list[int]]]:
    """The positions that the same quotas are about, in the same groups; those without any quota are left out."""
    alike: dict[tuple[tuple[int, str | None], ...], tuple[list[Matched], list[int]]] = {}
    for position, one in enumerate(counted):
        matched = [] if position in gone else _matched(quotas, one)
        if matched:
            same = tuple((id(quota), group) for quota, group in matched)
            alike.setdefault(same, (matched, []))[1].append(position)
    return alike.values()


def _matched(quotas: Iterable[Quota], counted: Counted) -> list[Matched]:
    matched: list[Matched] = []
    for quota in quotas:
        if quota.condition is not None and not quota.condition.matches(counted.fields):
            continue
        if quota.grouping is None:
            matched.append((quota, None))
        elif (group := group_of(quota.grouping, counted)) is not None:
            matched.append((quota, group))
    return matched


def _part(category: DataCategory, whole: int, batch: Container | None, positions: Sequence[int]) -> int:
    """What some records of an item count as. Bytes of records are those of their JSON, with the comma that goes with them."""
    if batch is None or len(positions) == len(batch.records):
        return whole
    return sum(memoryview(batch.records[at]).nbytes + 1 for at in positions) if category in _BYTES else len(positions)
