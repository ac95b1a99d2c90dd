"""What an upstream is asked about relays, what relays behind this one ask, and both answers (`upstream-and-operations.md` 5.5).

Plain JSON values in and out. Whom to ask and what to remember is `runtime.managed.relay_keys`'s. Of the upstream's answer every relay that was
asked for gets an entry, and no other does; what cannot be read is a relay that is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.core.envelope import decode_json
from scrubjay.errors import UpstreamError
from scrubjay.settings.keys import BadKey, encode, read_public_key, read_relay_id

ROUTE: Final = "publickeys"
PATH: Final = "/api/0/relays/publickeys/"
MAX_RELAYS: Final = 1000
"""In one question."""


@dataclass(frozen=True, slots=True)
class KnownRelay:
    """What the upstream knows of a relay. `is_internal`: it is one of the upstream's own."""

    public_key: bytes
    is_internal: bool = False


def question(relay_ids: Iterable[str]) -> dict[str, object]:
    """The body that asks for these."""
    return {"relay_ids": list(relay_ids)}


def read_question(body: bytes) -> list[str]:
    """The relays that are asked for, each once; what is no id is passed over. Raises `ValueError`, which says what is wrong."""
    asked = decode_json(body)
    if not isinstance(asked, dict):
        raise ValueError("it is no object")
    names = asked.get("relay_ids")
    if not isinstance(names, list):
        raise ValueError("it has no list `relay_ids`")
    if len(names) > MAX_RELAYS:
        raise ValueError(f"{len(names)} relays in `relay_ids`; at most {MAX_RELAYS} can be asked for at once")
    return list(dict.fromkeys(relay_id for name in names if (relay_id := _relay_id(name)) is not None))


def read_reply(reply: object, asked: Iterable[str]) -> dict[str, KnownRelay | None]:
    """What it says of the relays `asked` for; of older servers it holds nothing but keys. Raises `UpstreamError`."""
    if not isinstance(reply, dict):
        raise UpstreamError("the answer is no object")
    entries = reply.get("relays") or {
        name: {"publicKey": key} for name, key in _object(reply.get("public_keys")).items()
    }
    found = {relay_id: entry for name, entry in _object(entries).items() if (relay_id := _relay_id(name)) is not None}
    return {relay_id: _known(found.get(relay_id)) for relay_id in asked}


def answer(relays: Mapping[str, KnownRelay | None]) -> dict[str, object]:
    """The same for relays behind this one."""
    return {
        "relays": {
            relay_id: None if one is None else {"publicKey": encode(one.public_key), "internal": one.is_internal}
            for relay_id, one in relays.items()
        }
    }


def _known(entry: object) -> KnownRelay | None:
    members = _object(entry)
    key = members.get("publicKey")
    if not isinstance(key, str):
        return None
    try:
        return KnownRelay(read_public_key(key), is_internal=members.get("internal") is True)
    except BadKey:
        return None


def _relay_id(name: object) -> str | None:
    if not isinstance(name, str):
        return None
    try:
        return read_relay_id(name)
    except BadKey:
        return None


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
