"""What a relay behind this one asks of projects, and what it is answered (`upstream-and-operations.md` 5.1, 5.2, 5.5).

Bytes in and out. Who asks, and whether it is who it says, is `endpoints.relays`'s to find out; what is known of a key `runtime.projects`'s; what
of a document is shown `limited`'s. Invariants: what a key's state is shows only to relays that may read it, a revision that is equal included;
an answer is never longer than its bound: what finds no room in it is to be asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.relays.config_reply import WAITING, Enabled, State
from scrubjay.core.relays.limited import served, trusts

MAX_KEYS: Final = 2048
"""In one question; relays ask for 500 at once."""
_KEY: Final = re.compile(r"[\x21-\x7e]{32}")


@dataclass(frozen=True, slots=True)
class Question:
    """`revisions`: what the relay holds of each key that it asks for. `full`: it would like to know everything."""

    revisions: Mapping[str, str | None]
    full: bool = False
    no_cache: bool = False
    wants_shared: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `is_internal`: one of the operator's own, who may see everything."""

    public_key: str
    is_internal: bool


def read_question(body: bytes) -> Question:
    """Raises `ValueError`, which says what is wrong; a key of another form is passed over."""
    asked = decode_json(body)
    if not isinstance(asked, dict):
        raise ValueError("it is no object")
    keys = asked.get("publicKeys")
    if not isinstance(keys, list):
        raise ValueError("it has no list `publicKeys`")
    if len(keys) > MAX_KEYS:
        raise ValueError(f"{len(keys)} keys in `publicKeys`; at most {MAX_KEYS} can be asked for at once")
    held = asked.get("revisions")
    revisions = held if isinstance(held, list) and len(held) == len(keys) else [None] * len(keys)
    return Question(
        {
            key: revision if isinstance(revision, str) else None
            for key, revision in zip(keys, revisions, strict=True)
            if isinstance(key, str) and _KEY.fullmatch(key)
        },
        full=asked.get("fullConfig") is True,
        no_cache=asked.get("noCache") is True,
        wants_shared=asked.get("global") is True,
    )


def answer(
    question: Question,
    caller: Caller,
    states: Mapping[str, State],
    *,
    shared: Mapping[str, Any] | None,
    upstream: str | None,
    max_bytes: int,
) -> bytes:
    """The body of the answer. `states`: what is known of each key; `shared`: what goes for all projects, None: not known yet."""
    configs: list[bytes] = []
    pending: list[str] = []
    unchanged: list[str] = []
    left_bytes = max_bytes
    for key, revision in question.revisions.items():
        state = states[key]
        if state is WAITING:
            pending.append(key)
        if not isinstance(state, Enabled):
            continue
        document = state.document
        if not (caller.is_internal or trusts(document, caller.public_key)):
            continue
        if revision is not None and document.get("rev") == revision:
            unchanged.append(key)
            continue
        full = caller.is_internal and question.full
        entry = encode_json(key) + b":" + encode_json(served(document, key, full=full, upstream=upstream))
        left_bytes -= len(entry)
        if left_bytes < 0 and configs:
            pending.append(key)
        else:
            configs.append(entry)
    members = [b'"configs":{' + b",".join(configs) + b"}"]
    if pending:
        members.append(b'"pending":' + encode_json(pending))
    if unchanged:
        members.append(b'"unchanged":' + encode_json(unchanged))
    if question.wants_shared:
        status = "pending" if shared is None else "ready"
        members.append(b'"global":' + encode_json(shared or {}) + b',"globalStatus":' + encode_json(status))
    return b"{" + b",".join(members) + b"}"
