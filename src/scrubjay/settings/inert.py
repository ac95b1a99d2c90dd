"""Keys that are known and have no effect: a configuration of the reference loads, and nothing pretends to work.

`ELSEWHERE` is what belongs to processing, storage or registration and will not be felt in a relay of this kind: one line of
information names what was found. `NOT_YET` is what an operator may count on and this version does not do: each is a warning.
A name that ends in `.` stands for everything below it.
"""

from __future__ import annotations

from typing import Final

ELSEWHERE: Final[frozenset[str]] = frozenset(
    {
        "processing.",
        "geoip.",
        "normalization.",
        "cogs.",
        "upload.",
        "aggregator.",
        "secondary_aggregators.",
        "http.global_metrics",
        "http.auth_interval",
        "http.project_failure_interval",
        "cache.project_request_full_config",
        "cache.project_expiry",
        "cache.project_grace_period",
        "cache.project_refresh_interval",
        "cache.relay_expiry",
        "cache.batch_interval",
        "cache.downstream_relays_batch_interval",
        "cache.batch_size",
        "cache.global_config_fetch_interval",
        "cache.envelope_buffer_size",
        "cache.envelope_expiry",
        "cache.eviction_interval",
        "cache.persist",
        "spool.envelopes.flush_timeout_secs",
        "spool.envelopes.partitions",
        "spool.envelopes.partitioning",
        "spool.envelopes.disk_usage_refresh_frequency_ms",
        "spool.envelopes.pending",
        "spool.envelopes.pending_max_bytes",
        "limits.max_concurrent_queries",
        "limits.query_timeout",
        "limits.max_thread_count",
        "limits.max_pool_concurrency",
        "limits.max_replay_size",
        "limits.max_upload_size",
        "logging.enable_backtraces",
        "logging.log_failed_payloads",
        "outcomes.source",
        "auth.ready",
        "auth.registration",
        "relay.advertised_upstream",
        "relay.advertised_version",
        "relay.instance",
        "health.refresh_interval_ms",
        "health.probe_timeout_ms",
        "health.memory_stat_refresh_frequency_ms",
    }
)

NOT_YET: Final[frozenset[str]] = frozenset(
    {
        "compat.outcomes_endpoint",
        "capture.fetch_sourcemaps",
        "capture.mcp",
    }
)


def covers(names: frozenset[str], key: str) -> bool:
    """Whether `key` is one of `names` or stands below one."""
    return key in names or any(name.endswith(".") and f"{key}.".startswith(name) for name in names)
