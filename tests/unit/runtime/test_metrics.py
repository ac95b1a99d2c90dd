from pathlib import Path

import pytest

from scrubjay.runtime import metrics
from scrubjay.runtime.metrics import MAX_SERIES, METRICS, Buckets, Kind, Series, Values, render_page

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text() == render_page()


def test_names_are_unique_and_end_as_their_kind_demands():
    names = [row.name for row in METRICS]
    assert len(set(names)) == len(names)
    for row in METRICS:
        assert row.name.startswith("scrubjay_")
        assert row.name.endswith("_total") == (row.kind is Kind.COUNTER)
        assert bool(row.buckets) == (row.kind is Kind.HISTOGRAM)
        assert list(row.buckets) == sorted(row.buckets)


@pytest.mark.parametrize(
    "name",
    [
        "scrubjay_requests_total",
        "scrubjay_request_duration_seconds",
        "scrubjay_envelopes_accepted_total",
        "scrubjay_outcomes_total",
        "scrubjay_items_received_total",
        "scrubjay_items_held",
        "scrubjay_unaccounted_total",
        "scrubjay_stage_seconds",
        "scrubjay_quota_backend_errors_total",
        "scrubjay_upstream_requests_total",
        "scrubjay_upstream_up",
        "scrubjay_upstream_outage_seconds_total",
        "scrubjay_upstream_inflight",
        "scrubjay_upstream_retries_total",
        "scrubjay_spool_bytes",
        "scrubjay_spool_records",
        "scrubjay_spool_segments",
        "scrubjay_spool_oldest_age_seconds",
        "scrubjay_spool_capacity_bytes",
        "scrubjay_spool_append_duration_seconds",
        "scrubjay_spool_fsync_duration_seconds",
        "scrubjay_spool_group_size",
        "scrubjay_spool_dropped_total",
        "scrubjay_spool_recovered_records_total",
        "scrubjay_spool_torn_tails_total",
        "scrubjay_project_configs",
        "scrubjay_project_file_errors_total",
        "scrubjay_memory_ratio",
        "scrubjay_event_loop_lag_seconds",
        "scrubjay_workers",
        "scrubjay_config_generation",
        "scrubjay_build_info",
    ],
)
def test_the_specified_names_are_there(name):
    assert name in Values().series or name in Values().histograms


def test_a_series_adds_up_and_is_bounded_without_losing_anything():
    series = Series()
    for number in range(2 * MAX_SERIES):
        series.add((str(number), "x"))
        series.add((str(number), "x"), 2)
    assert len(series) == MAX_SERIES + 1
    assert series["0", "x"] == 3
    assert series["other", "other"] == 3 * MAX_SERIES


def test_a_histogram_counts_each_value_in_its_bucket_bounds_included():
    buckets = Buckets((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.1):
        buckets.observe((), value)
    assert buckets[()] == [2, 2, 1, pytest.approx(7.1)]


def test_a_histogram_is_bounded():
    buckets = Buckets((1.0,))
    for number in range(MAX_SERIES + 7):
        buckets.observe((str(number),), 0)
    assert len(buckets) == MAX_SERIES + 1
    assert buckets["other",][0] == 7


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
