"""The worker's word on itself."""

from __future__ import annotations

from scrubjay.runtime.health import Health
from scrubjay.runtime.state import merge


def test_it_is_unready_before_the_start_and_after_the_end() -> None:
    health = Health(lambda: "text", lambda: merge([]))
    assert not health.started()
    assert health.checks()["running"] == (False, "")
    health.has_started = True
    assert health.started()
    assert health.checks()["running"] == (True, "")
    health.is_stopping = True
    assert health.checks()["running"] == (False, "stopping")
    assert health.metrics() == "text"


def test_checks_are_asked_at_each_probe() -> None:
    health = Health(str, lambda: merge([]))
    answers = [(True, "a"), (False, "b")]
    health.watch("spool", lambda: answers.pop(0))
    assert health.checks()["spool"] == (True, "a")
    assert health.checks()["spool"] == (False, "b")


def test_repr_is_its_state() -> None:
    assert repr(Health(str, lambda: merge([]))) == "<Health {'running': (False, '')}>"


def test_who_stops_says_so_to_whom_scales() -> None:
    health = Health(str, lambda: merge([]))
    assert "\nrelay_up 1\n" in health.autoscaling()
    health.is_stopping = True
    assert "\nrelay_up 0\n" in health.autoscaling()
