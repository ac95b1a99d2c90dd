"""What came to an OTLP receiver, as `opentelemetry-proto` reads it."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def spans_of(body: bytes) -> list[tuple[dict[str, str], Span]]:
    """Each span of a request, with the attributes of its resource."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        ({attribute.key: attribute.value.string_value for attribute in group.resource.attributes}, span)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
