"""Spans out of what was captured: transactions with their spans, single spans, and span containers (`capture.md` 10.4).

Owns reading the two forms that SDKs send: the older one (`op`, `description`, `data`, `timestamp`) and the newer one (`name`,
`attributes`, `end_timestamp`). Which span hangs under which is `traces`' business. Payloads may have any shape; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.reading import Json, as_list, get, pairs, parse_time, text

SPAN_ITEMS: Final = ("transaction", "span")
"""Types of items in which there are spans."""

MAX_ATTRIBUTES: Final = 200
MAX_VALUE_CHARS: Final = 8192
"""Of one attribute; the record itself shows the whole."""


@dataclass(frozen=True, slots=True)
class Span:
    """`op` and `status` are empty where the SDK says none. `end_unix` is never before `start_unix`."""

    trace_id: str
    span_id: str
    parent_span_id: str
    op: str
    name: str
    description: str
    status: str
    start_unix: float
    end_unix: float
    is_transaction: bool
    service: str
    attributes: dict[str, object]
    tags: dict[str, str]
    links: list[dict[str, object]]


def spans_of(item_type: str, document: object, received_unix: float) -> Iterator[Span]:
    """The spans of one record, a transaction's own first. Those without any time start and end when they were received."""
    if not isinstance(document, Mapping) or item_type not in SPAN_ITEMS:
        return
    if item_type == "transaction":
        yield from _transaction(document, received_unix)
        return
    entries = as_list(document.get("items")) if "items" in document else [document]
    for entry in entries:
        if isinstance(entry, Mapping):
            yield _span(entry, "", "", received_unix)


def _transaction(event: Json, received_unix: float) -> Iterator[Span]:
    context = get(event, "contexts", "trace")
    trace_id = text(get(context, "trace_id"))
    start_unix, end_unix = _times(event, received_unix)
    attributes = _attributes(get(context, "data"))
    service = service_of(event, attributes)
    for name, measured in pairs(event.get("measurements")):
        attributes[f"measurement.{name}"] = " ".join(
            str(part) for part in (get(measured, "value"), get(measured, "unit")) if part is not None
        )
    yield Span(
        trace_id=trace_id,
        span_id=text(get(context, "span_id")),
        parent_span_id=text(get(context, "parent_span_id")),
        op=text(get(context, "op")),
        name=text(event.get("transaction")) or "unnamed transaction",
        description=text(get(context, "description")),
        status=text(get(context, "status")),
        start_unix=start_unix,
        end_unix=end_unix,
        is_transaction=True,
        service=service,
        attributes=attributes,
        tags=_tags(event.get("tags")),
        links=_links(get(context, "links")),
    )
    for entry in as_list(event.get("spans")):
        if isinstance(entry, Mapping):
            yield _span(entry, trace_id, service, received_unix)


def _span(entry: Json, trace_id: str, service: str, received_unix: float) -> Span:
    """One of either form. `trace_id` and `service`: those of the transaction that it came with."""
    attributes = _attributes(entry.get("attributes"))
    if "data" in entry:
        attributes |= _attributes(entry["data"])
    start_unix, end_unix = _times(entry, received_unix)
    op = text(entry.get("op")) or text(attributes.get("sentry.op"))
    description = text(entry.get("description"))
    return Span(
        trace_id=text(entry.get("trace_id")) or trace_id,
        span_id=text(entry.get("span_id")),
        parent_span_id=text(entry.get("parent_span_id")),
        op=op,
        name=text(entry.get("name")) or description or op or "unnamed span",
        description=description,
        status=text(entry.get("status")),
        start_unix=start_unix,
        end_unix=end_unix,
        is_transaction=entry.get("is_segment") is True,
        service=service or service_of(entry, attributes),
        attributes=attributes,
        tags=_tags(entry.get("tags")),
        links=_links(entry.get("links")),
    )


def service_of(part: Json, attributes: Json) -> str:
    """What the program calls itself, else which SDK speaks: it tells a page in a browser from the server behind it."""
    named = text(attributes.get("service.name")) or text(get(part, "contexts", "otel", "resource", "service.name"))
    if not named and "tags" in part:
        named = text(dict(pairs(part["tags"])).get("service"))
    sdk = text(get(part, "sdk", "name")) or text(attributes.get("sentry.sdk.name"))
    return named or sdk.removeprefix("sentry.")


def _times(entry: Json, received_unix: float) -> tuple[float, float]:
    start_unix = parse_time(entry.get("start_timestamp"))
    end_unix = parse_time(entry.get("end_timestamp"))
    if end_unix is None:
        end_unix = parse_time(entry.get("timestamp"))
    if start_unix is None:
        start_unix = received_unix if end_unix is None else end_unix
    return start_unix, start_unix if end_unix is None else max(start_unix, end_unix)


def _attributes(value: object) -> dict[str, object]:
    """Name → plain value, of `{"value": …, "type": …}` as of plain ones."""
    found: dict[str, object] = {}
    for name, one in pairs(value)[:MAX_ATTRIBUTES]:
        plain = _value(one)
        found[name] = (
            plain[:MAX_VALUE_CHARS] + "…" if isinstance(plain, str) and len(plain) > MAX_VALUE_CHARS else plain
        )
    return found


def _value(attribute: object) -> object:
    return attribute["value"] if isinstance(attribute, dict) and "value" in attribute else attribute


def _tags(value: object) -> dict[str, str]:
    return {name: str(one) for name, one in pairs(value) if isinstance(one, str | int | float)}


def _links(value: object) -> list[dict[str, object]]:
    """To spans of other traces, mostly: what started this one."""
    return [
        {
            "trace_id": text(link.get("trace_id")),
            "span_id": text(link.get("span_id")),
            "attributes": _attributes(link.get("attributes")),
        }
        for link in as_list(value)
        if isinstance(link, Mapping)
    ]
