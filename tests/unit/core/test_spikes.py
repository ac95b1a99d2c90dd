"""Spike protection: `decisions.md` 9.2."""

from __future__ import annotations

import json

import pytest

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core import spikes
from scrubjay.core.envelope import Item
from scrubjay.core.limits import PROJECT, ActiveLimit
from scrubjay.core.spikes import Kind, Spike, SpikeGuard, kind_of
from scrubjay.settings.project import SpikeProtection

ERROR, TRANSACTION, SPAN = DataCategory.ERROR, DataCategory.TRANSACTION, DataCategory.SPAN
LOG, ATTACHMENT, REPLAY = DataCategory.LOG_ITEM, DataCategory.ATTACHMENT, DataCategory.REPLAY
HOUR, DAY, WEEK = 3600, 24 * 3600, 168 * 3600
START = 1_700_000_000 // HOUR * HOUR
NOW_MONO = 50.0


class Offers:
    """A guard and what comes to it: `offer` says how many of so many single items were taken."""

    def __init__(self, guard: SpikeGuard | None = None, **protection: float) -> None:
        self.guard = SpikeGuard(now_unix=START) if guard is None else guard
        self.protection = SpikeProtection(**protection)  # type: ignore[arg-type]

    def refuse(
        self, at_unix: float, quantities: Quantities, *, is_urgent: bool = False, project_id: int = 21
    ) -> tuple[ActiveLimit, ...]:
        return self.guard.refuse(
            project_id, self.protection, quantities, now_unix=at_unix, now_mono=NOW_MONO, is_urgent=is_urgent
        )

    def offer(self, at_unix: float, items: int, category: DataCategory = ERROR, *, is_urgent: bool = False) -> int:
        return sum(not self.refuse(at_unix, ((category, 1),), is_urgent=is_urgent) for _ in range(items))


def weekly(*amounts: int) -> Offers:
    """Of one hour of the week, so many in each of the weeks before; those of all other hours are far away."""
    offers = Offers(floor=1, factor=3)
    for week, amount in enumerate(amounts):
        offers.offer(START + week * WEEK, amount)
        offers.guard = reloaded(offers.guard, START + (week + 1) * WEEK)
    return offers


def reloaded(guard: SpikeGuard, now_unix: float) -> SpikeGuard:
    other = SpikeGuard(now_unix=now_unix)
    other.load(guard.dump(), now_unix)
    return other


def test_example() -> None:  # decisions-118
    offers = weekly(400, 400)
    assert offers.offer(START + 2 * WEEK, 5_000) == 1_200
    offers.guard = reloaded(offers.guard, START + 3 * WEEK)
    assert offers.offer(START + 3 * WEEK, 5_000) == 1_920


def test_a_spike_lifts_an_hour_by_a_factor_at_most() -> None:
    offers = weekly(100, 100, 500)
    assert offers.offer(START + 3 * WEEK, 1_000) == 480


def test_limit_of_an_hour() -> None:
    offers = Offers(factor=2, floor=10)
    assert offers.offer(START, 50) == 50  # nothing is refused on the first day
    assert offers.offer(START + DAY - 1, 50) == 50
    # The average over all hours has gone down to 2: 50 in the first, then zeros, and at last 50 cut to the floor of 10.
    assert offers.offer(START + DAY, 50) == 10
    assert offers.offer(START + DAY + HOUR - 1, 50) == 0
    assert offers.offer(START + DAY + HOUR, 50) == 10


