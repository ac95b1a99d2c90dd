"""The table of metrics."""

import pytest

from scrubjay import reasons
from scrubjay.runtime import metrics
from scrubjay.runtime.metrics import BY_NAME, METRICS
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
    assert name in BY_NAME
