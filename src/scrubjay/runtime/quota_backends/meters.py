"""Counters as plain data: the names under which authorities count (`decisions.md` 2.4, 9.4).

Invariant: one counter has one name, whichever worker or host says it, and the same `Meter` object each time while it is in use.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from operator import itemgetter
from urllib.parse import quote

from scrubjay.core.quotas import Charge, Counter, Usage
from scrubjay.runtime.quota_sharing.ledger import UNLIMITED, Meter
from scrubjay.runtime.quota_sharing.pots import Need


class Meters:
    """Remembers what a counter is called; a plan that was exchanged has new quotas, which are asked for anew."""

    def __init__(self, max_counters: int = 100_000) -> None:
        self._known: dict[tuple[int, int, str | int | None, str | None], tuple[Counter, Meter]] = {}
        self._newest: dict[str, tuple[Counter, Meter]] = {}
        self._max_counters = max_counters

    def of(self, counter: Counter) -> Meter:
        quota = counter.quota
        key = (id(quota), counter.organization_id, counter.subscope, counter.group)
        entry = self._known.get(key)
        if entry is not None and entry[0].quota is quota:
            return entry[1]
        if len(self._known) >= self._max_counters:
            self._known = dict(list(self._known.items())[self._max_counters // 2 :])
            self._newest = {meter.key: (counter, meter) for counter, meter in self._known.values()}
        meter = meter_of(counter)
        self._known[key] = self._newest[meter.key] = counter, meter
        return meter

    def need(self, charge: Charge) -> Need:
        return [
            (self.of(counter), charge.amount) for counter in charge.counters
        ], -1 if charge.after is None else charge.after

    def pairs(self) -> Iterable[tuple[Counter, Meter]]:
        """Each counter once; of those that several plans name, the newest."""
        return self._newest.values()

    def keyed(self) -> Iterable[tuple[str, tuple[Counter, Meter]]]:
        """As `pairs`, with the meters' keys, which cost more to make than to hand on."""
        return self._newest.items()

    def copy(self) -> Meters:
        twin = Meters(self._max_counters)
        twin._known, twin._newest = dict(self._known), dict(self._newest)
        return twin


def meter_of(counter: Counter) -> Meter:
    """Parts of the name that are not ours are quoted, so that no two counters share one."""
    quota, organization = counter.quota, counter.organization_id
    subscope = "" if counter.subscope is None else quote(str(counter.subscope), safe="")
    grouping = quota.grouping if counter.group is not None else None
    return Meter(
        name=f"{{{organization}}}:{quote(quota.id, safe='')}:{subscope}:{quota.namespace or ''}",
        limit=UNLIMITED if quota.limit is None else quota.limit,
        window_s=quota.window_s,
        shift_s=organization % quota.window_s,
        algorithm=quota.algorithm,
        burst=quota.burst or quota.limit or 0,
        group=counter.group or "",
        max_groups=-1 if grouping is None else grouping.max_cardinality,
        shares_overflow=grouping is None or grouping.shares_overflow,
    )


Reading = tuple[float, int | None, float, int, Counter]
"""How much of its limit is used, as a share; what `Usage` says; and of which counter."""


def reading(counter: Counter, meter: Meter, consumed: int | None, ends_unix: float, held: int = 0) -> Reading:
    """`Usage` in a form that costs little for those that are not shown."""
    return ((consumed or 0) / meter.limit if meter.limit > 0 else 0.0), consumed, ends_unix, held, counter


def nearest(readings: Iterable[Reading], most: int) -> list[Usage]:
    """Those nearest to their limit."""
    chosen = heapq.nlargest(most, readings, key=itemgetter(0))
    return [Usage(counter, consumed, ends_unix, held) for _, consumed, ends_unix, held, counter in chosen]
