"""Containers of logs, spans, trace metrics and metric buckets of several envelopes in one (`upstream-and-operations.md` 8.2).

Records keep their bytes; what stands beside them is equal in all. A server takes a container whole or not at all: one is merged only
if it is such a one that no server can refuse, else its neighbours would be lost with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from scrubjay.core.envelope import Item, decode_json
from scrubjay.core.header_rules import depth_of
from scrubjay.core.items.partial import Payload
from scrubjay.core.merging.share import Share, is_plain, read_strictly

_CONTENT_TYPES: Final = {
    "log": "application/vnd.sentry.items.log+json",
    "span": "application/vnd.sentry.items.span.v2+json",
    "trace_metric": "application/vnd.sentry.items.trace-metric+json",
}
_MAX_DEPTH: Final = 120
"""Of a record; readers of JSON give up at 128, and it stands in two levels more."""
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_RECORDS: Final = msgspec.json.Decoder(list[Raw])


class _Bucket(Struct):
    timestamp: Annotated[int, Meta(ge=0, lt=2**62)]
    name: str
    type: Literal["c", "d", "g", "s"]
    value: float | list[float] | dict[str, float]
    width: Annotated[int, Meta(ge=0, lt=2**62)] = 0
    tags: dict[str, str] = {}


_BUCKETS: Final = msgspec.json.Decoder(list[_Bucket])


def share_of_container(item: Item) -> Share | None:
    announced = item.headers.get("item_count")
    if type(announced) is not int or not is_plain(item, "item_count", content_type=_CONTENT_TYPES[item.type]):
        return None
    members = read_strictly(_MEMBERS, item.payload)
    if members is None or "items" not in members or not _is_all(members, item.payload):
        return None
    if not _is_sound(members["items"]) or len(_RECORDS.decode(members["items"])) != announced:
        return None
    return Share(announced, tuple(sorted((name, bytes(value)) for name, value in members.items() if name != "items")))


def merge_containers(items: Sequence[Item]) -> list[Item]:
    members = [_MEMBERS.decode(item.payload) for item in items]
    joined = Raw(_joined(each["items"] for each in members))
    counts = [item.headers["item_count"] for item in items]
    headers = {**items[0].headers, "item_count": sum(count for count in counts if isinstance(count, int))}
    return [Item(headers, msgspec.json.encode({**members[0], "items": joined}))]


def share_of_buckets(item: Item) -> Share | None:
    buckets = read_strictly(_BUCKETS, item.payload) if is_plain(item) else None
    if buckets is None or not _is_sound(item.payload):
        return None
    return Share(len(buckets), ())


def merge_buckets(items: Sequence[Item]) -> list[Item]:
    return [Item(items[0].headers, _joined(item.payload for item in items))]


def _joined(arrays: Iterable[Payload | Raw]) -> bytes:
    inner = (bytes(array).strip()[1:-1].strip() for array in arrays)
    return b"[%b]" % b",".join(each for each in inner if each)


def _is_sound(array: Payload | Raw) -> bool:
    """Whether every reader can read all of it. What is only skipped is not checked, so that it is read to the last digit here."""
    try:
        decode_json(bytes(array))
        records = _RECORDS.decode(array)
    except (ValueError, RecursionError):
        return False
    return not any(map(_is_deep, map(bytes, records)))


def _is_deep(record: bytes) -> bool:
    """Few brackets, the cheap question, cannot be deep."""
    return record.count(b"{") + record.count(b"[") > _MAX_DEPTH and depth_of(record) > _MAX_DEPTH


def _is_all(members: dict[str, Raw], payload: Payload) -> bool:
    """Whether nothing else stands there: where a name is given twice, readers see the last, or refuse the whole."""
    return len(msgspec.json.encode(members)) == len(bytes(payload).strip())
