"""What an item asks of its company in a shared envelope, and how much room it takes (`upstream-and-operations.md` 8.1, 8.2).

An envelope has room for 1000 entries. Where servers bound something else, a share of that bound counts as the same share of the
entries, so that one sum keeps all bounds.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Payload

T = TypeVar("T")

MAX_ENTRIES: Final = 1000
ENTRIES_OF_AN_ITEM: Final = MAX_ENTRIES // 100
"""Of types of which an envelope may hold 100."""
_PLAIN_HEADERS: Final = frozenset({"type", "length", "content_type"})
JSON_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Share:
    """`demand` is equal in all that share an envelope, which holds one item of that type; None: of this type it may hold several."""

    entries: int
    demand: Hashable = None


def is_plain(item: Item, *headers: str, content_type: str | None = None) -> bool:
    """Whether its headers say no more than its type, its media type, and what is named.

    A media type that is given has to be there; else it is JSON's, or left out.
    """
    given = item.headers.get("content_type", JSON_TYPE if content_type is None else None)
    return given == (content_type or JSON_TYPE) and item.headers.keys() <= _PLAIN_HEADERS | set(headers)


def read_strictly(decoder: msgspec.json.Decoder[T], payload: Payload) -> T | None:
    """None for what is no such document, or one that not every reader takes: beside it, others would be refused too."""
    try:
        return decoder.decode(payload)
    except (ValueError, RecursionError):
        return None
