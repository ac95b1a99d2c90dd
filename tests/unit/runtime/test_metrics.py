"""The table, and what several processes' numbers come to."""

import pytest

from scrubjay import reasons
from scrubjay.runtime import metrics
from scrubjay.runtime.metrics import METRICS, Values
from scrubjay.runtime.series import Kind

OF_ANY_PROCESS = ("process_",)
"""Names that every process watched by Prometheus has."""


def test_names_are_unique_and_end_as_their_kind_demands():
    names = [row.name for row in METRICS]
    assert len(set(names)) == len(names)
    for row in METRICS:
        assert row.name.startswith(("scrubjay_", *OF_ANY_PROCESS))
        assert row.name.endswith("_total") == (row.kind is Kind.COUNTER)
        assert bool(row.buckets) == (row.kind is Kind.HISTOGRAM)
        assert list(row.buckets) == sorted(row.buckets)
        assert all(len(labels) == len(row.labels) for labels in row.known)
        assert row.doc.endswith(".")


def test_each_loss_that_is_not_meant_is_known_beforehand():
    codes = {reason.code for reason in reasons.REASONS if reason.outcome == "lost" and not reason.intended}
    assert {code for (code,) in metrics.LOSSES.known} == codes


def test_a_counter_without_labels_is_shown_from_the_start():
    assert all(row.known == ((),) for row in METRICS if row.kind is Kind.COUNTER and not row.labels)


SPECIFIED = """
scrubjay_requests_total scrubjay_request_duration_seconds scrubjay_envelopes_accepted_total scrubjay_envelopes_items_total
scrubjay_outcomes_total scrubjay_items_received_total scrubjay_items_held scrubjay_unaccounted_total scrubjay_stage_seconds
scrubjay_scrub_hits_total scrubjay_quota_backend_errors_total scrubjay_upstream_requests_total scrubjay_upstream_duration_seconds
scrubjay_upstream_up scrubjay_upstream_outage_seconds_total scrubjay_upstream_inflight scrubjay_upstream_retries_total
scrubjay_auth_state scrubjay_spool_bytes scrubjay_spool_records scrubjay_spool_segments scrubjay_spool_oldest_age_seconds
scrubjay_spool_capacity_bytes scrubjay_spool_append_duration_seconds scrubjay_spool_fsync_duration_seconds
scrubjay_spool_group_size scrubjay_spool_dropped_total scrubjay_spool_recovered_records_total scrubjay_spool_torn_tails_total
scrubjay_spool_adoptions_total scrubjay_batch_envelopes scrubjay_batch_bytes scrubjay_merged_envelopes_total
scrubjay_project_configs scrubjay_project_config_stale_seconds scrubjay_project_file_errors_total scrubjay_memory_ratio
scrubjay_event_loop_lag_seconds scrubjay_workers scrubjay_worker_restarts_total scrubjay_config_generation scrubjay_build_info
"""


@pytest.mark.parametrize("name", SPECIFIED.split())
def test_the_specified_names_are_there(name):
    assert name in Values().series or name in Values().histograms


def rows(values):
    return values.series_rows(), values.histogram_rows()


def test_counters_of_two_processes_add_up_and_gauges_merge_as_they_say():
    one, two = Values(), Values()
    for values, generation, ready in ((one, 3, 5), (two, 2, 7)):
        values.series[metrics.REQUESTS.name].add(("envelope", "200"), 10)
        values.series[metrics.CONFIG_GENERATION.name][()] = generation
        values.series[metrics.PROJECT_CONFIGS.name]["ready",] = ready
        values.series[metrics.UPSTREAM_INFLIGHT.name][()] = 1
        values.histograms[metrics.STAGE_SECONDS.name].observe(("scrub",), 0.001)
    merged = Values()
    merged.take_over(*rows(one), gauges=True)
    merged.take_over(*rows(two), gauges=True)
    assert merged.series[metrics.REQUESTS.name]["envelope", "200"] == 20
    assert merged.series[metrics.CONFIG_GENERATION.name][()] == 2
    assert merged.series[metrics.PROJECT_CONFIGS.name]["ready",] == 7
    assert merged.series[metrics.UPSTREAM_INFLIGHT.name][()] == 2
    assert sum(merged.histograms[metrics.STAGE_SECONDS.name]["scrub",][:-1]) == 2


def test_gauges_of_the_dead_are_left_out():
    one, merged = Values(), Values()
    one.series[metrics.UPSTREAM_INFLIGHT.name][()] = 4
    one.series[metrics.REQUESTS.name].add(("store", "200"))
    merged.take_over(*rows(one), gauges=False)
    assert not merged.series[metrics.UPSTREAM_INFLIGHT.name]
    assert merged.series[metrics.REQUESTS.name] == {("store", "200"): 1}


def test_rows_of_another_version_are_left_out():
    merged = Values()
    merged.take_over(
        {
            "scrubjay_gone_total": [((), 1)],
            metrics.REQUESTS.name: [(("one label",), 1)],
            metrics.STAGE_SECONDS.name: [(("scrub",), 1)],
        },
        {
            "scrubjay_gone": [((), [1.0])],
            metrics.REQUESTS.name: [(("a", "b"), [1.0])],
            metrics.STAGE_SECONDS.name: [(("scrub",), [1.0, 2.0])],
        },
        gauges=True,
    )
    assert rows(merged) == ({}, {})
