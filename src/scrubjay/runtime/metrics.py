"""The table of metrics, and the plain numbers behind it.

Owns the names (`upstream-and-operations.md` 9.7), their labels, how values of several workers merge, and the containers that the
hot path adds to: dictionaries of numbers, no locks, no objects per label set. `telemetry` decides when to add, `state` writes, merges and
shows them, `docs/metrics.md` is generated from the table.

Invariants: a series never holds more than `MAX_SERIES` label sets (what clients choose must not grow our memory), the sum over all
label sets stays exact, and a counter never falls.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Labels = tuple[str, ...]

MAX_SERIES: Final = 500
_OVERFLOW: Final = "other"


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """What several workers' values of one gauge come to. Counters and histograms always add up."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row. `buckets` are the upper bounds of a histogram, without the infinite one."""

    name: str
    kind: Kind
    doc: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    merge: Merge = Merge.SUM


class Series(dict[Labels, float]):
    """One counter or gauge: label values → number."""

    __slots__ = ()

    def add(self, labels: Labels, amount: float = 1) -> None:
        if labels in self:
            self[labels] += amount
        elif len(self) < MAX_SERIES:
            self[labels] = amount
        else:
            rest = (_OVERFLOW,) * len(labels)
            self[rest] = self.get(rest, 0) + amount


class Buckets(dict[Labels, list[float]]):
    """One histogram: label values → observations per bucket (the last one is the infinite), then the sum of all values."""

    __slots__ = ("bounds",)

    def __init__(self, bounds: tuple[float, ...]) -> None:
        super().__init__()
        self.bounds = bounds

    def observe(self, labels: Labels, value: float) -> None:
        row = self.get(labels)
        if row is None:
            if len(self) >= MAX_SERIES:
                labels = (_OVERFLOW,) * len(labels)
            row = self.setdefault(labels, [0] * (len(self.bounds) + 2))
        row[bisect_left(self.bounds, value)] += 1
        row[-1] += value

    def add(self, labels: Labels, other: list[float]) -> None:
        row = self.setdefault(labels, [0] * len(other))
        for position, amount in enumerate(other):
            row[position] += amount


Rows = list[tuple[Labels, float]]
BucketRows = list[tuple[Labels, list[float]]]


class Values:
    """All numbers of one process, or of several merged. Every metric of the table is there from the start."""

    __slots__ = ("histograms", "series")

    def __init__(self) -> None:
        self.series: dict[str, Series] = {row.name: Series() for row in METRICS if row.kind is not Kind.HISTOGRAM}
        self.histograms: dict[str, Buckets] = {
            row.name: Buckets(row.buckets) for row in METRICS if row.kind is Kind.HISTOGRAM
        }

    def take_over(self, series: dict[str, Rows], histograms: dict[str, BucketRows], *, gauges: bool) -> None:
        """Adds what another process wrote down. Rows of another version, whose shape is not ours, are left out."""
        for name, rows in series.items():
            metric = _BY_NAME.get(name)
            if metric is None or metric.kind is Kind.HISTOGRAM or (metric.kind is Kind.GAUGE and not gauges):
                continue
            for labels, value in rows:
                if len(labels) == len(metric.labels):
                    self._merge(metric, labels, value)
        for name, bucket_rows in histograms.items():
            metric = _BY_NAME.get(name)
            if metric is None or metric.kind is not Kind.HISTOGRAM:
                continue
            for labels, row in bucket_rows:
                if len(labels) == len(metric.labels) and len(row) == len(metric.buckets) + 2:
                    self.histograms[name].add(labels, row)

    def _merge(self, metric: Metric, labels: Labels, value: float) -> None:
        target = self.series[metric.name]
        if metric.merge is Merge.SUM or labels not in target:
            target[labels] = target.get(labels, 0) + value
        else:
            target[labels] = max(target[labels], value) if metric.merge is Merge.MAX else min(target[labels], value)

    def series_rows(self) -> dict[str, Rows]:
        return {name: list(series.items()) for name, series in self.series.items() if series}

    def histogram_rows(self) -> dict[str, BucketRows]:
        return {name: list(rows.items()) for name, rows in self.histograms.items() if rows}


_SHORT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_S: Final = (1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)
_COUNTS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_SIZES_BYTES: Final = (1e3, 4e3, 16e3, 64e3, 256e3, 512e3, 1e6, 2e6, 4e6, 16e6)


def _counter(name: str, doc: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, doc, labels)


def _gauge(name: str, doc: str, *labels: str, merge: Merge = Merge.SUM) -> Metric:
    return Metric(name, Kind.GAUGE, doc, labels, merge=merge)


def _histogram(name: str, doc: str, *labels: str, buckets: tuple[float, ...] = _SHORT_S) -> Metric:
    return Metric(name, Kind.HISTOGRAM, doc, labels, buckets)


