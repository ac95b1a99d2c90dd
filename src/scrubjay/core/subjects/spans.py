"""Spans that came alone, and the records of containers, by the names that conditions use (`decisions.md` 6.3).

Spans of the first version are objects like those inside a transaction; spans of the second, logs and trace metrics are records with
attributes.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from scrubjay.core.conditions import Value
from scrubjay.core.items.partial import Payload
from scrubjay.core.networks import Address
from scrubjay.core.subjects.document import Document, Scalar
from scrubjay.core.subjects.events import measurement
from scrubjay.core.subjects.fields import Fields, Reader, at, duration_ms, read_tags, state


class SpanSubject(Fields):
    """A span of the first version. Its data also tell some fields of the event that it belongs to."""

    __slots__ = ()

    _reads = True

    def _read(self, name: str) -> Value:
        read = _SPAN.get(name)
        if read is not None:
            return read(self.document)
        prefix, _, rest = name.partition(".")
        bag, _, key = rest.partition(".")
        if prefix != "span" or not key:
            return None
        if bag in ("tags", "sentry_tags"):
            return read_tags(self.document.raw(bag)).get(key)
        if bag == "data":
            return self.document.child("data").scalar(key)
        return measurement(self.document, key) if bag == "measurements" else None


def _in_data(*names: str) -> Reader:
    def reader(document: Document) -> Value:
        data = document.child("data")
        return next((value for value in map(data.text, names) if value is not None), None)

    return reader


_SPAN: Final[dict[str, Reader]] = {
    "span.exclusive_time": at(Document.number, "exclusive_time"),
    "span.description": at(Document.text, "description"),
    "span.op": at(Document.text, "op"),
    "span.span_id": at(Document.hex_id, "span_id"),
    "span.parent_span_id": at(Document.hex_id, "parent_span_id"),
    "span.trace_id": at(Document.hex_id, "trace_id"),
    "span.status": at(state, "status"),
    "span.is_segment": at(Document.truth, "is_segment"),
    "span.origin": at(Document.text, "origin"),
    "span.duration": duration_ms,
    "span.was_transaction": at(Document.truth, "was_transaction"),
    "event.release": _in_data("sentry.release", "release"),
    "event.environment": _in_data("sentry.environment", "environment"),
    "event.transaction": _in_data("sentry.segment.name", "sentry.transaction", "transaction"),
    "event.contexts.browser.name": _in_data("sentry.browser.name", "browser.name"),
}
SPAN_NAMES: Final = (
    *_SPAN,
    "span.tags.<key>",
    "span.sentry_tags.<key>",
    "span.data.<key>",
    "span.measurements.<name>.value",
)


class RecordSubject(Fields):
    """A record with attributes: a span of the second version, a log or a trace metric."""

    __slots__ = ("_prefix",)

    _reads = True

    def __init__(self, record: Payload | Raw | None, prefix: str, client_ip: Address | None = None) -> None:
        super().__init__(record, client_ip)
        self._prefix = prefix

    def attribute(self, key: str) -> Scalar:
        return self.document.child("attributes").child(key).scalar("value")

    def _read(self, name: str) -> Value:
        prefix, _, rest = name.partition(".")
        if prefix != self._prefix:
            return None
        if rest in _SIMPLE[prefix]:
            return self.document.text(rest)
        bag, _, key = rest.partition(".")
        return self.attribute(key.removesuffix(".value")) if bag == "attributes" and key.endswith(".value") else None


# The level of a log is no field of the reference's: with it a project can leave out what was only written for debugging.
_SIMPLE: Final[dict[str, frozenset[str]]] = {
    "span": frozenset({"name", "status"}),
    "log": frozenset({"body", "level"}),
    "trace_metric": frozenset({"name"}),
}
RECORD_NAMES: Final = {
    prefix: (*(f"{prefix}.{name}" for name in sorted(simple)), f"{prefix}.attributes.<key>.value")
    for prefix, simple in _SIMPLE.items()
}
"""By the type of the container."""
