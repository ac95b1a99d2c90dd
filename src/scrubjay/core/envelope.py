"""The envelope: framing a body into items and writing items as a body. The one door for JSON in `core`.

Follows `ingest.md` 5 and `upstream-and-operations.md` 6.3. Reading looks at header lines and lengths only; payloads stay views on
the body until somebody replaces them. What an item's type means is the business of `items`. Invariants: `parse_envelope` raises
nothing but `BadRequest`; an item that nobody touched is written with the payload bytes and, if it had a right `length`, the
header bytes that it came with; every written item has a right `length`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from scrubjay import reasons
from scrubjay.core.header_rules import check_envelope_headers, check_item_headers, check_text, shifted_sent_at
from scrubjay.errors import BadRequest

if TYPE_CHECKING:
    from scrubjay.core.items.kind import ItemKind

__all__ = [
    "Envelope",
    "Item",
    "decode_json",
    "encode_json",
    "parse_envelope",
    "read_header",
    "rewrite_header",
    "shifted_sent_at",
]

MAX_ITEMS: Final = 500
MAX_HEADER_BYTES: Final = 1024 * 1024
"""Of all header lines of an envelope together. Ours: a header of 200 MiB that decodes to gigabytes has no honest use."""

_LF: Final = 10
_BLANKS: Final = re.compile(rb"[ \t\r\n]*")
_DECODER: Final = msgspec.json.Decoder()
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])
_RAW_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()

Payload = bytes | memoryview


class TooDeep(ValueError):
    """It looks like JSON as far as it was read, and is nested deeper than that."""


def decode_json(data: Payload | str) -> object:
    """Strict JSON: no NaN, no bad UTF-8, no lone surrogates, nothing behind the value. Raises `ValueError` for all else."""
    try:
        return _DECODER.decode(data)
    except RecursionError:
        raise TooDeep("nested too deeply") from None


def encode_json(value: object) -> bytes:
    """Compact JSON."""
    return _ENCODER.encode(value)


def indented_json(value: object) -> bytes:
    """JSON for people."""
    return msgspec.json.format(_ENCODER.encode(value), indent=2)


class Item:
    """One part of an envelope. Set `dirty` after changing `headers`; `replace` changes the payload."""

    __slots__ = ("_line", "dirty", "headers", "kind", "payload", "subject")

    kind: ItemKind
    subject: object
    """What rules have read of the payload so far (`subjects`); None: nothing."""

    def __init__(self, headers: dict[str, object], payload: Payload, line: bytes | None = None) -> None:
        """`line`: the header line as received, for an item that may be written as it came."""
        self.headers = headers
        self.payload = payload
        self.dirty = False
        self.subject = None
        self._line = line

    @property
    def type(self) -> str:
        name = self.headers["type"]
        assert isinstance(name, str)
        return name

    @property
    def shown_type(self) -> str:
        """The type as it may be told: a name that the protocol does not know is the client's own word, and may be anything."""
        return self.kind.type or "unknown"

    @property
    def creates_event(self) -> bool:
        return self.kind.creates_event(self)

    @property
    def rides_on_event(self) -> bool:
        return self.kind.rides_on_event(self)

    @property
    def is_known(self) -> bool:
        """Whether type and attachment type are in the protocol's tables (`ingest.md` 6.4)."""
        return self.kind.is_known(self)

    def replace(self, payload: bytes) -> None:
        self.payload = payload
        self.subject = None
        self.dirty = True

    def header_line(self) -> bytes:
        """The header as it is written, with a right `length`."""
        length = len(self.payload)
        if self._line is None or self.dirty:
            return _ENCODER.encode({**self.headers, "length": length})
        if "length" in self.headers:
            return self._line
        return b'%b,"length":%d}' % (self._line[:-1], length)

    def __repr__(self) -> str:
        return f"<Item {self.type} of {len(self.payload)} bytes{' dirty' if self.dirty else ''}>"


