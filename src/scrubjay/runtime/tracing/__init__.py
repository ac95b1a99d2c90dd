"""Traces of the relay's own work, by OTLP, where the operator wants them (`tracing.*`).

Owns which requests are traced, and where the recorders of the relay are listened to: a telemetry that writes spans of what it is told anyway, and a ledger that
times the stages of traced envelopes. Spans are `spans`', sending them `export`'s. What is sent on (`traceparent`, `sentry-trace`) is the clients' and
not touched.

Invariant: switched off, none of this is imported but this file, and the path is the same as ever.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from scrubjay.core.envelope import Envelope
from scrubjay.core.ledger import Account, Booking, Reports, Tally
from scrubjay.runtime.stage_times import TimedLedger, TimedTally
from scrubjay.runtime.state import Snapshot
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.runtime.tracing.export import open_provider
from scrubjay.runtime.tracing.spans import CURRENT, UNTRACED, Spans, Trace
from scrubjay.settings.reporting import Tracing as Options

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_LAST_WORDS_S: Final = 2.0
_UNTRACED_ROUTES: Final = frozenset({"health", "metrics", "admin", "capture", "unknown"})
"""Asked by machines all the time, by people who look, and by whoever tries doors."""


class Tracing:
    """`chance` decides which requests are traced."""

    def __init__(
        self, provider: TracerProvider, sample_rate: float, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._provider = provider
        self._sample_rate = sample_rate
        self._chance = chance
        self.spans = Spans(provider.get_tracer("scrubjay"))

    def is_due(self) -> bool:
        return self._chance() < self._sample_rate

    def trace(self, event_id: str | None) -> Trace | None:
        """Of the request that is being handled, which is decided now if it was not before."""
        trace = CURRENT.get()
        if trace is None:
            trace = Trace(event_id) if self.is_due() else UNTRACED
            CURRENT.set(trace)
        return None if trace is UNTRACED else trace

    def finished(self, route: str) -> Trace | None:
        """The trace of the request that was answered, if it has one."""
        trace = CURRENT.get()
        CURRENT.set(None)
        if trace is None and route not in _UNTRACED_ROUTES and self.is_due():
            trace = Trace()
        return None if trace is UNTRACED else trace

    async def close(self) -> None:
        """Sends what waits, if that can be done soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.to_thread(self._provider.shutdown)

    def __repr__(self) -> str:
        return f"<Tracing {self._sample_rate:g} of the requests>"


class TracedTelemetry(Telemetry):
    """Writes spans of what it counts."""

    above = 1

    def __init__(self, tracing: Tracing, slot: int = 0, *, previous: Snapshot | None = None) -> None:
        super().__init__(slot, previous=previous)
        self._tracing = tracing

    def request(self, route: str, status: int, seconds: float) -> None:
        super().request(route, status, seconds)
        trace = self._tracing.finished(route)
        if trace is not None:
            self._tracing.spans.request(trace, route, status, seconds)

    def ended(self, booking: Booking) -> None:
        super().ended(booking)
        self._tracing.spans.ended(booking)

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None:
        super().upstream_request(result, status, seconds, route=route, detail=detail)
        if self._tracing.is_due():
            self._tracing.spans.upstream(route, result, status, seconds)


class TracedLedger(TimedLedger):
    """Times the stages of traced envelopes."""

    def __init__(self, tracing: Tracing, telemetry: Telemetry, reports: Reports | None = None) -> None:
        super().__init__(telemetry, reports)
        self._tracing = tracing

    def open(self, envelope: Envelope, account: Account) -> Tally:
        trace = self._tracing.trace(account.event_id)
        if trace is None:
            return super().open(envelope, account)
        return TimedTally(self, envelope, account, trace, self._now_mono)


def recorders(
    tracing: Tracing | None, slot: int, previous: Snapshot | None, reports: Reports
) -> tuple[Telemetry, TimedLedger]:
    """Who counts and keeps the account of a slot, whose last process left `previous` behind."""
    if tracing is None:
        telemetry = Telemetry(slot, previous=previous)
        return telemetry, TimedLedger(telemetry, reports)
    traced = TracedTelemetry(tracing, slot, previous=previous)
    return traced, TracedLedger(tracing, traced, reports)


def open_tracing(options: Options, instance: str) -> Tracing | None:
    """None where nobody wants traces. Raises `ConfigError` where the packages for them are missing."""
    if options.endpoint is None:
        return None
    return Tracing(open_provider(options, instance), options.sample_rate)
