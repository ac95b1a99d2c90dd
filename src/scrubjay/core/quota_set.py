"""The quotas of a plan, sorted once by what they are about, so that an envelope pays for those of its own categories alone.

Owns `QuotaSet` (per plan), `BoundQuotas` (per key of it), and which of them refuse without counting: quotas with limit 0
(`decisions.md` 2.5, 12 Q10). What a refusal takes is `enforcement`'s business. What is remembered here follows from the plan alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.limits import ActiveLimit, Scoping, widened
from scrubjay.core.quotas import EVERY_CATEGORY, ZERO_QUOTA_S, Counter, Quota, bit, counter_of, mask_of

_MAX_BOUND: Final = 1_024
"""Keys of which one set remembers what binds them; a plan that serves any key may see many."""


@dataclass(frozen=True, slots=True)
class CategoryQuotas:
    """The quotas of one scoping about one category. `closed`, `hard` and `soft` look at each item on its own; `closed` allow nothing."""

    zero: tuple[Quota, ...]
    counters: tuple[Counter, ...]
    closed: tuple[Quota, ...]
    hard: tuple[Quota, ...]
    soft: tuple[Quota, ...]


class BoundQuotas:
    """The quotas that bind one scoping; `of` sorts out those of a category when it is first asked for."""

    __slots__ = ("_of", "_quirks", "_quotas", "_scoping", "_zeros")

    def __init__(self, quotas: Iterable[Quota], scoping: Scoping, *, quirks: bool) -> None:
        self._scoping = scoping
        self._quirks = quirks
        self._quotas = tuple(quota for quota in quotas if quota.binds(scoping))
        self._zeros = tuple(
            (quota, _taken_by(quota, quirks=quirks))
            for quota in self._quotas
            if quota.limit == 0 and quota.is_plain and not quota.is_global
        )
        self._of: dict[DataCategory, CategoryQuotas] = {}

    def of(self, category: DataCategory) -> CategoryQuotas:
        found = self._of.get(category)
        if found is None:
            found = self._of[category] = self._sorted(category, None)
        return found

    def of_buckets(self, namespace: str) -> CategoryQuotas:
        """Those about metric buckets of a namespace."""
        return self._sorted(DataCategory.METRIC_BUCKET, namespace)

    def _sorted(self, category: DataCategory, namespace: str | None) -> CategoryQuotas:
        plain = [quota for quota in self._quotas if quota.is_plain and quota.namespace in (None, namespace)]
        special = [quota for quota in self._quotas if not quota.is_plain and quota.counts(category, namespace)]
        return CategoryQuotas(
            zero=tuple(
                quota for quota in plain if quota.limit == 0 and _taken_by(quota, quirks=self._quirks) & bit(category)
            ),
            counters=tuple(
                counter_of(quota, self._scoping)
                for quota in plain
                if quota.limit != 0 and quota.counts(category, namespace)
            ),
            closed=tuple(quota for quota in special if quota.limit == 0 and not quota.sampled_excess),
            hard=tuple(quota for quota in special if quota.limit != 0 and not quota.sampled_excess),
            soft=tuple(quota for quota in special if quota.sampled_excess),
        )

    def zero_limits(
        self, now_mono: float, touched: int = EVERY_CATEGORY, most: int | None = None
    ) -> tuple[ActiveLimit, ...]:
        """What the project's own quotas that allow nothing refuse of the categories of a mask."""
        return tuple(self.zero_limit(quota, now_mono) for quota, mask in self._zeros if mask & touched)[:most]

    def zero_limit(self, quota: Quota, now_mono: float) -> ActiveLimit:
        """Widened as the limits of the server are (`decisions.md` 12, Q10)."""
        limit = quota.refusal(now_mono + ZERO_QUOTA_S)
        return limit if self._quirks else widened(limit)

    def counter(self, quota: Quota, group: str | None) -> Counter:
        return counter_of(quota, self._scoping, group)

    def __repr__(self) -> str:
        return f"<BoundQuotas {len(self._quotas)} of {self._scoping.key}>"


class QuotaSet:
    """The quotas of a plan, in the order in which they are asked.

    `touches`: the categories that any of them is about, `looks_into` those for which items have to be read. `quirks`: what the
    reference does is done where we know better (`decisions.md` 12).
    """

    __slots__ = ("_bound", "_last", "looks_into", "quirks", "quotas", "refuses", "touches")

    def __init__(self, quotas: Iterable[Quota] = (), *, quirks: bool = False) -> None:
        self.quotas = tuple(quotas)
        self.quirks = quirks
        self.touches = self.looks_into = self.refuses = 0
        for quota in self.quotas:
            mask = _taken_by(quota, quirks=quirks)
            self.touches |= mask
            if not quota.is_plain:
                self.looks_into |= mask
            elif quota.limit == 0 and not quota.is_global:
                self.refuses |= mask
        self._bound: dict[Scoping, BoundQuotas] = {}
        self._last: tuple[Scoping, BoundQuotas] | None = None

    def bound_to(self, scoping: Scoping) -> BoundQuotas:
        last = self._last
        if last is not None and last[0] is scoping:
            return last[1]
        bound = self._bound.get(scoping)
        if bound is None:
            if len(self._bound) >= _MAX_BOUND:
                self._bound.clear()
            bound = self._bound[scoping] = BoundQuotas(self.quotas, scoping, quirks=self.quirks)
        self._last = scoping, bound
        return bound

    def zero_limits(
        self, scoping: Scoping, now_mono: float, touched: int = EVERY_CATEGORY, most: int | None = None
    ) -> tuple[ActiveLimit, ...]:
        """See `BoundQuotas.zero_limits`; costs nothing where no such quota is about the categories."""
        return self.bound_to(scoping).zero_limits(now_mono, touched, most) if self.refuses & touched else ()

    def __iter__(self) -> Iterator[Quota]:
        return iter(self.quotas)

    def __len__(self) -> int:
        return len(self.quotas)

    def __repr__(self) -> str:
        return f"<QuotaSet {[quota.id for quota in self.quotas]}>"


NO_QUOTAS: Final = QuotaSet()


def _taken_by(quota: Quota, *, quirks: bool) -> int:
    """The categories of what a quota may refuse. One that allows nothing is as wide as a limit of the server."""
    if quota.namespace is not None:
        return _mask(quota.categories) & bit(DataCategory.METRIC_BUCKET)
    if quota.limit == 0 and quota.is_plain and not quirks:
        return _mask(widened(quota.refusal(0)).categories)
    return _mask(quota.categories)


def _mask(categories: frozenset[DataCategory]) -> int:
    return mask_of(categories) if categories else EVERY_CATEGORY
