"""The plain numbers behind the metrics: what one is, and the containers that the hot path adds to.

Dictionaries of numbers, no locks, no objects per label set. Which metrics there are is `metrics`' business.

Invariants: a series never holds more than `MAX_SERIES` label sets (what clients choose must not grow our memory), and the sum over all
label sets stays exact.
"""

from __future__ import annotations

from bisect import bisect_left
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
    """One row. `buckets` are the upper bounds of a histogram, without the infinite one.

    `known`: label values that are shown as 0 before anything happened. Who watches a counter sees its first step only so: a series that
    begins at 1 has, for Prometheus, not grown.
    """

    name: str
    kind: Kind
    doc: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    merge: Merge = Merge.SUM
    known: tuple[Labels, ...] = ()


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
