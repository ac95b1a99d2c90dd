"""All slots together, without processes: the clock, the workers and the check are the test's."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest

from scrubjay.runtime import supervisor as module
from support.supervision_stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(module.log, "configure", lambda level, form: None)
    made = Stage()
    yield made
    made.close()


# Starts and deaths


def test_each_slot_gets_a_worker_and_a_dead_one_a_successor(stage: Stage) -> None:
    stage.start()
    assert stage.started == [0, 1]
    stage.worker(1).end(-9)
    stage.step()
    assert stage.started == [0, 1, 1], "the first time at once"
    stage.worker(1).end(-9)
    stage.step()
    stage.step(0.9)
    assert stage.started == [0, 1, 1]
    stage.step(0.2)
    assert stage.started == [0, 1, 1, 1]
    assert stage.one._status is None


def test_five_deaths_in_a_minute_end_it(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.start()
    for _ in range(5):
        stage.worker(0).say(0)
        stage.step()
        stage.worker(0).end(-11)
        stage.step()
        stage.step(3 if stage.one._status is None else 0)
    assert stage.one._status == 1
    assert stage.worker(1).signals == [signal.SIGTERM]
    assert "die one after the other" in caplog.text


def test_what_nobody_can_start_with_ends_it_at_once(stage: Stage) -> None:
    stage.step()
    stage.worker(0).end(1)
    stage.step()
    assert stage.one._status == 1
    assert stage.started == [0, 1]
    assert stage.worker(1).signals == [signal.SIGTERM]


def test_who_refuses_to_start_does_not_take_along_whoever_serves(stage: Stage) -> None:
    """As after a project file went bad, which the others loaded in time."""
    stage.start()
    stage.worker(0).end(-9)
    for _ in range(20):
        stage.worker(1).say(1)
        stage.step(4)
        if stage.worker(0).status is None:
            stage.worker(0).end(1)
    assert stage.one._status is None
    assert 6 < stage.started.count(0) < 12
    stage.worker(1).end(-9)
    stage.step()
    stage.worker(0).end(1)
    assert stage.one.slots[1].process is not None


def test_without_processes_it_tries_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.launches.fails = True
    stage.step()
    assert "no process for slot 0" in caplog.text
    stage.launches.fails = False
    stage.step(2)
    assert sorted(stage.started) == [0, 1]


def test_whoever_is_silent_for_long_is_killed_and_replaced(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.start()
    for _ in range(40):
        stage.worker(0).say(0)
        stage.step(1)
        if stage.worker(1).signals:
            break
    assert stage.worker(0).signals == []
    assert "slot 1 has not been heard of" in caplog.text
    stage.step(1)
    assert stage.started == [0, 1, 1]
    assert stage.one._status is None


def test_a_machine_that_slept_kills_nobody(stage: Stage) -> None:
    stage.start()
    for _ in range(5):
        stage.step(86_400)
        for slot in (0, 1):
            stage.worker(slot).say(slot)
    assert not stage.worker(0).signals + stage.worker(1).signals


# Signals and the end


def test_who_pauses_stays_paused_after_a_death(stage: Stage) -> None:
    stage.start()
    stage.one._on_signals(bytes([signal.SIGUSR1, signal.SIGUSR2]))
    assert stage.worker(0).signals == [signal.SIGUSR1, signal.SIGUSR2]
    stage.worker(0).end(-9)
    stage.step()
    stage.worker(0).say(0)
    stage.step()
    assert stage.worker(0).signals == [signal.SIGUSR1]
    assert "ready" in repr(stage.one)


def run_to_the_end(stage: Stage, *statuses: int) -> int | None:
    for slot, status in enumerate(statuses):
        if stage.worker(slot).status is None:
            stage.worker(slot).end(status)
    stage.step()
    assert not any(slot.process for slot in stage.one.slots)
    return stage.one._status


@pytest.mark.parametrize(("statuses", "expected"), [((0, 0), 0), ((3, 0), 3), ((3, 1), 3), ((0, -11), 1)])
def test_the_end_is_as_good_as_the_worst(stage: Stage, statuses: tuple[int, int], expected: int) -> None:
    stage.start()
    for slot in (0, 1):
        stage.worker(slot).obeys = False
    stage.one._on_signals(bytes([signal.SIGTERM]))
    assert all(listener.fileno() < 0 for listener in stage.listeners)
    assert run_to_the_end(stage, *statuses) == expected
    assert stage.started == [0, 1]


def test_whoever_had_not_started_cannot_have_lost_anything(stage: Stage) -> None:
    stage.step()
    for slot in (0, 1):
        stage.worker(slot).obeys = False
    stage.one._on_signals(bytes([signal.SIGINT]))
    assert run_to_the_end(stage, 1, -15) == 0


def test_a_check_ends_with_it(stage: Stage) -> None:
    stage.start()
    stage.one._on_signals(bytes([signal.SIGHUP, signal.SIGTERM]))
    assert stage.checks[0].ended
    stage.one._on_signals(bytes([signal.SIGHUP]))
    assert len(stage.checks) == 1


def test_whoever_is_late_at_the_end_is_killed(stage: Stage) -> None:
    stage.start()
    stage.worker(0).obeys = False
    stage.one._on_signals(bytes([signal.SIGTERM]))
    stage.step(11.9)
    assert stage.worker(0).status is None
    stage.step(0.2)
    assert stage.worker(0).status == -signal.SIGKILL
    stage.step()
    assert stage.one._status == 1


@pytest.mark.parametrize("given", [[signal.SIGQUIT], [signal.SIGTERM, signal.SIGINT]])
def test_in_a_hurry(stage: Stage, monkeypatch: pytest.MonkeyPatch, given: list[int]) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    stage.start()
    for slot in (0, 1):
        stage.worker(slot).obeys = False
    stage.one._on_signals(bytes(given))
    assert ended == [128 + given[-1]]
    assert [stage.worker(slot).status for slot in (0, 1)] == [-signal.SIGQUIT] * 2


def test_run_ends_with_its_workers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handlers: dict[int, object] = {}
    woken: list[int] = []
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(signal, "set_wakeup_fd", woken.append)
    real = stage.one.step

    def step() -> None:
        real()
        if stage.launches.started and stage.one._status is None:
            os.write(woken[0], bytes([signal.SIGTERM]))

    monkeypatch.setattr(stage.one, "step", step)
    with caplog.at_level(logging.INFO):
        assert stage.one.run() == 0
    assert woken[-1] == -1
    assert signal.SIGCHLD in handlers
    assert "stopping" in caplog.text


@pytest.mark.parametrize(("status", "text"), [(3, "status 3"), (-9, "SIGKILL"), (-63, "signal 63")])
def test_how_somebody_ended_can_be_read(status: int, text: str) -> None:
    assert module._shown(status) == text