def test_fast_average() -> None:
    offers = Offers(factor=2, floor=10)
    amounts = [10, 18, 18, 18, *[18] * 20]
    for hour, amount in enumerate(amounts):
        offers.offer(START + hour * HOUR, amount)
    usual = 10.0
    for amount in amounts[1:]:
        usual = 0.2 * amount + 0.8 * usual
    assert offers.offer(START + 24 * HOUR, 100) == -int(-2 * usual // 1) == 36


def test_an_hour_in_which_nothing_came_counts_as_one() -> None:
    offers = Offers(factor=1, floor=1)
    for hour in range(24):
        offers.offer(START + hour * HOUR, 100 if hour == 0 else 0)
    offers.offer(START + 2 * DAY, 1)
    (track,) = offers.guard.dump()["tracks"]  # type: ignore[misc]
    assert len(track["weekly"]) == 48
    # Hours in which no process looked are not known.
    later = reloaded(offers.guard, START + 4 * DAY)
    Offers(later).offer(START + 4 * DAY, 1)
    (track,) = later.dump()["tracks"]  # type: ignore[misc]
    assert len(track["weekly"]) == 49


def test_a_silence_of_months_is_a_week() -> None:
    offers = Offers()
    offers.offer(START, 1)
    assert offers.offer(START + 500 * DAY, 1) == 1
    (track,) = offers.guard.dump()["tracks"]  # type: ignore[misc]
    assert len(track["weekly"]) == 168


def test_what_is_refused_is_told() -> None:
    offers = Offers(floor=1)
    offers.offer(START, 1)
    at_unix = START + DAY
    assert offers.refuse(at_unix, ((ERROR, 1),)) == ()
    expected = ActiveLimit(PROJECT, frozenset({ERROR}), NOW_MONO + 300, "spike_protection", "spike_protection")
    assert offers.refuse(at_unix, ((ERROR, 1),)) == (expected,)
    (late,) = offers.refuse(at_unix + HOUR - 40, ((ERROR, 1),))
    assert late.until_mono == NOW_MONO + 40


def test_urgent_events_pass_up_to_a_share() -> None:
    offers = Offers(floor=40)
    offers.offer(START, 1)
    at_unix = START + DAY
    assert offers.offer(at_unix, 41) == 40
    assert offers.offer(at_unix, 10, is_urgent=True) == 2
    assert offers.offer(at_unix + HOUR, 41) == 40
    assert offers.offer(at_unix + HOUR, 10, LOG, is_urgent=True) == 10
    assert offers.offer(at_unix + HOUR + DAY, 50, LOG, is_urgent=True) == 40


def test_projects_and_categories_are_apart() -> None:
    offers = Offers(floor=1)
    both = ((ERROR, 1), (LOG, 1))
    offers.refuse(START, both)
    offers.refuse(START, both, project_id=22)
    at_unix = START + DAY
    assert offers.offer(at_unix, 2) == 1
    (limit,) = offers.refuse(at_unix, both)
    assert limit.categories == {ERROR}
    assert offers.refuse(at_unix, both, project_id=22) == ()


def test_bytes_have_a_floor_of_their_own() -> None:
    offers = Offers(floor=1, floor_bytes=100)
    offers.refuse(START, ((ATTACHMENT, 10),))
    assert offers.refuse(START + DAY, ((ATTACHMENT, 100),)) == ()
    (limit,) = offers.refuse(START + DAY, ((ATTACHMENT, 1),))
    assert limit.categories == {ATTACHMENT}


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    offers = Offers(floor=10)
    offers.offer(START, 1, LOG)
    assert offers.refuse(START + DAY, ((LOG, 8),)) == ()
    assert len(offers.refuse(START + DAY, ((LOG, 5),))) == 1
    assert offers.refuse(START + DAY, ((LOG, 2),)) == ()


def test_what_rides_on_a_refused_event_is_not_charged() -> None:
    offers = Offers(floor=2, floor_bytes=10)
    whole = ((TRANSACTION, 1), (SPAN, 1), (ATTACHMENT, 5), (REPLAY, 1))
    offers.refuse(START, whole)
    at_unix = START + DAY
    assert offers.refuse(at_unix, whole) == ()
    assert offers.refuse(at_unix, ((TRANSACTION, 1),)) == ()
    (limit,) = offers.refuse(at_unix, whole)
    assert limit.categories == {TRANSACTION}
    assert offers.refuse(at_unix, ((SPAN, 1), (ATTACHMENT, 5))) == ()


def test_workers_have_shares() -> None:
    offers = Offers(SpikeGuard(4), floor=10)
    offers.offer(START, 1)
    assert offers.offer(START + DAY, 10) == 3


def test_spikes_that_go_on() -> None:
    offers = Offers(floor=2)
    offers.offer(START, 5)
    assert list(offers.guard.spikes(START)) == []
    at_unix = START + DAY
    offers.offer(at_unix, 2)
    assert list(offers.guard.spikes(at_unix)) == []
    offers.offer(at_unix, 3)
    assert list(offers.guard.spikes(at_unix)) == [Spike(21, ERROR, 2, 5, START + DAY + HOUR)]
    assert list(offers.guard.spikes(at_unix + HOUR)) == []


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    offers = Offers(floor=2)
    offers.offer(START + HOUR, 1)
    assert offers.offer(START + HOUR + DAY, 3) == 2
    assert offers.offer(START + DAY, 1) == 1  # it was first seen less than a day ago, by this clock


def error(**members: object) -> Item:
    return Item({"type": "event"}, json.dumps(members).encode())


def test_fatal_and_new_errors_are_urgent() -> None:
    guard = SpikeGuard()
    usual = kind_of(error(fingerprint=["checkout-timeout"]))
    assert usual == Kind(is_fatal=False, fingerprint="b0acdb57ac34e387")
    assert guard.is_urgent(21, [usual])
    assert not guard.is_urgent(21, [None, usual])
    assert guard.is_urgent(22, [usual])
    assert guard.is_urgent(21, [kind_of(error(fingerprint=["checkout-timeout"], level="critical"))])
    # All of them are known from now on, not just the first that is urgent.
    others = [Kind(is_fatal=True, fingerprint="a"), Kind(is_fatal=False, fingerprint="b")]
    assert guard.is_urgent(21, others)
    assert not guard.is_urgent(21, others[1:])
    assert not guard.is_urgent(21, [])


def test_only_errors_have_a_kind() -> None:
    for item_type in ("transaction", "feedback", "attachment", "log"):
        assert kind_of(Item({"type": item_type}, b"{}")) is None
    assert kind_of(Item({"type": "event"}, b"{")) is not None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spikes, "_MAX_FINGERPRINTS", 2)
    monkeypatch.setattr(spikes, "_MAX_TRACKS", 2)
    guard = SpikeGuard()
    kinds = {name: Kind(is_fatal=False, fingerprint=name) for name in "abc"}
    for name in "abac":
        guard.is_urgent(21, [kinds[name]])
    assert not guard.is_urgent(21, [kinds["a"]])
    assert guard.is_urgent(21, [kinds["b"]])

    offers = Offers(floor=1)
    for project_id in (1, 2, 1, 3):
        offers.refuse(START, ((ERROR, 1),), project_id=project_id)
    kept = [track["project"] for track in offers.guard.dump()["tracks"]]  # type: ignore[attr-defined]
    assert kept == [1, 3]
    monkeypatch.setattr(spikes, "_MAX_TRACKS", 1)
    assert repr(reloaded(offers.guard, START)) == "<SpikeGuard of 1 tracks>"


