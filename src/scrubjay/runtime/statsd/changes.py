"""From the numbers of all workers to lines of DogStatsD: what was added since the last look, and how things stand.

A histogram has forgotten its single values, so each of its buckets that grew is sent as one value with the share that it stands for (`|@0.25`:
four times): the middle of the bucket, moved so far that the sum of all is the true one. That costs the same whatever the traffic, and nothing where it is measured.

Invariant: what is sent as added up never exceeds what was counted: while the books of a slot change hands a sum may dip, and the rise after it is none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.series import Kind, Labels, Metric
from scrubjay.runtime.statsd.names import Name, names_of
from scrubjay.runtime.values import Values

_UNSENDABLE: Final = re.compile(r"[|,\s]")
"""What would end a tag."""

Tags = tuple[tuple[str, str], ...]


class Changes:
    """Looked at for the first time, nothing has been added."""

    def __init__(self, prefix: str, tags: Iterable[tuple[str, str]], first: Values) -> None:
        self._prefix = f"{prefix}." if prefix else ""
        self._tags = tuple(tags)
        self._names = {metric.name: names_of(metric) for metric in METRICS}
        self._counted: dict[tuple[Name, Labels], float] = {}
        self._observed: dict[tuple[str, Labels], list[float]] = {}
        self._note(first)

    def _note(self, values: Values) -> None:
        for _ in self.added(values):
            pass

    def added(self, values: Values) -> Iterator[str]:
        """What came since the last look."""
        for metric in METRICS:
            names = self._names[metric.name]
            if metric.kind is Kind.HISTOGRAM:
                for labels, row in values.histograms[metric.name].items():
                    yield from self._of_histogram(metric, names, labels, row)
            else:
                for name in names:
                    if name.type == "c":
                        yield from self._of_counter(name, values.series[metric.name])

    def standing(self, values: Values) -> Iterator[str]:
        """How things stand."""
        for metric in METRICS:
            if metric.kind is not Kind.GAUGE:
                continue
            for name in self._names[metric.name]:
                if name.type == "g":
                    for tags, value in _summed(name, values.series[metric.name]).items():
                        yield self.line(name.text, float(not value) if name.is_inverted else value, "g", tags)

    def line(self, text: str, value: float, kind: str, tags: Tags = (), rate: float = 1.0) -> str:
        parts = [f"{self._prefix}{text}:{_number(value)}", kind]
        if rate < 1:
            parts.append(f"@{rate:.6g}")
        told = ",".join(f"{name}:{_UNSENDABLE.sub('_', value)}" for name, value in (*tags, *self._tags))
        if told:
            parts.append(f"#{told}")
        return "|".join(parts)

    def _of_counter(self, name: Name, series: Mapping[Labels, float]) -> Iterator[str]:
        added: defaultdict[Tags, float] = defaultdict(float)
        for labels, value in series.items():
            before = self._counted.get((name, labels), 0.0)
            if value > before:
                self._counted[name, labels] = value
                added[_tags(name, labels)] += value - before
        for tags, amount in added.items():
            yield self.line(name.text, amount, "c", tags)

    def _of_histogram(self, metric: Metric, names: tuple[Name, ...], labels: Labels, row: list[float]) -> Iterator[str]:
        before = self._observed.get((metric.name, labels))
        if before is None:
            before = [0.0] * len(row)
        if sum(row[:-1]) <= sum(before[:-1]):
            return
        self._observed[metric.name, labels] = list(row)
        grown = [max(0.0, now - then) for now, then in zip(row, before, strict=True)]
        for value, count in _representatives(metric.buckets, grown):
            for name in names:
                yield self.line(name.text, value * name.factor, name.type, _tags(name, labels), 1 / count)


def _representatives(bounds: tuple[float, ...], grown: list[float]) -> Iterator[tuple[float, float]]:
    """A value and how many it stands for, for each bucket that grew. `grown`: buckets, the infinite one, the sum of all values."""
    edges = (0.0, *bounds, bounds[-1])
    middles = [(edges[at] + edges[at + 1]) / 2 for at in range(len(bounds) + 1)]
    guessed = sum(middle * count for middle, count in zip(middles, grown[:-1], strict=True))
    factor = grown[-1] / guessed if guessed else 0.0
    for middle, count in zip(middles, grown[:-1], strict=True):
        if count:
            yield middle * factor, count


def _summed(name: Name, series: Mapping[Labels, float]) -> dict[Tags, float]:
    sums: defaultdict[Tags, float] = defaultdict(float)
    for labels, value in series.items():
        sums[_tags(name, labels)] += value
    return sums


def _tags(name: Name, labels: Labels) -> Tags:
    return tuple((tag, label) for tag, label in zip(name.tags, labels, strict=True) if tag and label)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")
