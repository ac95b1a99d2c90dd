"""What an answer shows of each record: all of it, or the `fields` that were asked for (`capture.md` 9.2).

A field is a key of a record, a member of one (`tags.area`, `scrub.changes`), or a JSON Pointer into the payload, which then is a key
of its own. The id is always there; what a record has not is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.filters import places, segments_of
from scrubjay.core.capture.values import BadQuery, nearest

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

MAX_FIELDS: Final = 50
KEYS: Final = (
    "id", "capture_id", "item_index", "type", "item_type", "received_at", "timestamp", "timestamp_guessed", "project", "public_key",
    "event_id", "level", "title", "culprit", "platform", "environment", "release", "trace_id", "span_id", "transaction", "sdk",
    "logger", "source", "user", "tags", "attachments", "bytes", "outcome", "outcome_reason", "outcome_stage", "outcome_origin",
    "outcome_detail", "scrub", "via", "message",
)  # fmt: skip
_WITH_MEMBERS: Final = frozenset({"user", "tags", "scrub"})


@dataclass(frozen=True, slots=True)
class Field:
    """`pointer` None: a key of the record, or its `member`."""

    name: str
    member: str = ""
    pointer: tuple[str, ...] | None = None


def parse_fields(text: str) -> tuple[Field, ...]:
    """Raises `BadQuery`."""
    asked = [part.strip() for part in text.split(",") if part.strip()]
    if len(asked) > MAX_FIELDS:
        raise BadQuery(f"fields: at most {MAX_FIELDS}")
    return tuple(map(_field, asked))


def shaped(found: Found, fields: Sequence[Field]) -> dict[str, object]:
    """Without `fields` the whole summary."""
    record = found.record
    summary: dict[str, object] = dict(record.summary)
    if not fields:
        return summary
    summary["message"] = record.message
    shown: dict[str, object] = {"id": record.id}
    document = found.document() if any(one.pointer is not None for one in fields) else None
    for one in fields:
        if one.pointer is not None:
            values = places(document, one.pointer)
            if values:
                shown[one.name] = values if "*" in one.pointer else values[0]
        elif one.member:
            parent = summary.get(one.name)
            if isinstance(parent, Mapping) and one.member in parent:
                before = shown.get(one.name)
                shown[one.name] = {
                    **(before if isinstance(before, Mapping) else {}),
                    one.member: parent[one.member],
                }
        elif one.name in summary:
            shown[one.name] = summary[one.name]
    return shown


def _field(text: str) -> Field:
    if text.startswith("/"):
        return Field(text, pointer=tuple(segments_of(text)))
    name, _, member = text.partition(".")
    if name in KEYS and (not member or name in _WITH_MEMBERS):
        return Field(name, member)
    raise BadQuery(f"fields: unknown field {text[:80]!r}{nearest(text, KEYS)}")
