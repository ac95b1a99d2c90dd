"""What this worker shows of itself: its state file, once a second, and the numbers of all workers when somebody asks.

What is counted is `telemetry`'s business, what the file looks like `state`'s, what the numbers read like `exposition`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from scrubjay.categories import Quantities
from scrubjay.runtime.account import Held, by_name
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.standing import Standings
from scrubjay.runtime.state import Merged, Snapshot, StateFile, adopted_snapshot, merge, read_states
from scrubjay.runtime.telemetry import Telemetry


class Chronicle:
    """`held` tells what is accepted and has not ended, `partitions` what is open: the slot's own first, which alone takes what is new.

    Each partition that was adopted keeps a state file of its own, which says what it still holds and nothing else. So every file closes by itself,
    whoever ends when.
    """

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
        self.adopted: Callable[[], Mapping[int, Quantities]] = dict
        """What other slots' partitions hold that are served here."""
        self._wards: set[int] = set()
        """Slots whose files are ours to write."""
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
        mine, *wards = self._snapshots(stopped=stopped)
        try:
            for ward in wards:  # first: what ended since then is told nowhere after a kill, rather than twice
                StateFile(self._file.folder, ward.slot).write(ward)
            self._file.write(mine)
            for slot in self._wards - {ward.slot for ward in wards}:
                StateFile(self._file.folder, slot).remove()
                self._wards.remove(slot)
        except OSError as error:
            self._telemetry.spool_error("the state file cannot be written", error)
        self._let_go()

    def _let_go(self) -> None:
        """What ended is in the books now and may leave the disk; never before, or a kill in between would leave it nowhere."""
        for partition in self._partitions():
            partition.before_acks = self.write
            partition.flush_acks()

    def inherit(self, slot: int, found: Quantities, damaged_records: int = 0) -> None:
        """Takes over the books of a slot that is no more, whose partition held so much; its file then says what it still holds."""
        file = StateFile(self._file.folder, slot)
        self._telemetry.inherit(slot, file.load(), found, damaged_records)
        self._wards.add(slot)
        try:
            file.remove()
        except OSError as error:
            self._telemetry.spool_error("the state file of an adopted slot cannot be removed", error)
        self.write()

    def metrics(self) -> str:
        """Written before it is shown: a counter that somebody saw must not fall when the process is killed a moment later."""
        from scrubjay.runtime.exposition import exposition  # noqa: PLC0415  slow to import, and no start needs it

        self.write()
        return exposition(self.merged()).decode()

    def merged(self) -> Merged:
        """All workers of the instance, this one as it is now."""
        ours = self._snapshots()
        slots = {each.slot for each in ours}
        others = [other for other in read_states(self._file.folder).workers if other.slot not in slots]
        return merge([*ours, *others])

    def as_written(self) -> Merged:
        """All workers as their files say, this one too. Looks at nothing that changes in memory, and so may run in a thread."""
        return read_states(self._file.folder)

    def _snapshots(self, *, stopped: bool = False) -> list[Snapshot]:
        """Our own, then those of what was adopted and is not empty."""
        adopted = {slot: by_name(held) for slot, held in self.adopted().items() if held}
        mine = self._telemetry.snapshot(self._held(), stopped=stopped, elsewhere=adopted.values())
        if self.standings is not None:
            rows = self.standings.rows(time.monotonic(), time.time())
            mine.windows, mine.limits, mine.surges = rows
        return [mine, *(adopted_snapshot(mine, slot, held, stopped=stopped) for slot, held in adopted.items())]

    def __repr__(self) -> str:
        return f"<Chronicle {self._file!r}>"