class Envelope:
    """Headers and items, in order. Loses items only through a `Tally`."""

    __slots__ = ("dirty", "headers", "items")

    def __init__(self, headers: dict[str, object], items: list[Item]) -> None:
        self.headers = headers
        self.items = items
        self.dirty = False

    @property
    def event_id(self) -> str | None:
        """32 lower-case hex digits."""
        event_id = self.headers.get("event_id")
        return event_id if isinstance(event_id, str) else None

    def serialize(self, header_changes: Mapping[str, object] | None = None) -> bytes:
        """The body; a value of None in `header_changes` removes that header."""
        headers = _changed(self.headers, header_changes) if header_changes else self.headers
        parts: list[Payload] = [_ENCODER.encode(headers), b"\n"]
        for item in self.items:
            parts += (item.header_line(), b"\n", item.payload, b"\n")
        return b"".join(parts)

    def __repr__(self) -> str:
        return f"<Envelope {self.event_id} {[item.type for item in self.items]}{' dirty' if self.dirty else ''}>"


def read_header(body: bytes) -> tuple[dict[str, object], int]:
    """The envelope header and where the items begin."""
    if not body:
        raise BadRequest(reasons.EMPTY_BODY, "the body is empty")
    headers, line, end = _read_line(body, 0, MAX_HEADER_BYTES)
    try:
        check_text(line, headers, envelope=True)
        check_envelope_headers(headers)
    except ValueError as error:
        raise _invalid(f"envelope header: {error}") from None
    return headers, end + 1


def parse_envelope(body: bytes) -> Envelope:
    """Raises `BadRequest` with `INVALID_ENVELOPE` or `EMPTY_BODY`."""
    headers, position = read_header(body)
    return Envelope(headers, list(_items(body, position)))


def rewrite_header(body: bytes, changes: Mapping[str, object]) -> bytes:
    """The same body under a changed first line; a value of None removes the key. All other values keep their spelling."""
    end = body.find(b"\n")
    line, rest = (body, b"") if end < 0 else (body[:end], memoryview(body)[end:])
    return b"".join((_ENCODER.encode(_changed(_RAW_OBJECT.decode(line), changes)), rest))


def _changed(headers: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    changed = {**headers, **changes}
    for name, value in changes.items():
        if value is None:
            del changed[name]
    return changed


def _items(body: bytes, position: int) -> Iterator[Item]:
    view = memoryview(body)
    size = len(body)
    count = 0
    room = MAX_HEADER_BYTES - position
    while position < size:
        count += 1
        if count > MAX_ITEMS:
            raise _invalid(f"more than {MAX_ITEMS} items")
        headers, line, end = _read_line(body, position, room)
        room -= len(line)
        try:
            check_text(line, headers, envelope=False)
            length = check_item_headers(headers)
        except ValueError as error:
            raise _invalid(f"item header: {error}") from None
        start = min(end + 1, size)
        if length is None:
            stop = body.find(b"\n", start)
            stop = size if stop < 0 else stop
        else:
            stop = start + length
            if stop > size:
                raise _invalid("an item is longer than the body")
            if stop < size and body[stop] != _LF:
                raise _invalid("an item is longer than its length")
        yield Item(headers, view[start:stop], line)
        position = stop + 1


def _read_line(body: bytes, position: int, room: int) -> tuple[dict[str, object], bytes, int]:
    """The header that begins at `position`, its bytes, and where its line ends."""
    if body[position] != 123:  # {
        blanks = _BLANKS.match(body, position)
        assert blanks is not None
        position = blanks.end()
    end = body.find(b"\n", position, position + room + 1)
    if end < 0:
        end = len(body)
        if end - position > room:
            raise _invalid(f"more than {MAX_HEADER_BYTES} bytes of headers")
    line = body[position:end]
    if line[:1] != b"{" or line[-1:] != b"}":
        raise _invalid("a header is no JSON object on a line of its own")
    try:
        return _OBJECT.decode(line), line, end
    except ValueError as error:
        raise _invalid(f"a header is no JSON: {error}") from None
    except RecursionError:
        raise _invalid("a header is nested too deeply") from None


def _invalid(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_ENVELOPE, "invalid envelope", cause)
