"""One item's payload: which scrubber reads it, and what becomes of it where none can (scrubbing.md 12, 15.6, 15.7).

`SCRUBBERS` is the table from the scope of an item's kind to a scrubber; a scope that is not in it is the shape of a JSON document. A new
payload is a module of its own and a line there. Nothing here is counted or dropped: whoever asks does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import msgspec

from scrubjay import reasons
from scrubjay.categories import Quantities
from scrubjay.core.envelope import Item, TooDeep, decode_json
from scrubjay.core.items.blobs import attachment_type, is_reference, is_trace_attachment
from scrubjay.core.items.kind import u32
from scrubjay.core.items.partial import counted
from scrubjay.core.scrub.attachments import scrub_file
from scrubjay.core.scrub.binary import scrub_binary
from scrubjay.core.scrub.documents import CONTAINERS, scrub_container, scrub_document
from scrubjay.core.scrub.form_data import scrub_form_data
from scrubjay.core.scrub.identities import treat_identities
from scrubjay.core.scrub.json_text import decode_any, encode, mended
from scrubjay.core.scrub.leaves import MAX_MEMBERS
from scrubjay.core.scrub.policies import Policies
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.recordings import scrub_recording
from scrubjay.core.scrub.reports import scrub_report
from scrubjay.core.scrub.strip import STRIPPABLE, strip_document
from scrubjay.core.scrub.videos import scrub_video
from scrubjay.errors import Unreadable, Unscrubbable
from scrubjay.outcomes import Reason

_PERFETTO: Final = "application/x-perfetto-trace"
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_UNREADABLE: Final = {
    "replay_recording": reasons.INVALID_REPLAY_RECORDING,
    "replay_video": reasons.INVALID_REPLAY_VIDEO,
}


@dataclass(frozen=True, slots=True)
class Replaced:
    """A payload in place of the item's, with what changes in the item's headers, and what went lost of it."""

    payload: bytes
    headers: Mapping[str, object] = field(default_factory=dict)
    dropped: Quantities = ()


@dataclass(frozen=True, slots=True)
class Unscrubbed:
    """The item's own payload leaves although it could not be scrubbed, by the word of who set the policies."""


Scrubbed: TypeAlias = bytes | Replaced | Unscrubbed | Reason | None
"""The payload that may leave in place of the item's; None: its own, of which nothing had to go; a reason: none may."""


def payload_of(result: Scrubbed) -> bytes | None:
    """The payload in place of the item's, if there is one."""
    return result.payload if isinstance(result, Replaced) else result if isinstance(result, bytes) else None


@dataclass(frozen=True, slots=True)
class Task:
    """What a scrubber is asked. `record` counts what is done."""

    program: ScrubProgram
    policies: Policies
    item: Item
    record: Record | None

    def document(self, payload: bytes | memoryview, shape: str) -> bytes | None:
        return scrub_document(self.program, payload, shape, self.record)


def scrub_item(program: ScrubProgram, policies: Policies, item: Item, record: Record | None = None) -> Scrubbed:
    """What becomes of one item; nothing is done to it yet. `record` counts what is done."""
    if program.allow is not None:
        fate = program.allow.fate(item)
        if fate == "drop":
            return reasons.NOT_ALLOWED
        if fate == "whole":
            program = replace(program, allow=None)
    return scrub_payload(program, policies, item, record)


def scrub_payload(program: ScrubProgram, policies: Policies, item: Item, record: Record | None = None) -> Scrubbed:
    """What becomes of an item. Never raises Unscrubbable: what cannot be scrubbed has its policy."""
    task = Task(program, policies, item, record)
    scope = item.kind.scope
    scrubber = SCRUBBERS.get(scope)
    try:
        result = task.document(item.payload, scope) if scrubber is None else scrubber(task)
    except Unscrubbable as error:
        return _failed(task, error)
    if program.options.dry_run and not isinstance(result, Reason):
        return None
    return result


def _failed(task: Task, error: Unscrubbable) -> Scrubbed:
    item, policies = task.item, task.policies
    is_document = item.kind.codec == "json" or not item.kind.type
    is_unreadable = isinstance(error, Unreadable) or (is_document and not _is_json(item.payload))
    if not item.kind.type and is_unreadable:
        return Unscrubbed() if policies.opaque == "forward" else reasons.OPAQUE_DROPPED
    word = policies.on_error(item.kind.type)
    if word == "forward":
        return Unscrubbed()
    if word == "strip" and item.kind.scope in STRIPPABLE:
        try:
            return strip_document(item.payload)
        except Unreadable:
            is_unreadable = True
    return _UNREADABLE.get(item.kind.type, reasons.INVALID_JSON) if is_unreadable else reasons.UNSCRUBBABLE


def _is_json(payload: bytes | memoryview) -> bool:
    try:
        decode_json(payload)
    except TooDeep:
        return True
    except ValueError:
        return False
    return True


# ---- scrubbers


def _container(shape: str) -> Callable[[Task], Scrubbed]:
    """Many documents, each of which stands or falls for itself."""

    def scrub(task: Task) -> Scrubbed:
        item = task.item
        left = scrub_container(task.program, item.payload, shape, task.record)
        if not left.lost or left.payload is None:
            return left.payload
        announced = item.headers.get("item_count")
        if type(announced) is not int or announced != left.records + left.lost:
            # Not valid, and not for us to mend: it counts as what it announces, until a server refuses it.
            return left.payload
        dropped = counted(item.type, left.lost, left.lost_bytes)
        return Replaced(left.payload, {"item_count": left.records}, dropped)

    return scrub


