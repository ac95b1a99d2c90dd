"""`GET /api/relay/autoscaling/`: the few numbers by which replicas are added and removed, under the reference's names.

`upstream-and-operations.md` 9.1. Whoever scaled a relay by them goes on without a change. What they mean here: memory is the share of
what may be used; the spool's numbers are sums over all partitions; utilization is the processor time of the workers in percent of one
processor each, since a worker has one thread that does the work: of each (`relay_service_utilization`), of the busiest (the pool, which
refuses nobody before all are busy, but makes the clients of that worker wait), and of all on average (the runtime).
"""

from __future__ import annotations

from typing import Final

from scrubjay.runtime import metrics
from scrubjay.runtime.state import Merged

_SERVICE: Final = "worker"
_MOST_PERCENT: Final = 100


def autoscaling(merged: Merged, *, is_up: bool) -> str:
    """Prometheus text."""
    series = merged.values.series
    busy = {worker: _percent(share) for (worker,), share in sorted(series[metrics.CPU_RATIO.name].items())}
    memory = max(series[metrics.MEMORY_RATIO.name].values(), default=0.0)
    records = sum(series[metrics.SPOOL_RECORDS.name].values())
    size_bytes = sum(series[metrics.SPOOL_BYTES.name].values())
    mean = round(sum(busy.values()) / len(busy)) if busy else 0
    return "".join(
        [
            _gauge("relay_memory_usage", "Share of the memory that may be used.", f" {memory:g}"),
            _gauge("relay_up", "1 until it stops.", f" {int(is_up)}"),
            _gauge("relay_spool_item_count", "Envelopes that wait on disk.", f" {records:.0f}"),
            _gauge("relay_spool_total_size", "Bytes of the spool.", f" {size_bytes:.0f}"),
            _gauge(
                "relay_service_utilization",
                "Percent of a processor that a worker uses.",
                *[
                    f'{{relay_service="{_SERVICE}",instance_id="{worker}"}} {percent}'
                    for worker, percent in busy.items()
                ],
            ),
            _gauge(
                "relay_worker_pool_utilization",
                "The same of the busiest worker.",
                f" {max(busy.values(), default=0)}",
            ),
            _gauge("relay_runtime_utilization", "The same of all workers, on average.", f" {mean}"),
        ]
    )


def _percent(share: float) -> int:
    return min(_MOST_PERCENT, round(100 * share))


def _gauge(name: str, doc: str, *samples: str) -> str:
    lines = [f"# HELP {name} {doc}", f"# TYPE {name} gauge", *[f"{name}{sample}" for sample in samples]]
    return "\n".join(lines) + "\n" if samples else ""
