"""Text-like attachments (scrubbing.md 15.6, profile `strict`): JSON as a document, other text by the rules for texts.

One password word must not empty a log file, so word rules do not run here. Bytes that are no text are not for this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import validate
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.errors import Unscrubbable

_MAX_PIECE_BYTES: Final = 1024 * 1024


def scrub_text(program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None) -> bytes | None:
    """Scrub one attachment; None if it may leave as it is, which is also so for what is no text. Raises Unscrubbable."""
    original = bytes(payload)
    rules = [one for one in program.passes if one.text_rules]
    if not rules or b"\0" in original:
        return None
    try:
        original.decode()
    except UnicodeDecodeError:
        return None
    if _is_json(original):
        return scrub_document(program, original, "generic", record)
    data = original
    for one in rules:
        if record is not None:
            record.begin(one)
        data = b"".join(_scrub_piece(one, piece, record) for piece in _pieces(data))
    return None if data == original else data


def _is_json(data: bytes) -> bool:
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        validate(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _pieces(data: bytes) -> Iterator[bytes]:
    """The text in bounded pieces that end at line breaks. Raises Unscrubbable where a line is longer than that."""
    at = 0
    while len(data) - at > _MAX_PIECE_BYTES:
        end = data.rfind(b"\n", at, at + _MAX_PIECE_BYTES) + 1
        if not end:
            raise Unscrubbable("line longer than may be scrubbed")
        yield data[at:end]
        at = end
    yield data[at:]


def _scrub_piece(one: Pass, piece: bytes, record: Record | None) -> bytes:
    scan = one.screen.borrow()
    hits = scan(piece)
    one.screen.give_back(scan)
    text = Text(piece)
    for rule in one.text_rules:
        if rule.bits & hits:
            if record is None:
                rule.apply(text, 0, hits)
            else:
                record.apply(rule, text, 0, hits, ())
    return text.value
