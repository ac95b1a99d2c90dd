import logging

import pytest

from scrubjay import __version__
from scrubjay.core.scrub.record import Count, Record
from scrubjay.runtime.exposition import exposition
from scrubjay.runtime.series import MAX_SERIES
from scrubjay.runtime.state import merge
from scrubjay.runtime.telemetry import Telemetry

NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.mono = 100.0

    def now(self):
        return NOW + self.mono


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def telemetry(clock):
    return Telemetry(2, now=clock.now, mono=lambda: clock.mono)


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "scrubjay")
    return lambda: [
        (record.name.removeprefix("scrubjay."), record.levelname, record.message) for record in caplog.records
    ]


def counted(telemetry, name):
    return dict(telemetry.values.series[name])


def observed(telemetry, name):
    return {labels: sum(row[:-1]) for labels, row in telemetry.values.histograms[name].items()}


def test_requests(telemetry):
    telemetry.request("envelope", 200, 0.001)
    telemetry.request("envelope", 200, 0.002)
    telemetry.request("store", 429, 0.001)
    assert counted(telemetry, "scrubjay_requests_total") == {("envelope", "200"): 2, ("store", "429"): 1}
    assert observed(telemetry, "scrubjay_request_duration_seconds")["envelope", "200"] == 2


def test_accepted_envelopes_and_their_items(telemetry):
    telemetry.accepted(["event", "attachment", "attachment"])
    telemetry.accepted([""])
    assert counted(telemetry, "scrubjay_envelopes_accepted_total") == {(): 2}
    assert counted(telemetry, "scrubjay_envelopes_items_total") == {("event",): 1, ("attachment",): 2, ("unknown",): 1}


def test_one_request_in_64_is_timed(telemetry):
    assert [telemetry.timing_due() for _ in range(200)].count(True) == 3
    telemetry.stage("scrub", 0.0001)
    assert observed(telemetry, "scrubjay_stage_seconds") == {("scrub",): 1}


def test_failures_of_the_quota_backend(telemetry, lines):
    telemetry.quota_backend_error(OSError("no route"))
    assert counted(telemetry, "scrubjay_quota_backend_errors_total") == {(): 1}
    assert lines() == [("account", "WARNING", "quota backend failed; kept and counted")]


def test_internal_errors_are_logged_with_their_place(telemetry, caplog):
    telemetry.internal_error("ingest", ValueError("payload"))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info[0] is ValueError
    assert record.filename == "test_telemetry.py"


def test_upstream_requests(telemetry, lines):
    telemetry.upstream_request("ok", 200, 0.1)
    telemetry.upstream_request("network", None, 3.0, detail="refused")
    telemetry.upstream_request("network", None, 3.0, detail="refused")
    assert counted(telemetry, "scrubjay_upstream_requests_total") == {
        ("envelope", "ok", "200"): 1,
        ("envelope", "network", ""): 2,
    }
    assert observed(telemetry, "scrubjay_upstream_duration_seconds")["envelope", "network", ""] == 2
    assert lines() == [("upstream", "WARNING", "the upstream did not take a request")]


def test_what_the_server_says_against_envelopes_is_said_once_a_minute_per_project(telemetry, clock, lines, caplog):
    for project_id in (7, 7, 8):
        telemetry.upstream_request("refused", 400, 0.1, detail="400 no")
        telemetry.upstream_refused(project_id, 400, "400 no")
    assert lines() == [("upstream", "WARNING", "the upstream refused an envelope")] * 2
    assert caplog.records[0].fields == {"project": 7, "status": 400, "detail": "400 no"}
    clock.mono += 59.0
    telemetry.upstream_refused(7, 400, "400 no")
    clock.mono += 1.0
    telemetry.upstream_refused(7, 400, "400 no")
    assert len(lines()) == 3
    assert caplog.records[-1].fields["suppressed"] == 2
    telemetry.upstream_request("refused", 400, 0.1, route="batch")
    assert lines()[-1] == ("upstream", "WARNING", "the upstream did not take a request")


