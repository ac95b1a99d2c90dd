"""What metrics are called on statsd."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from scrubjay.runtime import metrics
from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.series import Kind, Metric
from scrubjay.runtime.statsd.names import STARTING, names_of

MEASURED = {
    "upstream.requests.duration", "upstream.retries", "upstream.network_outage", "upstream.body_size", "http_queue.size", "requests",
    "requests.duration", "responses.status_codes", "event.accepted", "event.rejected", "event.wait_time", "event.total_time", "event.items",
    "events.outcomes", "project_cache.size", "buffer.envelopes_count.gauge", "buffer.disk_used", "buffer.push.duration", "buffer.pop.duration",
    "buffer.spool.duration", "buffer.unspool.duration", "health.system_memory.used", "server.http.connections", "server.starting",
    "config.reload", "signature.create.duration", "project_cache.eviction", "project_state.request", "project_state.request.duration",
    "project_state.pending", "global_config.fetch",
}  # fmt: skip
"""Of the reference's names (`upstream-and-operations.md` 9.7) those of parts that a relay of this kind has."""


def names() -> dict[str, list[tuple[Metric, str]]]:
    found: defaultdict[str, list[tuple[Metric, str]]] = defaultdict(list)
    for metric in METRICS:
        for name in names_of(metric):
            found[name.text].append((metric, name.type))
    return found


def test_the_names_of_the_reference_are_kept() -> None:
    assert {name for name in {*names(), STARTING} if not name.startswith("scrubjay.")} == MEASURED


def test_the_page_names_them_all() -> None:
    page = (Path(__file__).parents[4] / "docs" / "watching.md").read_text(encoding="utf-8")
    assert {name for name in MEASURED if f"`{name}`" not in page} == set()


def test_every_metric_has_a_name_and_no_two_share_one() -> None:
    assert all(names_of(metric) for metric in METRICS)
    assert all(len(metrics) == 1 for metrics in names().values())


@pytest.mark.parametrize(
    ("metric", "text", "kind", "tags"),
    [
        (metrics.REQUESTS, "requests", "c", ("route", "")),
        (metrics.UPSTREAM_SECONDS, "upstream.requests.duration", "ms", ("route", "result", "status_code")),
        (metrics.SPOOL_DROPPED, "scrubjay.spool_dropped", "c", ("reason",)),
        (metrics.STAGE_SECONDS, "scrubjay.stage", "ms", ("stage",)),
        (metrics.SPOOL_OLDEST_AGE, "scrubjay.spool_oldest_age_seconds", "g", ("partition",)),
        (metrics.UPSTREAM_BODY_BYTES, "upstream.body_size", "h", ("route",)),
        (metrics.CONFIG_GENERATION, "config.reload", "c", ()),
    ],
)
def test_a_name_its_type_and_its_tags(metric: Metric, text: str, kind: str, tags: tuple[str, ...]) -> None:
    name = names_of(metric)[0]
    assert (name.text, name.type, name.tags) == (text, kind, tags)
    assert (name.factor == 1000) is (kind == "ms")
    assert len(name.tags) == len(metric.labels)


def test_an_outage_is_one_where_up_is_none() -> None:
    assert [name.is_inverted for name in names_of(metrics.UPSTREAM_UP)] == [True]
    assert {metric.name for metric in METRICS if any(name.is_inverted for name in names_of(metric))} == {
        metrics.UPSTREAM_UP.name
    }


def test_what_is_counted_is_sent_as_added_up() -> None:
    for metric in METRICS:
        if metric.kind is Kind.COUNTER:
            assert {name.type for name in names_of(metric)} == {"c"}
