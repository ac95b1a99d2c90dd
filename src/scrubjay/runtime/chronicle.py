"""What this worker shows of itself: its state file, once a second, and the numbers of all workers when somebody asks.

What is counted is `telemetry`'s business, what the file looks like `state`'s, what the numbers read like `exposition`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from scrubjay.categories import Quantities
from scrubjay.runtime.account import Held
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.standing import Standings
from scrubjay.runtime.state import Merged, Snapshot, StateFile, merge, read_states
from scrubjay.runtime.telemetry import Telemetry


class Chronicle:
    """`held` tells what is accepted and has not ended, `partitions` what is open: the slot's own first, which alone takes what is new."""

    def __init__(
        self,
        file: StateFile,
        telemetry: Telemetry,
        held: Callable[[], Held],
        partitions: Callable[[], Sequence[Partition]] = tuple,
    ) -> None:
        self._file = file
        self._telemetry = telemetry
        self._held = held
        self._partitions = partitions
        self.standings: Standings | None = None
        """Set when there is something that limits."""

    def write(self, *, stopped: bool = False) -> None:
        """Replaces the state file; `stopped`: for the last time, and in order."""
        self._telemetry.spool_left()
        for partition in self._partitions():
            usage = partition.usage
            self._telemetry.spool_usage(
                f"p{partition.slot:02d}",
                size_bytes=usage.size_bytes,
                records=usage.records,
                segments=usage.segments,
                oldest_age_s=0.0 if usage.oldest_ms is None else max(0.0, time.time() - usage.oldest_ms / 1000),
                capacity_bytes=partition.capacity_bytes,
            )
        try:
            self._file.write(self._snapshot(stopped=stopped))
        except OSError as error:
            self._telemetry.spool_error("the state file cannot be written", error)

    def inherit(self, slot: int, found: Quantities, damaged_records: int = 0) -> None:
        """Takes over the books of a slot that is no more, whose partition held so much; its file goes when ours says the same."""
        file = StateFile(self._file.folder, slot)
        self._telemetry.inherit(slot, file.load(), found, damaged_records)
        self.write()
        try:
            file.remove()
        except OSError as error:
            self._telemetry.spool_error("the state file of an adopted slot cannot be removed", error)

    def metrics(self) -> str:
        """Written before it is shown: a counter that somebody saw must not fall when the process is killed a moment later."""
        from scrubjay.runtime.exposition import exposition  # noqa: PLC0415  slow to import, and no start needs it

        self.write()
        return exposition(self.merged()).decode()

    def merged(self) -> Merged:
        """All workers of the instance, this one as it is now."""
        mine = self._snapshot()
        others = [other for other in read_states(self._file.folder).workers if other.slot != mine.slot]
        return merge([mine, *others])

    def as_written(self) -> Merged:
        """All workers as their files say, this one too. Looks at nothing that changes in memory, and so may run in a thread."""
        return read_states(self._file.folder)

    def _snapshot(self, *, stopped: bool = False) -> Snapshot:
        snapshot = self._telemetry.snapshot(self._held(), stopped=stopped)
        if self.standings is not None:
            rows = self.standings.rows(time.monotonic(), time.time())
            snapshot.windows, snapshot.limits, snapshot.surges = rows
        return snapshot

    def __repr__(self) -> str:
        return f"<Chronicle {self._file!r}>"
