"""What crash reporters send instead of envelopes: minidumps, Unreal's archives, files for an event that was sent before (`ingest.md`
2.6 to 2.8), made into envelopes.

Pure functions of bytes. Raise `BadRequest`, and `TooLarge` for what is over a bound.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from scrubjay import reasons
from scrubjay.core.compat.multipart import Part, read_parts
from scrubjay.core.envelope import Envelope, Item, decode_json
from scrubjay.core.header_rules import normal_uuid
from scrubjay.core.inflate import inflate, too_large
from scrubjay.errors import BadRequest

DUMP: Final = "event.minidump"
_DUMP_TYPE: Final = "application/x-dmp"
RAW_TYPES: Final = frozenset({"application/octet-stream", _DUMP_TYPE})
_FILE: Final = "event.attachment"
_ENDINGS: Final = {".nv-gpudmp": "event.nv_gpudmp", ".nvdbg": "event.nv_shader_debug"}
_FIELDS: Final = {
    "upload_file_minidump": DUMP,
    "__sentry-event": "event.payload",
    "__sentry-breadcrumb1": "event.breadcrumbs",
    "__sentry-breadcrumb2": "event.breadcrumbs",
    "view-hierarchy.json": "event.view_hierarchy",
}
_CODINGS: Final = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_CODED_ENDINGS: Final = (".gz", ".xz", ".bz2", ".zst")
_XZ_MEMORY_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CrashBounds:
    """In bytes: of one file, of all files, of all fields that are no files."""

    attachment: int
    attachments: int
    fields: int


def minidump_envelope(parts: Iterable[Part], bounds: CrashBounds, new_id: str) -> Envelope:
    """Of a form. `new_id` is used where neither event nor form names one."""
    items, fields, has_dump = [], [], False
    for part in _bounded(parts, bounds):
        if part.filename is None:
            fields.append(part)
            continue
        kind = _kind(part)
        if kind == DUMP:
            if len(part.payload) > bounds.attachment:
                raise BadRequest(reasons.INVALID_BODY, "the minidump is too long")
            items.append(_dump(part.payload, part.filename, bounds))
            has_dump = True
        elif len(part.payload) <= bounds.attachment:
            items.append(_attachment(part, kind))
    if not has_dump:
        raise BadRequest(reasons.INVALID_BODY, "the form has no file upload_file_minidump")
    items += _form_data(fields, bounds)
    return Envelope({"event_id": _event_id(items, fields) or new_id}, items)


def raw_minidump_envelope(body: bytes, bounds: CrashBounds, new_id: str) -> Envelope:
    """Of a dump that is sent alone."""
    if len(body) > bounds.attachment:
        raise too_large(bounds.attachment)
    return Envelope({"event_id": new_id}, [_dump(body, "Minidump", bounds)])


def attachments_envelope(parts: Iterable[Part], bounds: CrashBounds, event_id: str) -> Envelope:
    """Files for an event; no items where there are no parts."""
    items, fields = [], []
    for part in _bounded(parts, bounds):
        if part.filename is None:
            fields.append(part)
        elif len(part.payload) > bounds.attachment:
            raise BadRequest(reasons.INVALID_BODY, "a file is too long", f"the limit is {bounds.attachment} bytes")
        else:
            items.append(_attachment(part, _FILE))
    return Envelope({"event_id": event_id}, [*items, *_form_data(fields, bounds)])


def unreal_envelope(body: bytes, user_id: str | None, new_id: str) -> Envelope:
    """The archive as it is; what is in it only a server unpacks."""
    if not body:
        raise BadRequest(reasons.EMPTY_BODY, "the body is empty")
    headers: dict[str, object] = {"event_id": new_id}
    if user_id is not None:
        headers["unreal_user_id"] = user_id
    return Envelope(headers, [Item({"type": "unreal_report", "content_type": "application/octet-stream"}, body)])


def _bounded(parts: Iterable[Part], bounds: CrashBounds) -> Iterable[Part]:
    room = bounds.attachments
    for part in parts:
        if part.filename is not None:
            room -= len(part.payload)
            if room < 0:
                raise too_large(bounds.attachments)
        yield part


def _kind(part: Part) -> str:
    for ending, kind in _ENDINGS.items():
        if part.filename is not None and part.filename.endswith(ending):
            return kind
    return _FIELDS.get(part.name or "", _FILE)


def _attachment(part: Part, kind: str) -> Item:
    headers: dict[str, object] = {"type": "attachment", "attachment_type": kind, "filename": part.filename or ""}
    if part.content_type is not None:
        headers["content_type"] = part.content_type
    return Item(headers, part.payload)


def _dump(payload: bytes, filename: str, bounds: CrashBounds) -> Item:
    dump = _unpacked(_unnested(payload), bounds.attachment)
    if dump[:4] not in (b"MDMP", b"PMDM"):
        raise BadRequest(reasons.INVALID_BODY, "the file is no minidump")
    ending = next((ending for ending in _CODED_ENDINGS if filename.endswith(ending)), "")
    headers: dict[str, object] = {
        "type": "attachment",
        "attachment_type": DUMP,
        "content_type": _DUMP_TYPE,
        "filename": filename.removesuffix(ending),
    }
    return Item(headers, dump)


def _unnested(payload: bytes) -> bytes:
    """The dump in a form within the form, which some reporters make."""
    line = payload[:1024].lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    if not line.startswith(b"--"):
        return payload
    for part in read_parts(payload, line[2:]):
        if part.name == "upload_file_minidump":
            return part.payload
    return payload


def _unpacked(payload: bytes, limit_bytes: int) -> bytes:
    coding = next((coding for magic, coding in _CODINGS.items() if payload.startswith(magic)), "")
    if coding in ("gzip", "zstd"):
        return inflate(coding, payload, limit_bytes)
    if coding == "xz":
        return _decoded(lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES), payload, limit_bytes)
    if coding == "bzip2":
        return _decoded(bz2.BZ2Decompressor(), payload, limit_bytes)
    return payload


def _decoded(decoder: lzma.LZMADecompressor | bz2.BZ2Decompressor, payload: bytes, limit_bytes: int) -> bytes:
    try:
        decoded = decoder.decompress(payload, limit_bytes + 1)
    except (lzma.LZMAError, OSError, EOFError) as error:
        raise BadRequest(reasons.INVALID_BODY, "the file cannot be unpacked", str(error)) from None
    if len(decoded) > limit_bytes:
        raise too_large(limit_bytes)
    if not decoder.eof:
        raise BadRequest(reasons.INVALID_BODY, "the file cannot be unpacked", "it ends too early")
    return decoded


def _form_data(fields: Sequence[Part], bounds: CrashBounds) -> list[Item]:
    """All fields that are no files, as one item (`ingest.md` A.5)."""
    pieces = []
    for part in fields:
        if part.name is not None:
            for text in (part.name, part.payload.decode("utf-8", "replace")):
                data = text.encode("utf-8", "replace")
                pieces += [len(data).to_bytes(4, "little"), data]
    payload = b"".join(pieces)
    if len(payload) > bounds.fields:
        raise too_large(bounds.fields)
    return [Item({"type": "form_data"}, payload)] if payload else []


def _event_id(items: Sequence[Item], fields: Sequence[Part]) -> str | None:
    """That of the event sent along, else that of the form."""
    for item in items:
        if item.headers["type"] == "attachment" and item.headers["attachment_type"] == "event.payload":
            try:
                found = msgspec.msgpack.decode(item.payload, type=dict[str, object]).get("event_id")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise BadRequest(reasons.INVALID_BODY, "the event cannot be read", str(error)) from None
            if (event_id := _uuid(found)) is not None:
                return event_id
    for part in fields:
        if part.name == "sentry[event_id]":
            return _uuid(part.payload.decode("utf-8", "replace"))
        if part.name == "sentry":
            return _uuid_of_json(part.payload)
    return None


def _uuid_of_json(payload: bytes) -> str | None:
    try:
        event = decode_json(payload)
    except ValueError:
        return None
    return _uuid(event.get("event_id")) if isinstance(event, dict) else None


def _uuid(text: object) -> str | None:
    try:
        return normal_uuid(text)
    except ValueError:
        return None
