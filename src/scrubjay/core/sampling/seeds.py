"""Whose id decides: the 128 bits that an item's or a record's number follows from (`decisions.md` 5.9).

Transactions and spans go by their trace, so that traces stay whole over all services; logs by what tells one record from another; all
else by the event's id, and what has none by its own bytes. So a retry meets the same decision, on every worker and relay.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Payload, read
from scrubjay.core.sampling.unit import uuid_digits


class _Trace(Struct):
    trace_id: Raw = Raw()


class _Contexts(Struct):
    trace: _Trace | None = None


class _Transaction(Struct):
    contexts: _Contexts | None = None


class _Log(Struct):
    trace_id: Raw = Raw()
    timestamp: Raw = Raw()
    body: Raw = Raw()


_TRANSACTION: Final = msgspec.json.Decoder(_Transaction)
_TRACE: Final = msgspec.json.Decoder(_Trace)
_LOG: Final = msgspec.json.Decoder(_Log)
_TEXT: Final = msgspec.json.Decoder(str)


def seed_of_item(item: Item, headers: Mapping[str, object]) -> str:
    """`headers` are the envelope's. Of an item that is decided as a whole, whatever its type."""
    if item.type == "span":
        return seed_of_span(item.payload, headers)
    trace = None
    if item.type == "transaction":
        trace = _named_trace(headers) or _trace_of_transaction(item.payload)
    return trace or uuid_digits(headers.get("event_id")) or _hash(item.payload)


def seed_of_span(span: Payload, headers: Mapping[str, object]) -> str:
    """The envelope's trace, else the span's own."""
    trace = _named_trace(headers)
    if trace is None:
        document = read(_TRACE, span)
        trace = None if document is None else _uuid_in(document.trace_id)
    return trace or _hash(span)


def seed_of_log(record: Payload) -> str:
    log = read(_LOG, record)
    if log is None:
        return _hash(record)
    return _hash(b"\x1f".join((_part(log.trace_id), _part(log.timestamp), _part(log.body))))


def _named_trace(headers: Mapping[str, object]) -> str | None:
    """The trace that the envelope's dynamic sampling context names."""
    context = headers.get("trace")
    return uuid_digits(context.get("trace_id")) if isinstance(context, Mapping) else None


def _trace_of_transaction(payload: Payload) -> str | None:
    transaction = read(_TRANSACTION, payload)
    if transaction is None or transaction.contexts is None or transaction.contexts.trace is None:
        return None
    return _uuid_in(transaction.contexts.trace.trace_id)


def _uuid_in(raw: Raw) -> str | None:
    text = read(_TEXT, raw) if raw else None
    return uuid_digits(text)


def _part(raw: Raw) -> bytes:
    """A text's UTF-8, of anything else the JSON text."""
    data = bytes(raw)
    text = read(_TEXT, data) if data[:1] == b'"' else None
    return data if text is None else text.encode()


def _hash(payload: Payload) -> str:
    return blake2b(payload, digest_size=16).hexdigest()
