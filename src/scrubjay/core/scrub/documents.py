"""Scrubbing a payload as a whole: what is refused, what is screened out, the passes, `_meta`.

Fails closed: a payload that cannot be scrubbed as its program demands raises Unscrubbable, it never comes back unchanged
(scrubbing.md 13, 15.7). None means that the payload may travel byte for byte.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from scrubjay.core.scrub import protocol as _protocol  # noqa: F401 - registers its handlers
from scrubjay.core.scrub.descend import Walk
from scrubjay.core.scrub.json_text import BRACE, Raw, check_depth, decode_any, decode_object, encode, validate
from scrubjay.core.scrub.originals import scrub_originals
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.remarks import Notes
from scrubjay.errors import Unscrubbable

_MAX_DEPTH: Final = 127
_MAX_NODES: Final = 100_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SURROGATE = re.compile(rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_REPLACEMENT = rb"\ufffd"


def scrub_document(program: ScrubProgram, payload: bytes | memoryview, shape: str) -> bytes | None:
    """Scrub one payload; None if it may leave as it is. Raises Unscrubbable."""
    original = bytes(payload)
    data = _replace_lone_surrogates(original) if program.strict else original
    _check(data)
    try:
        for one in program.passes:
            data = _run(one, data, shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unscrubbable(f"payload cannot be read: {type(error).__name__}") from None
    return None if data == original else data


def _replace_lone_surrogates(data: bytes) -> bytes:
    """Six bytes for six; escaped pairs and escaped backslashes stay."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _SURROGATE.sub(lambda match: _REPLACEMENT if match[1] else match[0], data)


def _check(data: bytes) -> None:
    """Refuse what is no JSON object of bounded depth in UTF-8."""
    try:
        if not data.isascii():
            data.decode()
        validate(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unscrubbable(f"payload is not JSON: {type(error).__name__}") from None
    check_depth(data, _MAX_DEPTH)
    if data.lstrip()[:1] != b"{":
        raise Unscrubbable("payload is not a JSON object")


def _run(one: Pass, data: bytes, shape: str) -> bytes:
    scan = one.screen.borrow()
    try:
        hits = scan(data)
        if hits & one.huge:
            decode_any(data)
        data = data.strip()
        whole = data
        plan = one.document(shape)
        if not hits & (plan.mask | one.meta):
            return data
        meta = None
        if hits & one.meta:
            fields = decode_object(data)
            if "_meta" in fields:
                meta = decode_any(fields.pop("_meta"))
                data = encode(fields)
        notes = Notes(meta)
        walk = Walk(one, scan, notes, _MAX_NODES)
        if notes.incoming:
            notes.changed = scrub_originals(walk, notes.tree, plan, decode_any(data))
        new = walk.visit(data, plan, (), hits)
        if new is None and not notes.changed:
            return whole
        if not notes.tree:
            return data if new is None else new
        fields = decode_object(data if new is None else new)
        fields["_meta"] = Raw(encode(notes.tree))
        return encode(fields)
    finally:
        one.screen.give_back(scan)
