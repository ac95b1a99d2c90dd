"""Several envelopes as one, where every server sees the same in both (`upstream-and-operations.md` 8.2).

Owns which envelopes may share one (`merge_tag`) and the shared envelope's bytes (`merge`). How each type of items is put together is
the business of the modules beside this one; who waits for whom, and what becomes of a refused one, is the runtime's.

Invariants: nothing raises on what a client sent; what is not understood to the last member has no tag and travels alone, so that no
envelope can spoil another; sums are preserved; the bounds hold for whatever parcels of one tag come to less than them together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw

from scrubjay.core.envelope import Envelope, Item, parse_envelope, rewrite_header
from scrubjay.core.header_rules import parse_time
from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import containers, reports, sessions
from scrubjay.core.merging.share import MAX_ENTRIES, Share
from scrubjay.core.outgoing import FACTS
from scrubjay.errors import BadRequest

__all__ = ["MAX_BYTES", "MAX_ENTRIES", "MAX_MEMBERS", "MergeTag", "merge", "merge_tag"]

MAX_MEMBERS: Final = 100
MAX_BYTES: Final = 1024 * 1024
"""Of bodies. Servers take ten times as much; a refused envelope should not cost that much."""

_MAX_MEMBER_BYTES: Final = 8 * 1024
"""Reading what is larger costs more than its request, and it is well compressed alone."""
_LEAST_DRIFT_S: Final = 55 * 60
"""A clock that is wrong by as much is set right by servers, for an envelope as a whole."""
_SHARED: Final = frozenset({*FACTS, "sdk", "trace"})
"""Header members that are equal in all that share an envelope."""
_OWN: Final = frozenset({"dsn", "sent_at"})
"""Header members that are written anew."""
_HEADER: Final = msgspec.json.Decoder(dict[str, Raw])


@dataclass(frozen=True, slots=True)
class _Type:
    """`share` says what an item asks of its company, None: it is left alone. `merge` puts together items that ask for the same."""

    share: Callable[[Item], Share | None]
    merge: Callable[[Sequence[Item]], list[Item]]


_TYPES: Final = {
    "session": _Type(sessions.share_of_update, list),
    "sessions": _Type(sessions.share_of_aggregates, sessions.merge_aggregates),
    "client_report": _Type(reports.share_of_report, reports.merge_reports),
    "log": _Type(containers.share_of_container, containers.merge_containers),
    "span": _Type(containers.share_of_container, containers.merge_containers),
    "trace_metric": _Type(containers.share_of_container, containers.merge_containers),
    "metric_buckets": _Type(containers.share_of_buckets, containers.merge_buckets),
}
_NAMES: Final = frozenset(_TYPES)


@dataclass(frozen=True, slots=True)
class MergeTag:
    """Parcels of equal keys may share an envelope, as long as their `entries` come to `MAX_ENTRIES` at most."""

    key: Hashable
    entries: int


def merge_tag(parcel: Parcel) -> MergeTag | None:
    """None: it travels alone. For parcels with anything that is never merged, that is known without looking at the body."""
    if parcel.event_id is not None or not _NAMES.issuperset(parcel.item_types) or not parcel.item_types:
        return None
    if len(parcel.body) > _MAX_MEMBER_BYTES or not parcel.body.startswith(b"{"):
        return None
    try:
        envelope = parse_envelope(parcel.body)
    except BadRequest:
        return None
    header = _HEADER.decode(_header_line(parcel.body))
    if not header.keys() <= _SHARED | _OWN or not _has_right_clock(envelope, parcel.received_unix):
        return None
    asked = _asked(envelope.items, header)
    if asked is None:
        return None
    demands, entries = asked
    # A server that takes sessions and refuses reports would have to be asked again for the reports alone.
    only_reports = parcel.item_types == ("client_report",)
    facts = (parcel.client, parcel.version, parcel.origin, parcel.user_agent, parcel.forwarded_for, parcel.via)
    shared = tuple(sorted((name, bytes(value)) for name, value in header.items() if name not in _OWN))
    return MergeTag((parcel.key, parcel.project_id, parcel.upstream, facts, shared, demands, only_reports), entries)


def merge(parcels: Sequence[Parcel], sent_at: str | None) -> bytes:
    """The envelope that stands for all of them, which have equal tags; `sent_at` None: it says nothing of a time."""
    found: dict[str, list[Item]] = {}
    for parcel in parcels:
        for item in parse_envelope(parcel.body).items:
            found.setdefault(item.type, []).append(item)
    items = [merged for name, each in found.items() for merged in (_TYPES[name].merge(each) if len(each) > 1 else each)]
    header = rewrite_header(_header_line(parcels[0].body), {"sent_at": sent_at})
    return header + Envelope({}, items).serialize().removeprefix(b"{}")


def _header_line(body: bytes) -> bytes:
    return body.partition(b"\n")[0]


def _has_right_clock(envelope: Envelope, received_unix: float) -> bool:
    """Whether no server would correct the times in it; without `sent_at` none does."""
    sent_at = envelope.headers.get("sent_at")
    return sent_at is None or abs(received_unix - parse_time(sent_at).timestamp()) < _LEAST_DRIFT_S


def _asked(items: Sequence[Item], header: Mapping[str, Raw]) -> tuple[Hashable, int] | None:
    """What the items together ask of their company, and the entries that they take up; None: they travel alone."""
    demands: dict[str, Hashable] = {}
    entries = 0
    for item in items:
        found = _TYPES.get(item.type)
        share = None if found is None else found.share(item)
        if share is None:
            return None
        entries += share.entries
        if share.demand is not None:
            if item.type in demands:  # one of a kind is all that an envelope may hold
                return None
            demands[item.type] = share.demand
    if not items or entries > MAX_ENTRIES or ("span" in demands and (len(items) > 1 or "trace" not in header)):
        return None
    return tuple(sorted(demands.items(), key=lambda demand: demand[0])), entries
