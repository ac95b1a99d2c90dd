"""What clients were told is safe, set against what arrived: nothing of it may be missing, and what came twice must have a reason.

Owns the comparison alone; the book of acknowledgements is `steady_load`'s, that of arrivals `recorder`'s. Nothing here knows the product.

The reason for a second arrival is a death: what the server took shortly before it is taken again, since the note that it was done had
not reached the disk (`upstream-and-operations.md` 7.5: within a second). A duplicate without a death beside its first arrival is astray.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from support.processes import wait_for
from support.recorder import Recorder

ACK_DELAY_S = 1.0
"""The window of the specification."""
GRACE_S = 5.0
"""What a busy machine may add to it, before the death and after: requests under way, a thread that waits for its turn."""


@dataclass(frozen=True)
class Verdict:
    """`astray`: arrived again although nobody had died about when it arrived first."""

    acknowledged: int
    lost: frozenset[str]
    duplicates: int
    astray: frozenset[str]

    def __str__(self) -> str:
        lost, astray = len(self.lost), len(self.astray)
        return f"{self.acknowledged} acknowledged, {lost} lost, {self.duplicates} duplicates, {astray} of them astray"


class Arrivals:
    """When each event was taken by the server, read from the recorder as it grows."""

    def __init__(self, recorder: Recorder) -> None:
        self.times: dict[str, list[float]] = {}
        self._recorder = recorder
        self._seen = 0

    def update(self) -> Arrivals:
        fresh = self._recorder.deliveries[self._seen :]
        self._seen += len(fresh)
        for delivery in fresh:
            if delivery.status == 200:
                name = delivery.envelope()[0].get("event_id")
                if name is not None:
                    self.times.setdefault(name, []).append(delivery.at_mono)
        return self

    def wait_for(self, acknowledged: Iterable[str], *, timeout_s: float = 120.0) -> None:
        """Until all of it has arrived, or the time is over: `judge` says what is missing then."""
        expected = set(acknowledged)
        try:
            wait_for(lambda: expected <= self.update().times.keys(), "all has arrived", timeout_s=timeout_s)
        except AssertionError:
            self.update()


def judge(acknowledged: Iterable[str], times: dict[str, list[float]], deaths_mono: Sequence[float]) -> Verdict:
    """`deaths_mono`: when a process was killed."""
    promised = set(acknowledged)

    def is_explained(at_mono: float) -> bool:
        return any(-GRACE_S <= death - at_mono <= ACK_DELAY_S + GRACE_S for death in deaths_mono)

    repeated = {name: all_times for name, all_times in times.items() if len(all_times) > 1}
    return Verdict(
        len(promised),
        frozenset(promised - times.keys()),
        sum(len(all_times) - 1 for all_times in repeated.values()),
        frozenset(name for name, found in repeated.items() if not all(map(is_explained, sorted(found)[:-1]))),
    )
