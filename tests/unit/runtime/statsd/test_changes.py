"""From numbers to lines: what was added, how things stand, and that no sum is sent twice."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from scrubjay.runtime import metrics
from scrubjay.runtime.statsd.changes import Changes
from scrubjay.runtime.values import Values


def changes(values: Values, *tags: tuple[str, str], prefix: str = "sentry.relay") -> Changes:
    return Changes(prefix, tags, values)


def test_nothing_has_been_added_at_the_first_look() -> None:
    values = Values()
    values.series[metrics.ENVELOPES.name].add((), 7)
    values.histograms[metrics.REQUEST_SECONDS.name].observe(("envelope", "200"), 0.2)
    assert list(changes(values).added(values)) == []


def test_what_was_added_since_the_last_look() -> None:
    values = Values()
    seen = changes(values, ("zone", "a"))
    series = values.series[metrics.OUTCOMES.name]
    series.add(("forwarded", "forwarded", "error"), 3)
    series.add(("lost", "restart", "error"))
    assert list(seen.added(values)) == [
        "sentry.relay.events.outcomes:3|c|#outcome:forwarded,reason:forwarded,category:error,zone:a",
        "sentry.relay.events.outcomes:1|c|#outcome:lost,reason:restart,category:error,zone:a",
    ]
    assert list(seen.added(values)) == []


def test_one_counter_under_two_names_with_the_tags_of_each() -> None:
    values = Values()
    seen = changes(values, prefix="")
    for status in ("200", "200", "429"):
        values.series[metrics.REQUESTS.name].add(("envelope", status))
    assert sorted(seen.added(values)) == [
        "requests:3|c|#route:envelope",
        "responses.status_codes:1|c|#status_code:429",
        "responses.status_codes:2|c|#status_code:200",
    ]


def test_a_sum_that_dips_while_books_change_hands_is_not_sent_twice() -> None:
    values = Values()
    seen = changes(values)
    series = values.series[metrics.ENVELOPES.name]
    sent = 0
    for total in (5, 2, 5, 6):
        series[()] = total
        sent += sum(int(line.split(":")[1].split("|")[0]) for line in seen.added(values))
    assert sent == 6


def test_a_reload_counts_and_a_first_load_does_not() -> None:
    values = Values()
    values.series[metrics.CONFIG_GENERATION.name][()] = 1
    seen = changes(values)
    assert list(seen.added(values)) == []
    values.series[metrics.CONFIG_GENERATION.name][()] = 3
    assert list(seen.added(values)) == ["sentry.relay.config.reload:2|c"]


def test_a_single_duration_is_sent_as_it_was() -> None:
    values = Values()
    seen = changes(values)
    values.histograms[metrics.REQUEST_SECONDS.name].observe(("envelope", "200"), 0.0034)
    assert list(seen.added(values)) == ["sentry.relay.requests.duration:3.4|ms|#route:envelope,status_code:200"]


@pytest.mark.parametrize("seed", range(5))
def test_durations_keep_their_number_their_sum_and_nearly_their_place(seed: int) -> None:
    chance = random.Random(seed)
    values = Values()
    seen = changes(values)
    observed = [chance.lognormvariate(-4, 1.5) for _ in range(500)]
    for seconds in observed:
        values.histograms[metrics.SPOOL_APPEND_SECONDS.name].observe((), seconds)
    number, total = 0.0, 0.0
    shown: list[float] = []
    for line in seen.added(values):
        name_value, kind, *rest = line.split("|")
        assert (name_value.split(":")[0], kind) == ("sentry.relay.buffer.push.duration", "ms")
        rate = float(rest[0].removeprefix("@")) if rest else 1.0
        value = float(name_value.split(":")[1])
        number += 1 / rate
        total += value / rate
        shown += [value] * round(1 / rate)
    assert number == pytest.approx(500, rel=1e-4)
    assert total == pytest.approx(1000 * sum(observed), rel=1e-3)
    assert sorted(shown)[250] == pytest.approx(1000 * sorted(observed)[250], rel=0.6)


def test_how_things_stand() -> None:
    values = Values()
    seen = changes(values)
    values.series[metrics.UPSTREAM_UP.name][("default",)] = 0
    values.series[metrics.PROJECT_CONFIGS.name].update({("ok",): 3, ("disabled",): 2})
    values.series[metrics.SPOOL_BYTES.name][("p00",)] = 4096
    values.series[metrics.MEMORY_RATIO.name][("0",)] = 0.25
    values.series[metrics.CONFIG_GENERATION.name][()] = 4
    assert sorted(seen.standing(values)) == [
        "sentry.relay.buffer.disk_used:4096|g|#partition:p00",
        "sentry.relay.project_cache.size:5|g",
        "sentry.relay.scrubjay.memory_ratio:0.25|g|#worker:0",
        "sentry.relay.upstream.network_outage:1|g|#upstream:default",
    ]


def test_what_would_end_a_tag_is_replaced() -> None:
    values = Values()
    seen = changes(values, ("team", "a|b,c d"))
    values.series[metrics.SAMPLING_KEPT.name].add(("rule\n7",))
    assert list(seen.added(values)) == ["sentry.relay.scrubjay.sampling_kept:1|c|#rule:rule_7,team:a_b_c_d"]


def test_every_metric_can_be_sent() -> None:
    values = Values()
    seen = changes(values)
    kinds: defaultdict[str, int] = defaultdict(int)
    for metric in metrics.METRICS:
        labels = tuple("x" for _ in metric.labels)
        if metric.name in values.series:
            values.series[metric.name][labels] = 1
        else:
            values.histograms[metric.name].observe(labels, 1.0)
    for line in (*seen.added(values), *seen.standing(values)):
        kinds[line.split("|")[1]] += 1
        assert line.startswith("sentry.relay.")
    assert set(kinds) == {"c", "g", "h", "ms"}
