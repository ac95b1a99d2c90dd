"""Many or small records: logs, spans, metrics, release health, check-ins, client reports."""

from __future__ import annotations

from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import ItemKind, counts_records, counts_records_and_bytes, nothing

SPAN_CONTAINER_TYPE: Final = "application/vnd.sentry.items.span.v2+json"


def is_span_container(item: Item) -> bool:
    """Whether many spans stand in it: by its media type in any spelling, since what is taken for one span is scrubbed as one."""
    content_type = item.headers.get("content_type")
    if not isinstance(content_type, str):
        return False
    return content_type == SPAN_CONTAINER_TYPE or content_type.partition(";")[0].strip().lower() == SPAN_CONTAINER_TYPE


_SESSIONS = counts_records(DataCategory.SESSION)

SESSION = ItemKind("session", "json", "session", "session", _SESSIONS)
SESSIONS = ItemKind("sessions", "json", "session", "session", _SESSIONS)
CLIENT_REPORT = ItemKind("client_report", "json", "client_report", "client_report", nothing)
CHECK_IN = ItemKind("check_in", "json", "generic", "check_in", counts_records(DataCategory.MONITOR))
LOG = ItemKind(
    "log",
    "json",
    "log_container",
    "log",
    counts_records_and_bytes(DataCategory.LOG_ITEM, DataCategory.LOG_BYTE),
)
TRACE_METRIC = ItemKind(
    "trace_metric",
    "json",
    "trace_metric_container",
    "trace_metric",
    counts_records_and_bytes(DataCategory.TRACE_METRIC, DataCategory.TRACE_METRIC_BYTE),
)
SPAN = ItemKind("span", "json", "span", "span", counts_records(DataCategory.SPAN, DataCategory.SPAN_INDEXED))
SPAN_CONTAINER = ItemKind(
    "span", "json", "span_container", "span_container", counts_records(DataCategory.SPAN, DataCategory.SPAN_INDEXED)
)
METRIC_BUCKETS = ItemKind("metric_buckets", "json", "generic", "metric_buckets", nothing)