def _unknown(task: Task) -> Scrubbed:
    """Whatever it is: JSON is scrubbed, of all else `_failed` decides. No budget bounds how long such items are."""
    data = bytes(task.item.payload)
    if data.count(b",") > MAX_MEMBERS:
        raise Unscrubbable("more members than may be scrubbed")
    return task.document(data, "generic")


def _named(shape: str) -> Callable[[Task], Scrubbed]:
    """A document with members that name a person."""

    def scrub(task: Task) -> Scrubbed:
        payload = task.item.payload
        named = treat_identities(task.program, payload, task.item.kind.type, task.policies.identities, task.record)
        scrubbed = task.document(payload if named is None else named, shape)
        return named if scrubbed is None else scrubbed

    return scrub


def _client_report(task: Task) -> Scrubbed:
    return scrub_report(task.program, task.item.payload) if task.program.strict else None


def _form_data(task: Task) -> Scrubbed:
    return scrub_form_data(task.program, task.item.payload, task.record)


def _replay_event(task: Task) -> Scrubbed:
    return (
        reasons.OPAQUE_DROPPED if task.policies.replay == "drop" else task.document(task.item.payload, "replay_event")
    )


def _replay(scrubber: Callable[..., bytes | None]) -> Callable[[Task], Scrubbed]:
    def scrub(task: Task) -> Scrubbed:
        depth, most = task.policies.replay, task.policies.max_replay_bytes
        if depth == "drop":
            return reasons.OPAQUE_DROPPED
        return None if depth == "keep" else scrubber(task.program, task.item.payload, depth, most, task.record)

    return scrub


def _attachment(task: Task) -> Scrubbed:
    item = task.item
    if is_trace_attachment(item):
        return _trace_attachment(task)
    if is_reference(item):
        return _reference(task)
    return _file(task, item.payload, item.headers.get("filename"), kind=attachment_type(item))


def _file(
    task: Task, payload: bytes | memoryview, filename: object, *, kind: str = "", gated: bool = True
) -> bytes | Reason | None:
    name = filename if isinstance(filename, str) else ""
    result = scrub_file(task.program, task.policies, payload, filename=name, kind=kind, gated=gated, record=task.record)
    return reasons.OPAQUE_DROPPED if isinstance(result, str) else result


def _trace_attachment(task: Task) -> Scrubbed:
    size = u32(task.item, "meta_length")
    if size is None or size > len(task.item.payload):
        raise Unreadable("attachment without metadata")
    return _headed(task, size, "trace_attachment")


def _headed(task: Task, size: int, shape: str) -> Scrubbed:
    """A file with a document of `size` bytes before it (ingest.md 6.7)."""
    payload = task.item.payload
    meta, body = bytes(payload[:size]), payload[size:]
    if not _is_json(mended(meta)):
        raise Unreadable("metadata cannot be read")
    new_meta = task.document(meta, shape)
    filename = decode_any(mended(meta)).get("filename") if meta.lstrip()[:1] == b"{" else ""
    new_body = _file(task, body, filename, gated=False)
    if isinstance(new_body, Reason):
        return new_body
    if new_meta is None and new_body is None:
        return None
    meta = meta if new_meta is None else new_meta
    return Replaced(meta + (bytes(body) if new_body is None else new_body), {"meta_length": len(meta)})


def _reference(task: Task) -> Scrubbed:
    """Where a file lies that was uploaded before; nothing but the two members that the server reads leaves in `strict`."""
    if not task.program.strict:
        return None
    try:
        fields = _OBJECT.decode(task.item.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"reference cannot be read: {type(error).__name__}") from None
    left = {name: fields[name] for name in ("location", "content_type") if isinstance(fields.get(name), str)}
    return None if left == fields else encode(left)


def _archive(task: Task) -> Scrubbed:
    """A crash archive: compressed or not, whether it may leave is the policy of binary files."""
    word = task.policies.binary
    if word == "drop" or task.policies.attachments == "drop":
        return reasons.OPAQUE_DROPPED
    return scrub_binary(
        task.program, task.item.payload, "", gated=True, by_text_rules=word == "scrub_bytes", record=task.record
    )


def _profile(task: Task) -> Scrubbed:
    """JSON, or a document before a trace in a binary form (ingest.md 6.1)."""
    size = u32(task.item, "meta_length")
    if size is None or task.item.headers.get("content_type") != _PERFETTO or size > len(task.item.payload):
        return task.document(task.item.payload, "generic")
    return _headed(task, size, "generic")


SCRUBBERS: Final[Mapping[str, Callable[[Task], Scrubbed]]] = {
    **{shape: _container(shape) for shape in CONTAINERS},
    "unknown": _unknown,
    "user_report": _named("generic"),
    "session": _named("session"),
    "client_report": _client_report,
    "form_data": _form_data,
    "replay_event": _replay_event,
    "replay_recording": _replay(scrub_recording),
    "replay_video": _replay(scrub_video),
    "attachment": _attachment,
    "archive": _archive,
    "profile": _profile,
}
"""By the scope of an item's kind."""
