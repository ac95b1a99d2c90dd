"""Scrubbing a payload as a whole: what is refused, what is screened out, the passes, `_meta`.

Fails closed: a payload that cannot be scrubbed as its program demands raises Unscrubbable, it never comes back unchanged
(scrubbing.md 13, 15.7). None means that the payload may travel byte for byte.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import msgspec

from scrubjay.core.scrub import protocol, shapes
from scrubjay.core.scrub.bodies import treat_graphql
from scrubjay.core.scrub.client_ip import hide_client_ip
from scrubjay.core.scrub.closures import closed_gaps
from scrubjay.core.scrub.descend import Walk, register
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    Raw,
    check_depth,
    decode_any,
    decode_array,
    decode_object,
    encode,
    mended,
    validate,
)
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE
from scrubjay.core.scrub.opening import open_array, open_object
from scrubjay.core.scrub.originals import scrub_originals
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.remarks import Notes, Trust
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.screen import ADDRESS, GRAPHQL, HUGE_NUMBER, META, NOWHERE, SURROGATE, Scan, signs
from scrubjay.errors import Unscrubbable

# Schema types of documents, and of the records of containers.
TYPED = {"event": "event", "replay_event": "replay", "span": "span", "trace_attachment": "trace_attachment_meta"}
CONTAINERS = {"log_container": "log", "span_container": "span_v2", "trace_metric_container": "trace_metric"}
_CONTAINER_MEMBERS = frozenset(("items", "version", "ingest_settings"))
_UNTYPED = frozenset(("generic", "session"))
# Members of untyped JSON that the server reads by value: a release `auth-api@1` must not become `[Filtered]` (scrubbing.md 15.6).
_READ_BY_VALUE = frozenset(
    ("id", "sid", "event_id", "trace_id", "span_id", "parent_span_id", "segment_id", "replay_id", "profile_id", "profiler_id",
     "chunk_id", "check_in_id", "monitor_id", "project_id", "organization_id", "debug_id", "thread_id", "timestamp",
     "start_timestamp", "started", "init", "seq", "duration", "errors", "release", "dist", "environment", "status", "platform",
     "version", "type", "monitor_slug", "function", "module", "filename", "abs_path", "package", "transaction_name")
)  # fmt: skip
_READ_WHOLE: Final = "monitor_config"
_ALONE: Final = -1

Lost: TypeAlias = dict[int, int]
"""Records of a container that could not be scrubbed: how long they were, by their place."""

register(shapes.HANDLERS)
register(protocol.HANDLERS)


def scrub_document(
    program: ScrubProgram, payload: bytes | memoryview, shape: str, record: Record | None = None
) -> bytes | None:
    """Scrub one payload; None if it may leave as it is. `record` counts what is done. Raises Unscrubbable."""
    if shape in CONTAINERS:
        return scrub_container(program, payload, shape, record).payload
    return _scrub(program, bytes(payload), shape, record, {})


class Remainder(NamedTuple):
    """A container as it leaves; None: as it came. How many records are left, and how many could not be scrubbed, of what length."""

    payload: bytes | None
    records: int
    lost: int
    lost_bytes: int


def scrub_container(
    program: ScrubProgram, payload: bytes | memoryview, shape: str, record: Record | None = None
) -> Remainder:
    """Scrub a payload of many documents, of which each stands for itself. Raises Unscrubbable if none is left."""
    original = bytes(payload)
    lost: Lost = {}
    data = _scrub(program, original, shape, record, lost)
    if not lost:
        return Remainder(data, 0, lost=0, lost_bytes=0)
    fields = decode_object(original if data is None else data)
    elements = decode_array(fields["items"])
    left = [element for index, element in enumerate(elements) if index not in lost]
    if not left:
        raise Unscrubbable("no record can be scrubbed")
    fields["items"] = Raw(encode(left))
    return Remainder(encode(fields), len(left), len(lost), sum(lost.values()))


def _scrub(program: ScrubProgram, original: bytes, shape: str, record: Record | None, lost: Lost) -> bytes | None:
    data, trust = original, Trust()
    try:
        if not program.passes:
            data = _prepare(program, data, shape, signs(data), record)
            validate(data)
        for one in program.passes:
            data = _pass(program, one, data, shape, record, trust, lost)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unscrubbable(f"payload cannot be read: {type(error).__name__}") from None
    if data is original or data == original or program.options.dry_run:
        return None
    return data


def _pass(
    program: ScrubProgram, one: Pass, data: bytes, shape: str, record: Record | None, trust: Trust, lost: Lost
) -> bytes:
    """One pass over one payload; the same object if nothing changed. The first one does what concerns the payload as a whole."""
    trust.passes += 1
    scan = one.screen.borrow()
    try:
        hits, at = scan.document(data)
        if one is program.passes[0]:
            prepared = _prepare(program, data, shape, hits, record)
            if prepared is not data:
                data = prepared
                hits, at = scan.document(data)
        if record is not None:
            record.begin(one)
        if shape in CONTAINERS:
            return _scrub_container(one, scan, data, hits, at, one.documents[CONTAINERS[shape]], record, trust, lost)
        if shape in _UNTYPED:
            return _scrub_untyped(one, scan, data, hits, at, record)
        return _scrub_typed(one, scan, data, hits, at, one.documents[TYPED[shape]], record, trust)
    finally:
        one.screen.give_back(scan)


def _prepare(program: ScrubProgram, data: bytes, shape: str, found: int, record: Record | None) -> bytes:
    """The payload as the passes read it. `found` are its signs. Raises what scrub_document translates."""
    if found & SURROGATE and "surrogates" in closed_gaps(program.options):
        data = mended(data)
    if not data.isascii():
        data.decode()
    start = data.lstrip()[:1]
    if start != b"{" and (shape not in _UNTYPED or not start):
        raise Unscrubbable("payload is not a JSON object")
    check_depth(data, program.bounds.max_depth)
    if found & HUGE_NUMBER:
        decode_any(data)
    if program.allow is not None:
        data = program.allow.reduce(data, shape, record)
        found = signs(data)
    if program.hide_client_ip and found & ADDRESS:
        data = hide_client_ip(data, shape)
    if program.scrubs_ip and shape == "session":
        data = _without_address(data)
    if program.graphql and shape == "event" and found & GRAPHQL:
        data = treat_graphql(data)
    return data


def _scrub_typed(
    one: Pass,
    scan: Scan,
    data: bytes,
    hits: int,
    at: int,
    plan: Plan,
    record: Record | None,
    trust: Trust,
    index: int = _ALONE,
) -> bytes:
    """A document with remarks of its own. `index`: its place in a container, of which more than it was scanned."""
    if not hits & (plan.mask | META):
        validate(data)
        return data
    whole, meta = data, None
    if hits & META:
        fields = decode_object(data)
        if "_meta" in fields:
            meta = decode_any(fields.pop("_meta"))
            data = encode(fields)
            hits, at = scan.document(data) if index == _ALONE else (scan(data), NOWHERE)
    trusted = trust.places(index) if meta is not None and "incoming_remarks" in one.closed else None
    notes = Notes(meta, trusted)
    walk = Walk(one, scan, notes, record)
    if notes.incoming:
        notes.changed = scrub_originals(walk, notes.tree, plan, decode_any(data))
    elif meta is not None and "meta" in one.closed:
        notes.changed = True  # what is no remarks has no place there
    body, at = _stripped(data, at)
    new = walk.visit(body, plan, (), hits, at)
    if new is None and not notes.changed:
        return whole
    if new is None:
        new = body
    if not notes.tree:
        return new
    head = new[:-1].rstrip()
    return b"".join((head, b"" if head == b"{" else b",", b'"_meta":', encode(notes.tree), b"}"))


def _stripped(data: bytes, at: int) -> tuple[bytes, int]:
    """A value without the white space around it, and its place."""
    if data[0] in b"{[" and data[-1] in b"}]":
        return data, at
    start = data.lstrip()
    return start.rstrip(), at + len(data) - len(start) if at >= 0 else at


def _scrub_container(
    one: Pass, scan: Scan, data: bytes, hits: int, at: int, plan: Plan, record: Record | None, trust: Trust, lost: Lost
) -> bytes:
    """Records that are documents of their own, remarks included. One that cannot be scrubbed is null from then on, and lost."""
    body, at = _stripped(data, at)
    fields, changed, members = open_object(scan, body, at, every=True)
    items = next((member for member in members if member[0] == "items"), None)
    if items is None or bytes(items[1])[0] != BRACKET:
        raise Unscrubbable("container without items")
    elements, flagged = open_array(scan, bytes(items[1]), items[3], every=True)
    for index, element, found, place in flagged:
        raw = bytes(element)
        if index in lost:
            continue
        if record is not None:
            record.enter(("items", str(index)))
        try:
            if raw[0] != BRACE:
                raise Unscrubbable("record is not an object")
            new = _scrub_typed(one, scan, raw, found, place, plan, record, trust, index)
        except (Unscrubbable, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lost[index], new = len(raw), NULL
        if new is not raw:
            elements[index] = Raw(new)
            changed = True
    if record is not None:
        record.enter(())
    if one.strict and _scrub_around(one, scan, fields, record):
        changed = True
    if not changed:
        return data
    fields["items"] = Raw(encode(elements))
    return encode(fields)


def _scrub_around(one: Pass, scan: Scan, fields: dict[str, Raw], record: Record | None) -> bool:
    """Scrub in place what stands beside the records of a container, as untyped JSON; whether anything changed."""
    changed = False
    walk = Walk(one, scan, Notes(), record)
    for key, child in fields.items():
        if key in _CONTAINER_MEMBERS:
            continue
        match, verdict = one.key_info(key)
        new = walk.any(bytes(child), one.matcher.root, match, TRUE, verdict, (key,), scan(child), NOWHERE)
        if new is not None:
            fields[key] = Raw(new)
            changed = True
    return changed


def _scrub_untyped(one: Pass, scan: Scan, data: bytes, hits: int, at: int, record: Record | None) -> bytes:
    """JSON of unknown meaning: class true but for what the server reads by value. Nobody reads remarks there, so none are left."""
    root = one.matcher.root
    walk = Walk(one, scan, Notes(), record)
    walk.untyped = True
    body, at = _stripped(data, at)
    if body[0] == BRACE:
        new = walk.any_object(body, root, TRUE, (), at, untyped_class)
    elif body[0] == BRACKET:
        new = walk.any_array(body, root, TRUE, (), at, untyped_class)
    else:
        validate(body)  # bytes that are no JSON at all are flagged by nothing
        new = walk.any(body, root, one.plain_match, TRUE, 0, (), hits, NOWHERE)
    return data if new is None else new


def untyped_class(key: str, enclosing: int) -> int:
    """The class of a member of untyped JSON. What the server reads by value is no container, so containers are of class true."""
    if enclosing == MAYBE or key == _READ_WHOLE:
        return MAYBE
    return FALSE if key in _READ_BY_VALUE else TRUE


def _without_address(data: bytes) -> bytes:
    """A session without its address: a replaced one would make the session invalid."""
    fields = decode_object(data)
    attributes = fields.get("attrs")
    if attributes is None or bytes(attributes)[0] != BRACE:
        return data
    members = decode_object(attributes)
    if members.pop("ip_address", None) is None:
        return data
    fields["attrs"] = Raw(encode(members))
    return encode(fields)
