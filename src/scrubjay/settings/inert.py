"""Keys that are known and have no effect: a configuration of the reference loads, and nothing pretends to work.

`ELSEWHERE` is what has no counterpart in a relay of this kind, with the reason: one line of information names what was found. A name that
ends in `.` stands for everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "storing and normalising is the server's business": (
        "processing.",
        "geoip.",
        "normalization.",
        "cogs.",
        "upload.",
        "limits.max_upload_size",
    ),
    "metrics leave as they came, in their envelope": (
        "aggregator.",
        "secondary_aggregators.",
        "http.global_metrics",
    ),
    "a cached configuration is judged whenever it is used": ("cache.eviction_interval",),
    "what is accepted is written to the spool at once, in a partition for each worker": (
        "cache.envelope_buffer_size",
        "cache.envelope_expiry",
        "spool.envelopes.disk_usage_refresh_frequency_ms",
        "spool.envelopes.flush_timeout_secs",
        "spool.envelopes.partitioning",
        "spool.envelopes.partitions",
    ),
    "readiness is worked out at each probe, from what is known": (
        "health.probe_timeout_ms",
        "health.refresh_interval_ms",
    ),
    "a worker is one thread and its helpers; see `relay.workers`": ("limits.max_pool_concurrency",),
    "payloads are never logged": ("logging.log_failed_payloads",),
    "client reports name no source": ("outcomes.source",),
    "nothing depends on it": ("relay.instance",),
}
ELSEWHERE: Final[Mapping[str, str]] = {name: why for why, names in _REASONS.items() for name in names}
"""Name → why it has no effect."""


def covers(names: Iterable[str], key: str) -> bool:
    """Whether `key` is one of `names` or stands below one."""
    return any(name == key or (name.endswith(".") and f"{key}.".startswith(name)) for name in names)


def why(key: str) -> str:
    """Why a key that `ELSEWHERE` covers has no effect."""
    return next(reason for name, reason in ELSEWHERE.items() if covers((name,), key))


def by_reason() -> Iterator[tuple[str, tuple[str, ...]]]:
    """(why, names), for pages."""
    yield from _REASONS.items()
