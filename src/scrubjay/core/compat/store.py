"""Bodies older than envelopes, made into envelopes: the store endpoint's events (`ingest.md` 2.3).

Pure readers of bytes; they look at no more of an event than its id and its type, and keep its bytes. Raise `BadRequest`.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode
from typing import Final

import msgspec

from scrubjay import reasons
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.header_rules import normal_uuid
from scrubjay.core.items.partial import read
from scrubjay.errors import BadRequest

_LENIENT_CLIENTS: Final = ("raven-python/", "sentry-python/")
"""They wrote what Python's `json` writes: NaN, infinities and integers of any length."""
_SUSPECT: Final = re.compile(rb"NaN|Infinity|[0-9]{19}")
_TOKENS: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|(?P<minus>-Infinity)|(?P<word>NaN|Infinity)|(?<![0-9.eE+])(?P<integer>-?[0-9]{19,})(?![0-9.eE])',
    re.DOTALL,
)
_INTEGERS: Final = range(-(2**63), 2**64)
_ITEM_TYPES: Final = {"transaction": "transaction", "csp": "security"}


class _Event(msgspec.Struct):
    event_id: str | None = None
    type: str = ""


_DECODER: Final = msgspec.json.Decoder(_Event)


def read_store(body: bytes, client: str | None, max_event_bytes: int) -> Envelope:
    """The envelope of a store body: JSON, or base64 of JSON, or base64 of its zlib form."""
    payload = _decoded(body, max_event_bytes)
    if not payload:
        raise BadRequest(reasons.EMPTY_BODY, "the body is empty")
    if client is not None and client.startswith(_LENIENT_CLIENTS) and _SUSPECT.search(payload):
        payload = _TOKENS.sub(_strict, payload)
    event = read(_DECODER, payload)
    if event is None:
        raise _unreadable("no JSON object, or its event_id or type is no text")
    try:
        headers: dict[str, object] = {} if event.event_id is None else {"event_id": normal_uuid(event.event_id)}
    except ValueError:
        raise _unreadable("event_id is no UUID") from None
    item_type = _ITEM_TYPES.get(event.type, "event")
    return Envelope(headers, [Item({"type": item_type, "content_type": "application/json"}, payload)])


def _decoded(body: bytes, max_event_bytes: int) -> bytes:
    if not body or body[:1] == b"{":
        return body
    try:
        decoded = b64decode(body, validate=True)
    except binascii.Error as error:
        raise _invalid(f"neither an object nor base64: {error}") from None
    if decoded[:1] == b"{":
        return decoded
    try:
        return zlib.decompressobj().decompress(decoded, max_event_bytes)
    except zlib.error as error:
        raise _invalid(f"base64 of something else than zlib data: {error}") from None


def _strict(match: re.Match[bytes]) -> bytes:
    """What strict JSON has in place of a token, as long as the token was."""
    token = match.group()
    if match["minus"] is not None:
        return b"-0".ljust(len(token))
    if match["word"] is not None:
        return b"0".ljust(len(token))
    if match["integer"] is not None and (len(token) > 20 or int(token) not in _INTEGERS):
        return b"0".ljust(len(token))
    return token


def _unreadable(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_STORE_JSON, "the event cannot be read", cause)


def _invalid(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_BODY, "the body cannot be decoded", cause)
