"""The table of metrics.

Owns the names (`upstream-and-operations.md` 9.7), their labels, how values of several workers merge, and what is shown as 0 before it
happens. Their numbers are `values`; `telemetry` decides when to add, `state` writes and merges, `exposition` shows, `metrics_page` makes
`docs/metrics.md` of the table. Invariant: a counter never falls.
"""

from __future__ import annotations

from typing import Final, get_args

from scrubjay.core.items import KINDS
from scrubjay.outcomes import Outcome
from scrubjay.reasons import REASONS
from scrubjay.runtime.series import Kind, Labels, Merge, Metric
from scrubjay.settings.decisions import WebhookEvent

_SHORT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_S: Final = (1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)
_COUNTS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_LONG_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 86_400.0)
_SIZES_BYTES: Final = (1e3, 4e3, 16e3, 64e3, 256e3, 512e3, 1e6, 2e6, 4e6, 16e6)


def _counter(name: str, doc: str, *labels: str, known: tuple[Labels, ...] = ()) -> Metric:
    return Metric(name, Kind.COUNTER, doc, labels, known=known if labels else ((),))


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
LOSSES: Final = _counter(
    "scrubjay_losses_total",
    "Times that something was lost without being meant to; how much is in the outcome `lost`.",
    "reason",
    known=tuple((reason.code,) for reason in REASONS if reason.outcome is Outcome.LOST and not reason.intended),
)
PROJECT_OUTCOMES: Final = _counter(
    "scrubjay_project_outcomes_total",
    "Quantities by how they ended, of the 50 busiest projects, where `metrics.per_project` is on.",
    "project",
    "outcome",
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
    known=tuple((name,) for name in (*KINDS, "unknown")),
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
UPSTREAM_BODY_BYTES: Final = _histogram(
    "scrubjay_upstream_body_bytes", "Body of a request to the upstream, as sent.", "route", buckets=_SIZES_BYTES
)
SIGNATURE_SECONDS: Final = _histogram(
    "scrubjay_signature_duration_seconds", "Signing a request to another relay.", buckets=_STAGE_S
)
WAIT_SECONDS: Final = _histogram(
    "scrubjay_wait_seconds", "From receiving to the first try to send, of the oldest in a request.", buckets=_LONG_S
)
DELIVERY_SECONDS: Final = _histogram(
    "scrubjay_delivery_seconds",
    "From receiving to the upstream's word that it has it, of the oldest in a request.",
    buckets=_LONG_S,
)
UPSTREAM_UP: Final = _gauge("scrubjay_upstream_up", "0 during an outage.", "upstream", merge=Merge.MIN)
UPSTREAM_OUTAGE: Final = _counter("scrubjay_upstream_outage_seconds_total", "Time spent in outages.", "upstream")
AUTH_STATE: Final = _gauge(
    "scrubjay_auth_state",
    "Whether the upstream knows our signature: 0 not asked, 1 registering, 2 it does, 3 renewing, 4 it refuses.",
    merge=Merge.MAX,
)
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
SPOOL_READ_SECONDS: Final = _histogram(
    "scrubjay_spool_read_duration_seconds", "Reading the next part of what is on disk alone."
)
SPOOL_GROUP_SIZE: Final = _histogram("scrubjay_spool_group_size", "Records written together.", buckets=_COUNTS)
SPOOL_DROPPED: Final = _counter(
    "scrubjay_spool_dropped_total",
    "Records given up.",
    "reason",
    known=(("expired",), ("evicted",), ("corrupt",), ("io",)),
)
SPOOL_ERRORS: Final = _counter(
    "scrubjay_spool_errors_total", "Times that the disk refused what was to be written to spool or state folder."
)
SHED_CATEGORIES: Final = _gauge(
    "scrubjay_shed_categories", "Kinds of data that are refused now for want of room.", merge=Merge.MAX
)
SPOOL_RECOVERED: Final = _counter("scrubjay_spool_recovered_records_total", "Records found at start.")
SPOOL_TORN_TAILS: Final = _counter("scrubjay_spool_torn_tails_total", "Half-written ends cut off at start.")
SPOOL_ADOPTIONS: Final = _counter(
    "scrubjay_spool_adoptions_total", "Partitions taken over from workers that are no more."
)
PROJECT_CONFIGS: Final = _gauge(
    "scrubjay_project_configs", "Projects with a plan, by its state.", "state", merge=Merge.MAX
)
PROJECT_STALE: Final = _gauge(
    "scrubjay_project_config_stale_seconds",
    "How long a project file has been unusable, so that an older version is in force (source `file`), or by how long the oldest fetched "
    "configuration in use is past its time (`fetched`); 0: all are as they should be.",
    "source",
    merge=Merge.MAX,
)
WAITING_ENVELOPES: Final = _gauge(
    "scrubjay_waiting_envelopes", "Envelopes held until their project's configuration is known (mode `managed`)."
)
WAITING_BYTES: Final = _gauge("scrubjay_waiting_bytes", "Their bytes.")
WAITING_CAPACITY: Final = _gauge(
    "scrubjay_waiting_capacity_bytes", "Bytes that may wait so (`spool.envelopes.pending_max_bytes`)."
)
WAITING_OLDEST_AGE: Final = _gauge(
    "scrubjay_waiting_oldest_age_seconds", "Age of the one that has waited longest.", merge=Merge.MAX
)
CONFIG_QUERIES: Final = _counter(
    "scrubjay_project_config_queries_total",
    "Requests to the upstream for configurations of projects: ok, or failed.",
    "result",
    known=(("ok",), ("failed",)),
)
CONFIG_QUERY_SECONDS: Final = _histogram(
    "scrubjay_project_config_query_duration_seconds", "Such a request, from asking to its answer."
)
CONFIGS_PENDING: Final = _gauge(
    "scrubjay_project_configs_pending", "Keys whose configuration is asked for and not known yet.", merge=Merge.MAX
)
CONFIGS_UNREADABLE: Final = _counter(
    "scrubjay_project_configs_unreadable_total",
    "Fetched configurations that could not be used: the last good one stays in force, or the key waits. The log names them.",
)
CONFIG_EVICTIONS: Final = _counter(
    "scrubjay_project_config_evictions_total", "Fetched configurations that were forgotten, since nobody used them."
)
GLOBAL_FETCHES: Final = _counter(
    "scrubjay_global_config_fetches_total",
    "Requests for what goes for all projects: ready, pending where the upstream is working it out, or failed.",
    "result",
    known=(("ready",), ("pending",), ("failed",)),
)
TLS_FAILURES: Final = _counter(
    "scrubjay_tls_handshakes_failed_total",
    "TLS connections of clients that came to nothing, by why: timeout, gone, plain_http, garbage, version, cipher, no_certificate, "
    "untrusted (the client's certificate), distrusts_us (the client does not trust ours), other.",
    "reason",
)
PROJECT_FILE_ERRORS: Final = _counter("scrubjay_project_file_errors_total", "Project files that could not be used.")
CONFIG_ERRORS: Final = _counter(
    "scrubjay_config_errors_total",
    "Parts of projects that are not done as written, by kind: filter, sampling, quota, project. The log names them.",
    "kind",
)
RULES_LEFT_OUT: Final = _gauge(
    "scrubjay_rules_left_out", "Parts of plans in force that are not done as written.", "kind", merge=Merge.MAX
)
CONNECTIONS: Final = _gauge("scrubjay_connections", "Connections of clients that are open.")
SELF_REPORTS: Final = _counter(
    "scrubjay_self_reports_total",
    "Errors and warnings of the relay itself, reported to `sentry.dsn`: sent, failed, limited (more than ten a minute), or own: not told, "
    "since it was about the reports themselves.",
    "result",
    known=(("sent",), ("failed",), ("limited",), ("own",)),
)
MEMORY_RATIO: Final = _gauge("scrubjay_memory_ratio", "Memory in use, as a share of what may be used.", "worker")
LOOP_LAG: Final = _histogram("scrubjay_event_loop_lag_seconds", "How late the worker's timer came.", "worker")
WEBHOOKS: Final = _counter(
    "scrubjay_webhooks_total",
    "Webhooks by what became of them: delivered, failed after the last try, or dropped without one more.",
    "type",
    "result",
    known=tuple((name, result) for name in get_args(WebhookEvent) for result in ("delivered", "failed", "dropped")),
)
WORKERS: Final = _gauge("scrubjay_workers", "Workers whose heart beats.")
WORKERS_EXPECTED: Final = _gauge("scrubjay_workers_expected", "Workers that there should be.", merge=Merge.MAX)
WORKER_RESTARTS: Final = _counter(
    "scrubjay_worker_restarts_total", "Workers that took the place of a dead one.", "worker"
)
CONFIG_GENERATION: Final = _gauge(
    "scrubjay_config_generation", "Successful loads of the configuration; the lowest of all workers.", merge=Merge.MIN
)
CONFIG_REFUSED: Final = _gauge(
    "scrubjay_config_refused", "1 while the last change of the configuration could not be used.", merge=Merge.MAX
)
TLS_EXPIRY: Final = _gauge(
    "scrubjay_tls_expiry_seconds",
    "Until the certificate that a listener shows ends; negative: since it ended.",
    "listener",
    merge=Merge.MIN,
)
CERTIFICATES_REFUSED: Final = _gauge(
    "scrubjay_certificates_refused",
    "1 while new certificates could not be used, and the old ones are: of a listener, or towards the upstream.",
    "of",
    merge=Merge.MAX,
)
INTERNAL_ERRORS: Final = _counter("scrubjay_internal_errors_total", "Exceptions that nobody expected: always a bug.")
CLOCK: Final = _gauge("scrubjay_clock_seconds", "Our clock when we were asked, in Unix seconds.", merge=Merge.MAX)
CPU_RATIO: Final = _gauge(
    "scrubjay_cpu_ratio", "Processors that a worker used between its last two looks at itself.", "worker"
)
PROCESS_CPU: Final = _counter("process_cpu_seconds_total", "Processor time used, by worker.", "worker")
PROCESS_RSS: Final = _gauge("process_resident_memory_bytes", "Memory in RAM.", "worker")
PROCESS_FDS: Final = _gauge("process_open_fds", "Open file descriptors.", "worker")
PROCESS_MAX_FDS: Final = _gauge("process_max_fds", "File descriptors that may be open.", "worker")
PROCESS_START: Final = _gauge("process_start_time_seconds", "When the process started, in Unix seconds.", "worker")
BUILD_INFO: Final = _gauge("scrubjay_build_info", "Always 1.", "version", merge=Merge.MAX)

METRICS: Final[tuple[Metric, ...]] = tuple(row for row in list(globals().values()) if isinstance(row, Metric))
BY_NAME: Final = {row.name: row for row in METRICS}
