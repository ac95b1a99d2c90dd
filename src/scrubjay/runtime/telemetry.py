"""One method per internal event: a counter, a log line, and for a loss a drop record.

Owns what is counted and said when something happens. What is received and how it ends is `account`'s, how the worker itself is `own_state`'s,
names and shapes of the numbers are `metrics`'s, their file and their text `state`'s, how lines look is `log`'s (`upstream-and-operations.md` 9.7, 9.8).

Invariants: no method waits, does I/O other than a log line, or raises; none needs an event loop. All run on one thread. Counters
continue those of the slot's last process.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from scrubjay import __version__
from scrubjay.core.ports import Outcome
from scrubjay.core.scrub.record import Record
from scrubjay.runtime import metrics
from scrubjay.runtime.account import MAX_DETAIL, Held
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.own_state import OwnState
from scrubjay.runtime.process import process_space
from scrubjay.runtime.series import MAX_SERIES
from scrubjay.runtime.state import Snapshot, balances

_TIMED_SHARE: Final = 64
_BATCH: Final = "batch"
_BETWEEN_RELAYS: Final = frozenset({_BATCH, "capabilities"})
_NOT_FROM_US: Final = frozenset({401, 403})
_KNOWN: Final = 2
_DENIED: Final = 4
_SPOOL_GAUGES: Final = (
    metrics.SPOOL_BYTES,
    metrics.SPOOL_RECORDS,
    metrics.SPOOL_SEGMENTS,
    metrics.SPOOL_OLDEST_AGE,
    metrics.SPOOL_CAPACITY,
)


class Telemetry(OwnState):
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
        self._requests_seen = 0
        self._down_since_mono: dict[str, float] = {}
        self._up: dict[str, bool] = {}
        self._audit_line, self._audit_hash = (previous.audit_line, previous.audit_hash) if previous else (0, "")
        self._upstream, self._spool = LimitedLog("upstream", mono), LimitedLog("spool", mono)
        series, histograms = self.values.series, self.values.histograms
        self._requests = series[metrics.REQUESTS.name]
        self._request_seconds = histograms[metrics.REQUEST_SECONDS.name]
        self._envelopes = series[metrics.ENVELOPES.name]
        self._items = series[metrics.ITEMS.name]
        self._detectors: dict[str, tuple[str]] = {}
        self._scrub_hits = series[metrics.SCRUB_HITS.name]
        self._scrub_bytes = series[metrics.SCRUB_BYTES.name]
        self._scrub_items = series[metrics.SCRUB_ITEMS.name]
        self._stage_seconds = histograms[metrics.STAGE_SECONDS.name]
        self._upstream_requests = series[metrics.UPSTREAM_REQUESTS.name]
        self._upstream_seconds = histograms[metrics.UPSTREAM_SECONDS.name]
        self._upstream_bodies = histograms[metrics.UPSTREAM_BODY_BYTES.name]
        self._waits = histograms[metrics.WAIT_SECONDS.name]
        self._deliveries = histograms[metrics.DELIVERY_SECONDS.name]

    # Requests

    def request(self, route: str, status: int, seconds: float) -> None:
        labels = (route, str(status))
        self._requests.add(labels)
        self._request_seconds.observe(labels, seconds)

    def accepted(self, item_types: Iterable[str]) -> None:
        """An envelope was answered with 200; the types are those of its items as they came, empty for unknown ones."""
        self._envelopes.add(())
        for item_type in item_types:
            self._items.add((item_type or "unknown",))

    def timing_due(self) -> bool:
        """True for one request in 64: the one whose stages are to be timed."""
        self._requests_seen += 1
        return self._requests_seen % _TIMED_SHARE == 0

    def stage(self, stage: str, seconds: float) -> None:
        self._stage_seconds.observe((stage,), seconds)

    def quota_backend_error(self, error: Exception) -> None:
        self.values.series[metrics.QUOTA_BACKEND_ERRORS.name].add(())
        self._account.line(
            logging.WARNING, "quota_backend", "quota backend failed; kept and counted", error=error, depth=2
        )

    def lease_call(self, result: str) -> None:
        """`result`: granted, refused, returned, or away, which also counts as an error of the backend."""
        series = self.values.series
        series[metrics.LEASE_CALLS.name].add((result,))
        series[metrics.QUOTA_STORE_UP.name][()] = int(result != "away")
        if result == "away":
            series[metrics.QUOTA_BACKEND_ERRORS.name].add(())

    # Scrubbing

    def scrubbed(self, item_type: str, outcome: Outcome, record: Record) -> None:
        """An item was scrubbed. Built-in rules count under their family, whatever they wrote."""
        self._scrub_items.add((item_type, outcome))
        self.redacted(record)

    def redacted(self, record: Record) -> None:
        for rule, count in record.rules.items():
            detector = self._detectors.get(rule) or self._detector(rule)
            self._scrub_hits.add(detector, count.hits)
            self._scrub_bytes.add(detector, count.bytes)

    def _detector(self, rule: str) -> tuple[str]:
        detector = (rule[1:].partition(":")[0] if rule.startswith("@") else rule,)
        if len(self._detectors) < MAX_SERIES:
            self._detectors[rule] = detector
        return detector

    def audit_wrote(self, line: int, line_hash: str) -> None:
        """The last line of the audit log, which the state file remembers, so that a missing end shows."""
        self._audit_line, self._audit_hash = line, line_hash

    def audit_failed(self, error: OSError, *, again: bool) -> None:
        self.values.series[metrics.AUDIT_ERRORS.name].add(())
        if not again:
            text = "the audit log cannot be written; its lines wait"
            self._account.line(logging.ERROR, "audit", text, error=error, depth=2)

    def audit_recovered(self) -> None:
        self._account.line(logging.INFO, "audit-again", "the audit log is written again", depth=2)

    def audit_lost(self, lines: int) -> None:
        self.values.series[metrics.AUDIT_LOST.name].add((), lines)

    # Upstream

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None:
        """`result`: ok, throttled, refused, network, timeout, … (`upstream-and-operations.md` 6.6); no status without an answer."""
        labels = (route, result, "" if status is None else str(status))
        self._upstream_requests.add(labels)
        self._upstream_seconds.observe(labels, seconds)
        if route in _BETWEEN_RELAYS:
            self._note_signature(route, result, status)
        if result != "ok" and (result, route) != ("refused", "envelope"):
            fields = {"result": result, "status": status, "route": route, "detail": detail[:MAX_DETAIL]}
            site = f"{route}/{result}/{status}"
            text = "the upstream did not take a request"
            self._upstream.line(logging.WARNING, site, text, fields, depth=2 + self.above)

    def _note_signature(self, route: str, result: str, status: int | None) -> None:
        """What the answer to a batch, or to the question whether there may be any, says of our signature."""
        if result == "unsigned" or status in _NOT_FROM_US:
            self.values.series[metrics.AUTH_STATE.name][()] = _DENIED
        elif result == "ok" and route == _BATCH:
            self.values.series[metrics.AUTH_STATE.name][()] = _KNOWN

    def batch(self, envelopes: int, size_bytes: int) -> None:
        """A batch was answered record by record."""
        self.values.histograms[metrics.BATCH_ENVELOPES.name].observe((), envelopes)
        self.values.histograms[metrics.BATCH_BYTES.name].observe((), size_bytes)

    def batch_record(self, fate: str) -> None:
        """What became of one record of a batch that came in: taken, known, dropped, later."""
        self.values.series[metrics.BATCH_RECORDS.name].add((fate,))

    def upstream_refused(self, project_id: int, status: int, detail: str) -> None:
        """What the server said against an envelope; a project that is wrong is wrong with every one of them."""
        fields = {"project": project_id, "status": status, "detail": detail[:MAX_DETAIL]}
        text = "the upstream refused an envelope"
        self._upstream.line(logging.WARNING, f"refused/{project_id}", text, fields, depth=2, repeat_s=60.0)

    def upstream_inflight(self, change: int) -> None:
        self.values.series[metrics.UPSTREAM_INFLIGHT.name].add((), change)

    def upstream_body(self, route: str, size_bytes: int) -> None:
        self._upstream_bodies.observe((route,), size_bytes)

    def signed(self, seconds: float) -> None:
        self.values.histograms[metrics.SIGNATURE_SECONDS.name].observe((), seconds)

    def waited(self, seconds: float) -> None:
        """What came so long ago is sent for the first time."""
        self._waits.observe((), seconds)

    def delivered(self, seconds: float) -> None:
        """The upstream has what came so long ago."""
        self._deliveries.observe((), seconds)

    def retry(self) -> None:
        self.values.series[metrics.UPSTREAM_RETRIES.name].add(())

    def merged(self, envelopes: int) -> None:
        self.values.series[metrics.MERGED_ENVELOPES.name].add((), envelopes)

    def upstream_up(self, up: bool, upstream: str = "default", detail: str = "") -> None:
        """The connection's state; an outage lasts from the first `False` to the next `True`."""
        before = self._up.get(upstream)
        self._up[upstream] = up
        self.values.series[metrics.UPSTREAM_UP.name][(upstream,)] = int(up)
        now_mono = self._mono()
        if not up:
            self._down_since_mono.setdefault(upstream, now_mono)
        else:
            self._count_outages(now_mono)
            self._down_since_mono.pop(upstream, None)
        fields = {"upstream": upstream, "detail": detail[:MAX_DETAIL]}
        if not up and before is not False:
            self._upstream.line(logging.WARNING, "down", "upstream outage: parcels are held", fields, depth=2)
        elif up and before is False:
            self._upstream.line(logging.INFO, "up", "upstream is back", fields, depth=2)

    def upstream_chosen(self, upstream: str, instead_of: str) -> None:
        fields = {"upstream": upstream, "instead_of": instead_of}
        self._upstream.line(logging.WARNING, f"chosen/{upstream}", "another upstream is used", fields, depth=2)

    def _count_outages(self, now_mono: float) -> None:
        for upstream, since_mono in self._down_since_mono.items():
            self.values.series[metrics.UPSTREAM_OUTAGE.name].add((upstream,), now_mono - since_mono)
            self._down_since_mono[upstream] = now_mono

    # Spool

    def spool_usage(
        self,
        partition: str,
        *,
        size_bytes: int,
        records: int,
        segments: int,
        oldest_age_s: float,
        capacity_bytes: int,
    ) -> None:
        values = (size_bytes, records, segments, oldest_age_s, capacity_bytes)
        for metric, value in zip(_SPOOL_GAUGES, values, strict=True):
            self.values.series[metric.name][(partition,)] = value

    def spool_left(self) -> None:
        """No partition is open, or the open ones will say so again."""
        for metric in _SPOOL_GAUGES:
            self.values.series[metric.name].clear()

    def spool_append(self, group_size: int, seconds: float) -> None:
        """So many records were written together, as durably as configured."""
        self.values.histograms[metrics.SPOOL_GROUP_SIZE.name].observe((), group_size)
        self.values.histograms[metrics.SPOOL_APPEND_SECONDS.name].observe((), seconds)

    def spool_recovered(self, records: int, torn_tails: int = 0) -> None:
        self.values.series[metrics.SPOOL_RECOVERED.name].add((), records)
        self.values.series[metrics.SPOOL_TORN_TAILS.name].add((), torn_tails)
        if records or torn_tails:
            fields = {"records": records, "torn_tails": torn_tails}
            self._spool.line(logging.INFO, "recovered", "spool recovered", fields, depth=2)

    def adopted(self, partition: str, records: int) -> None:
        """The partition of a worker that is no more is sent from here."""
        self.values.series[metrics.SPOOL_ADOPTIONS.name].add(())
        fields = {"partition": partition, "records": records}
        self._spool.line(logging.INFO, f"adopted/{partition}", "spool: a partition was adopted", fields, depth=2)

    def spool_dropped(self, reason: str, records: int = 1, detail: str = "") -> None:
        """Records were given up: expired, evicted, corrupt or io. Their quantities are booked by the ledger."""
        self.values.series[metrics.SPOOL_DROPPED.name].add((reason,), records)
        fields = {"reason": reason, "records": records, "detail": detail[:MAX_DETAIL]}
        self._spool.line(logging.WARNING, f"dropped/{reason}", f"spool gave up records: {reason}", fields, depth=2)

    def spool_error(self, detail: str, error: OSError) -> None:
        self.values.series[metrics.SPOOL_ERRORS.name].add(())
        self._spool.line(logging.ERROR, f"error/{detail}", f"spool: {detail}", error=error, depth=2)

    def spool_synced(self, seconds: float) -> None:
        """Written data was forced to the disk."""
        self.values.histograms[metrics.SPOOL_FSYNC_SECONDS.name].observe((), seconds)

    def spool_read(self, seconds: float) -> None:
        """The next part of what is on disk alone was read."""
        self.values.histograms[metrics.SPOOL_READ_SECONDS.name].observe((), seconds)

    def spool_fault(self, detail: str) -> None:
        """The disk failed; what it held is safe, unless `detail` says otherwise."""
        self.values.series[metrics.SPOOL_ERRORS.name].add(())
        self._spool.line(logging.ERROR, "fault", f"spool: {detail}", depth=2)

    # Webhooks

    def webhook(self, event_type: str, result: str, detail: str = "") -> None:
        """`result`: delivered; failed, after the last try; or dropped, for want of room or because the relay stopped."""
        self.values.series[metrics.WEBHOOKS.name].add((event_type, result))
        if result != "delivered":
            fields = {"type": event_type, "result": result, "detail": detail[:MAX_DETAIL]}
            self._http.line(logging.WARNING, f"webhook/{result}", "a webhook was not delivered", fields, depth=2)

    # Reports of ourselves

    def self_report(self, result: str) -> None:
        """`result`: sent, failed, limited, or own: it was about the reports themselves, or their way leads back here."""
        self.values.series[metrics.SELF_REPORTS.name].add((result,))

    # The state file

    def snapshot(self, held: Held, *, stopped: bool = False, elsewhere: Iterable[Mapping[str, int]] = ()) -> Snapshot:
        """What `StateFile.write` wants, and what `state.merge` takes beside the files of other slots. `elsewhere`: has not ended, and stands in
        the files of adopted slots as received and held.
        """
        now_mono = self._mono()
        self._count_outages(now_mono)
        self.refresh_gauges()
        by_place = self.places(held)
        values = self.without(elsewhere)
        return Snapshot(
            slot=self.slot,
            pid=os.getpid(),
            version=__version__,
            started_unix=self._started_unix,
            heartbeat_unix=self._now(),
            heartbeat_mono=now_mono,
            generation=self._generation,
            stopped=stopped and self.ends_in_order,
            upstream_up=all(self._up.values()) if self._up else None,
            account=balances(values, by_place),
            held=by_place,
            series=values.series_rows(),
            histograms=self.values.histogram_rows(),
            drops=list(self._drops),
            audit_line=self._audit_line,
            audit_hash=self._audit_hash,
            process_space=process_space(),
        )

    def __repr__(self) -> str:
        return f"<Telemetry slot={self.slot} drops={len(self._drops)}>"
