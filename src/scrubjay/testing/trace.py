"""A trace as a test reads it: the tree of spans that transactions and spans make up (`capture.md` 9.1, `/traces/{id}`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Span:
    """`depth` 0 is a root. Times are milliseconds; `self_ms` is what no child accounts for."""

    span_id: str
    parent_span_id: str = ""
    depth: int = 0
    op: str = ""
    description: str = ""
    status: str = ""
    duration_ms: float = 0.0
    self_ms: float = 0.0
    is_transaction: bool = False
    missing_parent: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            span_id=str(document.get("span_id") or ""),
            parent_span_id=str(document.get("parent_span_id") or ""),
            depth=int(document.get("depth") or 0),
            op=str(document.get("op") or ""),
            description=str(document.get("description") or document.get("name") or ""),
            status=str(document.get("status") or ""),
            duration_ms=float(document.get("duration_ms") or 0),
            self_ms=float(document.get("self_ms") or 0),
            is_transaction=bool(document.get("is_transaction")),
            missing_parent=bool(document.get("missing_parent")),
            tags=document.get("tags") or {},
            attributes=document.get("attributes") or {},
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """`spans` in the order of the tree; `errors` and `logs` as lists of the API have them."""

    trace_id: str
    duration_ms: float
    services: tuple[str, ...]
    spans: tuple[Span, ...]
    errors: tuple[Mapping[str, Any], ...] = ()
    logs: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            trace_id=str(document.get("trace_id") or ""),
            duration_ms=float(document.get("duration_ms") or 0),
            services=tuple(map(str, document.get("services") or ())),
            spans=tuple(map(Span.of, document.get("spans") or ())),
            errors=tuple(document.get("errors") or ()),
            logs=tuple(document.get("logs") or ()),
        )

    def span(self, *, op: str | None = None, description: str | None = None) -> Span:
        """The only span with this operation and description. Raises `AssertionError`, which shows the tree."""
        found = [
            span
            for span in self.spans
            if op in (None, span.op) and (description is None or description in span.description)
        ]
        if len(found) == 1:
            return found[0]
        wanted = " ".join(f"{name}={value!r}" for name, value in (("op", op), ("description", description)) if value)
        raise AssertionError(f"{len(found)} spans with {wanted or 'anything'}, not one, in\n{self}")

    def __str__(self) -> str:
        lines = (
            f"{'  ' * span.depth}{span.op or '-'}  {span.description}  {span.duration_ms:g} ms" for span in self.spans
        )
        return "\n".join((f"trace {self.trace_id}", *lines))
