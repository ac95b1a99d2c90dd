"""What is to be known about a type of items: how it is read, what it counts as, what it belongs to (`ingest.md` 6).

An `ItemKind` is data with a few functions of the item; the registry `KINDS` holds one per type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item

Codec = Literal["json", "jsonl", "binary", "split"]
_MAX_U32: Final = 2**32 - 1
ATTACHMENT_TYPES: Final = frozenset(
    {
        "event.minidump",
        "event.applecrashreport",
        "event.payload",
        "event.breadcrumbs",
        "playstation.prosperodump",
        "nswitch.dying_message",
        "event.nv_gpudmp",
        "event.attachment",
        "event.nv_shader_debug",
        "unreal.context",
        "unreal.logs",
        "event.view_hierarchy",
    }
)
"""`ingest.md` 6.6."""


def never(item: Item) -> bool:
    return False


def always(item: Item) -> bool:
    return True


def has_known_attachment_type(item: Item) -> bool:
    """The header may stand on any item; null and what is no text are unknown values (`ingest.md` 6.4)."""
    if "attachment_type" not in item.headers:
        return True
    given = item.headers["attachment_type"]
    return isinstance(given, str) and given in ATTACHMENT_TYPES


@dataclass(frozen=True, slots=True)
class ItemKind:
    """One type of items. `type` is empty for the kind of all unknown ones.

    `scope`: as what scrubbing reads the payload (`scrub/payloads.py`). `budget`: the row of `ingest.md` 4.4 that
    it uses up; empty for none.
    """

    type: str
    codec: Codec
    scope: str
    budget: str
    quantities: Callable[[Item], Quantities]
    creates_event: Callable[[Item], bool] = never
    rides_on_event: Callable[[Item], bool] = never
    is_known: Callable[[Item], bool] = has_known_attachment_type


def nothing(item: Item) -> Quantities:
    return ()


def counts(*categories: DataCategory) -> Callable[[Item], Quantities]:
    """One of each category per item."""
    quantities = tuple((category, 1) for category in categories)
    return lambda _: quantities


def counts_records(*categories: DataCategory) -> Callable[[Item], Quantities]:
    """As many of each category as the item says it holds."""

    def quantities(item: Item) -> Quantities:
        count = item_count(item)
        return tuple((category, count) for category in categories)

    return quantities


def counts_records_and_bytes(records: DataCategory, size: DataCategory) -> Callable[[Item], Quantities]:
    return lambda item: ((records, item_count(item)), (size, max(1, len(item.payload))))


def item_count(item: Item) -> int:
    """Records that the header announces. What is missing, no number or zero counts as one: no item is free."""
    return u32(item, "item_count") or 1


def u32(item: Item, name: str) -> int | None:
    """A header that is a count; of another type it reads as absent (`ingest.md` 5.3)."""
    value = item.headers.get(name)
    return value if type(value) is int and 0 <= value <= _MAX_U32 else None
