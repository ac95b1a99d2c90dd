"""Spans on their way to an OTLP receiver: the packages of the extra `otel`, set up.

Owns what is imported when (nothing, unless there are traces), the queue, and saying when spans do not arrive. Sending is a thread of the packages' own;
their settings from the environment (`OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE`, `OTEL_RESOURCE_ATTRIBUTES`) hold.

Invariants: the queue is bounded, and what does not fit is dropped by it; a receiver that is away costs the ingestion nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from scrubjay import __version__
from scrubjay.errors import ConfigError
from scrubjay.runtime.log import LimitedLog
from scrubjay.settings.reporting import Tracing as Options

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

MAX_WAITING: Final = 2_048
_TIMEOUT_S: Final = 3
_EVERY_MS: Final = 1_000
_COMPLAIN_AGAIN_S: Final = 600.0


def open_provider(options: Options, instance: str) -> TracerProvider:
    """Raises `ConfigError` where the packages are missing."""
    assert options.endpoint is not None
    try:  # they take a third of a second to import, and nobody else needs them
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415
    except ImportError as error:
        problem = "needs the packages of the extra `otel`: pip install 'scrubjay[otel]'"
        raise ConfigError(problem, path="tracing.endpoint") from error
    resource = {"service.name": options.service_name, "service.version": __version__, "service.instance.id": instance}
    # Which requests are traced is decided here, and at the end of nobody else's process.
    provider = TracerProvider(ALWAYS_ON, Resource.create(resource), shutdown_on_exit=False)
    exporter = _watched(OTLPSpanExporter(options.endpoint, timeout=_TIMEOUT_S))
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=MAX_WAITING, schedule_delay_millis=_EVERY_MS)
    )
    return provider


def _watched(exporter: SpanExporter) -> SpanExporter:
    """Says once in a while that spans do not arrive; the packages say so at each try, with all they know of it."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult  # noqa: PLC0415

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    log = LimitedLog("tracing")

    class Watched(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            if result is not SpanExportResult.SUCCESS:
                fields = {"spans": len(spans)}
                text = "traces do not reach the receiver of tracing.endpoint"
                log.line(logging.WARNING, "export", text, fields, repeat_s=_COMPLAIN_AGAIN_S)
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Watched()