def test_roads_that_change_are_told(telemetry, lines):
    telemetry.upstream_chosen("https://second", "https://first")
    telemetry.certificates_renewed("half a file")
    assert counted(telemetry, "scrubjay_certificates_refused") == {("upstream",): 1}
    telemetry.certificates_renewed()
    telemetry.unverified()
    assert lines() == [
        ("upstream", "WARNING", "another upstream is used"),
        ("config", "ERROR", "new certificates not used"),
        ("config", "INFO", "new certificates in force"),
        ("config", "WARNING", "http.insecure_skip_verify: the upstream's certificate is not verified"),
    ]


def test_inflight_and_retries(telemetry):
    telemetry.upstream_inflight(+1)
    telemetry.upstream_inflight(+1)
    telemetry.upstream_inflight(-1)
    telemetry.retry()
    assert counted(telemetry, "scrubjay_upstream_inflight") == {(): 1}
    assert counted(telemetry, "scrubjay_upstream_retries_total") == {(): 1}


def test_times_and_sizes_on_the_way(telemetry):
    telemetry.upstream_body("batch", 20_000)
    telemetry.signed(0.00002)
    telemetry.waited(0.2)
    telemetry.delivered(7.0)
    telemetry.spool_read(0.002)
    found = {name: rows for name, rows in telemetry.values.histograms.items() if rows}
    assert {name: row[-1] for name, rows in found.items() for row in rows.values()} == {
        "scrubjay_upstream_body_bytes": 20_000,
        "scrubjay_signature_duration_seconds": 0.00002,
        "scrubjay_wait_seconds": 0.2,
        "scrubjay_delivery_seconds": 7.0,
        "scrubjay_spool_read_duration_seconds": 0.002,
    }


def test_reports_of_ourselves_and_connections(telemetry):
    telemetry.self_report("sent")
    telemetry.connections(3)
    telemetry.connections(2)
    assert counted(telemetry, "scrubjay_self_reports_total") == {("sent",): 1}
    assert counted(telemetry, "scrubjay_connections") == {(): 2}


def test_an_outage_is_counted_while_it_lasts_and_logged_at_its_ends(telemetry, clock, lines):
    assert telemetry.snapshot({}).upstream_up is None
    telemetry.upstream_up(True)
    telemetry.upstream_up(False, detail="refused")
    clock.mono += 5
    telemetry.upstream_up(False)
    clock.mono += 5
    assert telemetry.snapshot({}).upstream_up is False
    assert counted(telemetry, "scrubjay_upstream_outage_seconds_total") == {("default",): 10}
    clock.mono += 2
    telemetry.upstream_up(True)
    clock.mono += 100
    assert telemetry.snapshot({}).upstream_up is True
    assert counted(telemetry, "scrubjay_upstream_outage_seconds_total") == {("default",): 12}
    assert counted(telemetry, "scrubjay_upstream_up") == {("default",): 1}
    assert lines() == [
        ("upstream", "WARNING", "upstream outage: parcels are held"),
        ("upstream", "INFO", "upstream is back"),
    ]


def test_spool(telemetry, lines):
    telemetry.spool_usage("p0", size_bytes=10, records=2, segments=1, oldest_age_s=3.5, capacity_bytes=100)
    telemetry.spool_append(7, 0.001)
    telemetry.spool_append(1, 0.001)
    telemetry.spool_synced(0.0005)
    telemetry.spool_recovered(0)
    telemetry.spool_recovered(5, torn_tails=1)
    telemetry.spool_dropped("evicted", 3)
    telemetry.spool_error("cannot append", OSError(28, "No space"))
    for name, value in (
        ("bytes", 10),
        ("records", 2),
        ("segments", 1),
        ("oldest_age_seconds", 3.5),
        ("capacity_bytes", 100),
    ):
        assert counted(telemetry, f"scrubjay_spool_{name}") == {("p0",): value}
    assert observed(telemetry, "scrubjay_spool_group_size") == {(): 2}
    assert observed(telemetry, "scrubjay_spool_append_duration_seconds") == {(): 2}
    assert observed(telemetry, "scrubjay_spool_fsync_duration_seconds") == {(): 1}
    assert counted(telemetry, "scrubjay_spool_recovered_records_total") == {(): 5}
    assert counted(telemetry, "scrubjay_spool_torn_tails_total") == {(): 1}
    assert counted(telemetry, "scrubjay_spool_dropped_total") == {("evicted",): 3}
    assert lines() == [
        ("spool", "INFO", "spool recovered"),
        ("spool", "WARNING", "spool gave up records: evicted"),
        ("spool", "ERROR", "spool: cannot append"),
    ]