def test_state_survives_a_restart() -> None:
    offers = Offers(floor=5, floor_bytes=5)
    for hour in range(30):
        offers.refuse(START + hour * HOUR, ((ERROR, 2), (ATTACHMENT, 3)))
    now_unix = START + 29 * HOUR
    other = reloaded(offers.guard, now_unix)
    assert other.dump() == offers.guard.dump()
    assert Offers(other, floor=5).offer(now_unix, 10) == offers.offer(now_unix, 10)


TRACK = {
    "project": 21,
    "category": "error",
    "since": START,
    "hour": START // HOUR,
    "seen": 1,
    "taken": 1,
    "urgent": 0,
    "fast": 1.5,
    "weekly": [[5, 2.5, 3]],
}


@pytest.mark.parametrize(
    "data",
    [
        *(None, [], {}, {"version": 2, "tracks": [TRACK]}, {"version": 1, "tracks": {}}, {"version": 1}),
        *({"version": 1, "tracks": [entry]} for entry in (None, [], {})),
        {"version": 1, "tracks": [{**TRACK, "project": "21"}]},
        {"version": 1, "tracks": [{**TRACK, "category": "replay"}]},
        {"version": 1, "tracks": [{**TRACK, "seen": -1}]},
        {"version": 1, "tracks": [{**TRACK, "hour": True}]},
        {"version": 1, "tracks": [{**TRACK, "hour": 1e300}]},
        {"version": 1, "tracks": [{**TRACK, "weekly": None}]},
        {"version": 1, "tracks": [{**TRACK, "hour": START // HOUR + 1}]},
        {"version": 1, "tracks": [{**TRACK, "since": START + 1}]},
    ],
    ids=repr,
)
def test_state_that_cannot_be_read_is_learnt_anew(data: object) -> None:
    guard = SpikeGuard()
    guard.load(data, START)
    assert guard.dump() == {"version": 1, "tracks": []}
    assert len(guard) == 0


def test_parts_that_cannot_be_read_are_left_out() -> None:
    guard = SpikeGuard()
    guard.load(
        {"version": 1, "tracks": [{**TRACK, "weekly": [[5, 2.5, 3], "x", [1, 2], [1, None, 3]], "fast": "x"}]}, START
    )
    assert guard.dump() == {"version": 1, "tracks": [{**TRACK, "fast": None}]}
