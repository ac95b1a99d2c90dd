"""Which requests are traced, and what their spans say."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Account, Booking
from scrubjay.errors import ConfigError
from scrubjay.runtime import tracing as module
from scrubjay.runtime.stage_times import TimedLedger
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.runtime.tracing import TracedTelemetry, Tracing, open_tracing, recorders, spans
from scrubjay.runtime.tracing.spans import CURRENT
from scrubjay.settings.reporting import Tracing as Options
from support.items import make_envelope, make_item

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"


class Bench:
    """`chances`: 0 traces, 1 does not."""

    def __init__(self, chances: Iterable[float] = (0.0,), rate: float = 0.5) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        turns = itertools.cycle(chances)
        self.tracing = Tracing(self.provider, rate, chance=lambda: next(turns))
        self.telemetry, self.ledger = recorders(self.tracing, 0, None, ClientReports())

    def take(self, event_id: str | None = EVENT_ID, *, ends: bool = False) -> None:
        """An envelope goes through the stages."""
        account = Account("a" * 32, 7, "rev", event_id, 0.0)
        with self.ledger.open(make_envelope(make_item("event", b"{}")), account) as tally:
            tally.stage = "scrub"
            if ends:
                tally.drop(tally.items[0], reasons.SAMPLE_RATE)
            else:
                tally.stage = "hand_over"

    def forwarded(self, event_id: str | None = EVENT_ID) -> None:
        account = Account("a" * 32, 7, "rev", event_id, 0.0)
        self.telemetry.ended(Booking(reasons.FORWARDED, ((DataCategory.ERROR, 1),), account, stage="forward"))

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture(autouse=True)
def in_no_request() -> None:
    CURRENT.set(None)


def test_a_request_its_stages_and_what_became_of_its_envelope() -> None:
    bench = Bench()
    bench.take()
    bench.telemetry.request("envelope", 200, 0.25)
    bench.forwarded()
    root = bench.spans["request envelope"]
    assert root.kind is SpanKind.SERVER
    assert root.attributes == {
        "http.route": "envelope",
        "http.response.status_code": 200,
        "scrubjay.event_id": EVENT_ID,
    }
    assert root.start_time is not None
    assert root.end_time is not None
    assert root.end_time - root.start_time == pytest.approx(250_000_000, abs=1000)
    children = [bench.spans[name] for name in ("scrub", "hand_over", "delivery")]
    assert {child.parent.span_id for child in children if child.parent} == {root.context.span_id}
    assert {child.context.trace_id for child in children} == {root.context.trace_id}
    assert dict(bench.spans["delivery"].attributes or {}) == {
        "scrubjay.outcome": "forwarded",
        "scrubjay.reason": "forwarded",
        "scrubjay.stage": "forward",
        "scrubjay.quantities": "error:1",
    }
    assert bench.telemetry.values.series["scrubjay_requests_total"] == {("envelope", "200"): 1}
    assert repr(bench.tracing) == "<Tracing 0.5 of the requests>"


def test_what_ends_while_it_is_answered_is_an_event_of_the_request() -> None:
    bench = Bench()
    bench.take(ends=True)
    bench.telemetry.request("envelope", 200, 0.01)
    (event,) = bench.spans["request envelope"].events
    assert event.name == "ended"
    assert event.attributes is not None
    assert event.attributes["scrubjay.outcome"] == "sampled"


def test_what_a_task_of_the_request_sees_end_later_is_a_span() -> None:
    """A task keeps the context in which it began, for as long as it runs."""
    bench = Bench()
    bench.take()
    context = copy_context()
    bench.telemetry.request("envelope", 200, 0.01)
    context.run(bench.forwarded)
    assert "delivery" in bench.spans


def test_whether_a_request_is_traced_is_decided_once() -> None:
    bench = Bench([1.0, 0.0])
    bench.take()
    bench.telemetry.request("envelope", 200, 0.01)
    bench.forwarded()
    assert bench.spans == {}
    bench.take(None)
    bench.telemetry.request("envelope", 200, 0.01)
    assert "scrub" in bench.spans


def test_requests_that_end_before_there_is_an_envelope() -> None:
    bench = Bench()
    bench.telemetry.request("envelope", 400, 0.01)
    bench.telemetry.request("store", 503, 0.01)
    bench.telemetry.request("health", 200, 0.01)
    assert set(bench.spans) == {"request envelope", "request store"}
    assert bench.spans["request envelope"].status.status_code is StatusCode.UNSET
    assert bench.spans["request store"].status.status_code is StatusCode.ERROR


def test_requests_to_the_upstream() -> None:
    bench = Bench([0.0, 0.0, 1.0])
    bench.telemetry.upstream_request("ok", 200, 0.5)
    bench.telemetry.upstream_request("timeout", None, 5.0, route="batch")
    bench.telemetry.upstream_request("ok", 200, 0.5, route="probe")
    assert set(bench.spans) == {"upstream envelope", "upstream batch"}
    well, badly = bench.spans["upstream envelope"], bench.spans["upstream batch"]
    assert well.kind is SpanKind.CLIENT
    assert well.attributes == {
        "scrubjay.route": "envelope",
        "scrubjay.result": "ok",
        "http.response.status_code": 200,
    }
    assert (badly.status.status_code, badly.status.description) == (StatusCode.ERROR, "timeout")
    assert badly.attributes == {"scrubjay.route": "batch", "scrubjay.result": "timeout"}


def test_only_so_many_deliveries_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_OPEN", 2)
    bench = Bench()
    ids = [f"{number:032x}" for number in range(3)]
    for event_id in ids:
        bench.take(event_id)
        bench.telemetry.request("envelope", 200, 0.01)
    for event_id in (*ids, None):
        bench.forwarded(event_id)
    assert len([span for span in bench.exporter.get_finished_spans() if span.name == "delivery"]) == 2


def test_without_traces_the_recorders_are_the_usual_ones() -> None:
    telemetry, ledger = recorders(None, 3, None, ClientReports())
    assert (type(telemetry), type(ledger), telemetry.slot) == (Telemetry, TimedLedger, 3)
    assert open_tracing(Options(), "one") is None


def test_several_envelopes_of_one_request_are_one_trace() -> None:
    bench = Bench()
    bench.take()
    bench.take("f" * 32)
    bench.telemetry.request("store", 200, 0.01)
    assert len({span.context.trace_id for span in bench.exporter.get_finished_spans()}) == 1


def test_the_log_blames_the_same_place_as_without_traces(caplog: pytest.LogCaptureFixture) -> None:
    for telemetry in (Bench([1.0]).telemetry, Telemetry()):
        telemetry.upstream_request("timeout", None, 5.0)
        account = Account("a" * 32, 7, "rev", None, 0.0)
        telemetry.ended(Booking(reasons.DRAIN_TIMEOUT, ((DataCategory.ERROR, 1),), account))
    assert [record.filename for record in caplog.records] == ["test_tracing.py"] * 4


def test_with_traces_they_count_as_well() -> None:
    bench = Bench([1.0])
    assert isinstance(bench.telemetry, TracedTelemetry)
    for _ in range(64):
        bench.take()
        bench.telemetry.request("envelope", 200, 0.01)
    assert bench.telemetry.values.histograms["scrubjay_stage_seconds"]


async def test_an_end_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS_S", 0.01)
    waits = asyncio.Event()

    async def never(*_: Any) -> None:
        await waits.wait()

    monkeypatch.setattr(module.asyncio, "to_thread", never)
    await Bench().tracing.close()
    waits.set()


def test_the_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(ConfigError, match=r"tracing\.endpoint: needs the packages of the extra `otel`"):
        open_tracing(Options(endpoint="http://127.0.0.1:1/v1/traces"), "one")
