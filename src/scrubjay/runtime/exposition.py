"""The numbers of all workers as Prometheus text (`upstream-and-operations.md` 9.7).

A module of its own because its library takes a while to import: nobody needs it before the first scrape.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.series import Kind
from scrubjay.runtime.state import Merged


class _Merged(Collector):
    def __init__(self, merged: Merged) -> None:
        self._values = merged.values

    def collect(self) -> Iterator[Family]:
        for row in METRICS:
            family = Family(row.name.removesuffix("_total"), row.doc, row.kind.value)
            if row.kind is Kind.HISTOGRAM:
                for labels, counts in self._values.histograms[row.name].items():
                    _add_histogram(family, dict(zip(row.labels, labels, strict=True)), row.buckets, counts)
            else:
                series = self._values.series[row.name]
                for labels, value in {**dict.fromkeys(row.known, 0.0), **series}.items():
                    family.add_sample(row.name, dict(zip(row.labels, labels, strict=True)), value)
            if family.samples:
                yield family


def _add_histogram(family: Family, labels: dict[str, str], bounds: tuple[float, ...], counts: list[float]) -> None:
    seen = 0.0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=False):
        seen += count
        family.add_sample(f"{family.name}_bucket", {**labels, "le": bound}, seen)
    family.add_sample(f"{family.name}_count", labels, seen)
    family.add_sample(f"{family.name}_sum", labels, counts[-1])


def exposition(merged: Merged) -> bytes:
    """The Prometheus text of all workers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(merged))
    return generate_latest(registry)