def test_webhooks(telemetry, lines):
    telemetry.webhook("spike.start", "delivered")
    assert lines() == []
    telemetry.webhook("spike.end", "failed", "http://h: status 500")
    series = telemetry.values.series["scrubjay_webhooks_total"]
    assert series == {("spike.start", "delivered"): 1, ("spike.end", "failed"): 1}
    assert lines() == [("http", "WARNING", "a webhook was not delivered")]


@pytest.mark.parametrize(
    ("route", "result", "status", "state"),
    [
        ("envelope", "ok", 200, {}),
        ("envelope", "refused", 403, {}),
        ("capabilities", "ok", 200, {}),
        ("capabilities", "unsigned", 200, {(): 4}),
        ("batch", "ok", 200, {(): 2}),
        ("batch", "refused", 401, {(): 4}),
        ("batch", "refused", 400, {}),
    ],
)
def test_batches_tell_whether_our_signature_is_known(telemetry, route, result, status, state):
    telemetry.upstream_request(result, status, 0.1, route=route)
    assert counted(telemetry, "scrubjay_auth_state") == state


def test_a_snapshot_says_who_wrote_it_and_when(telemetry, clock):
    clock.mono += 7
    snapshot = telemetry.snapshot({}, stopped=True)
    assert (snapshot.slot, snapshot.version, snapshot.stopped) == (2, __version__, True)
    assert snapshot.started_unix == NOW + 100
    assert snapshot.heartbeat_unix == NOW + 107
    assert snapshot.heartbeat_mono == 107
    assert snapshot.pid > 0


def test_the_exposition_of_a_fresh_process_names_its_build(telemetry, clock):
    text = exposition(merge([telemetry.snapshot({})], clock.now())).decode()
    assert f'scrubjay_build_info{{version="{__version__}"}} 1.0' in text
    assert "scrubjay_workers 1.0" in text


# Scrubbing


def test_hits_count_by_family_of_the_rule(telemetry):
    record = Record({"@email:replace": Count(2, 30), "@email": Count(1, 5), "badge": Count(1, 4)})
    telemetry.scrubbed("event", "scrubbed", record)
    telemetry.scrubbed("event", "clean", Record())
    telemetry.redacted(Record({"badge": Count(1, 6)}))
    assert counted(telemetry, "scrubjay_scrub_hits_total") == {("email",): 3, ("badge",): 2}
    assert counted(telemetry, "scrubjay_scrub_bytes_total") == {("email",): 35, ("badge",): 10}
    assert counted(telemetry, "scrubjay_scrub_items_total") == {("event", "scrubbed"): 1, ("event", "clean"): 1}


def test_rules_are_many_and_series_are_not(telemetry):
    for number in range(MAX_SERIES + 50):
        telemetry.redacted(Record({f"rule-{number}": Count(1, 1)}))
    hits = counted(telemetry, "scrubjay_scrub_hits_total")
    assert len(hits) <= MAX_SERIES + 1
    assert sum(hits.values()) == MAX_SERIES + 50


def test_a_failing_audit_log_is_said_once_and_counted_each_time(telemetry, lines):
    telemetry.audit_failed(OSError(28, "No space left on device"), again=False)
    telemetry.audit_failed(OSError(28, "No space left on device"), again=True)
    telemetry.audit_recovered()
    telemetry.audit_lost(3)
    said = [(level, text) for topic, level, text in lines() if "audit" in text]
    assert [level for level, _ in said] == ["ERROR", "INFO"]
    assert counted(telemetry, "scrubjay_audit_errors_total") == {(): 2}
    assert counted(telemetry, "scrubjay_audit_lost_lines_total") == {(): 3}


def test_the_state_file_remembers_the_end_of_the_audit_log(telemetry, clock):
    telemetry.audit_wrote(12, "ab" * 32)
    snapshot = telemetry.snapshot({})
    assert (snapshot.audit_line, snapshot.audit_hash) == (12, "ab" * 32)
    again = Telemetry(2, previous=snapshot, now=clock.now, mono=lambda: clock.mono).snapshot({})
    assert (again.audit_line, again.audit_hash) == (12, "ab" * 32)
