"""What a worker counts and says of itself: its configuration, certificates, projects, room and process.

Between `account`, which books what is received, and `telemetry`, which tells what is done with it (`upstream-and-operations.md` 9.7).

Invariants: as `telemetry`'s. What depends on the time (how long a file has been unusable, when a certificate ends, what the process uses) is
worked out when the numbers are written, not when it happens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from scrubjay import __version__
from scrubjay.runtime import metrics
from scrubjay.runtime.account import MAX_DETAIL
from scrubjay.runtime.fetch_book import FETCHED, FetchBook
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.process import Process
from scrubjay.runtime.state import Snapshot

_ZERO_FROM_THE_START: Final = (
    metrics.CONFIG_REFUSED,
    metrics.SHED_CATEGORIES,
)
_FILE: Final = ("file",)
_REGISTRATION: Final = ("unknown", "registering", "registered", "renewing", "denied")
"""By their number in the metric."""

_SCANS: Final = frozenset({"timeout", "gone", "garbage"})


class OwnState(FetchBook):
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
        self._started_unix = now()
        self._worker = (str(slot),)
        self._generation = 0
        self._stale_since_mono: float | None = None
        self._certificates: dict[str, float] = {}
        self._process = Process(mono=mono)
        self._config = LimitedLog("config", mono)
        series = self.values.series
        series[metrics.BUILD_INFO.name][(__version__,)] = 1
        series[metrics.WORKER_RESTARTS.name].setdefault(self._worker, 0)
        series[metrics.PROCESS_START.name][self._worker] = self._process.started_unix
        for metric in _ZERO_FROM_THE_START:
            series[metric.name][()] = 0
        series[metrics.PROJECT_STALE.name][_FILE] = 0

    # Configuration

    def projects(self, by_state: Mapping[str, int], left_out: Mapping[str, int], *, all_usable: bool) -> None:
        """What is in force now. `left_out`: parts of plans by kind; not `all_usable`: some files have been others before."""
        for metric, counts in ((metrics.PROJECT_CONFIGS, by_state), (metrics.RULES_LEFT_OUT, left_out)):
            series = self.values.series[metric.name]
            kept = {labels: value for labels, value in series.items() if labels[0] in FETCHED}
            series.clear()
            series.update(kept)
            for name, count in counts.items():
                series[(name,)] = count
        if all_usable:
            self._stale_since_mono = None
        elif self._stale_since_mono is None:
            self._stale_since_mono = self._mono()

    def project_file_error(self, file: str, problem: str) -> None:
        self.values.series[metrics.PROJECT_FILE_ERRORS.name].add(())
        fields = {"file": file, "problem": problem[:MAX_DETAIL]}
        self._config.line(logging.ERROR, f"project/{file}/{problem}", "project file not used", fields, depth=2)

    def project_problem(self, project: str, problem: str, kind: str) -> None:
        """A part of a project's configuration was left out; the rest is in force."""
        self.values.series[metrics.CONFIG_ERRORS.name].add((kind,))
        fields = {"project": project, "problem": problem[:MAX_DETAIL]}
        self._config.line(logging.WARNING, f"problem/{project}/{problem}", "left out of a plan", fields, depth=2)

    def config_generation(self, generation: int) -> None:
        self._generation = generation
        self.values.series[metrics.CONFIG_GENERATION.name][()] = generation
        self._config.line(
            logging.INFO, f"generation/{generation}", "configuration in force", {"generation": generation}, depth=2
        )

    def config_refused(self, problem: str) -> None:
        """A reload failed; what ran before keeps running."""
        self.config_usable(usable=False)
        self._config.line(logging.ERROR, f"refused/{problem}", "configuration not used", {"problem": problem}, depth=2)

    def config_usable(self, *, usable: bool = True) -> None:
        """Whether all sources, as they were last read, can be used."""
        self.values.series[metrics.CONFIG_REFUSED.name][()] = int(not usable)

    # Certificates

    def certificates_renewed(self, problem: str = "", *, of: str = "upstream") -> None:
        """The files of certificates are others than before; with a `problem` the old ones stay in force. `of`: upstream or listener."""
        self.values.series[metrics.CERTIFICATES_REFUSED.name][(of,)] = int(bool(problem))
        fields = {"of": of}
        if problem:
            fields["problem"] = problem[:MAX_DETAIL]
            self._config.line(logging.ERROR, f"certificates/{of}", "new certificates not used", fields, depth=2)
        else:
            self._config.line(logging.INFO, f"renewed/{of}", "new certificates in force", fields, depth=2)

    def certificate(self, listener: str, expires_unix: float) -> None:
        """What the `listener` shows from now on: public or internal."""
        self._certificates[listener] = expires_unix

    def handshake_failed(self, reason: str, detail: str) -> None:
        """A connection to a listener of ours came to nothing. Whoever scans ports is no reason for a warning."""
        self.values.series[metrics.TLS_FAILURES.name].add((reason,))
        level = logging.INFO if reason in _SCANS else logging.WARNING
        fields = {"reason": reason, "detail": detail[:MAX_DETAIL]}
        self._config.line(level, f"handshake/{reason}", "a TLS handshake failed", fields, depth=2)

    def unverified(self) -> None:
        text = "http.insecure_skip_verify: the upstream's certificate is not verified"
        self._config.line(logging.WARNING, "unverified", text, depth=2)

    # The process

    def registration(self, state: str) -> None:
        """How the upstream knows us: unknown, registering, registered, renewing, denied (mode `managed`)."""
        self.values.series[metrics.AUTH_STATE.name][()] = _REGISTRATION.index(state)

    def waiting_room(self, envelopes: int, size_bytes: int, capacity_bytes: int, oldest_age_s: float) -> None:
        """What is held until the configuration of its project is known."""
        for metric, value in (
            (metrics.WAITING_ENVELOPES, envelopes),
            (metrics.WAITING_BYTES, size_bytes),
            (metrics.WAITING_CAPACITY, capacity_bytes),
            (metrics.WAITING_OLDEST_AGE, oldest_age_s),
        ):
            self.values.series[metric.name][()] = value

    def connections(self, count: int) -> None:
        self.values.series[metrics.CONNECTIONS.name][()] = count

    def memory_ratio(self, ratio: float) -> None:
        self.values.series[metrics.MEMORY_RATIO.name][self._worker] = ratio

    def shed(self, kinds: int) -> None:
        """So many kinds of data are refused now for want of room."""
        self.values.series[metrics.SHED_CATEGORIES.name][()] = kinds

    def workers_expected(self, workers: int) -> None:
        self.values.series[metrics.WORKERS_EXPECTED.name][()] = workers

    def worker_restarted(self) -> None:
        """The slot's last worker died; this one took its place. The supervisor has said why, but nobody who reports to a project heard it."""
        self.values.series[metrics.WORKER_RESTARTS.name].add(self._worker)
        text = "the last worker of this slot died, and this one took its place"
        self._config.line(logging.WARNING, "restarted", text, depth=2)

    def loop_lag(self, seconds: float) -> None:
        self.values.histograms[metrics.LOOP_LAG.name].observe(self._worker, seconds)

    def internal_error(self, place: str, error: BaseException) -> None:
        """An exception that nobody expected. What was lost by it is booked by whoever lost it."""
        self.values.series[metrics.INTERNAL_ERRORS.name].add(())
        self._http.line(logging.ERROR, f"internal/{place}", f"internal error in {place}", error=error, depth=2)

    def refresh_gauges(self) -> None:
        """Works out what depends on the time; to be called before the numbers are written."""
        series, since_mono = self.values.series, self._stale_since_mono
        series[metrics.PROJECT_STALE.name][_FILE] = 0 if since_mono is None else self._mono() - since_mono
        for listener, expires_unix in self._certificates.items():
            series[metrics.TLS_EXPIRY.name][(listener,)] = expires_unix - self._now()
        footprint = self._process.look()
        series[metrics.PROCESS_CPU.name].add(self._worker, footprint.cpu_s)
        for metric, value in (
            (metrics.CPU_RATIO, footprint.cpu_ratio),
            (metrics.PROCESS_RSS, footprint.resident_bytes),
            (metrics.PROCESS_FDS, footprint.open_fds),
            (metrics.PROCESS_MAX_FDS, footprint.max_fds),
        ):
            series[metric.name][self._worker] = value
