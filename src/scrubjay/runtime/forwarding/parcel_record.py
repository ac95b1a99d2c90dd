"""A parcel as a record of the spool, and back (members in `upstream-and-operations.md` 7.3).

Beyond the members listed there a record has `v`, the plan's revision, for the drop record of a parcel that is lost after a restart,
and in `h` the client's protocol version as `v` and the relays that it came through as `via`. What is absent stands for None, or for
version 7. A raw record has in `s` the key that it waits for, where that is another than its own, and in `h` the rest of what the request
said (`src`, `ip`, `hints`, `nc`, and of a relay `rid`, `sig`, `prv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.ledger import Account, Parcel, Raw
from scrubjay.core.spool_format import Record
from scrubjay.errors import SpoolCorrupt

_MAX_TEXT: Final = 1024
_MAX_TYPES: Final = 32
"""More types than exist; a hostile envelope may name 500 of its own."""
_MAX_TYPE_TEXT: Final = 128
_MAX_HINTS: Final = 16
_DEFAULT_VERSION: Final = 7
_MAX_DIGITS: Final = 20
"""Of an unsigned 64-bit number; Python refuses to read thousands of them."""
UNREADABLE: Final[Quantities] = ((DataCategory.UNKNOWN, 1),)
_FACTS: Final = (
    ("client", "client"),
    ("origin", "origin"),
    ("ua", "user_agent"),
    ("xff", "forwarded_for"),
    ("via", "via"),
)


def encode_record(parcel: Parcel) -> Record:
    return Record(encode_meta(parcel), parcel.body)


def encode_meta(parcel: Parcel, drift_ms: int | None = None) -> bytes:
    """The facts of a parcel. Texts of clients are cut, so that the whole stays below the format's 65,535 bytes.

    `drift_ms`: how much later than its own `sent_at` it was received, for who sees that header only after it was moved.
    """
    meta: dict[str, object] = {
        "k": parcel.key,
        "p": str(parcel.project_id),
        "r": int(parcel.received_unix * 1000),
        "d": parcel.id,
        "c": {category.wire: amount for category, amount in parcel.quantities},
        "i": [_cut(name, _MAX_TYPE_TEXT) for name in parcel.item_types[:_MAX_TYPES]],
    }
    if parcel.event_id is not None:
        meta["e"] = parcel.event_id
    if parcel.revision:
        meta["v"] = parcel.revision
    if parcel.attempts:
        meta["a"] = parcel.attempts
    if drift_ms is not None:
        meta["t"] = drift_ms
    facts: dict[str, object] = {}
    for name, attribute in _FACTS:
        value = getattr(parcel, attribute)
        if value is not None:
            facts[name] = _cut(value, _MAX_TEXT)
    if parcel.version != _DEFAULT_VERSION:
        facts["v"] = parcel.version
    if parcel.raw is not None:
        facts |= _facts_of(parcel.raw)
        if parcel.raw.awaits != parcel.key:
            meta["s"] = parcel.raw.awaits
    if facts:
        meta["h"] = facts
    return encode_json(meta)


def _facts_of(raw: Raw) -> dict[str, object]:
    """The rest of what a request said."""
    texts = {"src": raw.source, "client": raw.client, "ip": raw.client_ip, "rid": raw.relay_id, "sig": raw.signature}
    facts: dict[str, object] = {name: _cut(text, _MAX_TEXT) for name, text in texts.items() if text is not None}
    if raw.client_hints:
        facts["hints"] = {
            _cut(name, _MAX_TYPE_TEXT): _cut(text, _MAX_TEXT)
            for name, text in islice(raw.client_hints.items(), _MAX_HINTS)
        }
    if raw.no_cache:
        facts["nc"] = True
    if raw.is_proven:
        facts["prv"] = True
    return facts


def _raw_of(facts: Mapping[str, object], headers: Mapping[str, object], key: str) -> Raw:
    hints = headers.get("hints")
    return Raw(
        awaits=_text(facts, "s") or key,
        source=_text(headers, "src") or "header",
        client=_text(headers, "client"),
        client_ip=_text(headers, "ip"),
        client_hints={name: text for name, text in hints.items() if isinstance(text, str)}
        if isinstance(hints, dict)
        else {},
        no_cache=headers.get("nc") is True,
        relay_id=_text(headers, "rid"),
        signature=_text(headers, "sig"),
        is_proven=headers.get("prv") is True,
    )


def decode_record(meta: bytes, body: bytes, *, raw: bool = False) -> Parcel:
    """The parcel of a record, `raw` if its frame says so. Raises `SpoolCorrupt` if the facts are not those of one."""
    facts = _object(meta)
    headers = facts.get("h")
    if not isinstance(headers, dict):
        headers = {}
    key, project, received_ms = facts.get("k"), facts.get("p"), facts.get("r")
    if not isinstance(key, str) or not isinstance(project, str) or not isinstance(received_ms, int | float):
        raise SpoolCorrupt("a record without key, project or time")
    if not _is_number(project):
        raise SpoolCorrupt("a record with a project that is no number")
    types, version, attempts = facts.get("i"), headers.get("v"), facts.get("a")
    return Parcel(
        id=_text(facts, "d") or "",
        key=key,
        project_id=int(project),
        body=body,
        quantities=quantities_of(facts),
        received_unix=received_ms / 1000,
        event_id=_text(facts, "e"),
        item_types=tuple(name for name in types if isinstance(name, str)) if isinstance(types, list) else (),
        revision=_text(facts, "v") or "",
        client=_text(headers, "client"),
        version=version if isinstance(version, int) else _DEFAULT_VERSION,
        origin=_text(headers, "origin"),
        user_agent=_text(headers, "ua"),
        forwarded_for=_text(headers, "xff"),
        via=_text(headers, "via"),
        attempts=attempts if isinstance(attempts, int) else 0,
        raw=_raw_of(facts, headers, key) if raw else None,
    )


class Facts(NamedTuple):
    """What of a record has to be known while it waits: whose it is, and what it counts as."""

    key: str
    quantities: Quantities


def decode_facts(meta: bytes) -> Facts:
    """Nobody's, and one `unknown`, if that cannot be read."""
    try:
        facts = _object(meta)
    except SpoolCorrupt:
        return Facts("", UNREADABLE)
    return Facts(_text(facts, "k") or "", quantities_of(facts))


