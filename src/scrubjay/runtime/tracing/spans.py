"""One traced request: its stages, its end, and what became of its envelope later, as spans.

The root is written when the request has been answered, because only then route and status are known; so its children are noted first and written after it.
The envelope goes on living: when its last item has ended (taken by the upstream, or given up) a span `delivery` says how long that took.

Invariant: no span holds anything of a payload, an address of a client, or a key.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scrubjay.core.ledger import Booking

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

Attributes = dict[str, str | int]

MAX_OPEN: Final = 1_000
"""Envelopes whose delivery is waited for."""
_ERROR_FROM: Final = 500
_NS: Final = 1_000_000_000


@dataclass(slots=True)
class Trace:
    """A request that is being handled, or was. It hears of the stages of its envelope."""

    event_id: str | None = None
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    endings: list[Booking] = field(default_factory=list)
    is_answered: bool = False

    def stage(self, stage: str, seconds: float) -> None:
        now_ns = time.time_ns()
        self.stages.append((stage, now_ns - int(seconds * _NS), now_ns))


UNTRACED: Final = Trace()
"""A request that is not traced, so that this is decided once."""
CURRENT: Final[ContextVar[Trace | None]] = ContextVar("CURRENT", default=None)


class Spans:
    """Writes what was noted."""

    def __init__(self, tracer: Tracer) -> None:
        from opentelemetry import trace  # noqa: PLC0415  the extra `otel`

        self._tracer = tracer
        self._api = trace
        self._delivering: OrderedDict[str, tuple[Context, int]] = OrderedDict()

    def request(self, trace: Trace, route: str, status: int, seconds: float) -> None:
        """The request was answered."""
        trace.is_answered = True
        now_ns = time.time_ns()
        attributes: Attributes = {"http.route": route, "http.response.status_code": status}
        with self._span(f"request {route}", now_ns - int(seconds * _NS), now_ns, "SERVER", attributes) as root:
            if status >= _ERROR_FROM:
                root.set_status(self._api.StatusCode.ERROR)
            inside = self._api.set_span_in_context(root)
            for stage, since_ns, until_ns in trace.stages:
                with self._span(stage, since_ns, until_ns, "INTERNAL", {}, inside):
                    pass
            for booking in trace.endings:
                root.add_event("ended", _attributes(booking))
            if trace.event_id is not None:
                root.set_attribute("scrubjay.event_id", trace.event_id)
        if trace.event_id is not None:
            self._delivering[trace.event_id] = (inside, now_ns)
            if len(self._delivering) > MAX_OPEN:
                self._delivering.popitem(last=False)

    def ended(self, booking: Booking) -> None:
        """Something ended: while its request is being handled an event of that, later a span. Tasks that a request began keep its trace for as long as
        they run, which may be longer.
        """
        event_id = booking.account.event_id
        trace = CURRENT.get()
        if trace is not None and not trace.is_answered and trace is not UNTRACED and trace.event_id == event_id:
            trace.endings.append(booking)
            return
        found = self._delivering.pop(event_id, None) if event_id is not None else None
        if found is not None:
            inside, since_ns = found
            with self._span("delivery", since_ns, time.time_ns(), "INTERNAL", _attributes(booking), inside):
                pass

    def upstream(self, route: str, result: str, status: int | None, seconds: float) -> None:
        """A request to the upstream was answered, or was not."""
        now_ns = time.time_ns()
        attributes: Attributes = {"scrubjay.route": route, "scrubjay.result": result}
        if status is not None:
            attributes["http.response.status_code"] = status
        with self._span(f"upstream {route}", now_ns - int(seconds * _NS), now_ns, "CLIENT", attributes) as span:
            if result != "ok":
                span.set_status(self._api.StatusCode.ERROR, result)

    @contextmanager
    def _span(
        self,
        name: str,
        since_ns: int,
        until_ns: int,
        kind: str,
        attributes: Attributes,
        inside: Context | None = None,
    ) -> Iterator[Span]:
        span = self._tracer.start_span(
            name, inside, self._api.SpanKind[kind], attributes, start_time=since_ns, record_exception=False
        )
        try:
            yield span
        finally:
            span.end(until_ns)


def _attributes(booking: Booking) -> Attributes:
    return {
        "scrubjay.outcome": booking.reason.outcome.value,
        "scrubjay.reason": booking.reason.code,
        "scrubjay.stage": booking.stage,
        "scrubjay.quantities": " ".join(f"{category.wire}:{amount}" for category, amount in booking.quantities),
    }
