"""Reload by the supervisor: what is told to all, who is replaced, one after the other, and what reaches nobody."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervision.slot import REFUSED, RETIRE, STOPPING
from support.supervision_stage import ORDERS, Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr("scrubjay.runtime.supervisor.log.configure", lambda level, form: None)
    made = Stage()
    yield made
    made.close()


def test_what_can_be_put_in_force_is_told_to_all_at_once(stage: Stage) -> None:
    stage.start()
    stage.reload(replace(ORDERS, sharing=Sharing(replicas=2)))
    assert [stage.worker(slot).signals for slot in (0, 1)] == [[signal.SIGHUP]] * 2
    assert stage.sharings == [Sharing(replicas=2)]
    assert stage.started == [0, 1]


def test_whoever_is_starting_hears_of_it_when_it_is_ready(stage: Stage) -> None:
    stage.start()
    stage.worker(1).end(-9)
    stage.step()
    stage.reload(ORDERS)
    assert stage.worker(1).signals == []
    stage.worker(1).say(1)
    stage.step()
    assert stage.worker(1).signals == [signal.SIGHUP]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("config: nonsense", "config: nonsense"),
        (replace(ORDERS, mode="proxy"), "relay.mode: the mode changes with a restart only"),
        (
            replace(ORDERS, digests={"relay.port": "a", "http.proxy": "b"}, problems=("7.yaml: bad", "x")),
            "7.yaml: bad; x",
        ),
    ],
)
def test_what_cannot_be_used_reaches_nobody(
    stage: Stage, caplog: pytest.LogCaptureFixture, answer: Orders | str, problem: str
) -> None:
    stage.start()
    stage.reload(answer)
    assert [stage.worker(slot).signals for slot in (0, 1)] == [[], []]
    assert [stage.worker(slot).heard() for slot in (0, 1)] == [REFUSED, REFUSED]
    assert [record.fields["problem"] for record in caplog.records if "not used" in record.message] == [problem]  # type: ignore[attr-defined]


def test_problems_of_projects_do_not_keep_other_changes_from_those_who_run(stage: Stage) -> None:
    stage.start()
    stage.reload(replace(ORDERS, problems=("7.yaml: bad",)))
    assert stage.worker(0).signals == [signal.SIGHUP]


def test_workers_are_replaced_one_after_the_other(stage: Stage) -> None:
    stage.start()
    first, second = stage.worker(0), stage.worker(1)
    stage.reload(replace(ORDERS, digests={"relay.port": "a", "http.proxy": "b"}))
    assert (first.heard(), second.heard()) == (RETIRE, b"")
    stage.step(5)
    assert stage.started == [0, 1], "it has its time, and nobody else owns its partition meanwhile"
    first.say(STOPPING)
    first.end(0)
    stage.step()
    assert stage.started == [0, 1, 0]
    stage.step(50)
    assert second.heard() == b"", "the successor is not ready yet"
    stage.worker(0).say(0)
    stage.step()
    stage.step()
    assert second.heard() == RETIRE
    second.end(0)
    stage.step()
    stage.worker(1).say(1)
    stage.step()
    assert stage.started == [0, 1, 0, 1]
    assert not any(process.follows_a_death for process in stage.launches.started)
    stage.step()
    assert stage.worker(0).heard() == b""


def test_whoever_does_not_go_is_killed(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.start()
    first = stage.worker(0)
    stage.reload(replace(ORDERS, digests={"http.proxy": "b"}))
    stage.step(11.9)
    assert first.status is None
    stage.step(0.2)
    assert first.status == -signal.SIGKILL
    assert "did not end in time" in caplog.text
    stage.step()
    assert stage.started == [0, 1, 0]


def test_replacing_ends_where_the_first_does_not_start(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.start()
    second = stage.worker(1)
    stage.reload(replace(ORDERS, digests={"http.proxy": "b"}))
    stage.worker(0).end(0)
    stage.step()
    stage.worker(0).end(1)
    stage.step()
    assert "the other workers are not replaced" in caplog.text
    for _ in range(10):
        stage.step(1)
    assert second.heard() == b""
    assert second.signals == [signal.SIGHUP]


def test_a_slot_that_is_empty_needs_no_replacing(stage: Stage) -> None:
    stage.start()
    stage.worker(0).end(-9)
    stage.step()
    stage.worker(0).end(-9)
    stage.step()
    second = stage.worker(1)
    stage.reload(replace(ORDERS, digests={"http.proxy": "b"}))
    stage.step()
    assert second.heard() == RETIRE


def test_what_belongs_to_the_whole_is_named(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.start()
    stage.reload(replace(ORDERS, port=4000, digests={"relay.port": "b", "http.proxy": "a"}))
    assert "only after a restart of the whole: relay.port" in caplog.text
    assert stage.one._orders.port == 3000
    assert stage.started == [0, 1]


def test_told_twice_it_looks_twice(stage: Stage) -> None:
    stage.start()
    stage.one._on_signals(bytes([signal.SIGHUP, signal.SIGHUP]))
    assert len(stage.checks) == 1
    stage.checks[0].answer = ORDERS
    stage.step()
    assert len(stage.checks) == 2, "what the first one read may be older than the second signal"
    stage.checks[1].answer = ORDERS
    stage.step()
    assert stage.worker(0).signals == [signal.SIGHUP]
