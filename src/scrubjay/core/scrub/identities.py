"""Who reported, and whose session it was: members that name a person and nothing else (scrubbing.md 15.6).

`email` and `name` of a user report and `did` of sessions say who it was in whatever form the application chose, so no detector can be
relied on. Under policy `hash` each is replaced by a name that is the same for the same person, so that users can still be counted: a
pseudonym where there is a key, else a hash, which tells those who guess the value that they guessed right.
"""

from __future__ import annotations

import hmac
import re
from typing import Final, Literal

import msgspec

from scrubjay.core.scrub.json_text import (
    QUOTE,
    Raw,
    decode_array,
    decode_object,
    decode_text,
    encode,
    mended,
    text_bytes,
)
from scrubjay.core.scrub.matching import ALWAYS
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.pseudonyms import identify
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Redaction, Text
from scrubjay.core.scrub.rules import Rule
from scrubjay.errors import Unreadable

_MEMBERS: Final = {"user_report": ("email", "name"), "session": ("did",), "sessions": ("did",)}
# What was done, as a record knows it: a rule of its own that takes the whole member.
_ORIGIN: Final = "@identities"
_REMOVED: Final = Rule(_ORIGIN, _ORIGIN, Redaction(), (), ALWAYS, 0, takes_nodes=True, skip_overlaps=False)
_HASHED: Final = Rule(_ORIGIN, _ORIGIN, Redaction("hash"), (), ALWAYS, 0, takes_nodes=True, skip_overlaps=False)
_MADE_HERE: Final = re.compile(r"[0-9A-F]{40}", re.ASCII)


def treat_identities(
    program: ScrubProgram,
    payload: bytes | memoryview,
    item_type: str,
    policy: Literal["keep", "hash", "remove"],
    record: Record | None = None,
) -> bytes | None:
    """The payload with those members treated; None if nothing of it changes. `record` counts them. Raises Unscrubbable."""
    names = _MEMBERS.get(item_type, ())
    if policy == "keep" or not names:
        return None
    try:
        fields = decode_object(mended(bytes(payload)))
        changed = _treat(program, fields, names, policy, record)
        listed = fields.get("aggregates") if item_type == "sessions" else None
        if listed is not None and bytes(listed)[:1] == b"[":
            aggregates = []
            for index, one in enumerate(decode_array(listed)):
                inner = decode_object(one)
                if record is not None:
                    record.enter(("aggregates", str(index)))
                if _treat(program, inner, names, policy, record):
                    one, changed = Raw(encode(inner)), True
                aggregates.append(one)
            fields["aggregates"] = Raw(encode(aggregates))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{item_type} cannot be read: {type(error).__name__}") from None
    return encode(fields) if changed else None


def _treat(
    program: ScrubProgram,
    fields: dict[str, Raw],
    names: tuple[str, ...],
    policy: Literal["hash", "remove"],
    record: Record | None,
) -> bool:
    changed = False
    for name in names:
        if name not in fields or bytes(fields[name]) in (b"null", b'""'):
            continue
        changed = True
        raw = bytes(fields[name])
        if policy == "remove" or raw[0] != QUOTE:
            del fields[name]
            if record is not None:
                record.removes_node(_REMOVED, 0, raw, (name,))
        else:
            fields[name] = Raw(encode(_named(program, decode_text(raw))))
            if record is not None:
                record.apply(_HASHED, Text(text_bytes(raw)), 0, ALWAYS, (name,))
    return changed


def _named(program: ScrubProgram, value: str) -> str:
    if program.keys is not None:
        return identify(program.keys, value)
    if _MADE_HERE.fullmatch(value):
        return value  # hashed by a relay before this one
    return hmac.digest(b"", value.encode(), "sha1").hex().upper()
