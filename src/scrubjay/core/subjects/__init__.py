"""What rules see of an item: fields by name, read when asked for (`decisions.md` 6.3).

One subject per item, kept on the item, so that filters, sampling and quotas open a document once. Which class stands for which item
is decided here; what each has is said in its module. Invariant: no payload makes a subject raise, what cannot be read is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from scrubjay.core.conditions import CLIENT_IP
from scrubjay.core.envelope import Item
from scrubjay.core.networks import Address
from scrubjay.core.subjects.events import EventSubject, ReplaySubject
from scrubjay.core.subjects.exceptions import ExceptionSubject
from scrubjay.core.subjects.fields import Fields
from scrubjay.core.subjects.sessions import SessionSubject
from scrubjay.core.subjects.spans import RecordSubject, SpanSubject
from scrubjay.core.subjects.traces import TraceSubject

__all__ = [
    "EventSubject",
    "ExceptionSubject",
    "Fields",
    "RecordSubject",
    "ReplaySubject",
    "SessionSubject",
    "SpanSubject",
    "TraceSubject",
    "subject_of",
    "subject_of_record",
    "subject_of_trace",
]


def subject_of(item: Item, client_ip: Address | None = None) -> Fields:
    """The item as conditions see it. Of a container it has no fields but the client's address: ask its records."""
    subject = item.subject
    if not isinstance(subject, Fields):
        subject = item.subject = _open(item)
    if client_ip is not None:
        subject.tell(CLIENT_IP, client_ip)
    return subject


def subject_of_record(item_type: str, record: Raw, client_ip: Address | None = None) -> Fields:
    """A record of a container of logs, spans or trace metrics."""
    return RecordSubject(record, item_type, client_ip)


def subject_of_trace(context: Mapping[str, object]) -> TraceSubject:
    """A dynamic sampling context."""
    return TraceSubject(context)


def _open(item: Item) -> Fields:
    if "item_count" in item.headers and item.type in _CONTAINERS:
        return Fields(None)
    opener = _OPENERS.get(item.type)
    return Fields(item.payload) if opener is None else opener(item)


def _open_report(item: Item) -> EventSubject:
    """A browser's own report, which is no event yet: its release and environment stand in the item's header."""
    subject = EventSubject(None)
    for name in ("release", "environment"):
        value = item.headers.get(f"sentry_{name}")
        if isinstance(value, str):
            subject.tell(f"event.{name}", value)
    return subject


_MEMBERS: Final = msgspec.msgpack.Decoder(dict[str, Raw])
_MEMBER: Final = msgspec.msgpack.Decoder()


def _open_video(item: Item) -> Fields:
    """The event that comes with a film, in msgpack."""
    try:
        event = _MEMBER.decode(_MEMBERS.decode(item.payload).get("replay_event", b"\xc0"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Fields(None)
    if isinstance(event, str):
        event = event.encode()
    return ReplaySubject(event) if isinstance(event, bytes) else Fields(None)


_CONTAINERS: Final = frozenset({"log", "span", "trace_metric"})

_OPENERS: Final[dict[str, Callable[[Item], Fields]]] = {
    **dict.fromkeys(("event", "feedback", "security"), lambda item: EventSubject(item.payload)),
    "transaction": lambda item: EventSubject(item.payload, is_transaction=True),
    "raw_security": _open_report,
    "replay_event": lambda item: ReplaySubject(item.payload),
    "replay_video": _open_video,
    **dict.fromkeys(("session", "sessions"), lambda item: SessionSubject(item.payload)),
    "span": lambda item: SpanSubject(item.payload),
}
