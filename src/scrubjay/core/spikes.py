"""Spike protection: an hour that is far above what a project usually sends is cut off (`decisions.md` 9.2).

Owns what is usual: per project and category an average for each of the 168 hours of the week, one over all hours, and the limit that
follows for the hour; and which errors pass a while longer. What is refused falls by the rules of `enforcement`. With several workers
each learns and limits its own share. State leaves and comes back as plain data.

Invariants: the first day nothing is refused; learning never takes in more than the limit, so that a spike does not become usual;
numbers are bounded by the projects and fingerprints that were seen last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.limits import PROJECT, ActiveLimit
from scrubjay.core.sampling.documents import exceptions_of
from scrubjay.core.sampling.fingerprint import fingerprint_of_event
from scrubjay.core.subjects import EventSubject, subject_of
from scrubjay.settings.project import SpikeProtection

REASON: Final = "spike_protection"

_HOUR_S: Final = 3600
_WEEK: Final = 168
_OBSERVING_S: Final = 24 * _HOUR_S
_LONGEST_RETRY_S: Final = 300
_ALPHA_WEEKLY: Final = 0.3
_ALPHA_FAST: Final = 0.2
_LEAST_OBSERVATIONS: Final = 2
"""Of an hour of the week, before its own average counts."""
_URGENT_SHARE: Final = 0.05

_MAX_TRACKS: Final = 5_000
_MAX_FINGERPRINTS: Final = 100_000

_EVENTS: Final = (DataCategory.ERROR, DataCategory.TRANSACTION)
_CATEGORIES: Final = (*_EVENTS, DataCategory.SPAN, DataCategory.LOG_ITEM, DataCategory.ATTACHMENT)
"""Events first: what rides on a refused one is neither charged nor refused by itself."""
_RIDERS: Final = (DataCategory.SPAN, DataCategory.ATTACHMENT)

_Key = tuple[int, DataCategory]


@dataclass(slots=True)
class _Track:
    """One category of one project. `weekly`: by hour of the week its average and how often it was observed."""

    since_unix: float
    hour: int
    seen: int = 0
    taken: int = 0
    urgent: int = 0
    limit: int = 0
    fast: float | None = None
    weekly: dict[int, tuple[float, int]] = field(default_factory=dict)

    def allow(self, least: int, factor: float) -> None:
        """Sets the limit of its hour."""
        average, observed = self.weekly.get(self.hour % _WEEK, (0.0, 0))
        usual = average if observed >= _LEAST_OBSERVATIONS else self.fast
        self.limit = least if usual is None else max(least, math.ceil(factor * usual))

    def learn(self) -> None:
        """Ends its hour. Before anything is usual, what came is."""
        amount = self.seen if self.fast is None else min(self.seen, self.limit)
        self.fast = amount if self.fast is None else _ALPHA_FAST * amount + (1 - _ALPHA_FAST) * self.fast
        average, observed = self.weekly.get(self.hour % _WEEK, (float(amount), 0))
        self.weekly[self.hour % _WEEK] = _ALPHA_WEEKLY * amount + (1 - _ALPHA_WEEKLY) * average, observed + 1
        self.hour += 1
        self.seen = self.taken = self.urgent = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes an error urgent."""

    is_fatal: bool
    fingerprint: str


def kind_of(item: Item) -> Kind | None:
    """Of what is no error None. Pure: it looks into the payload, and may be asked in a thread."""
    subject = subject_of(item)
    if item.type != "event" or not isinstance(subject, EventSubject):
        return None
    members = subject.document.members
    return Kind(subject.level == "fatal", fingerprint_of_event(members, exceptions_of(members) or ()))


@dataclass(frozen=True, slots=True)
class Spike:
    """A category that is being cut off. `seen`: in this hour, with what was refused."""

    project_id: int
    category: DataCategory
    limit: int
    seen: int
    ends_unix: int


