"""Texts that belong to no payload, scrubbed: bodies that are no envelopes, and details of what was refused (`capture.md` 5.2).

Nobody says what is in them, so that rules meet them in each form that they may have: as JSON, as lines of text, pair by pair, and as
what base64 says. What is no text is described and not shown: nobody can tell where in it a value begins or ends.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.errors import Unscrubbable

SHOWN_BYTES: Final = 4096
"""Of a body that is no envelope."""
WITHHELD: Final = "[Withheld]"
_MARGIN_BYTES: Final = 512
"""Read beyond what is shown, so that a value at the end is seen whole."""
_PAIR: Final = re.compile(r'"((?:[^"\\\n]|\\.){1,200})"(\s*:\s*)("(?:[^"\\\n]|\\.)*"?|[-+0-9.eE]+)')
_KEY_BLOCK: Final = re.compile(r"-----BEGIN .*?(?:-----END [^\n]*|\Z)", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BASE64: Final = re.compile(rb"\s*([A-Za-z0-9+/_-]{16,}={0,2})\s*")
_MAGIC_BYTES: Final = 4
_AROUND: Final = "text"


def clean_start(body: bytes, program: ScrubProgram) -> str:
    """The beginning of a body that is no envelope."""
    start = body[: SHOWN_BYTES + _MARGIN_BYTES]
    is_cut = len(start) < len(body)
    if coded := _BASE64.fullmatch(start):
        start = _decoded(coded[1])
    text = start.decode("utf-8", "replace")
    if _CONTROL.search(text) or "\ufffd" in text[: len(text) - is_cut]:
        return f"[{len(body)} bytes that are no text; they begin with {body[:_MAGIC_BYTES].hex(' ')}]"
    clean = _clean(text, program)
    return clean[: min(SHOWN_BYTES, max(0, len(clean) - _MARGIN_BYTES))] if is_cut else clean


def clean_text(text: str, program: ScrubProgram) -> str:
    """By the rules for a message."""
    clean = _clean_json(text, program) if text else ""
    return clean if isinstance(clean, str) else WITHHELD


def _decoded(coded: bytes) -> bytes:
    """What base64 says, as far as it is whole; what only looks like base64 stays."""
    standard = coded.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    standard = standard[: len(standard) // 4 * 4] if len(standard) % 4 == 1 else standard
    decoded = binascii.a2b_base64(standard + b"=" * (-len(standard) % 4))
    text = decoded.decode("utf-8", "replace")
    return coded if _CONTROL.search(text) or "\ufffd" in text[:-1] else decoded


def _clean(text: str, program: ScrubProgram) -> str:
    """JSON as such, whole or line by line; what stands between is one text."""
    if _is_json(text):
        return _clean_line(text, program)
    clean: list[str] = []
    between: list[str] = []
    for line in text.splitlines():
        if not _is_json(line):
            between.append(line)
            continue
        clean += [*_clean_block(between, program), _clean_line(line, program)]
        between.clear()
    return "\n".join(clean + _clean_block(between, program))


def _is_json(text: str) -> bool:
    try:
        decode_json(text)
    except ValueError:
        return False
    return True


def _clean_line(line: str, program: ScrubProgram) -> str:
    clean = _clean_json(decode_json(line), program)
    return WITHHELD if clean is None else encode_json(_clean_leaves(clean, program)).decode()


def _clean_leaves(document: object, program: ScrubProgram) -> object:
    """Each text once more by itself: what stays in an event for its name, such as an id, is any text in what is no event."""
    if isinstance(document, dict):
        return {name: _clean_leaves(value, program) for name, value in document.items()}
    if isinstance(document, list):
        return [_clean_leaves(value, program) for value in document]
    return clean_text(document, program) if isinstance(document, str) else document


def _clean_block(lines: list[str], program: ScrubProgram) -> list[str]:
    """What goes over several lines together, then each by itself: where one word takes all of a text, the other lines stay."""
    block = _KEY_BLOCK.sub(WITHHELD, "\n".join(lines))
    block = _PAIR.sub(lambda pair: _clean_pair(pair, program), block)
    return [clean_text(line, program) if line.strip() else line for line in block.split("\n")] if lines else []


def _clean_pair(pair: re.Match[str], program: ScrubProgram) -> str:
    name, between, value = pair.groups()
    text = value.strip('"')
    clean = _clean_json({name: text}, program)
    left = clean.get(name) if isinstance(clean, dict) else None
    return f'"{name}"{between}{value}' if left == text else f'"{name}"{between}"{left or WITHHELD}"'


def _clean_json(document: object, program: ScrubProgram) -> object:
    """None where it cannot be scrubbed."""
    payload = encode_json({_AROUND: document})
    try:
        output = scrub_document(program, payload, "generic")
    except Unscrubbable:
        return None
    clean = decode_json(payload if output is None else output)
    assert isinstance(clean, dict)
    return clean.get(_AROUND)
