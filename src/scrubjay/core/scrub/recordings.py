"""Replay recordings: what a page showed and what was done on it, as frames (scrubbing.md 12.3, 15.6).

A recording is a line of JSON with the segment, a line break, and the frames: a JSON array, plain or in zlib. Two ways to scrub one:
`type5` as the reference does it, only what the SDK says of the page; `all` every text of every frame, while tags, attributes and
styles hold the page together. A recording leaves in the coding that it came in.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal

import msgspec

from scrubjay.core.inflate import inflate
from scrubjay.core.scrub.bounds import MANY, Allowance
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import Raw, decode_array, decode_object, encode, has_shadowed_keys, mended
from scrubjay.core.scrub.leaves import LeafWalk, check_document
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.errors import BadRequest, TooLarge, Unreadable, Unscrubbable

Depth = Literal["all", "type5"]

_CUSTOM: Final = b"5"
"""Type of the frames that the SDK makes itself; all others are the page's."""
_TO_SCRUB: Final = ("description", "data")
# What a player draws the page by. A password field is known by its `type`, and so is a frame.
_STRUCTURE: Final = frozenset(
    ("tagName", "type", "class", "id", "name", "for", "rel", "role", "style", "_cssText", "publicId", "systemId", "tag", "op",
     "category", "level")
)  # fmt: skip
_STYLED: Final = b"true"


def scrub_recording(
    program: ScrubProgram,
    payload: bytes | memoryview,
    depth: Depth,
    limit_bytes: int,
    record: Record | None = None,
) -> bytes | None:
    """Scrub one recording of at most `limit_bytes` inflated; None if it may leave as it is. Raises Unscrubbable."""
    header, separator, wire = bytes(payload).partition(b"\n")
    if not separator or not wire:
        raise Unreadable("recording without header or body")
    _check_header(header)
    new_header = scrub_document(program, header, "generic", record) if program.strict else None
    is_plain = wire[:1] == b"["
    body = wire if is_plain else _inflated(wire, limit_bytes)
    try:
        frames = _frames(program, body, depth, record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"recording cannot be read: {type(error).__name__}") from None
    if frames is None and new_header is None:
        return None
    if frames is not None:
        wire = frames if is_plain else zlib.compress(frames)
    return b"\n".join((header if new_header is None else new_header, wire))


def _check_header(header: bytes) -> None:
    """Raises Unreadable if it is no object."""
    try:
        decode_object(header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"header of a recording cannot be read: {type(error).__name__}") from None


def _inflated(wire: bytes, limit_bytes: int) -> bytes:
    try:
        return inflate("deflate", wire, limit_bytes)
    except BadRequest:
        raise Unreadable("recording is no zlib") from None
    except TooLarge:
        raise Unscrubbable(f"recording inflates to more than {limit_bytes} bytes") from None


def _frames(program: ScrubProgram, body: bytes, depth: Depth, record: Record | None) -> bytes | None:
    """The frames as they leave; None if nothing changed."""
    data = mended(body) if program.strict else body
    check_document(data, program.bounds.max_depth)
    frames = decode_array(data)
    changed = data != body
    allowance = Allowance(program.bounds, documents=MANY)
    for one in program.passes:
        scan = one.screen.borrow()
        if record is not None:
            record.begin(one)
        walk = LeafWalk(one, scan, _is_structure if depth == "all" else None, record, allowance)
        for index, frame in enumerate(frames):
            if not walk.concerns(frame):
                continue
            new = walk.document(bytes(frame)) if depth == "all" else _scrub_custom(one, walk, bytes(frame))
            if new is not None:
                frames[index] = Raw(new)
                changed = True
        one.screen.give_back(scan)
    return encode(frames) if changed else None


def _is_structure(key: str, fields: dict[str, Raw]) -> bool:
    if key == "textContent":
        return bytes(fields.get("isStyle", b"")) == _STYLED
    return key in _STRUCTURE


def _scrub_custom(one: Pass, walk: LeafWalk, frame: bytes) -> bytes | None:
    """A frame of type 5: what stands below `data.payload.description` and `data.payload.data`; None for all others."""
    fields = _object(frame)
    if bytes(fields.get("type", b"")) != _CUSTOM:
        return None
    data = _object(fields.get("data"))
    payload = _object(data.get("payload"))
    matcher = one.matcher
    state = matcher.step(matcher.step(matcher.root, matcher.key_match("data")), matcher.key_match("payload"))
    changed = has_shadowed_keys(frame, fields)
    for name, inner, members in (("data", fields, data), ("payload", data, payload)):
        changed = changed or (bool(members) and has_shadowed_keys(bytes(inner[name]), members))
    for name in _TO_SCRUB:
        if name in payload:
            match, verdict = one.key_info(name)
            new = walk.value(bytes(payload[name]), state, match, verdict, ("data", "payload", name))
            if new is not None:
                payload[name] = Raw(new)
                changed = True
    if not changed:
        return None
    if payload:
        data["payload"] = Raw(encode(payload))
    if data:
        fields["data"] = Raw(encode(data))
    return encode(fields)


def _object(data: bytes | Raw | None) -> dict[str, Raw]:
    """The members of an object; none of anything else."""
    raw = bytes(data or b"")
    return decode_object(raw) if raw[:1] == b"{" else {}
