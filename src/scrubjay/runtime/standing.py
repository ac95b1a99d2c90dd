"""What is limited now, as it stands in the state file and is shown by `scrubjay quotas` (`decisions.md` 9.5).

Owns the rows and the forecast: when a window will be used up if it goes on as in the last minutes. Where counters live is the backends'
business, what is in force the `LimitTable`'s.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from scrubjay.core.limits import ActiveLimit, LimitTable, Owner
from scrubjay.core.quotas import Counter, QuotaBackend, Usage
from scrubjay.core.spikes import SpikeGuard
from scrubjay.runtime.log import KEY_LENGTH

MAX_ROWS: Final = 1_000
"""Of each kind; the windows nearest to their limit come first."""
_LOOK_BACK_S: Final = 300.0
_SAMPLE_EVERY_S: Final = 10.0
_IDLE_SHARE: Final = 100.0
"""Looking everything up takes at most a hundredth of the time, however many counters there are."""


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """One counter of a quota. `owner` is whom it counts for, `held` what this worker was granted and has not used.

    `exhausted_unix`: when it will be used up, if consumption goes on as it does; None: not in this window.
    """

    quota: str
    owner: str
    ends_unix: float
    consumed: int | None = None
    limit: int | None = None
    held: int = 0
    window_s: int = 0
    algorithm: str = "fixed"
    categories: tuple[str, ...] = ()
    group: str = ""
    reason: str = ""
    exhausted_unix: float | None = None


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """One limit in force. `origin`: a quota's id, `upstream`, …"""

    owner: str
    until_unix: float
    origin: str
    categories: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    reason: str = ""


class Surge(msgspec.Struct, frozen=True):
    """A category of a project that spike protection cuts off, as far as workers do: each has its share of the limit."""

    project_id: int
    category: str
    limit: int
    seen: int
    ends_unix: float


class Forecast:
    """How fast counters grow, from samples of the last five minutes."""

    def __init__(self) -> None:
        self._samples: dict[Counter, deque[tuple[float, int]]] = {}

    def exhausted(self, usage: Usage, now_unix: float) -> float | None:
        """Notes how far it is now, and says when its limit will be reached; None: not before its window ends."""
        limit, consumed = usage.counter.quota.limit, usage.consumed
        if limit is None or consumed is None:
            return None
        samples = self._samples.setdefault(usage.counter, deque())
        if samples and samples[-1][1] > consumed:  # another window
            samples.clear()
        while samples and samples[0][0] < now_unix - _LOOK_BACK_S:
            samples.popleft()
        if not samples or now_unix - samples[-1][0] >= _SAMPLE_EVERY_S:
            samples.append((now_unix, consumed))
        if consumed >= limit:
            return now_unix
        since, before = samples[0]
        if now_unix <= since or consumed <= before:
            return None
        end = now_unix + (limit - consumed) * (now_unix - since) / (consumed - before)
        return end if end < usage.ends_unix else None

    def forget(self, kept: Iterable[Counter]) -> None:
        """Drops the samples of all other counters."""
        kept = set(kept)
        self._samples = {counter: samples for counter, samples in self._samples.items() if counter in kept}

    def __repr__(self) -> str:
        return f"<Forecast of {len(self._samples)} counters>"


def windows(backend: QuotaBackend, forecast: Forecast, now_unix: float) -> list[Window]:
    """The counters of this worker, those nearest to their limit first."""
    usages = backend.usage(MAX_ROWS)
    rows = [_window(usage, forecast, now_unix) for usage in usages]
    forecast.forget(usage.counter for usage in usages)
    return rows


def _window(usage: Usage, forecast: Forecast, now_unix: float) -> Window:
    counter, quota = usage.counter, usage.counter.quota
    return Window(
        quota=quota.id,
        owner=counter.owner,
        ends_unix=usage.ends_unix,
        consumed=usage.consumed,
        limit=quota.limit,
        held=usage.held,
        window_s=quota.window_s,
        algorithm=quota.algorithm,
        categories=tuple(category.wire for category in sorted(quota.categories)),
        group=counter.group or "",
        reason=quota.reason or "",
        exhausted_unix=forecast.exhausted(usage, now_unix),
    )


