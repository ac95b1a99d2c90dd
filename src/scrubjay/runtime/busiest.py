"""Numbers per project, of the projects that have most to show (`metrics.per_project`).

Projects are what clients name, so that there may be any number of them. Kept are the `_KEPT` with most, shown the `SHOWN` first of them. When
there is no room for a new one it takes the place of the least, and begins with nothing: its counts are those since then.

Invariant: the counts of a project only grow for as long as it is kept; where one was forgotten and comes back, Prometheus sees a restart.
"""

from __future__ import annotations

from typing import Final

from scrubjay.runtime.series import Labels, Series

SHOWN: Final = 50
_KEPT: Final = 500


class Busiest:
    """Totals of projects over a series whose first label is the project."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._totals: dict[str, float] = {}
        self._rows: dict[str, set[Labels]] = {}
        self.recount()

    def recount(self) -> None:
        """Somebody else has added to the series."""
        self._totals.clear()
        self._rows.clear()
        for labels, amount in self._series.items():
            self._note(labels, amount)

    def add(self, labels: Labels, amount: float) -> None:
        """`labels[0]` is the project."""
        if labels[0] not in self._totals and len(self._totals) >= _KEPT:
            self._forget(min(self._totals, key=self._totals.__getitem__))
        self._note(labels, amount)
        self._series[labels] = self._series.get(labels, 0) + amount

    def _note(self, labels: Labels, amount: float) -> None:
        project = labels[0]
        self._totals[project] = self._totals.get(project, 0) + amount
        self._rows.setdefault(project, set()).add(labels)

    def _forget(self, project: str) -> None:
        del self._totals[project]
        for labels in self._rows.pop(project):
            del self._series[labels]

    def __repr__(self) -> str:
        return f"<Busiest of {len(self._totals)} projects>"


def shown(series: Series) -> Series:
    """The rows of the projects with most, of all workers."""
    totals: dict[str, float] = {}
    for labels, amount in series.items():
        totals[labels[0]] = totals.get(labels[0], 0) + amount
    chosen = sorted(totals, key=lambda project: (-totals[project], project))[:SHOWN]
    keep = frozenset(chosen)
    return Series({labels: amount for labels, amount in series.items() if labels[0] in keep})
