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

from scrubjay.core.scrub.json_text import QUOTE, Raw, decode_array, decode_object, decode_text, encode, mended
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.pseudonyms import identify
from scrubjay.errors import Unreadable

_MEMBERS: Final = {"user_report": ("email", "name"), "session": ("did",), "sessions": ("did",)}
_MADE_HERE: Final = re.compile(r"[0-9A-F]{40}", re.ASCII)


def treat_identities(
    program: ScrubProgram, payload: bytes | memoryview, item_type: str, policy: Literal["keep", "hash", "remove"]
) -> bytes | None:
    """The payload with those members treated; None if nothing of it changes. Raises Unscrubbable."""
    names = _MEMBERS.get(item_type, ())
    if policy == "keep" or not names:
        return None
    try:
        fields = decode_object(mended(bytes(payload)))
        changed = _treat(program, fields, names, policy)
        listed = fields.get("aggregates") if item_type == "sessions" else None
        if listed is not None and bytes(listed)[:1] == b"[":
            aggregates = []
            for one in decode_array(listed):
                inner = decode_object(one)
                if _treat(program, inner, names, policy):
                    one, changed = Raw(encode(inner)), True
                aggregates.append(one)
            fields["aggregates"] = Raw(encode(aggregates))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{item_type} cannot be read: {type(error).__name__}") from None
    return encode(fields) if changed else None


def _treat(
    program: ScrubProgram, fields: dict[str, Raw], names: tuple[str, ...], policy: Literal["hash", "remove"]
) -> bool:
    changed = False
    for name in names:
        if name not in fields or bytes(fields[name]) in (b"null", b'""'):
            continue
        changed = True
        if policy == "remove" or bytes(fields[name])[0] != QUOTE:
            del fields[name]
        else:
            fields[name] = Raw(encode(_named(program, decode_text(fields[name]))))
    return changed


def _named(program: ScrubProgram, value: str) -> str:
    if program.keys is not None:
        return identify(program.keys, value)
    if _MADE_HERE.fullmatch(value):
        return value  # hashed by a relay before this one
    return hmac.digest(b"", value.encode(), "sha1").hex().upper()
