"""Form data of crash reporters: pairs of texts that the server merges into the event (scrubbing.md 12, ingest.md A.5).

`sentry` and `sentry___NAME` hold JSON of an event, `sentry__1`, `sentry__2` and so on such JSON in pieces, `sentry[a][b]` one text of it,
all else is `extra.FIELD`. Each is scrubbed as what it will be, and the pairs stay pairs: an event that changed is written back as JSON,
its remarks included. What follows a broken length is left out, for nobody reads it.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Final, TypeAlias

import msgspec

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import decode_any, decode_object, encode
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unscrubbable

Pairs: TypeAlias = list[tuple[str, str]]

_LENGTH: Final = struct.Struct("<I")
_EVENT: Final = re.compile(r"sentry(?:___.*)?", re.DOTALL)
_PIECE: Final = re.compile(r"sentry__([0-9]{1,6})", re.ASCII)
_MEMBER: Final = re.compile(r"sentry((?:\[[^\]\[]*\])+)")
_MOST_LEVELS: Final = 100
_MERGED: Final = "sentry___members"
"""The field that takes the place of `sentry[a][b]` where one of them changed."""


def scrub_form_data(program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None) -> bytes | None:
    """Scrub all fields; None if they may leave as they are. Raises Unscrubbable."""
    original = bytes(payload)
    came = _read(original)
    pieces = [(key, value) for key, value in came if _PIECE.fullmatch(key)]
    members = [(key, value) for key, value in came if _MEMBER.fullmatch(key)]
    others = [pair for pair in came if not _PIECE.fullmatch(pair[0]) and not _MEMBER.fullmatch(pair[0])]
    left = [new for key, value in others if (new := _scrub_field(program, key, value, record)) is not None]
    new_pieces = _scrub_pieces(program, pieces, record)
    new_members = _scrub_members(program, members, record)
    if (left, new_pieces, new_members) == (others, pieces, members):
        data = _write(came)
    else:
        data = _write([*left, *new_pieces, *new_members])
    return None if data == original else data


def _read(data: bytes) -> Pairs:
    """The pairs up to the first that is cut off."""
    pairs: Pairs = []
    at = 0
    while True:
        texts = []
        for _ in range(2):
            if at + _LENGTH.size > len(data):
                return pairs
            (size,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            if at + size > len(data):
                return pairs
            texts.append(data[at : at + size].decode("utf-8", "replace"))
            at += size
        pairs.append((texts[0], texts[1]))


def _write(pairs: Pairs) -> bytes:
    texts = [text.encode() for pair in pairs for text in pair]
    return b"".join([part for text in texts for part in (_LENGTH.pack(len(text)), text)])


def _scrub_field(program: ScrubProgram, key: str, value: str, record: Record | None) -> tuple[str, str] | None:
    """A field of its own; None if a rule removes it."""
    if _EVENT.fullmatch(key) and _is_object(value):
        new = scrub_document(program, value.encode(), "event", record)
        return key, value if new is None else new.decode()
    scrubbed = scrub_document(program, encode({"extra": {key: value}}), "event", record)
    if scrubbed is None:
        return key, value
    extra = decode_any(scrubbed).get("extra") or {}
    for name, text in extra.items():
        if isinstance(text, str):
            return name, text
    return None


def _scrub_pieces(program: ScrubProgram, pieces: Pairs, record: Record | None) -> Pairs:
    """JSON that was cut into fields, in as many pieces as before. What is no JSON is scrubbed as one text."""
    if not pieces:
        return pieces
    in_order = sorted(pieces, key=lambda pair: int(pair[0].removeprefix("sentry__")))
    new = _scrub_field(program, "sentry", "".join(value for _, value in in_order), record)
    text = "" if new is None else new[1]
    if text == "".join(value for _, value in in_order):
        return pieces
    size = -(-len(text) // len(pieces))
    return [(key, text[at * size : (at + 1) * size]) for at, (key, _) in enumerate(in_order)]


def _scrub_members(program: ScrubProgram, members: Pairs, record: Record | None) -> Pairs:
    """Single texts of an event, merged into one."""
    if not members:
        return members
    event: dict[str, Any] = {}
    is_plain = True
    for key, value in members:
        is_plain = _put(event, key, value) and is_plain
    content = encode(event)
    new = scrub_document(program, content, "event", record)
    if new is None and is_plain:
        return members
    return [(_MERGED, (new or content).decode())]


def _put(event: dict[str, Any], key: str, value: str) -> bool:
    """Set a text at its place; False if it took the place of something else, which would leave unseen."""
    *path, last = key.removeprefix("sentry[").removesuffix("]").split("][")
    if len(path) > _MOST_LEVELS:
        raise Unscrubbable("form data nested too deeply")
    node, is_plain = event, True
    for name in path:
        following = node.get(name)
        if not isinstance(following, dict):
            is_plain = is_plain and following is None
            following = node[name] = {}
        node = following
    is_plain = is_plain and last not in node
    node[last] = value
    return is_plain


def _is_object(value: str) -> bool:
    """Also if it is nested so deeply that it cannot be scrubbed."""
    try:
        decode_object(value.encode())
    except msgspec.DecodeError:
        return False
    except RecursionError:
        pass
    return True
