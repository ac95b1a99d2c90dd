"""The types of items, and what kind an item is (`ingest.md` 6). A new type is one module beside this one and one line in `KINDS`."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items import batch, blobs, event
from scrubjay.core.items.budgets import check_sizes
from scrubjay.core.items.kind import ItemKind
from scrubjay.errors import BadRequest

__all__ = ["KINDS", "ItemKind", "check_sizes", "classify"]

KINDS: Final[dict[str, ItemKind]] = {
    kind.type: kind
    for kind in (
        event.EVENT,
        event.TRANSACTION,
        event.SECURITY,
        event.RAW_SECURITY,
        event.FEEDBACK,
        event.UNREAL_REPORT,
        event.USER_REPORT,
        blobs.ATTACHMENT,
        blobs.FORM_DATA,
        blobs.REPLAY_EVENT,
        blobs.REPLAY_RECORDING,
        blobs.REPLAY_VIDEO,
        blobs.PROFILE,
        blobs.PROFILE_CHUNK,
        batch.SESSION,
        batch.SESSIONS,
        batch.CLIENT_REPORT,
        batch.CHECK_IN,
        batch.LOG,
        batch.TRACE_METRIC,
        batch.SPAN,
        batch.METRIC_BUCKETS,
    )
}


def classify(item: Item) -> None:
    """Sets the item's kind; an older name of a type becomes the present one. Raises `BadRequest` for relays' internal items."""
    name = item.type
    if name == "profile_chunk_ui":
        item.headers["type"] = name = "profile_chunk"
        item.dirty = True
    elif name == "integration":
        raise BadRequest(reasons.INTERNAL_ENVELOPE, "an item that only relays may use among themselves")
    kind = KINDS.get(name, blobs.UNKNOWN)
    if kind is batch.SPAN and batch.is_span_container(item):
        kind = batch.SPAN_CONTAINER
    item.kind = kind
