"""What is limited now: rows of windows and limits, and when a window will be used up (`decisions.md` 9.5)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping
from scrubjay.core.quotas import Counter, Quota, Usage
from scrubjay.core.spikes import Spike, SpikeGuard
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.standing import (
    Forecast,
    Standing,
    Standings,
    Surge,
    Window,
    limits_in_force,
    merged_limits,
    merged_surges,
    merged_windows,
    surges,
    windows,
)

NOW = 1_767_607_200.0
QUOTA = Quota("q", "key", frozenset({DataCategory.ERROR}), 100, 600, reason="full")
COUNTER = Counter(QUOTA, 1, "0a1b2c3d4e5f60718293a4b5c6d7e8f9")


def usage(consumed: int | None, ends_unix: float = NOW + 600, counter: Counter = COUNTER) -> Usage:
    return Usage(counter, consumed, ends_unix, held=3)


class Told(MemoryBackend):
    def __init__(self, *usages: Usage) -> None:
        super().__init__()
        self.usages = usages
        self.asked = 0

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        self.asked += 1
        return self.usages[:most]


def test_a_window_in_plain_words() -> None:
    (row,) = windows(Told(usage(40)), Forecast(), NOW)
    assert row == Window(
        quota="q",
        owner="key 0a1b2c3d",
        ends_unix=NOW + 600,
        consumed=40,
        limit=100,
        held=3,
        window_s=600,
        categories=("error",),
        reason="full",
    )


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([(0, 0)], None),
        ([(0, 0), (10, 10)], 100.0),
        ([(0, 10), (10, 10)], None),
        ([(0, 0), (30, 100)], 30.0),
        ([(0, 0), (10, 1)], None),  # not in this window
        ([(0, 90), (10, 95), (20, 5), (30, 15)], 115.0),  # another window has begun
        ([(0, 0), (10, 5), (310, 20), (320, 25)], 470.0),  # the first fell out of the last five minutes
    ],
)
def test_forecasts(samples: list[tuple[float, int]], expected: float | None) -> None:
    forecast = Forecast()
    for after_s, consumed in samples:
        found = forecast.exhausted(usage(consumed), NOW + after_s)
    assert found == (None if expected is None else NOW + expected)


def test_what_has_no_limit_or_is_not_known_is_not_forecast() -> None:
    forecast = Forecast()
    unlimited = Counter(Quota("c", "key", frozenset(), None, 60), 1, None)
    assert forecast.exhausted(usage(5, counter=unlimited), NOW) is None
    assert forecast.exhausted(usage(None), NOW) is None
    assert repr(forecast) == "<Forecast of 0 counters>"


def test_counters_that_are_gone_are_forgotten() -> None:
    forecast = Forecast()
    forecast.exhausted(usage(1), NOW)
    forecast.forget([])
    assert repr(forecast) == "<Forecast of 0 counters>"


def test_limits_in_force_without_those_that_have_ended() -> None:
    table = LimitTable()
    mine = Scoping("0a1b2c3d4e5f60718293a4b5c6d7e8f9", 7)
    table.learn(mine, [ActiveLimit("key", frozenset({DataCategory.ERROR}), 110.0, "a")], 100.0)
    table.learn(mine, [ActiveLimit("project", frozenset(), 160.0)], 100.0)
    table.learn(mine, [ActiveLimit("key", frozenset({DataCategory.REPLAY}), 101.0)], 100.0)
    rows = limits_in_force(table, 105.0, NOW)
    assert [(row.owner, row.until_unix - NOW, row.categories, row.reason, row.origin) for row in rows] == [
        ("project 7", 55.0, (), "", "upstream"),
        ("key 0a1b2c3d", 5.0, ("error",), "a", "upstream"),
    ]


def test_rows_are_looked_up_as_often_as_is_cheap() -> None:
    backend = Told(usage(1))
    standings = Standings(backend, LimitTable(), SpikeGuard())
    first = standings.rows(10.0, NOW)
    assert standings.rows(10.0, NOW) is first
    standings.rows(10_000.0, NOW)
    assert backend.asked == 2
    assert "MemoryBackend" in repr(standings)


def test_workers_share_a_counter() -> None:
    mine, theirs = (windows(Told(usage(consumed)), Forecast(), NOW) for consumed in (40, 55))
    other = Window("r", "project 1", NOW + 60, consumed=9, limit=10)
    nothing = Window("s", "project 1", NOW + 60, consumed=None, limit=10)
    rows = merged_windows([mine, [*theirs, other, nothing]])
    assert [(row.quota, row.consumed, row.held) for row in rows] == [("r", 9, 0), ("q", 55, 6), ("s", None, 0)]


def test_of_equal_limits_the_longest_is_shown() -> None:
    short, long, other = (
        Standing("key a", 10.0, "q"),
        Standing("key a", 20.0, "upstream"),
        Standing("key b", 15.0, "q"),
    )
    assert merged_limits([[short, other], [long]]) == [long, other]
    assert merged_limits([[long], [short]]) == [long]


def test_what_spike_protection_cuts_off(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Spike(7, DataCategory.ERROR, 10, 11, 3600), Spike(8, DataCategory.SPAN, 10, 90, 3600)]
    monkeypatch.setattr(SpikeGuard, "spikes", lambda self, now_unix: iter(found))
    rows = surges(SpikeGuard(), NOW)
    assert rows == [Surge(8, "span", 10, 90, 3600), Surge(7, "error", 10, 11, 3600)]


def test_the_shares_of_workers_in_a_spike_add_up() -> None:
    mine, theirs = (
        [Surge(7, "error", 10, 11, 3600.0)],
        [Surge(7, "error", 10, 30, 3600.0), Surge(7, "span", 5, 6, 3600.0)],
    )
    assert merged_surges([mine, theirs]) == [Surge(7, "error", 20, 41, 3600.0), Surge(7, "span", 5, 6, 3600.0)]