REQUESTS: Final = _counter("scrubjay_requests_total", "Requests answered.", "route", "status")
REQUEST_SECONDS: Final = _histogram(
    "scrubjay_request_duration_seconds", "From the first header to the answer.", "route", "status"
)
REJECTED: Final = _counter(
    "scrubjay_requests_rejected_total", "Requests that ended before their items were known.", "reason"
)
ENVELOPES: Final = _counter("scrubjay_envelopes_accepted_total", "Envelopes answered with 200.")
ITEMS: Final = _counter("scrubjay_envelopes_items_total", "Items of accepted envelopes, as they came.", "item_type")
OUTCOMES: Final = _counter(
    "scrubjay_outcomes_total",
    "Quantities by how they ended: forwarded, captured, filtered, sampled, rate_limited, invalid or lost.",
    "outcome",
    "reason",
    "category",
)
RECEIVED: Final = _counter("scrubjay_items_received_total", "Quantities received.", "category")
HELD: Final = _gauge("scrubjay_items_held", "Quantities accepted and not yet ended.", "category", "where")
UNACCOUNTED: Final = _counter(
    "scrubjay_unaccounted_total", "Quantities that left the account without a reason: always a bug.", "category"
)
STAGE_SECONDS: Final = _histogram(
    "scrubjay_stage_seconds", "Time in a stage of the path, of one request in 64.", "stage", buckets=_STAGE_S
)
SCRUB_HITS: Final = _counter("scrubjay_scrub_hits_total", "Places that a rule redacted, where audit is on.", "detector")
SCRUB_BYTES: Final = _counter(
    "scrubjay_scrub_bytes_total", "Bytes that a rule took out, where audit is on.", "detector"
)
SCRUB_ITEMS: Final = _counter(
    "scrubjay_scrub_items_total",
    "Items that left the scrubbing clean, scrubbed, unscrubbed or dropped, where audit is on.",
    "item_type",
    "outcome",
)
UNSCRUBBED: Final = _counter(
    "scrubjay_unscrubbed_items_total",
    "Items that left although they could not be scrubbed, by `scrub.on_error` or `scrub.opaque`.",
    "item_type",
)
AUDIT_ERRORS: Final = _counter("scrubjay_audit_errors_total", "Writes of the audit log that failed; they are repeated.")
AUDIT_LOST: Final = _counter(
    "scrubjay_audit_lost_lines_total", "Lines of the audit log given up while it could not be written."
)
QUOTA_EXCESS: Final = _counter(
    "scrubjay_quota_excess_total",
    "Quantities beyond quotas whose `action` is `observe` or `sample`, by what became of them: kept or dropped.",
    "quota",
    "category",
    "fate",
)
QUOTA_CONSUMED: Final = _gauge(
    "scrubjay_quota_consumed", "What the present windows of a quota have counted, over all that it counts for.", "quota"
)
QUOTA_LIMIT: Final = _gauge("scrubjay_quota_limit", "The limit of each window of a quota.", "quota")
QUOTA_USED_RATIO: Final = _gauge(
    "scrubjay_quota_used_ratio", "Share of its limit that the fullest window of a quota has counted.", "quota"
)
LIMITS_ACTIVE: Final = _gauge(
    "scrubjay_limits_active", "Limits in force, by whose rule they are: the upstream's or ours.", "source"
)
SAMPLING_KEPT: Final = _counter(
    "scrubjay_sampling_kept_total", "Items and records that a sampling rule decided to keep.", "rule"
)
QUOTA_BACKEND_ERRORS: Final = _counter(
    "scrubjay_quota_backend_errors_total", "Calls that failed; what they asked for was let through."
)
LEASE_CALLS: Final = _counter(
    "scrubjay_lease_calls_total",
    "Round trips to who counts quotas for several: granted, refused, returned, or away where it could not count.",
    "result",
)
QUOTA_STORE_UP: Final = _gauge(
    "scrubjay_quota_store_up",
    "1 while who counts quotas for several can do so; the lowest of all workers.",
    merge=Merge.MIN,
)
UPSTREAM_REQUESTS: Final = _counter(
    "scrubjay_upstream_requests_total", "Requests to the upstream.", "route", "result", "status"
)
UPSTREAM_SECONDS: Final = _histogram(
    "scrubjay_upstream_duration_seconds", "From connecting to the last byte of the answer.", "route", "result", "status"
)
UPSTREAM_UP: Final = _gauge("scrubjay_upstream_up", "0 during an outage.", "upstream", merge=Merge.MIN)
UPSTREAM_OUTAGE: Final = _counter("scrubjay_upstream_outage_seconds_total", "Time spent in outages.", "upstream")
UPSTREAM_INFLIGHT: Final = _gauge("scrubjay_upstream_inflight", "Requests to the upstream that wait for an answer.")
UPSTREAM_RETRIES: Final = _counter("scrubjay_upstream_retries_total", "Parcels sent again.")
MERGED_ENVELOPES: Final = _counter(
    "scrubjay_merged_envelopes_total", "Envelopes that were sent as part of another one."
)
BATCH_ENVELOPES: Final = _histogram(
    "scrubjay_batch_envelopes", "Envelopes in a batch to another scrubjay.", buckets=(*_COUNTS, 1024.0)
)
BATCH_BYTES: Final = _histogram(
    "scrubjay_batch_bytes", "Bytes of a batch to another scrubjay, as sent.", buckets=_SIZES_BYTES
)
BATCH_RECORDS: Final = _counter(
    "scrubjay_batch_records_total",
    "Records of batches that came in: taken, known already, dropped, or to come later.",
    "fate",
)
SPOOL_BYTES: Final = _gauge("scrubjay_spool_bytes", "Bytes of segment files.", "partition")
SPOOL_RECORDS: Final = _gauge("scrubjay_spool_records", "Records that wait.", "partition")
SPOOL_SEGMENTS: Final = _gauge("scrubjay_spool_segments", "Segment files.", "partition")
SPOOL_OLDEST_AGE: Final = _gauge("scrubjay_spool_oldest_age_seconds", "Age of the oldest record.", "partition")
SPOOL_CAPACITY: Final = _gauge("scrubjay_spool_capacity_bytes", "Bytes that the partition may use.", "partition")
SPOOL_APPEND_SECONDS: Final = _histogram("scrubjay_spool_append_duration_seconds", "One group, written and durable.")
SPOOL_FSYNC_SECONDS: Final = _histogram("scrubjay_spool_fsync_duration_seconds", "One synchronisation of a file.")
SPOOL_GROUP_SIZE: Final = _histogram("scrubjay_spool_group_size", "Records written together.", buckets=_COUNTS)
SPOOL_DROPPED: Final = _counter("scrubjay_spool_dropped_total", "Records given up.", "reason")
SPOOL_RECOVERED: Final = _counter("scrubjay_spool_recovered_records_total", "Records found at start.")
SPOOL_TORN_TAILS: Final = _counter("scrubjay_spool_torn_tails_total", "Half-written ends cut off at start.")
SPOOL_ADOPTIONS: Final = _counter(
    "scrubjay_spool_adoptions_total", "Partitions taken over from workers that are no more."
)
PROJECT_CONFIGS: Final = _gauge(
    "scrubjay_project_configs", "Projects with a plan, by its state.", "state", merge=Merge.MAX
)
PROJECT_FILE_ERRORS: Final = _counter("scrubjay_project_file_errors_total", "Project files that could not be used.")
CONFIG_ERRORS: Final = _counter(
    "scrubjay_config_errors_total",
    "Rules of projects that are not done as written, by kind: filter, sampling, quota. The log names them.",
    "kind",
)
MEMORY_RATIO: Final = _gauge("scrubjay_memory_ratio", "Memory in use, as a share of what may be used.", "worker")
LOOP_LAG: Final = _histogram("scrubjay_event_loop_lag_seconds", "How late the worker's timer came.", "worker")
WEBHOOKS: Final = _counter(
    "scrubjay_webhooks_total",
    "Webhooks by what became of them: delivered, failed after the last try, or dropped without one more.",
    "type",
    "result",
)
WORKERS: Final = _gauge("scrubjay_workers", "Workers whose heart beats.")
WORKER_RESTARTS: Final = _counter(
    "scrubjay_worker_restarts_total", "Workers that took the place of a dead one.", "worker"
)
CONFIG_GENERATION: Final = _gauge(
    "scrubjay_config_generation", "Successful loads of the configuration; the lowest of all workers.", merge=Merge.MIN
)
BUILD_INFO: Final = _gauge("scrubjay_build_info", "Always 1.", "version", merge=Merge.MAX)

METRICS: Final[tuple[Metric, ...]] = tuple(row for row in list(globals().values()) if isinstance(row, Metric))
_BY_NAME: Final = {row.name: row for row in METRICS}


def render_page(metrics: Iterable[Metric] = METRICS) -> str:
    """`docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Generated from `runtime/metrics.py`; do not edit. All are served at `GET /metrics` in the Prometheus text format,",
        "summed over all workers whichever of them is asked. Counters go on where they were when a worker restarts.",
        "",
        "| metric | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for row in metrics:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `{row.name}` | {row.kind} | {labels} | {row.doc} |")
    lines += [
        "",
        "The account always closes: for each category, `scrubjay_items_received_total` equals the sum of",
        "`scrubjay_outcomes_total` and `scrubjay_items_held`, but for the requests that are being answered at that moment.",
        "",
    ]
    return "\n".join(lines)
