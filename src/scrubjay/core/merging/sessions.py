"""Sessions of several envelopes in one: updates side by side, aggregates summed (`upstream-and-operations.md` 8.2, `ingest.md` A.7).

Aggregates of equal attributes become one item; in it, counters of the same start and the same user become one entry. A counter that
would not fit any more begins a new entry, so that no sum is ever wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from scrubjay.core.envelope import Item, encode_json
from scrubjay.core.header_rules import parse_time
from scrubjay.core.merging.share import ENTRIES_OF_AN_ITEM, Share, is_plain, read_strictly

_MAX_COUNT: Final = 2**32 - 1
_Count = Annotated[int, Meta(ge=0, le=_MAX_COUNT)]


class _Attributes(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    release: str
    environment: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


class _Entry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    started: str
    did: str | None = None
    exited: _Count = 0
    errored: _Count = 0
    abnormal: _Count = 0
    unhandled: _Count = 0
    crashed: _Count = 0

    def add(self, other: _Entry) -> bool:
        """False if a counter cannot hold the sum; then none has changed."""
        sums = [getattr(self, name) + getattr(other, name) for name in _COUNTERS]
        if max(sums) > _MAX_COUNT:
            return False
        for name, amount in zip(_COUNTERS, sums, strict=True):
            setattr(self, name, amount)
        return True


class _Aggregates(Struct, forbid_unknown_fields=True):
    aggregates: list[_Entry]
    attrs: _Attributes


_COUNTERS: Final = ("exited", "errored", "abnormal", "unhandled", "crashed")
_DECODER: Final = msgspec.json.Decoder(_Aggregates)


def share_of_update(item: Item) -> Share:
    """An update stays as it is, whatever it says."""
    return Share(ENTRIES_OF_AN_ITEM)


def share_of_aggregates(item: Item) -> Share | None:
    found = read_strictly(_DECODER, item.payload) if is_plain(item) else None
    if found is None or not all(map(_has_time, found.aggregates)):
        return None
    return Share(max(ENTRIES_OF_AN_ITEM, len(found.aggregates)))


def merge_aggregates(items: Sequence[Item]) -> list[Item]:
    """One item for each of the attributes, in the order in which they came."""
    groups: dict[_Attributes, list[_Entry]] = {}
    open_entries: dict[tuple[_Attributes, str, str | None], _Entry] = {}
    for item in items:
        found = _DECODER.decode(item.payload)
        group = groups.setdefault(found.attrs, [])
        for entry in found.aggregates:
            name = (found.attrs, entry.started, entry.did)
            known = open_entries.get(name)
            if known is None or not known.add(entry):
                open_entries[name] = entry
                group.append(entry)
    return [Item(items[0].headers, encode_json(_Aggregates(group, attrs))) for attrs, group in groups.items()]


def _has_time(entry: _Entry) -> bool:
    """Whether servers can read when it started: one that they cannot read spoils its whole item."""
    try:
        parse_time(entry.started)
    except ValueError:
        return False
    return True