def limits_in_force(table: LimitTable, now_mono: float, now_unix: float) -> list[Standing]:
    """Everything that is refused now, what lasts longest first."""
    rows = [
        _standing(owner, limit, now_unix + limit.until_mono - now_mono)
        for owner, limit in table.entries()
        if limit.until_mono > now_mono
    ]
    rows.sort(key=lambda row: -row.until_unix)
    return rows[:MAX_ROWS]


def _standing(owner: Owner, limit: ActiveLimit, until_unix: float) -> Standing:
    scope, whose = owner
    return Standing(
        owner=f"{scope} {whose[:KEY_LENGTH] if isinstance(whose, str) else whose}",
        until_unix=until_unix,
        origin=limit.origin,
        categories=tuple(category.wire for category in sorted(limit.categories)),
        namespaces=tuple(sorted(limit.namespaces)),
        reason=limit.reason or "",
    )


def surges(guard: SpikeGuard, now_unix: float) -> list[Surge]:
    """What is being cut off, the furthest above its limit first."""
    rows = [
        Surge(spike.project_id, spike.category.wire, spike.limit, spike.seen, spike.ends_unix)
        for spike in guard.spikes(now_unix)
    ]
    rows.sort(key=lambda row: row.limit - row.seen)
    return rows[:MAX_ROWS]


def merged_windows(of_workers: Iterable[Iterable[Window]]) -> list[Window]:
    """One row per counter. Workers count together, so that whoever asked last knows most; what each holds adds up."""
    rows: dict[tuple[str, str, str, float], Window] = {}
    for row in (row for rows in of_workers for row in rows):
        key = (row.quota, row.owner, row.group, row.ends_unix)
        other = rows.get(key)
        if other is not None:
            newest = row if (row.consumed or 0) >= (other.consumed or 0) else other
            row = msgspec.structs.replace(newest, held=row.held + other.held)
        rows[key] = row
    return sorted(rows.values(), key=used_ratio, reverse=True)


def used_ratio(row: Window) -> float:
    """Share of its limit that a window has counted; 0 where there is none."""
    return 0.0 if row.limit is None or not row.consumed else row.consumed / max(1, row.limit)


def merged_limits(of_workers: Iterable[Iterable[Standing]]) -> list[Standing]:
    """Of limits that several workers know the one that ends last, what lasts longest first."""
    rows: dict[tuple[object, ...], Standing] = {}
    for row in (row for rows in of_workers for row in rows):
        key = (row.owner, row.categories, row.namespaces)
        other = rows.get(key)
        rows[key] = row if other is None or row.until_unix > other.until_unix else other
    return sorted(rows.values(), key=lambda row: -row.until_unix)


def merged_surges(of_workers: Iterable[Iterable[Surge]]) -> list[Surge]:
    """One row per project and category; the shares of the workers that cut it off add up."""
    rows: dict[tuple[int, str], Surge] = {}
    for row in (row for rows in of_workers for row in rows):
        key = (row.project_id, row.category)
        other = rows.get(key)
        if other is not None:
            row = Surge(*key, row.limit + other.limit, row.seen + other.seen, max(row.ends_unix, other.ends_unix))
        rows[key] = row
    return sorted(rows.values(), key=lambda row: row.limit - row.seen)


Rows = tuple[list[Window], list[Standing], list[Surge]]


class Standings:
    """All kinds of rows, as this worker has them; looked up again only as often as is cheap."""

    def __init__(self, backend: QuotaBackend, table: LimitTable, guard: SpikeGuard) -> None:
        self._backend = backend
        self._table = table
        self._guard = guard
        self._forecast = Forecast()
        self._rows: Rows = ([], [], [])
        self._next_mono = 0.0

    def rows(self, now_mono: float, now_unix: float) -> Rows:
        if now_mono >= self._next_mono:
            begin = time.perf_counter()
            self._rows = (
                windows(self._backend, self._forecast, now_unix),
                limits_in_force(self._table, now_mono, now_unix),
                surges(self._guard, now_unix),
            )
            self._next_mono = now_mono + (time.perf_counter() - begin) * _IDLE_SHARE
        return self._rows

    def __repr__(self) -> str:
        return f"<Standings of {self._backend!r}>"
