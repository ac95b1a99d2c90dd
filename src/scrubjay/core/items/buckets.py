"""Metric buckets: a list of sums that other relays made, told apart by the namespace of their metric (`decisions.md` 1.2, 2.3).

Owns opening the list, and leaving buckets out. What cannot be read is not opened: it is kept, and counts as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped, Thinned, read


class _Bucket(Struct):
    name: Raw = Raw()


_LIST: Final = msgspec.json.Decoder(list[Raw])
_BUCKET: Final = msgspec.json.Decoder(_Bucket)
_TEXT: Final = msgspec.json.Decoder(str)


class Buckets:
    """An item's buckets: raw JSON, in order."""

    __slots__ = ("records",)

    def __init__(self, records: list[Raw]) -> None:
        self.records = records

    @classmethod
    def open(cls, item: Item) -> Buckets | None:
        """None if it is no list."""
        records = read(_LIST, item.payload)
        return None if records is None else cls(records)

    def by_namespace(self) -> dict[str, list[int]]:
        """The positions of the buckets of each namespace."""
        found: dict[str, list[int]] = {}
        for position, record in enumerate(self.records):
            found.setdefault(_namespace(record), []).append(position)
        return found

    def let_fall(self, falls: Sequence[Dropped | None]) -> tuple[Dropped | Thinned, ...]:
        """The rulings under which each bucket falls as is said of it, None: it stays. To be done one after another."""
        rulings: list[Dropped | Thinned] = []
        left = list(zip(self.records, falls, strict=True))
        for why in dict.fromkeys(fall for fall in falls if fall is not None):
            stays = [(record, fall) for record, fall in left if fall != why]
            if not stays:
                return (*rulings, why)
            payload = msgspec.json.encode([record for record, _ in stays])
            dropped = self.counted(len(left) - len(stays))
            rulings.append(Thinned(why.reason, why.origin, payload, len(stays), dropped))
            left = stays
        return tuple(rulings)

    @staticmethod
    def counted(buckets: int) -> Quantities:
        return ((DataCategory.METRIC_BUCKET, buckets),)

    def __repr__(self) -> str:
        return f"<Buckets {len(self.records)}>"


def _namespace(record: Raw) -> str:
    """Of `c:spans/duration@millisecond` the part `spans`; a name without one is of the namespace `custom`."""
    bucket = read(_BUCKET, record)
    name = read(_TEXT, bucket.name) if bucket is not None and bucket.name else None
    before, slash, _ = (name or "").partition("/")
    return before.rpartition(":")[2] if slash else "custom"
