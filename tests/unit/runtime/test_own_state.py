"""What a worker counts of itself."""

from __future__ import annotations

import logging

import pytest

from scrubjay.runtime.own_state import OwnState
from scrubjay.runtime.state import Snapshot
from scrubjay.runtime.telemetry import Telemetry

NOW = 1_800_000_000.0


class Scene:
    def __init__(self) -> None:
        self.mono = 100.0
        self.one = OwnState(2, now=lambda: NOW + self.mono, mono=lambda: self.mono)

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        self.one.refresh_gauges()
        return dict(self.one.values.series[name])

    def number(self, name: str) -> float:
        return self.counted(name)[()]


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.DEBUG, "scrubjay")
    return Scene()


def test_projects_and_configuration(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.one.projects({"ready": 3, "broken": 1}, {}, all_usable=True)
    scene.one.projects({"ready": 4}, {}, all_usable=True)
    scene.one.project_file_error("a.yaml", "no such detector")
    scene.one.config_generation(2)
    assert scene.counted("scrubjay_project_configs") == {("ready",): 4}
    assert scene.number("scrubjay_project_file_errors_total") == 1
    assert scene.number("scrubjay_config_generation") == 2
    assert [record.message for record in caplog.records] == ["project file not used", "configuration in force"]


def test_a_change_that_is_refused_stands_until_one_can_be_used(scene: Scene) -> None:
    assert scene.number("scrubjay_config_refused") == 0
    scene.one.config_refused("no such key")
    assert scene.number("scrubjay_config_refused") == 1
    scene.one.config_usable()
    assert scene.number("scrubjay_config_refused") == 0


def test_rules_that_are_left_out_are_those_in_force(scene: Scene) -> None:
    scene.one.projects({}, {"filter": 2, "quota": 1}, all_usable=True)
    scene.one.projects({}, {"quota": 1}, all_usable=True)
    assert scene.counted("scrubjay_rules_left_out") == {("quota",): 1}


def test_how_long_a_file_cannot_be_used(scene: Scene) -> None:
    def stale_s() -> float:
        return scene.counted("scrubjay_project_config_stale_seconds")[("file",)]

    assert stale_s() == 0
    scene.one.projects({}, {}, all_usable=False)
    scene.mono += 5
    scene.one.projects({}, {}, all_usable=False)
    assert stale_s() == 5, "since the first time"
    scene.mono += 5
    assert stale_s() == 10
    scene.one.projects({}, {}, all_usable=True)
    assert stale_s() == 0


def test_certificates(scene: Scene) -> None:
    scene.one.certificate("public", NOW + 1100.0)
    scene.mono += 50
    assert scene.counted("scrubjay_tls_expiry_seconds") == {("public",): 950}
    scene.one.certificates_renewed("half a file", of="listener")
    scene.one.certificates_renewed()
    assert scene.counted("scrubjay_certificates_refused") == {("listener",): 1, ("upstream",): 0}
    scene.one.certificates_renewed(of="listener")
    assert scene.counted("scrubjay_certificates_refused") == {("listener",): 0, ("upstream",): 0}


def test_handshakes_that_fail_are_counted_and_scans_are_no_warning(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        scene.one.handshake_failed("garbage", "WRONG_VERSION_NUMBER")
        scene.one.handshake_failed("distrusts_us", "the client does not trust our certificate")
    assert scene.counted("scrubjay_tls_handshakes_failed_total") == {("garbage",): 1, ("distrusts_us",): 1}
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]


def test_the_process(scene: Scene) -> None:
    scene.one.memory_ratio(0.25)
    scene.one.loop_lag(0.002)
    scene.one.shed(3)
    scene.one.workers_expected(4)
    scene.one.internal_error("here", ValueError("odd"))
    assert scene.counted("scrubjay_memory_ratio") == {("2",): 0.25}
    assert scene.number("scrubjay_shed_categories") == 3
    assert scene.number("scrubjay_workers_expected") == 4
    assert scene.number("scrubjay_internal_errors_total") == 1
    assert sum(scene.one.values.histograms["scrubjay_event_loop_lag_seconds"]["2",][:-1]) == 1
    assert scene.counted("process_resident_memory_bytes")["2",] > 1 << 20


def test_a_worker_says_that_its_predecessor_died(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Where errors are reported to a project, that is how the death is told there: who saw it reports nothing."""
    scene.one.worker_restarted()
    assert scene.counted("scrubjay_worker_restarts_total") == {("2",): 1}
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        "the last worker of this slot died, and this one took its place",
    )


def test_processor_time_goes_on_where_the_last_process_was(scene: Scene) -> None:
    name = "process_cpu_seconds_total"
    rows = {name: [(("2",), 1000.0)], "scrubjay_worker_restarts_total": [(("2",), 7.0)]}
    previous = Snapshot(2, 1, "0", NOW, NOW, 0.0, series=rows)
    later = Telemetry(2, previous=previous)
    later.worker_restarted()
    series = later.snapshot({}).series
    assert 1000 < dict(series[name])["2",] < 2000
    assert dict(series["scrubjay_worker_restarts_total"])["2",] == 8
    assert scene.counted("scrubjay_worker_restarts_total") == {("2",): 0}, "shown before the first"


def test_fetched_configurations_stand_beside_those_of_files(scene: Scene) -> None:
    scene.one.fetched_configs(3, 1, 2, stale_s=40.0)
    scene.one.projects({"loaded": 4}, {}, all_usable=True)
    counted = {("fetched",): 3, ("fetched_disabled",): 1, ("pending",): 2, ("loaded",): 4}
    assert scene.counted("scrubjay_project_configs") == counted
    assert scene.counted("scrubjay_project_config_stale_seconds") == {("file",): 0, ("fetched",): 40}


def test_registration_is_a_number(scene: Scene) -> None:
    for number, state in enumerate(("unknown", "registering", "registered", "renewing", "denied")):
        scene.one.registration(state)
        assert scene.number("scrubjay_auth_state") == number


def test_the_waiting_room_says_what_it_holds(scene: Scene) -> None:
    scene.one.waiting_room(2, 300, 1000, 7.5)
    told = ("envelopes", "bytes", "capacity_bytes", "oldest_age_seconds")
    assert [scene.number(f"scrubjay_waiting_{name}") for name in told] == [2, 300, 1000, 7.5]
