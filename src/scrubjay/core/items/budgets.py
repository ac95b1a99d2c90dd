"""How much of what fits into one envelope (`ingest.md` 4.4). Asked after limits took their part, of what is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import item_count
from scrubjay.errors import TooLarge
from scrubjay.settings.limits import Limits


class _Row(NamedTuple):
    """The settings that say what one envelope may hold of a budget; no `most`: one item. `averaged`: an item's size is divided by the
    records it announces.
    """

    item: str
    most: str
    total: str
    averaged: bool = False


_IN_ALL: Final = "limits.max_container_size"
_BUDGETS: Final[dict[str, _Row]] = {
    "event": _Row("limits.max_event_size", "", "limits.max_event_size"),
    "attachment": _Row("limits.max_attachment_size", "limits.max_attachment_count", "limits.max_attachments_size"),
    "session": _Row("limits.max_sessions_size", "limits.max_session_count", "limits.max_sessions_size"),
    "client_report": _Row(
        "limits.max_client_reports_size", "limits.max_client_reports_count", "limits.max_client_reports_size"
    ),
    "profile": _Row("limits.max_profile_size", "", "limits.max_profile_size"),
    "check_in": _Row("limits.max_check_in_size", "", "limits.max_check_in_size"),
    "replay_recording": _Row("limits.max_replay_compressed_size", "", "limits.max_replay_compressed_size"),
    "replay_video": _Row("limits.max_replay_compressed_size", "", "limits.max_replay_compressed_size"),
    "metric_buckets": _Row("limits.max_metric_buckets_size", "", "limits.max_metric_buckets_size"),
    "log": _Row("limits.max_log_size", "", _IN_ALL, averaged=True),
    "trace_metric": _Row("limits.max_trace_metric_size", "", _IN_ALL, averaged=True),
    "span_container": _Row("limits.max_span_size", "", _IN_ALL, averaged=True),
    "span": _Row("limits.max_span_size", "limits.max_standalone_span_count", _IN_ALL),
}


def check_sizes(items: Iterable[Item], bounds: Limits) -> None:
    """Raises `TooLarge` for the whole envelope if one budget is overdrawn; the reason names the item that did it."""
    used: dict[str, tuple[int, int]] = {}
    for item in items:
        budget = item.kind.budget
        if not budget:
            continue
        row = _BUDGETS[budget]
        size = len(item.payload)
        count, total_bytes = used.get(budget, (0, 0))
        used[budget] = count, total_bytes = count + 1, total_bytes + size
        if row.averaged:
            size //= item_count(item)
        if size > _bound(bounds, row.item):
            raise _too_large(item, f"one item is too long: {size} bytes", row.item, bounds)
        if count > (_bound(bounds, row.most) if row.most else 1):
            raise _too_large(item, f"too many items of a kind: {count}", row.most, bounds)
        if total_bytes > _bound(bounds, row.total):
            raise _too_large(item, f"items of a kind are too long together: {total_bytes} bytes", row.total, bounds)


def _bound(bounds: Limits, key: str) -> int:
    """The value of a setting in the section that they all are in."""
    value: int = getattr(bounds, key.removeprefix("limits."))
    return value


def _too_large(item: Item, cause: str, key: str, bounds: Limits) -> TooLarge:
    allowed = f"`{key}` is {_bound(bounds, key)}" if key else "there may be one"
    return TooLarge(reasons.too_large(item.shown_type), f"{item.shown_type}: over the limit", f"{cause}, {allowed}")
