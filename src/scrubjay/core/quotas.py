"""Quotas: what may be counted, whom it binds, and the protocol that backends count by.

Owns `Quota` and matching (`decisions.md` 2.3). The JSON form is `quota_config`'s, the quotas of a plan together `quota_set`'s, which
checks an envelope needs `enforcement`'s business; windows and where counters live are a backend's.

Invariants: a quota with limit 0 is never sent to a backend, it is known without counting; a charge is granted or refused as a
whole, and a refused one leaves every counter as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from scrubjay.categories import DataCategory
from scrubjay.core.conditions import Condition
from scrubjay.core.limits import ORGANIZATION, PROJECT, ActiveLimit, Scoping

_SHOWN_KEY: Final = 8
"""Characters of a public key that tell it apart (`upstream-and-operations.md` 9.8)."""
ZERO_QUOTA_S: Final = 60
"""How long a client is told to wait by a quota that allows nothing (`decisions.md` 2.4)."""

Algorithm = Literal["fixed", "sliding", "bucket"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """One counter for each combination of the values of `dimensions`, at most `max_cardinality` of them in a window.

    Beyond: all further ones share one counter (`shares_overflow`), or are refused. `needs_all`: the quota is not about items that
    lack one of the dimensions; else a missing value is an empty one.
    """

    dimensions: tuple[str, ...]
    max_cardinality: int
    shares_overflow: bool = True
    needs_all: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` of `categories` (none: of all) per `window_s`; `limit` 0 refuses all, None only counts.

    `algorithm`, `burst` (depth of a bucket, None: the limit), `condition`, `grouping` and `sampled_excess` are of the extended form
    (`decisions.md` 9.1). `sampled_excess`: share of the excess that is kept; 0 drops it, 1 only observes. `is_global`: of no project;
    such a one with limit 0 is not known at the gate.
    """

    id: str
    scope: str
    categories: frozenset[DataCategory]
    limit: int | None
    window_s: int = 0
    scope_id: int | None = None
    reason: str | None = None
    namespace: str | None = None
    algorithm: Algorithm = "fixed"
    burst: int | None = None
    condition: Condition | None = None
    grouping: Grouping | None = None
    sampled_excess: float = 0
    is_global: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether clients can be told of its refusals: it takes all items of its categories alike."""
        return self.condition is None and self.grouping is None and not self.sampled_excess

    def binds(self, scoping: Scoping) -> bool:
        """Whether it is about this key, project or organisation."""
        if self.scope_id is None:
            return True
        if self.scope == ORGANIZATION:
            return self.scope_id == scoping.organization_id
        return self.scope_id == (scoping.project_id if self.scope == PROJECT else scoping.key_id)

    def counts(self, category: DataCategory, namespace: str | None = None) -> bool:
        """Whether what is of `category` uses it up; one with a namespace is about metric buckets of it alone."""
        return self.namespace in (None, namespace) and (not self.categories or category in self.categories)

    def refusal(self, until_mono: float) -> ActiveLimit:
        """The limit that stands for a refusal by this quota."""
        namespaces = frozenset({self.namespace} if self.namespace else ())
        return ActiveLimit(self.scope, self.categories, until_mono, self.reason, self.id, namespaces)


# Counting


@dataclass(frozen=True, slots=True)
class Counter:
    """One number that grows: a quota as it counts for one organisation, project or key (`subscope`).

    `group`: a hash of the values of the quota's dimensions.
    """

    quota: Quota
    organization_id: int
    subscope: str | int | None
    group: str | None = None

    @property
    def owner(self) -> str:
        """Whom it counts for, as people may see it: of a public key only the beginning, of what has a number all of it."""
        whose: str | int | None = self.subscope
        if isinstance(whose, str):
            whose = whose[:_SHOWN_KEY]
        elif whose is None and self.quota.scope == ORGANIZATION:
            whose = self.organization_id or None
        return self.quota.scope if whose is None else f"{self.quota.scope} {whose}"


@dataclass(frozen=True, slots=True)
class Charge:
    """`amount` against all `counters` together; an amount of 0 asks whether there is room for one more.

    `after`: the position of a charge in the same call that must have been granted, or this one is not made at all.
    """

    amount: int
    counters: tuple[Counter, ...]
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A quota without room, and the seconds until its window ends (not capped)."""

    quota: Quota
    left_s: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one counter is, as people and `explain` want to know it. `held`: granted to this process and not used yet (leases).

    `consumed` is None for a counter that only its authority knows and this process has not asked about.
    """

    counter: Counter
    consumed: int | None
    ends_unix: float
    held: int = 0


class QuotaBackend(Protocol):
    """Where counters live. Fails open: what cannot be counted is granted."""

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        """Makes the charges in order. Per charge the quotas that refused it; none if it was granted or not made."""
        ...

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        """The counters of windows that have not ended, those nearest to their limit first."""
        ...

    def rehearsal(self) -> QuotaBackend:
        """A copy in this process of what is known now: what it counts, it counts for itself."""
        ...

    async def close(self) -> None: ...


def counter_of(quota: Quota, scoping: Scoping, group: str | None = None) -> Counter:
    """Without a known organisation the relay is one organisation, number 0; a key without a number counts by its name."""
    subscope: str | int | None = None
    if quota.scope == PROJECT:
        subscope = scoping.project_id
    elif quota.scope != ORGANIZATION:
        subscope = scoping.key if scoping.key_id is None else scoping.key_id
    return Counter(quota, scoping.organization_id or 0, subscope, group)


EVERY_CATEGORY: Final = -1
"""The mask of what names no categories."""


def bit(category: DataCategory) -> int:
    """A category as a member of a mask."""
    return 1 << (category + 1)


def mask_of(categories: Iterable[DataCategory]) -> int:
    mask = 0
    for category in categories:
        mask |= bit(category)
    return mask