class SpikeGuard:
    """All projects of a worker. Not for use in threads."""

    def __init__(self, workers: int = 1, *, now_unix: float = 0.0) -> None:
        """`now_unix`: since when it looks; hours before that were not empty, but are not known."""
        self._workers = max(1, workers)
        self._since_hour = int(now_unix // _HOUR_S)
        self._tracks: dict[_Key, _Track] = {}
        self._fingerprints: dict[tuple[int, str], None] = {}

    def refuse(
        self,
        project_id: int,
        protection: SpikeProtection,
        quantities: Quantities,
        *,
        now_unix: float,
        now_mono: float,
        is_urgent: bool = False,
    ) -> tuple[ActiveLimit, ...]:
        """Counts what an envelope holds, and says what of it is too much.

        `is_urgent`: its event is fatal or of a new kind, and passes a while longer.
        """
        amounts = dict(quantities)
        limits: list[ActiveLimit] = []
        event_falls = False
        for category in _CATEGORIES:
            amount = amounts.get(category, 0)
            if amount > 0:
                track = self._track((project_id, category), protection, now_unix)
                track.seen += amount
                if event_falls and category in _RIDERS:
                    continue
                if not _takes(track, amount, now_unix, is_urgent and category in _EVENTS):
                    event_falls = event_falls or category in _EVENTS
                    limits.append(_limit(category, (track.hour + 1) * _HOUR_S - now_unix, now_mono))
        return tuple(limits)

    def is_urgent(self, project_id: int, kinds: Iterable[Kind | None]) -> bool:
        """Whether one of these errors is fatal, or of a kind that nobody has seen in a while. They are known from now on."""
        found = [kind.is_fatal | self._is_new(project_id, kind.fingerprint) for kind in kinds if kind is not None]
        return any(found)

    def _is_new(self, project_id: int, fingerprint: str) -> bool:
        kind = project_id, fingerprint
        known = kind in self._fingerprints
        self._fingerprints.pop(kind, None)
        self._fingerprints[kind] = None
        if len(self._fingerprints) > _MAX_FINGERPRINTS:
            del self._fingerprints[next(iter(self._fingerprints))]
        return not known

    def spikes(self, now_unix: float) -> Iterator[Spike]:
        """What is being cut off right now."""
        for (project_id, category), track in self._tracks.items():
            ends_unix = (track.hour + 1) * _HOUR_S
            if 0 < track.limit < track.seen and now_unix < ends_unix and _is_enforced(track, now_unix):
                yield Spike(project_id, category, track.limit, track.seen, ends_unix)

    def _track(self, key: _Key, protection: SpikeProtection, now_unix: float) -> _Track:
        """The track, in this hour; hours that have passed are learnt. What was used last stands last."""
        hour = int(now_unix // _HOUR_S)
        track = self._tracks.pop(key, None) or _Track(now_unix, hour)
        if len(self._tracks) >= _MAX_TRACKS:
            del self._tracks[next(iter(self._tracks))]
        self._tracks[key] = track
        least = self._least(protection, key[1])
        track.allow(least, protection.factor)
        if track.hour < hour:
            track.learn()
            # Hours in which nobody looked are not known; in all others that are left nothing came.
            track.hour = max(track.hour, min(self._since_hour, hour), hour - _WEEK)
            while track.hour < hour:
                track.allow(least, protection.factor)
                track.learn()
            track.allow(least, protection.factor)
        return track

    def _least(self, protection: SpikeProtection, category: DataCategory) -> int:
        floor = protection.floor_bytes if category is DataCategory.ATTACHMENT else protection.floor
        return math.ceil(floor / self._workers)

    # Over a restart

    def dump(self) -> dict[str, object]:
        """What was learnt, as plain data; fingerprints are not in it."""
        return {
            "version": 1,
            "tracks": [
                {
                    "project": project_id,
                    "category": category.wire,
                    "since": track.since_unix,
                    "hour": track.hour,
                    "seen": track.seen,
                    "taken": track.taken,
                    "urgent": track.urgent,
                    "fast": track.fast,
                    "weekly": [[slot, average, observed] for slot, (average, observed) in track.weekly.items()],
                }
                for (project_id, category), track in self._tracks.items()
            ],
        }

    def load(self, data: object, now_unix: float) -> None:
        """Takes back what `dump` gave; what is not of that form, or of the future, is left out and learnt anew."""
        tracks = data.get("tracks") if isinstance(data, Mapping) and data.get("version") == 1 else None
        for entry in tracks if isinstance(tracks, list) else ():
            found = _read_track(entry)
            if found is not None and len(self._tracks) < _MAX_TRACKS:
                key, track = found
                if track.since_unix <= now_unix and track.hour <= now_unix // _HOUR_S:
                    self._tracks[key] = track

    def __len__(self) -> int:
        return len(self._tracks)

    def __repr__(self) -> str:
        return f"<SpikeGuard of {len(self._tracks)} tracks>"


def _takes(track: _Track, amount: int, now_unix: float, is_urgent: bool) -> bool:
    if track.taken + amount <= track.limit or not _is_enforced(track, now_unix):
        track.taken += amount
        return True
    if is_urgent and track.urgent + amount <= math.ceil(track.limit * _URGENT_SHARE):
        track.urgent += amount
        return True
    return False


def _is_enforced(track: _Track, now_unix: float) -> bool:
    return now_unix - track.since_unix >= _OBSERVING_S


def _limit(category: DataCategory, left_s: float, now_mono: float) -> ActiveLimit:
    until_mono = now_mono + min(left_s, _LONGEST_RETRY_S)
    return ActiveLimit(PROJECT, frozenset({category}), until_mono, REASON, REASON)


def _read_track(entry: object) -> tuple[_Key, _Track] | None:
    if not isinstance(entry, Mapping):
        return None
    project_id, weekly = entry.get("project"), entry.get("weekly")
    category = next((category for category in _CATEGORIES if category.wire == entry.get("category")), None)
    numbers = [_amount(entry.get(name)) for name in ("since", "hour", "seen", "taken", "urgent")]
    if category is None or type(project_id) is not int or not isinstance(weekly, list) or None in numbers:
        return None
    since, hour, seen, taken, urgent = (number or 0 for number in numbers)
    track = _Track(since, int(hour), int(seen), int(taken), int(urgent), fast=_amount(entry.get("fast")))
    for slot in weekly:
        values = [_amount(value) for value in slot] if isinstance(slot, list) and len(slot) == 3 else []
        if values and None not in values:
            number, average, observed = (value or 0 for value in values)
            track.weekly[int(number) % _WEEK] = float(average), int(observed)
    return (project_id, category), track


def _amount(value: object) -> int | float | None:
    """A number that can count something."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < 2**63 else None
