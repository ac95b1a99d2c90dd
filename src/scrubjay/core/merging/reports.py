"""Client reports of several envelopes in one: quantities of the same loss at the same time summed (`upstream-and-operations.md` 8.2).

Times are the same if they lie in the same ten seconds, as which servers count them anyway. A line holds what servers take; a larger
sum is told in several. So are reports that would be longer than SDKs' servers take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from scrubjay.core.client_reports import MAX_QUANTITY
from scrubjay.core.envelope import Item, encode_json
from scrubjay.core.header_rules import parse_time
from scrubjay.core.merging.share import ENTRIES_OF_AN_ITEM, MAX_ENTRIES, Share, is_plain, read_strictly
from scrubjay.outcomes import Section

_SLOT_S: Final = 10
_MAX_REASON: Final = 200
_MAX_ITEM_BYTES: Final = 4096
_BYTES_OF_AN_ENTRY: Final = 100 * 1024 // MAX_ENTRIES
"""Reports of one envelope have 100 KiB together."""
_LATEST_UNIX: Final = 2**53


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=_MAX_REASON)]
    category: str
    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]


class _Report(Struct, forbid_unknown_fields=True):
    discarded_events: list[_Line]
    timestamp: int | float | str | None = None
    rate_limited_events: list[_Line] = []
    filtered_events: list[_Line] = []
    filtered_sampling_events: list[_Line] = []


_DECODER: Final = msgspec.json.Decoder(_Report)
_Name = tuple[str, str, str]
"""Section, reason and category."""
_Told = tuple[str, _Line]


def share_of_report(item: Item) -> Share | None:
    report = read_strictly(_DECODER, item.payload) if is_plain(item) else None
    if report is None:
        return None
    try:
        _slot(report)
    except ValueError:
        return None
    return Share(max(ENTRIES_OF_AN_ITEM, len(item.payload) // _BYTES_OF_AN_ENTRY + 1))


def merge_reports(items: Sequence[Item]) -> list[Item]:
    """One item, or a few, for each ten seconds; what is alone in its ten seconds stays as it is."""
    slots: dict[int | None, list[Item]] = {}
    for item in items:
        slots.setdefault(_slot(_DECODER.decode(item.payload)), []).append(item)
    merged = []
    for slot, found in slots.items():
        if len(found) == 1:
            merged += found
        else:
            merged += [Item(found[0].headers, payload) for payload in _payloads(slot, list(_lines(_summed(found))))]
    return merged


def _slot(report: _Report) -> int | None:
    """The ten seconds that it tells of. Raises `ValueError` if its time is none."""
    at = report.timestamp
    if at is None:
        return None
    at_unix = parse_time(at).timestamp() if isinstance(at, str) else at
    if not 0 <= at_unix < _LATEST_UNIX:
        raise ValueError("a time before all reports")
    return int(at_unix) // _SLOT_S


def _summed(items: Sequence[Item]) -> Mapping[_Name, int]:
    sums: dict[_Name, int] = {}
    for item in items:
        report = _DECODER.decode(item.payload)
        for section in Section:
            for line in getattr(report, section.value):
                name = (section.value, line.reason, line.category)
                sums[name] = sums.get(name, 0) + line.quantity
    return sums


def _lines(sums: Mapping[_Name, int]) -> Iterator[_Told]:
    for (section, reason, category), quantity in sums.items():
        while quantity > MAX_QUANTITY:
            yield section, _Line(reason, category, MAX_QUANTITY)
            quantity -= MAX_QUANTITY
        yield section, _Line(reason, category, quantity)


def _payloads(slot: int | None, lines: Sequence[_Told]) -> Iterator[bytes]:
    report: dict[str, object] = {} if slot is None else {"timestamp": slot * _SLOT_S}
    sections: dict[str, list[_Line]] = {Section.DISCARDED.value: []}
    for section, line in lines:
        sections.setdefault(section, []).append(line)
    payload = encode_json({**report, **sections})
    if len(payload) <= _MAX_ITEM_BYTES or len(lines) < 2:
        yield payload
        return
    middle = len(lines) // 2
    yield from _payloads(slot, lines[:middle])
    yield from _payloads(slot, lines[middle:])
