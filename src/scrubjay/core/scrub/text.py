"""Text-like attachments (scrubbing.md 15.6, profile `strict`): JSON as a document, other text by the rules for texts.

One password word must not empty a log file, so word rules do not run here. In whatever encoding a text came it leaves. Bytes that
are no text are not for this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from scrubjay.core.scrub.bounds import MANY, Allowance
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.file_kinds import Encoding, encoding_of
from scrubjay.core.scrub.json_text import validate
from scrubjay.core.scrub.leaves import check_document
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.errors import Unscrubbable

_UTF8: Final = Encoding("utf-8")
_UNKNOWN: Final = "latin-1"
# Bytes beyond ASCII of which nobody knows the meaning stand aside as characters that are part of no word: no value is hidden by one.
_SET_APART: Final = {byte: 0xE000 + byte for byte in range(0x80, 0x100)}
_PUT_BACK: Final = {apart: byte for byte, apart in _SET_APART.items()}


def scrub_text(program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None) -> bytes | None:
    """Scrub one file; None if it may leave as it is, which is also so for what is no text. Raises Unscrubbable."""
    original = bytes(payload)
    if not any(one.text_rules for one in program.passes) or (encoding := encoding_of(original)) is None:
        return None
    if encoding == _UTF8:
        return _scrub_utf8(program, original, record)
    text = original.removeprefix(encoding.mark).decode(encoding.codec, "replace")
    if encoding.codec == _UNKNOWN:
        text = text.translate(_SET_APART)
    new = _scrub_utf8(program, text.encode(), record)
    if new is None:
        return None
    text = new.decode()
    if encoding.codec == _UNKNOWN:
        text = text.translate(_PUT_BACK)
    return encoding.mark + text.encode(encoding.codec, "replace")


def _scrub_utf8(program: ScrubProgram, original: bytes, record: Record | None) -> bytes | None:
    if _is_json(original):
        check_document(original, program.bounds.max_depth)
        return scrub_document(program, original, "generic", record)
    data = original
    allowance = Allowance(program.bounds, documents=MANY)
    for one in program.passes:
        if one.text_rules:
            if record is not None:
                record.begin(one)
            pieces = []
            for piece in _pieces(data, program.bounds.max_text_bytes):
                allowance.check_time()
                pieces.append(_scrub_piece(one, piece, record))
            data = b"".join(pieces)
    return None if data == original else data


def _is_json(data: bytes) -> bool:
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        validate(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _pieces(data: bytes, most_bytes: int) -> Iterator[bytes]:
    """The text in bounded pieces that end at line breaks. Raises Unscrubbable where a line is longer than that."""
    at = 0
    while len(data) - at > most_bytes:
        end = data.rfind(b"\n", at, at + most_bytes) + 1
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
