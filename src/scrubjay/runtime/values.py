"""All numbers of a process, by metric: what they are added to, written from and merged into.

Which metrics there are is `metrics`' table. Invariant: rows that another version wrote are left out rather than misread.
"""

from __future__ import annotations

from scrubjay.runtime.metrics import BY_NAME, METRICS
from scrubjay.runtime.series import BucketRows, Buckets, Kind, Labels, Merge, Metric, Rows, Series


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
            metric = BY_NAME.get(name)
            if metric is None or metric.kind is Kind.HISTOGRAM or (metric.kind is Kind.GAUGE and not gauges):
                continue
            for labels, value in rows:
                if len(labels) == len(metric.labels):
                    self._merge(metric, labels, value)
        for name, bucket_rows in histograms.items():
            metric = BY_NAME.get(name)
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
