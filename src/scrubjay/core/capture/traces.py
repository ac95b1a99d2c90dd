"""Traces put together from whatever spans, errors and logs of them were captured (`capture.md` 9.1, 10.4).

Owns the list of traces and the tree of one. Reading spans is `spans`' business. The list decodes a payload once: what it needs of
a record is a few dozen bytes, kept until the record is gone from the store.

Invariants: every span stands in its tree exactly once, whatever its ids claim (missing parents, loops, the same span sent
twice); nothing here recurses; times are shown as they were sent: clocks that disagree are told, not corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.reading import iso, text
from scrubjay.core.capture.spans import SPAN_ITEMS, Span, spans_of
from scrubjay.core.capture.tree import Place, laid_out

if TYPE_CHECKING:
    from scrubjay.core.capture.records import Record
    from scrubjay.core.capture.store import Found

MAX_SPANS: Final = 5000
MAX_RIDERS: Final = 1000
"""Errors and logs that are listed beside the spans of a trace."""
MIN_PREFIX: Final = 8


@dataclass(frozen=True, slots=True)
class Share:
    """What one record has of one trace. `first_span_id` and `spans` tell apart what was sent twice, to a DSN and to Spotlight."""

    spans: int
    first_span_id: str
    start_unix: float
    end_unix: float
    rank: tuple[bool, bool, float]
    """The root is the span of the lowest: without a parent, a transaction, early."""
    name: str
    op: str
    status: str
    services: tuple[str, ...]


@dataclass(slots=True)
class _Row:
    """One trace while the list is made; `shown`: one of its records matches what was asked for."""

    shares: dict[tuple[str, int], tuple[Share, Record]] = field(default_factory=dict)
    projects: dict[str, None] = field(default_factory=dict)
    received_unix: float = 0.0
    riders: Counter[str] = field(default_factory=Counter)
    shown: bool = False


class Traces:
    """One per store; `founds` are all of its records, newest first."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Share]] = {}

    def rows(self, founds: Iterable[Found], shown: set[str] | None = None) -> list[dict[str, object]]:
        """All traces, those of the newest records first. `shown`: ids of records; a trace with none of them is left out."""
        known: dict[str, dict[str, Share]] = {}
        rows: dict[str, _Row] = {}
        for found in founds:
            record = found.record
            shares = self._shares_of(found)
            if shares:
                known[record.id] = shares
            trace_id = text(record.value("trace_id"))
            for one in dict.fromkeys((*shares, trace_id) if trace_id else shares):
                row = rows.setdefault(one, _Row())
                row.shown = row.shown or shown is None or record.id in shown
                row.projects[text(record.value("project"))] = None
                row.received_unix = max(row.received_unix, found.captured.facts.received_unix)
                if one in shares:
                    share = shares[one]
                    row.shares.setdefault((share.first_span_id, share.spans), (share, record))
                else:
                    row.riders[text(record.value("type"))] += 1
        self._known = known
        return [_row(trace_id, row) for trace_id, row in rows.items() if row.shown]

    def ids(self, founds: Iterable[Found], wanted: str) -> list[str]:
        """The trace of this id, or those whose ids begin so, newest first; a beginning has eight digits at least."""
        given = _digits(wanted)
        known = {text(row["trace_id"]): _digits(text(row["trace_id"])) for row in self.rows(founds)}
        exact = [trace_id for trace_id, digits in known.items() if digits == given]
        if exact or len(given) < MIN_PREFIX:
            return exact
        return [trace_id for trace_id, digits in known.items() if digits.startswith(given)]

    def one(self, founds: Iterable[Found], trace_id: str) -> dict[str, object] | None:
        """One trace, its spans in the order of the tree; None where nothing of it is kept."""
        places: dict[str, Place] = {}
        nameless: list[Place] = []
        riders: dict[str, list[dict[str, object]]] = {"error": [], "log": []}
        for found in founds:
            record = found.record
            kind = text(record.value("type"))
            if kind in riders and record.value("trace_id") == trace_id and len(riders[kind]) < MAX_RIDERS:
                riders[kind].append(dict(record.summary))
            if trace_id not in self._shares_of(found):
                continue
            project = text(record.value("project"))
            for span in spans_of(found.item.type, found.document(), found.captured.facts.received_unix):
                if span.trace_id != trace_id:
                    continue
                place = Place(span, record.id, project)
                if not span.span_id:
                    nameless.append(place)
                elif span.span_id not in places or _is_better(span, places[span.span_id].span):
                    places[span.span_id] = place
        everything = [*places.values(), *nameless]
        return _trace(trace_id, everything, riders) if everything or any(riders.values()) else None

    def _shares_of(self, found: Found) -> dict[str, Share]:
        if found.item.type not in SPAN_ITEMS:
            return {}
        shares = self._known.get(found.record.id)
        return _shares(found) if shares is None else shares


