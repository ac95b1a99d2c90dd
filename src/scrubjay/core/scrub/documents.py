"""Scrubbing a payload as a whole: what is refused, what is screened out, the passes, `_meta`.

Fails closed: a payload that cannot be scrubbed as its program demands raises Unscrubbable, it never comes back unchanged
(scrubbing.md 13, 15.7). None means that the payload may travel byte for byte.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from scrubjay.core.scrub import protocol, shapes
from scrubjay.core.scrub.bodies import treat_graphql
from scrubjay.core.scrub.client_ip import hide_client_ip
from scrubjay.core.scrub.descend import Walk, register
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    Raw,
    check_depth,
    decode_any,
    decode_array,
    decode_object,
    encode,
    has_shadowed_keys,
    validate,
)
from scrubjay.core.scrub.matching import FALSE, TRUE
from scrubjay.core.scrub.originals import scrub_originals
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.remarks import Notes
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.screen import ADDRESS, EVERY, GRAPHQL, HUGE_NUMBER, META, SURROGATE, Scan, signs
from scrubjay.errors import Unscrubbable

_MAX_DEPTH: Final = 127
_MAX_NODES: Final = 100_000
# Above this size something is flagged nearly always, and the lists of the payload are screened one by one anyway.
_LARGE_BYTES: Final = 32 * 1024
# Schema types of documents, and of the records of containers.
_TYPED = {"event": "event", "replay_event": "replay", "span": "span"}
_CONTAINERS = {"log_container": "log", "span_container": "span_v2", "trace_metric_container": "trace_metric"}
_CONTAINER_MEMBERS = frozenset(("items", "version", "ingest_settings"))
_UNTYPED = frozenset(("generic", "session"))
# Members of untyped JSON that the server reads by value: a release `auth-api@1` must not become `[Filtered]` (scrubbing.md 15.6).
_READ_BY_VALUE = frozenset(
    ("id", "sid", "event_id", "trace_id", "span_id", "parent_span_id", "segment_id", "replay_id", "profile_id", "profiler_id",
     "chunk_id", "check_in_id", "monitor_id", "project_id", "organization_id", "debug_id", "thread_id", "timestamp",
     "start_timestamp", "started", "init", "seq", "duration", "errors", "release", "dist", "environment", "status", "platform",
     "version", "type", "monitor_slug", "monitor_config", "function", "module", "filename", "abs_path", "package", "transaction_name")
)  # fmt: skip
_SURROGATE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_REPLACEMENT = rb"\ufffd"


register(shapes.HANDLERS)
register(protocol.HANDLERS)


def scrub_document(program: ScrubProgram, payload: bytes | memoryview, shape: str) -> bytes | None:
    """Scrub one payload; None if it may leave as it is. Raises Unscrubbable."""
    original = bytes(payload)
    try:
        data, found = _prepare(program, original, shape)
        for one in program.passes:
            before = data
            data = _run(one, data, shape, found)
            if data is not before:
                found |= META
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unscrubbable(f"payload cannot be read: {type(error).__name__}") from None
    return None if data is original or data == original else data


def _prepare(program: ScrubProgram, data: bytes, shape: str) -> tuple[bytes, int]:
    """The payload as the passes read it, after what concerns it as a whole, and its signs. Raises what scrub_document translates."""
    found = signs(data)
    if program.strict and found & SURROGATE:
        data = _SURROGATE.sub(lambda match: _REPLACEMENT if match[1] else match[0], data)
    if not data.isascii():
        data.decode()
    start = data.lstrip()[:1]
    if start != b"{" and (shape not in _UNTYPED or not start):
        raise Unscrubbable("payload is not a JSON object")
    check_depth(data, _MAX_DEPTH)
    if found & HUGE_NUMBER:
        decode_any(data)
    if not program.passes:
        validate(data)
    if program.hide_client_ip and found & ADDRESS:
        data = hide_client_ip(data, shape)
    if program.scrubs_ip and shape == "session":
        data = _without_address(data)
    if program.graphql and shape == "event" and found & GRAPHQL:
        data = treat_graphql(data)
    return data, found


def _run(one: Pass, data: bytes, shape: str, found: int) -> bytes:
    """One pass over one payload; the same object if nothing changed."""
    scan = one.screen.borrow()
    try:
        hits = scan(data) if len(data) < _LARGE_BYTES else EVERY
        if shape in _CONTAINERS:
            return _scrub_container(one, scan, data, found, one.documents[_CONTAINERS[shape]])
        if shape in _UNTYPED:
            return _scrub_untyped(one, scan, data, hits)
        return _scrub_typed(one, scan, data, hits, found, one.documents[_TYPED[shape]])
    finally:
        one.screen.give_back(scan)


def _scrub_typed(one: Pass, scan: Scan, data: bytes, hits: int, found: int, plan: Plan) -> bytes:
    """A document with remarks of its own."""
    if not hits & plan.mask and not found & META:
        validate(data)
        return data
    whole, meta = data, None
    if found & META:
        fields = decode_object(data)
        if "_meta" in fields:
            meta = decode_any(fields.pop("_meta"))
            data = encode(fields)
    notes = Notes(meta)
    walk = Walk(one, scan, notes, _MAX_NODES)
    if notes.incoming:
        notes.changed = scrub_originals(walk, notes.tree, plan, decode_any(data))
    new = walk.visit(data.strip(), plan, (), hits)
    if new is None and not notes.changed:
        return whole
    if not notes.tree:
        return data if new is None else new
    fields = decode_object(data if new is None else new)
    fields["_meta"] = Raw(encode(notes.tree))
    return encode(fields)


def _scrub_container(one: Pass, scan: Scan, data: bytes, found: int, plan: Plan) -> bytes:
    """Records that are documents of their own, remarks included."""
    fields = decode_object(data)
    changed = has_shadowed_keys(data.strip(), fields)
    items = fields.get("items")
    if items is None or bytes(items)[0] != BRACKET:
        raise Unscrubbable("container without items")
    elements = decode_array(items)
    for index, element in enumerate(elements):
        raw = bytes(element)
        if raw[0] != BRACE:
            raise Unscrubbable("record is not an object")
        new = _scrub_typed(one, scan, raw, scan(raw), found, plan)
        if new is not raw:
            elements[index] = Raw(new)
            changed = True
    if one.strict and _scrub_around(one, scan, fields):
        changed = True
    if not changed:
        return data
    fields["items"] = Raw(encode(elements))
    return encode(fields)


def _scrub_around(one: Pass, scan: Scan, fields: dict[str, Raw]) -> bool:
    """Scrub in place what stands beside the records of a container, as untyped JSON; whether anything changed."""
    changed = False
    walk = Walk(one, scan, Notes(), _MAX_NODES)
    for key, child in fields.items():
        if key in _CONTAINER_MEMBERS:
            continue
        match, verdict = one.key_info(key)
        new = walk.any(bytes(child), one.matcher.root, match, TRUE, verdict, (key,), scan(child))
        if new is not None:
            fields[key] = Raw(new)
            changed = True
    return changed


def _scrub_untyped(one: Pass, scan: Scan, data: bytes, hits: int) -> bytes:
    """JSON of unknown meaning: class true but for what the server reads by value. Nobody reads remarks there, so none are left."""
    matcher = one.matcher
    walk = Walk(one, scan, Notes(), _MAX_NODES)
    raw = data.strip()
    if raw[0] == BRACE:
        new = walk.any_object(raw, matcher.root, TRUE, (), untyped_class)
    elif raw[0] == BRACKET:
        new = walk.any_array(raw, matcher.root, TRUE, (), untyped_class)
    else:
        validate(raw)  # bytes that are no JSON at all are flagged by nothing
        new = walk.any(raw, matcher.root, one.plain_match, TRUE, 0, (), hits)
    return data if new is None else new


def untyped_class(key: str, enclosing: int) -> int:
    """The class of a member of untyped JSON."""
    return FALSE if enclosing == FALSE or key in _READ_BY_VALUE else TRUE


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
