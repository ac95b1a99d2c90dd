"""Which events follow from two looks at windows, limits, spikes and losses (`decisions.md` 9.5).

Owns when something counts as reached, as over, and as told. Pure: what was seen comes in, events come out; where rows come from is
`state`'s, where events go `courier`'s.

Invariants: at most one event per type, quota, owner and slot, whatever number of groups a quota counts by; what is over was told
before; memory is bounded by what is in force, and by `_MAX_TOLD`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from scrubjay.core.limits import UPSTREAM
from scrubjay.core.spikes import REASON as SPIKE
from scrubjay.outcomes import Outcome
from scrubjay.runtime.standing import Standing, Surge, Window
from scrubjay.runtime.state import Drop, Merged
from scrubjay.runtime.webhooks.events import Event, names, other_owner, project_of
from scrubjay.settings.decisions import WebhookEvent

_WARNING_RATIO: Final = 0.8
_LEAST_SLOT_S: Final = 60
"""Shorter windows, buckets that refill all the time, and limits of the upstream, count by the minute here."""
_QUIET_S: Final = 3600
"""A project whose sampling dropped nothing for so long has begun to sample when it drops again."""
_SAME_S: Final = 0.5
"""Ends that are nearer to each other are the same; no window is shorter than a second."""
_MAX_TOLD: Final = 10_000


class _Level(IntEnum):
    CALM = 0
    WARNED = 1
    EXHAUSTED = 2


@dataclass(slots=True)
class _Gauge:
    """One quota of one owner: its window as it was seen last, the most that was reached in it, and what was told last."""

    window: Window
    level: _Level = _Level.CALM
    told: _Level = _Level.CALM


@dataclass(slots=True)
class Watch:
    """The state between looks. What holds at the first look held before, and is not told."""

    _gauges: dict[tuple[str, str], _Gauge] = field(default_factory=dict)
    _surges: dict[tuple[int, str], Surge] = field(default_factory=dict)
    _learnt: set[tuple[object, ...]] = field(default_factory=set)
    _sampled_unix: dict[tuple[int, str], float] = field(default_factory=dict)
    _told: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _has_looked: bool = False

    def look(self, seen: Merged) -> list[Event]:
        """What has happened since the last look."""
        events = [
            *self._quotas(seen),
            *self._spikes(seen.surges, seen.now_unix),
            *self._upstream(seen.limits, seen.now_unix),
            *self._sampling(seen.drops, seen.now_unix),
        ]
        is_first, self._has_looked = not self._has_looked, True
        return [] if is_first else events

    # Quotas

    def _quotas(self, seen: Merged) -> Iterator[Event]:
        found, refusing = _fullest(seen.windows, seen.now_unix), _refusing(seen.limits, seen.now_unix)
        for key, window in found.items():
            gauge = self._gauges.setdefault(key, _Gauge(window))
            before, gauge.window = gauge.window, window
            reached = _Level.EXHAUSTED if key in refusing else _level(window)
            if _is_same(before, window):
                gauge.level = max(gauge.level, reached)
            else:
                gauge.level = reached
                gauge.told = _Level.CALM if gauge.told is _Level.WARNED else gauge.told
            yield from self._change(gauge, before, seen)
        for key in [key for key in self._gauges if key not in found]:
            gauge = self._gauges[key]
            if gauge.window.ends_unix <= seen.now_unix:
                gauge.level = _Level.CALM
                yield from self._change(gauge, gauge.window, seen)
                if gauge.told is not _Level.EXHAUSTED:
                    del self._gauges[key]

    def _change(self, gauge: _Gauge, before: Window, seen: Merged) -> Iterator[Event]:
        """What is to be told of a quota. `before`: the window as it was at the last look."""
        told, window = gauge.told, gauge.window
        event_type: WebhookEvent | None = None
        if gauge.level is _Level.EXHAUSTED and told < _Level.EXHAUSTED:
            event_type = "quota.exhausted"
        elif gauge.level < _Level.EXHAUSTED and told is _Level.EXHAUSTED:
            event_type, window = "quota.recovered", before
        elif gauge.level is _Level.WARNED and told is _Level.CALM:
            event_type = "quota.warning"
        if event_type is not None and self._may(event_type, window.quota, window.owner, _slot(window, seen.now_unix)):
            gauge.told = gauge.level
            yield _of_window(event_type, window, seen)

    # The rest

    def _spikes(self, rows: Sequence[Surge], now_unix: float) -> Iterator[Event]:
        found = {(row.project_id, row.category): row for row in rows if row.ends_unix > now_unix}
        before, self._surges = self._surges, found
        for key, row in before.items():
            if key not in found:
                yield from self._of_surge("spike.end", row, now_unix)
        for key, row in found.items():
            if key not in before:
                yield from self._of_surge("spike.start", row, now_unix)

    def _of_surge(self, event_type: WebhookEvent, row: Surge, now_unix: float) -> Iterator[Event]:
        if self._may(event_type, row.category, f"project {row.project_id}", row.ends_unix):
            yield Event(
                type=event_type,
                at=int(now_unix),
                project=row.project_id,
                category=row.category,
                quota=SPIKE,
                limit=row.limit,
                consumed=row.seen,
                resets_at=int(row.ends_unix),
                dropped=row.seen - row.limit,
            )

    def _upstream(self, limits: Iterable[Standing], now_unix: float) -> Iterator[Event]:
        rows = [row for row in limits if row.origin == UPSTREAM and row.until_unix > now_unix]
        found = {(row.owner, row.categories, row.namespaces): row for row in rows}
        before, self._learnt = self._learnt, set(found)
        for key, row in found.items():
            name = ";".join((*row.categories, *row.namespaces))
            if key not in before and self._may("upstream.rate_limited", name, row.owner, _minute(now_unix)):
                yield Event(
                    type="upstream.rate_limited",
                    at=int(now_unix),
                    project=project_of(row.owner),
                    category=names(row.categories),
                    resets_at=int(row.until_unix),
                    owner=other_owner(row.owner),
                )

    def _sampling(self, drops: Sequence[Drop], now_unix: float) -> Iterator[Event]:
        sampled = [drop for drop in reversed(drops) if drop.outcome == Outcome.SAMPLED and drop.project_id is not None]
        for drop in sampled:
            for category, amount in drop.quantities.items():
                key = drop.project_id or 0, category
                last_unix = self._sampled_unix.pop(key, None)
                self._sampled_unix[key] = max(drop.time_unix, last_unix or 0.0)
                has_begun = last_unix is None or drop.time_unix >= last_unix + _QUIET_S
                if has_begun and now_unix - drop.time_unix < _QUIET_S:
                    yield Event(
                        type="sampling.active",
                        at=int(drop.time_unix),
                        project=drop.project_id,
                        category=category,
                        quota=drop.origin or None,
                        dropped=amount,
                    )
        while len(self._sampled_unix) > _MAX_TOLD:
            del self._sampled_unix[next(iter(self._sampled_unix))]

    def _may(self, event_type: str, name: str, owner: str, slot_unix: float) -> bool:
        """Whether this was not told for the slot yet; now it is. The first look notes what it finds as told."""
        key = event_type, name, owner
        if abs(self._told.get(key, float("-inf")) - slot_unix) <= _SAME_S:
            return False
        self._told.pop(key, None)
        self._told[key] = slot_unix
        if len(self._told) > _MAX_TOLD:
            del self._told[next(iter(self._told))]
        return True


def _fullest(windows: Iterable[Window], now_unix: float) -> dict[tuple[str, str], Window]:
    """By quota and owner; of its groups, which come fullest first, the first."""
    found: dict[tuple[str, str], Window] = {}
    for window in windows:
        if window.ends_unix > now_unix and window.limit:
            found.setdefault((window.quota, window.owner), window)
    return found


def _refusing(limits: Iterable[Standing], now_unix: float) -> set[tuple[str, str]]:
    """Quota and owner of what refuses. Of organisations windows do not tell the number."""
    rows = [limit for limit in limits if limit.until_unix > now_unix]
    return {(row.origin, owner) for row in rows for owner in (row.owner, row.owner.partition(" ")[0])}


def _level(window: Window) -> _Level:
    """What the numbers say. A bucket has no window to be full in: it is exhausted where it refuses."""
    used, limit = _used(window), window.limit or 0
    if window.algorithm == "bucket" or used < _WARNING_RATIO * limit:
        return _Level.CALM
    return _Level.WARNED if used < limit else _Level.EXHAUSTED


def _used(window: Window) -> int:
    """Without what was granted in advance and lies idle."""
    return max(0, (window.consumed or 0) - window.held)


def _is_same(one: Window, other: Window) -> bool:
    is_fixed = other.algorithm != "bucket"
    return is_fixed and one.limit == other.limit and abs(one.ends_unix - other.ends_unix) <= _SAME_S


def _slot(window: Window, now_unix: float) -> float:
    if window.algorithm == "bucket" or window.window_s < _LEAST_SLOT_S:
        return _minute(now_unix)
    return window.ends_unix


def _minute(now_unix: float) -> float:
    return now_unix // _LEAST_SLOT_S * _LEAST_SLOT_S


def _of_window(event_type: WebhookEvent, window: Window, seen: Merged) -> Event:
    return Event(
        type=event_type,
        at=int(seen.now_unix),
        project=project_of(window.owner),
        category=names(window.categories),
        quota=window.quota,
        limit=window.limit,
        consumed=_used(window),
        resets_at=int(window.ends_unix),
        dropped=_dropped(window, seen.drops),
        owner=other_owner(window.owner),
    )


def _dropped(window: Window, drops: Iterable[Drop]) -> int:
    """What the last losses say that it took in its window: losses before these are not known any more."""
    begun_unix, about = window.ends_unix - window.window_s, set(window.categories)
    return sum(
        amount
        for drop in drops
        if drop.origin == window.quota
        and begun_unix <= drop.time_unix < window.ends_unix
        and _is_of(drop, window.owner)
        for category, amount in drop.quantities.items()
        if category in about
    )


def _is_of(drop: Drop, owner: str) -> bool:
    """Whether a loss can be of this owner: of organisations and numbered keys a loss does not tell."""
    scope, _, name = owner.partition(" ")
    if scope == "project":
        return name == str(drop.project_id)
    return scope != "key" or name.isdecimal() or name == drop.key