def _shares(found: Found) -> dict[str, Share]:
    of_trace: dict[str, list[Span]] = {}
    for span in spans_of(found.item.type, found.document(), found.captured.facts.received_unix):
        if span.trace_id:
            of_trace.setdefault(span.trace_id, []).append(span)
    return {trace_id: _share(spans) for trace_id, spans in of_trace.items()}


def _share(spans: list[Span]) -> Share:
    root = min(spans, key=_rank)
    return Share(
        spans=len(spans),
        first_span_id=spans[0].span_id,
        start_unix=min(span.start_unix for span in spans),
        end_unix=max(span.end_unix for span in spans),
        rank=_rank(root),
        name=root.name,
        op=root.op,
        status=root.status,
        services=tuple(sorted({span.service for span in spans if span.service})),
    )


def _rank(span: Span) -> tuple[bool, bool, float]:
    return bool(span.parent_span_id), not span.is_transaction, span.start_unix


def _row(trace_id: str, row: _Row) -> dict[str, object]:
    shares = [share for share, _ in row.shares.values()]
    told: dict[str, object] = {
        "trace_id": trace_id,
        "received_at": iso(row.received_unix),
        "projects": [project for project in row.projects if project],
        "spans": sum(share.spans for share in shares),
        "errors": row.riders["error"],
        "logs": row.riders["log"],
        "services": sorted({service for share in shares for service in share.services}),
    }
    if not shares:
        return told
    root, record = min(row.shares.values(), key=lambda pair: pair[0].rank)
    if record.value("outcome") != "accepted":
        told |= {name: value for name in ("outcome", "outcome_reason") if (value := record.value(name))}
    start_unix, end_unix = min(share.start_unix for share in shares), max(share.end_unix for share in shares)
    return told | {
        "name": root.name,
        "op": root.op,
        "status": root.status,
        "root_missing": root.rank[0],
        "record_id": record.id,
        "start": iso(start_unix),
        "end": iso(end_unix),
        "duration_ms": _ms(end_unix - start_unix),
    }


def _is_better(span: Span, known: Span) -> bool:
    """Some SDKs send the span of a transaction twice, as both; the transaction says more."""
    return span.is_transaction and not known.is_transaction


def _trace(trace_id: str, places: list[Place], riders: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    told: dict[str, object] = {
        "trace_id": trace_id,
        "spans": [],
        "services": sorted({place.span.service for place in places if place.span.service}),
        "errors": riders["error"][::-1],
        "logs": riders["log"][::-1],
    }
    if not places:
        return told
    start_unix = min(place.span.start_unix for place in places)
    end_unix = max(place.span.end_unix for place in places)
    rows = laid_out(places)
    told |= {
        "start": iso(start_unix),
        "end": iso(end_unix),
        "duration_ms": _ms(end_unix - start_unix),
        "spans": [row.document(start_unix) for row in rows[:MAX_SPANS]],
    }
    return told | {"spans_omitted": len(rows) - MAX_SPANS} if len(rows) > MAX_SPANS else told


def _digits(trace_id: str) -> str:
    return trace_id.replace("-", "").lower()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
