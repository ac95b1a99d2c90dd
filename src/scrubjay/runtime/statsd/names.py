"""What our metrics are called on statsd.

Where the reference measures the same, its name and its tags are used, so that dashboards and alerts stay (`upstream-and-operations.md` 9.7). All else
keeps its own name below `scrubjay.`: `scrubjay_spool_dropped_total` is `scrubjay.spool_dropped`. Durations are sent in milliseconds, whatever unit
the table has.

Invariant: every metric of the table has a name here, and no two that differ in kind share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.runtime import metrics
from scrubjay.runtime.series import Kind, Metric

STARTING: Final = "server.starting"
OWN: Final = "scrubjay."
_MS: Final = 1_000.0
_SECONDS: Final = "_seconds"


@dataclass(frozen=True, slots=True)
class Name:
    """`type`: `c` what was added, `g` how it stands, `ms` and `h` single values. `tags`: one for each label of the metric; an empty one is left out, and
    what differs in nothing else adds up. `factor` turns our unit into theirs; `is_inverted`: 1 for 0 and 0 for all else.
    """

    text: str
    type: str
    tags: tuple[str, ...]
    factor: float = 1.0
    is_inverted: bool = False


_TYPES: Final = {Kind.COUNTER: "c", Kind.GAUGE: "g", Kind.HISTOGRAM: "h"}
_TAGS: Final = {"status": "status_code"}
"""Labels that the reference calls otherwise."""

_REFERENCE: Final[Mapping[str, tuple[str, ...]]] = {
    metrics.REQUESTS.name: ("requests", "responses.status_codes"),
    metrics.REQUEST_SECONDS.name: ("requests.duration",),
    metrics.REJECTED.name: ("event.rejected",),
    metrics.ENVELOPES.name: ("event.accepted",),
    metrics.ITEMS.name: ("event.items",),
    metrics.OUTCOMES.name: ("events.outcomes",),
    metrics.UPSTREAM_SECONDS.name: ("upstream.requests.duration",),
    metrics.UPSTREAM_BODY_BYTES.name: ("upstream.body_size",),
    metrics.UPSTREAM_RETRIES.name: ("upstream.retries",),
    metrics.SIGNATURE_SECONDS.name: ("signature.create.duration",),
    metrics.WAIT_SECONDS.name: ("event.wait_time",),
    metrics.DELIVERY_SECONDS.name: ("event.total_time",),
    metrics.UPSTREAM_UP.name: ("upstream.network_outage",),
    metrics.UPSTREAM_INFLIGHT.name: ("http_queue.size",),
    metrics.PROJECT_CONFIGS.name: ("project_cache.size",),
    metrics.CONFIG_EVICTIONS.name: ("project_cache.eviction",),
    metrics.CONFIG_QUERIES.name: ("project_state.request",),
    metrics.CONFIG_QUERY_SECONDS.name: ("project_state.request.duration",),
    metrics.CONFIGS_PENDING.name: ("project_state.pending",),
    metrics.GLOBAL_FETCHES.name: ("global_config.fetch",),
    metrics.SPOOL_RECORDS.name: ("buffer.envelopes_count.gauge",),
    metrics.SPOOL_BYTES.name: ("buffer.disk_used",),
    metrics.SPOOL_APPEND_SECONDS.name: ("buffer.push.duration",),
    metrics.SPOOL_FSYNC_SECONDS.name: ("buffer.spool.duration",),
    metrics.SPOOL_READ_SECONDS.name: ("buffer.pop.duration", "buffer.unspool.duration"),
    metrics.PROCESS_RSS.name: ("health.system_memory.used",),
    metrics.CONNECTIONS.name: ("server.http.connections",),
    metrics.CONFIG_GENERATION.name: ("config.reload",),
}
_WITHOUT: Final[Mapping[str, frozenset[str]]] = {
    "requests": frozenset({"status"}),
    "responses.status_codes": frozenset({"route"}),
    "project_cache.size": frozenset({"state"}),
}
"""Labels that a name of the reference has no tag for."""


def names_of(metric: Metric) -> tuple[Name, ...]:
    """Under which names a metric is sent."""
    return tuple(_name(metric, text) for text in _REFERENCE.get(metric.name, (_own_name(metric),)))


def _name(metric: Metric, text: str) -> Name:
    without = _WITHOUT.get(text, frozenset())
    tags = tuple("" if label in without else _TAGS.get(label, label) for label in metric.labels)
    if metric.kind is Kind.HISTOGRAM and metric.name.endswith(_SECONDS):
        return Name(text, "ms", tags, factor=_MS)
    if metric is metrics.CONFIG_GENERATION:
        return Name(text, "c", tags)  # it only rises, and the reference counts reloads
    return Name(text, _TYPES[metric.kind], tags, is_inverted=metric is metrics.UPSTREAM_UP)


def _own_name(metric: Metric) -> str:
    text = metric.name.removeprefix("scrubjay_").removesuffix("_total")
    return OWN + (text.removesuffix(_SECONDS) if metric.kind is Kind.HISTOGRAM else text)
