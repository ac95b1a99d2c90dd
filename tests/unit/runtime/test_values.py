"""The numbers of a process, and what those of several come to."""

from scrubjay.runtime import metrics
from scrubjay.runtime.values import Values


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
