"""What one slot remembers: its counters and state file, its log of what was scrubbed, the limits and the usual hours that it learnt.

Owns where all of it is read from at the start, how often it is written, and in which order at the end. What stands in each is its own
module's. A slot whose process dies finds here, in its next one, what the last one had written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scrubjay.core.client_reports import ClientReports
from scrubjay.core.limits import LimitTable
from scrubjay.core.spikes import SpikeGuard
from scrubjay.runtime.account import Held
from scrubjay.runtime.audit.log import audit_of
from scrubjay.runtime.chronicle import Chronicle
from scrubjay.runtime.limits_file import LimitsFile
from scrubjay.runtime.names import instance_name
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.spikes_file import SpikesFile
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.state import StateFile
from scrubjay.runtime.tracing import open_tracing, recorders
from scrubjay.settings.schema import Settings

_STATE_S = 1.0
_AUDITED_ITEMS_S = 1.0
_LIMITS_S = 2.0
_SPIKES_S = 300.0


class Books:
    """Open from the start. `workers` share the usual hours; `held` and `partitions` as `Chronicle` wants them."""

    def __init__(
        self,
        settings: Settings,
        slot: int,
        workers: int,
        reports: ClientReports,
        limits: LimitTable,
        held: Callable[[], Held],
        partitions: Callable[[], Sequence[Partition]],
    ) -> None:
        assert settings.relay.state_dir is not None
        file = StateFile(Path(settings.relay.state_dir), slot)
        self.slot = slot
        self.tracing = open_tracing(settings.tracing, instance_name(settings.relay.state_dir))
        self.telemetry, self.ledger = recorders(self.tracing, slot, file.load(), reports)
        self.telemetry.workers_expected(workers)
        self.telemetry.count_projects_apart(apart=settings.metrics.per_project)
        self.audit = audit_of(settings, slot, self.telemetry)
        self._audit_interval_s = settings.scrub.audit_interval
        self._is_audited = settings.scrub.audit != "off"
        self.chronicle = Chronicle(file, self.telemetry, held, partitions)
        on_error = self.telemetry.spool_error
        self.limits_file = LimitsFile(file.folder, slot, limits, settings.limits.upstream_max, on_error)
        self.limits_file.load()
        self.spikes = SpikeGuard(workers, now_unix=time.time())
        self._spikes_file = SpikesFile(file.folder, slot, self.spikes, on_error)
        self._spikes_file.load()

    def keep(self, pulse: Pulse) -> None:
        """From now on what changes is written once in a while."""
        if self._is_audited:
            self.audit.start()
        self.chronicle.write()
        pulse.every(_STATE_S, self.chronicle.write, "state")
        pulse.every(self._audit_interval_s, self.audit.flush, "audit")
        pulse.every(_AUDITED_ITEMS_S, self.audit.flush_items, "audit-items")
        pulse.every(_LIMITS_S, self.limits_file.exchange, "limits")
        pulse.every(_SPIKES_S, self._spikes_file.write, "spikes")

    async def close(self) -> None:
        """Everything once more, the state file last: it says that the slot ended in order."""
        await self.audit.close()
        self.limits_file.exchange()
        self._spikes_file.write()
        self.chronicle.write(stopped=True)
        if self.tracing is not None:
            await self.tracing.close()

    def __repr__(self) -> str:
        return f"<Books of slot {self.slot} {self.chronicle!r}>"