def owner_of(meta: bytes, now_unix: float) -> Account:
    """Whose record it was, for the booking of its loss."""
    try:
        facts = _object(meta)
    except SpoolCorrupt:
        facts = {}
    project = facts.get("p")
    project_id = int(project) if isinstance(project, str) and _is_number(project) else None
    return Account(_text(facts, "k") or "", project_id, _text(facts, "v") or "", _text(facts, "e"), now_unix)


def quantities_of(facts: Mapping[str, object]) -> Quantities:
    counts = facts.get("c")
    if not isinstance(counts, dict):
        return UNREADABLE
    sums: dict[DataCategory, int] = {}
    for name, amount in counts.items():
        if isinstance(amount, int):
            category = DataCategory.parse(str(name))
            sums[category] = sums.get(category, 0) + amount
    return tuple(sums.items()) or UNREADABLE


def _is_number(text: str) -> bool:
    return len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit()


def _object(meta: bytes) -> dict[str, object]:
    try:
        facts = decode_json(meta)
    except ValueError as error:
        raise SpoolCorrupt("a record whose facts are no JSON") from error
    if not isinstance(facts, dict):
        raise SpoolCorrupt("a record whose facts are no JSON object")
    return facts


def _cut(value: str, length: int) -> str:
    """What of a client's text is kept. Bytes that were no UTF-8 came as lone surrogates, which JSON cannot hold."""
    value = value[:length]
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _text(facts: Mapping[str, object], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) else None
