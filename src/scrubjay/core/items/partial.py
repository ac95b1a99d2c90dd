"""Reading a few members of a payload without parsing the rest, and leaving records out of containers.

Owns what rules need before scrubbing: a typed look into a document (`read`) and batch items record by record (`Container`). What the
members mean is the rules' business. A payload that cannot be read gives None, never an exception: what becomes of it is decided by
the stage that has to understand it whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import u32
from scrubjay.outcomes import Reason

T = TypeVar("T")
Payload = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Dropped:
    """A rule says that the item goes. `origin`: which rule."""

    reason: Reason
    origin: str


@dataclass(frozen=True, slots=True)
class Thinned:
    """A rule says that some records go. `payload` is the container without them, `dropped` what they counted as."""

    reason: Reason
    origin: str
    payload: bytes
    item_count: int
    dropped: Quantities


# An escaped surrogate that has no partner; SDKs in JavaScript cut strings in the middle of a pair. The first alternative steps over
# escaped backslashes and whole pairs, so that the second only sees what is left alone.
_SURROGATES: Final = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def read(decoder: msgspec.json.Decoder[T], payload: Payload) -> T | None:
    """Decodes what the decoder's type names; None if the payload is no such document."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        mended = _SURROGATES.sub(lambda found: found[1] or rb"\ufffd", bytes(payload))
    try:
        return decoder.decode(mended)
    except (ValueError, RecursionError):
        return None


class _Spans(Struct):
    spans: Raw = Raw(b"[]")


_TRANSACTION: Final = msgspec.json.Decoder(_Spans)
_LIST: Final = msgspec.json.Decoder(list[Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])


def count_spans(payload: Payload) -> int:
    """How many spans a transaction holds (`decisions.md` 1.2); 0 if that cannot be read."""
    transaction = read(_TRANSACTION, payload)
    spans = None if transaction is None else read(_LIST, transaction.spans)
    return len(spans) if spans else 0


def uncounted_spans(item: Item) -> Quantities:
    """Spans in a transaction beyond what its headers announced: they are lost with it (`decisions.md` 1.2)."""
    if item.type != "transaction" or u32(item, "span_count") is not None:
        return ()
    spans = count_spans(item.payload)
    return ((DataCategory.SPAN, spans), (DataCategory.SPAN_INDEXED, spans)) if spans else ()


_COUNTED: Final = {
    "log": (DataCategory.LOG_ITEM, DataCategory.LOG_BYTE),
    "span": (DataCategory.SPAN, DataCategory.SPAN_INDEXED),
    "trace_metric": (DataCategory.TRACE_METRIC, DataCategory.TRACE_METRIC_BYTE),
}
_BYTES: Final = frozenset({DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE})


def counted(item_type: str, records: int, size_bytes: int) -> Quantities:
    """What some records of a container count as."""
    return tuple((category, size_bytes if category in _BYTES else records) for category in _COUNTED[item_type])


class Container:
    """A batch item opened one level: its records are raw JSON, in order."""

    __slots__ = ("_item", "_members", "records")

    def __init__(self, item: Item, members: dict[str, Raw], records: list[Raw]) -> None:
        self._item = item
        self._members = members
        self.records = records

    @classmethod
    def open(cls, item: Item) -> Container | None:
        """None if it is no container, or one whose count is wrong: such a one is not valid, and not for rules to mend."""
        if item.type not in _COUNTED or "item_count" not in item.headers:
            return None
        members = read(_OBJECT, item.payload)
        records = None if members is None or "items" not in members else read(_LIST, members["items"])
        # A count of another type announces one record to the account (`items.kind`), however many it equals.
        announced = item.headers["item_count"]
        if members is None or records is None or type(announced) is not int or len(records) != announced:
            return None
        return cls(item, members, records)

    def keep(self, kept: Sequence[Raw], reason: Reason, origin: str) -> Dropped | Thinned | None:
        """The ruling under which only `kept` stay, some of `records` in their order."""
        if len(kept) == len(self.records):
            return None
        if not kept:
            return Dropped(reason, origin)
        return self._thinned(kept, len(self.records), len(self._item.payload), Dropped(reason, origin))

    def let_fall(self, falls: Sequence[Dropped | None]) -> tuple[Dropped | Thinned, ...]:
        """The rulings under which each record falls as is said of it, None: it stays. To be done one after another."""
        rulings: list[Dropped | Thinned] = []
        left, size_bytes = list(zip(self.records, falls, strict=True)), len(self._item.payload)
        for why in dict.fromkeys(fall for fall in falls if fall is not None):
            stays = [(record, fall) for record, fall in left if fall != why]
            if not stays:
                return (*rulings, why)
            thinned = self._thinned([record for record, _ in stays], len(left), size_bytes, why)
            rulings.append(thinned)
            left, size_bytes = stays, len(thinned.payload)
        return tuple(rulings)

    def _thinned(self, kept: Sequence[Raw], records: int, size_bytes: int, why: Dropped) -> Thinned:
        """What is left of so many records in so many bytes."""
        payload = msgspec.json.encode({**self._members, "items": kept})
        dropped = counted(self._item.type, records - len(kept), size_bytes - len(payload))
        return Thinned(why.reason, why.origin, payload, len(kept), dropped)

    def holding(self, records: Sequence[Raw]) -> bytes:
        """The container's bytes with these records."""
        return msgspec.json.encode({**self._members, "items": records})

    def __repr__(self) -> str:
        return f"<Container {self._item.type} of {len(self.records)}>"
