"""What a relay in mode `managed` has of its upstream, out of the state files: registration, configurations, what waits for one.

For `scrubjay status` and `scrubjay doctor`; the numbers are those of `/metrics` (`upstream-and-operations.md` 9.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scrubjay.runtime import metrics
from scrubjay.runtime.series import Metric
from scrubjay.runtime.state import Merged, Snapshot

_STATES: Final = ("unknown", "registering", "registered", "renewing", "denied")
"""By number."""
_WORST_FIRST: Final = ("denied", "unknown", "registering", "renewing", "registered")
_AUTH: Final = metrics.AUTH_STATE.name


@dataclass(frozen=True, slots=True)
class UpstreamWord:
    """`registration`: of several workers the worst. `configs`: projects by state. `stale_s`: by how long the oldest in use is past its time."""

    registration: str
    configs: dict[str, int]
    stale_s: float
    waiting: int
    waiting_bytes: int
    waiting_capacity_bytes: int
    oldest_age_s: float

    @property
    def is_registered(self) -> bool:
        return self.registration in ("registered", "renewing")


def upstream_word(merged: Merged) -> UpstreamWord | None:
    """None: the relay that runs is in another mode."""
    series = merged.values.series
    configs = series[metrics.PROJECT_CONFIGS.name]
    if not merged.alive or ("pending",) not in configs:
        return None

    def number(metric: Metric) -> float:
        return series[metric.name].get((), 0.0)

    return UpstreamWord(
        registration=min(map(_registration, merged.alive), key=_WORST_FIRST.index),
        configs={
            "known": int(configs.get(("fetched",), 0)),
            "disabled": int(configs.get(("fetched_disabled",), 0)),
            "pending": int(configs[("pending",)]),
        },
        stale_s=series[metrics.PROJECT_STALE.name].get(("fetched",), 0.0),
        waiting=int(number(metrics.WAITING_ENVELOPES)),
        waiting_bytes=int(number(metrics.WAITING_BYTES)),
        waiting_capacity_bytes=int(number(metrics.WAITING_CAPACITY)),
        oldest_age_s=number(metrics.WAITING_OLDEST_AGE),
    )


def _registration(worker: Snapshot) -> str:
    return _STATES[int(dict(worker.series.get(_AUTH, ())).get((), 0))]
