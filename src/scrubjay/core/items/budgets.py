"""How much of what fits into one envelope (`ingest.md` 4.4). Asked after limits took their part, of what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import item_count
from scrubjay.errors import TooLarge
from scrubjay.settings.schema import Limits


class _Row(NamedTuple):
    """What one envelope may hold of a budget; `averaged`: an item's size is divided by the records it announces."""

    item_bytes: int
    max_count: int
    total_bytes: int
    averaged: bool = False


_BUDGETS: Final[dict[str, Callable[[Limits], _Row]]] = {
    "event": lambda bounds: _Row(bounds.max_event_size, 1, bounds.max_event_size),
    "attachment": lambda bounds: _Row(
        bounds.max_attachment_size, bounds.max_attachment_count, bounds.max_attachments_size
    ),
    "session": lambda bounds: _Row(bounds.max_sessions_size, bounds.max_session_count, bounds.max_sessions_size),
    "client_report": lambda bounds: _Row(
        bounds.max_client_reports_size, bounds.max_client_reports_count, bounds.max_client_reports_size
    ),
    "profile": lambda bounds: _Row(bounds.max_profile_size, 1, bounds.max_profile_size),
    "check_in": lambda bounds: _Row(bounds.max_check_in_size, 1, bounds.max_check_in_size),
    "replay_recording": lambda bounds: _Row(bounds.max_replay_compressed_size, 1, bounds.max_replay_compressed_size),
    "replay_video": lambda bounds: _Row(bounds.max_replay_compressed_size, 1, bounds.max_replay_compressed_size),
    "metric_buckets": lambda bounds: _Row(bounds.max_metric_buckets_size, 1, bounds.max_metric_buckets_size),
    "log": lambda bounds: _Row(bounds.max_log_size, 1, bounds.max_container_size, averaged=True),
    "trace_metric": lambda bounds: _Row(bounds.max_trace_metric_size, 1, bounds.max_container_size, averaged=True),
    "span_container": lambda bounds: _Row(bounds.max_span_size, 1, bounds.max_container_size, averaged=True),
    "span": lambda bounds: _Row(bounds.max_span_size, bounds.max_standalone_span_count, bounds.max_container_size),
}


def check_sizes(items: Iterable[Item], bounds: Limits) -> None:
    """Raises `TooLarge` for the whole envelope if one budget is overdrawn; the reason names the item that did it."""
    used: dict[str, tuple[int, int]] = {}
    for item in items:
        budget = item.kind.budget
        if not budget:
            continue
        row = _BUDGETS[budget](bounds)
        size = len(item.payload)
        count, total_bytes = used.get(budget, (0, 0))
        used[budget] = count, total_bytes = count + 1, total_bytes + size
        if row.averaged:
            size //= item_count(item)
        if size > row.item_bytes:
            raise _too_large(item, "one item is too long")
        if count > row.max_count:
            raise _too_large(item, f"more than {row.max_count} items of a kind")
        if total_bytes > row.total_bytes:
            raise _too_large(item, "items of a kind are too long together")


def _too_large(item: Item, cause: str) -> TooLarge:
    return TooLarge(reasons.too_large(item.shown_type), f"{item.shown_type}: over the limit", cause)
