"""The tree of one trace: which span hangs under which, in what order, and how long each worked itself.

Owns the order, missing parents, loops, self time and the telling of clocks that disagree. Nothing here recurses: a trace may be
one chain of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.reading import iso
from scrubjay.core.capture.spans import Span

MIN_SKEW_MS: Final = 1.0
"""Spans that start this much before their parent in another service are told of: the clocks of the two disagree."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span and where it came from."""

    span: Span
    record_id: str
    project: str


@dataclass(slots=True)
class Row:
    """A line of the waterfall. Without `place`: the parent of the lines below it, which was not captured."""

    place: Place | None
    depth: int
    span_id: str
    start_unix: float
    end_unix: float
    self_ms: float
    children: int
    skew_ms: float = 0.0

    def document(self, trace_start_unix: float) -> dict[str, object]:
        """As the API shows it; `offset_ms` is what the page draws from."""
        told: dict[str, object] = {
            "span_id": self.span_id,
            "depth": self.depth,
            "children": self.children,
            "start": iso(self.start_unix),
            "end": iso(self.end_unix),
            "offset_ms": round((self.start_unix - trace_start_unix) * 1000, 3),
            "duration_ms": round((self.end_unix - self.start_unix) * 1000, 3),
        }
        if self.place is None:
            return told | {"name": "missing parent", "missing_parent": True}
        span = self.place.span
        optional = {
            "parent_span_id": span.parent_span_id,
            "op": span.op,
            "description": span.description,
            "status": span.status,
            "service": span.service,
            "attributes": span.attributes,
            "tags": span.tags,
            "links": span.links,
            "skew_ms": self.skew_ms,
            "is_transaction": span.is_transaction,
        }
        told |= {
            "name": span.name,
            "self_ms": self.self_ms,
            "project": self.place.project,
            "record_id": self.place.record_id,
        }
        return told | {name: value for name, value in optional.items() if value}


def laid_out(places: Iterable[Place]) -> list[Row]:
    """All of them in the order of the tree, brothers and sisters by their start."""
    ordered = sorted(places, key=lambda place: (place.span.start_unix, not place.span.is_transaction))
    known = {place.span.span_id for place in ordered if place.span.span_id}
    under: dict[str, list[Place]] = {}
    tops: dict[str, list[Place]] = {}
    for place in ordered:
        parent = place.span.parent_span_id
        if parent in known:
            under.setdefault(parent, []).append(place)
        else:
            tops.setdefault(parent, []).append(place)
    rows: list[Row] = []
    placed: set[int] = set()
    roots = [(place.span.start_unix, "", [place]) for place in tops.pop("", [])]
    roots += [(orphans[0].span.start_unix, parent, orphans) for parent, orphans in tops.items()]
    for _, parent, group in sorted(roots, key=lambda root: root[0]):
        if parent:
            rows.append(_missing(parent, group))
        for place in group:
            _walk(place, 1 if parent else 0, under, placed, rows)
    for place in ordered:  # whatever is left claims to be below itself
        _walk(place, 0, under, placed, rows)
    return rows


def _missing(span_id: str, orphans: list[Place]) -> Row:
    start_unix = min(place.span.start_unix for place in orphans)
    end_unix = max(place.span.end_unix for place in orphans)
    return Row(None, 0, span_id, start_unix, end_unix, 0.0, len(orphans))


def _walk(top: Place, depth: int, under: dict[str, list[Place]], placed: set[int], rows: list[Row]) -> None:
    todo: list[tuple[Place, int, Span | None]] = [(top, depth, None)]
    while todo:
        place, level, parent = todo.pop()
        if id(place) in placed:
            continue
        placed.add(id(place))
        span = place.span
        children = under.get(span.span_id, []) if span.span_id else []
        rows.append(
            Row(place, level, span.span_id, span.start_unix, span.end_unix, _self_ms(span, children), len(children), _skew_ms(span, parent))
        )  # fmt: skip
        todo += [(child, level + 1, span) for child in reversed(children)]


def _self_ms(span: Span, children: list[Place]) -> float:
    """Its duration without the time in which at least one of its children ran."""
    busy_s, until_unix = 0.0, span.start_unix
    for child in children:  # by their start
        begin_unix = max(child.span.start_unix, until_unix)
        end_unix = min(child.span.end_unix, span.end_unix)
        if end_unix > begin_unix:
            busy_s += end_unix - begin_unix
            until_unix = end_unix
    return max(0.0, round((span.end_unix - span.start_unix - busy_s) * 1000, 3))


def _skew_ms(span: Span, parent: Span | None) -> float:
    if parent is None or span.service == parent.service:
        return 0.0
    early_ms = round((parent.start_unix - span.start_unix) * 1000, 3)
    return early_ms if early_ms >= MIN_SKEW_MS else 0.0
