"""What is counted and said of configurations that the upstream is asked for (mode `managed`).

Between `account`, which books what is received, and `own_state` (`upstream-and-operations.md` 5.3, 9.7). Invariants: as `telemetry`'s. What the
upstream said is quoted without keys and addresses, since it may repeat what it was sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from scrubjay.runtime import metrics
from scrubjay.runtime.account import MAX_DETAIL, AccountBook
from scrubjay.runtime.log import LimitedLog, of_others
from scrubjay.runtime.state import Snapshot

FETCHED: Final = ("fetched", "fetched_disabled", "pending")
"""States of projects that the upstream configures, beside those of files."""
_HINT_S: Final = 3_600.0


class FetchBook(AccountBook):
    """`previous` is what the slot's last process left behind (`StateFile.load`)."""

    def __init__(
        self,
        slot: int = 0,
        *,
        previous: Snapshot | None = None,
        now: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(slot, previous=previous, now=now, mono=mono)
        self._fetching = LimitedLog("configs", mono)

    def config_query(self, result: str, seconds: float) -> None:
        """One request for configurations was answered, or was not: ok, failed."""
        self.values.series[metrics.CONFIG_QUERIES.name].add((result,))
        self.values.histograms[metrics.CONFIG_QUERY_SECONDS.name].observe((), seconds)

    def configs_failed(self, keys: int, detail: str, *, failing_s: float, is_outage: bool) -> None:
        """Not the first time. `is_outage`: for `http.project_failure_interval` nothing has come."""
        fields = {"keys": keys, "detail": of_others(detail)[:MAX_DETAIL], "failing_s": round(failing_s)}
        if is_outage:
            text = "outage: no configuration of any project can be fetched; new projects wait, known ones keep their last rules"
            self._fetching.line(logging.ERROR, "outage", text, fields, depth=2)
        else:
            self._fetching.line(logging.WARNING, "failed", "configurations could not be fetched", fields, depth=2)

    def config_unreadable(self, key: str, problem: str) -> None:
        """The upstream sent what cannot be used."""
        self.values.series[metrics.CONFIGS_UNREADABLE.name].add(())
        fields = {"project_key": key, "problem": of_others(problem)[:MAX_DETAIL]}
        text = "a fetched configuration cannot be used; the last good one stays in force, or the key waits"
        self._fetching.line(logging.ERROR, f"unreadable/{key}", text, fields, depth=2)

    def configs_evicted(self, count: int) -> None:
        self.values.series[metrics.CONFIG_EVICTIONS.name].add((), count)

    def fetched_configs(self, fetched: int, disabled: int, pending: int, stale_s: float) -> None:
        """What is known of projects that the upstream configures. `stale_s`: by how long the oldest in use is past its time."""
        series = self.values.series[metrics.PROJECT_CONFIGS.name]
        for name, count in zip(FETCHED, (fetched, disabled, pending), strict=True):
            series[(name,)] = count
        self.values.series[metrics.CONFIGS_PENDING.name][()] = pending
        self.values.series[metrics.PROJECT_STALE.name][("fetched",)] = stale_s

    def mostly_disabled(self, disabled: int, known: int) -> None:
        """Nearly all that was asked for is refused: more likely this relay is not trusted than all projects are switched off."""
        text = (
            "the upstream knows next to no project, or not for this relay: list its public key there among the trusted relays, or use "
            "relay.mode `static` or `proxy`"
        )
        fields = {"disabled": disabled, "known": known}
        self._fetching.line(logging.WARNING, "mostly-disabled", text, fields, depth=2, repeat_s=_HINT_S)

    def global_fetched(self, result: str) -> None:
        """What goes for all projects was asked for: ready, pending, failed."""
        self.values.series[metrics.GLOBAL_FETCHES.name].add((result,))

    def global_failed(self, detail: str, failing_s: float) -> None:
        fields = {"detail": of_others(detail)[:MAX_DETAIL], "failing_s": round(failing_s)}
        text = "what goes for all projects could not be fetched; what was known stays in force"
        self._fetching.line(logging.ERROR, "global", text, fields, depth=2)
