"""The life of one slot, by a clock that the test moves."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from scrubjay.runtime.supervision.slot import RETIRE, STOPPING, Slot
from support.fake_workers import Launches


@pytest.fixture
def launches() -> Iterator[Launches]:
    made = Launches()
    yield made
    made.close()


@pytest.fixture
def slot() -> Iterator[Slot]:
    with socket.socket() as listener:
        yield Slot(3, listener)


def die(slot: Slot, launches: Launches, now: float, *, after_s: float = 0.0) -> float:
    """A worker starts, is ready, and dies `after_s` later. The pause until the next."""
    slot.start(launches, now)
    launches.started[-1].say(3)
    assert slot.hear(now)
    launches.started[-1].end(-9)
    assert slot.ended() == -9
    return slot.died(now + after_s)


def test_the_first_death_costs_nothing_and_each_further_one_more(slot: Slot, launches: Launches) -> None:
    """upstream 7.8"""
    pauses = [die(slot, launches, now * 50.0, after_s=49) for now in range(12)]
    assert pauses[:5] == [0, 1, 1.5, 2.25, 3.375]
    assert pauses[8:] == [pytest.approx(1.5**7), pytest.approx(1.5**8), 30, 30]


def test_whoever_lived_for_a_minute_begins_anew(slot: Slot, launches: Launches) -> None:
    assert [die(slot, launches, 0), die(slot, launches, 10), die(slot, launches, 20, after_s=60)] == [0, 1, 0]


def test_five_deaths_in_a_minute_are_too_many(slot: Slot, launches: Launches) -> None:
    for number in range(5):
        assert not slot.dies_too_often(number * 15.0)
        die(slot, launches, number * 15.0)
    assert slot.dies_too_often(60)
    assert not slot.dies_too_often(60.1)
    die(slot, launches, 75.1)
    assert not slot.dies_too_often(75.1), "the first is long ago"


def test_it_is_due_when_it_is_told_and_not_while_it_is_served(slot: Slot, launches: Launches) -> None:
    assert slot.start_at_mono == 0
    slot.start(launches, 5)
    assert slot.start_at_mono is None
    assert slot.pid == launches.started[0].pid
    launches.started[0].end(1)
    assert slot.ended() == 1
    assert slot.ended() is None
    assert slot.pid is None
    slot.died(7)
    assert (slot.start_at_mono, slot.follows_a_death) == (7, True)
    slot.start(launches, 7)
    assert launches.started[1].follows_a_death
    launches.started[1].end(0)
    slot.ended()
    slot.vacate(9)
    assert (slot.start_at_mono, slot.follows_a_death) == (9, False)


def test_no_process_to_be_had_counts_as_a_death(slot: Slot, launches: Launches) -> None:
    launches.fails = True
    with pytest.raises(OSError, match="temporarily"):
        slot.start(launches, 5)
    assert slot.start_at_mono == 5
    with pytest.raises(OSError, match="temporarily"):
        slot.start(launches, 5)
    assert slot.start_at_mono == 6
    assert slot.channel is None


def test_the_first_sign_of_life_makes_it_ready_and_names_the_partition(slot: Slot, launches: Launches) -> None:
    slot.start(launches, 0)
    assert not slot.hear(0)
    assert not slot.is_ready
    launches.started[0].say(7)
    assert slot.hear(1)
    assert (slot.partition, slot.is_ready, slot.was_ready) == (7, True, True)
    launches.started[0].say(7)
    assert not slot.hear(2)


def test_silence_is_counted_in_looks(slot: Slot, launches: Launches) -> None:
    slot.start(launches, 0)
    assert not slot.is_silent(1000), "it is starting"
    launches.started[0].say(3)
    slot.hear(1000)
    assert not slot.is_silent(1_000_000), "the machine was suspended: one look"
    for look in range(14):
        silent = slot.is_silent(1_000_002 + 2 * look)
    assert silent
    launches.started[0].say(3)
    slot.hear(0)
    assert not slot.is_silent(1_000_032)


def test_whoever_stops_may_be_silent(slot: Slot, launches: Launches) -> None:
    slot.start(launches, 0)
    launches.started[0].say(3)
    slot.hear(0)
    launches.started[0].say(STOPPING)
    assert not slot.hear(1)
    assert slot.is_stopping
    assert not any(slot.is_silent(2.0 * look) for look in range(100))


def test_whoever_stops_before_it_was_ready_never_was(slot: Slot, launches: Launches) -> None:
    slot.start(launches, 0)
    launches.started[0].say(STOPPING)
    assert not slot.hear(1)
    assert not slot.is_ready


def test_what_is_told_arrives_and_the_dead_are_told_in_vain(slot: Slot, launches: Launches) -> None:
    slot.tell(RETIRE)
    slot.signal(signal.SIGHUP)
    slot.start(launches, 0)
    process = launches.started[0]
    slot.tell(RETIRE)
    slot.signal(signal.SIGHUP)
    assert process.heard() == RETIRE
    assert process.signals == [signal.SIGHUP]
    process.end(0)
    slot.signal(signal.SIGHUP)
    slot.tell(RETIRE)
    assert not slot.hear(1)
    assert slot.channel is None
    assert not slot.hear(2)
    assert "starting" in repr(slot)


def test_a_channel_that_breaks_is_closed(slot: Slot, launches: Launches) -> None:
    slot.start(launches, 0)
    assert slot.channel is not None
    slot.channel.close()
    assert not slot.hear(1)
    assert slot.channel is None
