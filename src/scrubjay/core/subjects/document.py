"""A JSON object read as little as possible: one pass over its members, then only those that are asked for.

Owns typed reading: texts, numbers and truths as the protocol means them, and what counts as missing. What the members mean is the
business of the subjects. Invariants: nothing is read twice; nothing raises, and what is of the wrong kind is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from scrubjay.core.conditions import HexId
from scrubjay.core.items.partial import Payload, read

Scalar = str | int | float | bool | None

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_LIST: Final = msgspec.json.Decoder(list[Raw])
_PAIRS: Final = msgspec.json.Decoder(list[tuple[Raw, Raw]])
_SCALAR: Final[msgspec.json.Decoder[Scalar]] = msgspec.json.Decoder(Scalar)

_HEX: Final = re.compile("[0-9a-fA-F]+")
_INTEGERS: Final = range(-(2**63), 2**64)
"""The whole numbers that the protocol knows."""

_NOTHING: Final[Mapping[str, Raw]] = {}


class Document:
    """An object of JSON; one without members stands for whatever is no object."""

    __slots__ = ("_children", "_is_broken", "_members", "_payload")

    def __init__(self, payload: Payload | Raw | None) -> None:
        self._payload = payload
        self._members: Mapping[str, Raw] | None = None if payload else _NOTHING
        self._children: dict[tuple[str, ...], Document] | None = None
        self._is_broken = False

    @classmethod
    def of(cls, members: Mapping[str, Raw]) -> Document:
        """An object that was opened already."""
        document = cls(None)
        document._members = members
        return document

    @property
    def is_broken(self) -> bool:
        """It cannot be read."""
        return not self.members and self._is_broken

    @property
    def members(self) -> Mapping[str, Raw]:
        members = self._members
        if members is None:
            assert self._payload is not None
            found = read(_OBJECT, self._payload)
            self._is_broken = found is None
            members = self._members = _NOTHING if found is None else found
            self._payload = None
        return members

    def raw(self, *names: str) -> Raw | None:
        """The member of the first of these names that is there: the protocol's name, then older ones."""
        members = self.members
        for name in names:
            if name in members:
                return members[name]
        return None

    def child(self, *names: str) -> Document:
        """A member that is an object."""
        children = self._children
        if children is None:
            children = self._children = {}
        child = children.get(names)
        if child is None:
            child = children[names] = Document(self.raw(*names))
        return child

    def scalar(self, name: str) -> Scalar:
        return scalar(self.members.get(name))

    def text(self, name: str) -> str | None:
        """A text; nothing else is one."""
        return text(self.members.get(name))

    def lenient(self, name: str) -> str | None:
        """A text, or what clients send in place of one."""
        return lenient(self.members.get(name))

    def number(self, name: str) -> int | float | None:
        value = self.scalar(name)
        return None if isinstance(value, (str, bool)) else value

    def whole(self, name: str) -> int | None:
        """A number without its fraction."""
        value = self.number(name)
        return None if value is None else int(value)

    def truth(self, name: str) -> bool | None:
        value = self.scalar(name)
        return value if isinstance(value, bool) else None

    def hex_id(self, name: str) -> HexId | None:
        """An id of hexadecimal digits, with or without the dashes of a UUID."""
        return hex_id(self.text(name))

    def items(self, name: str) -> list[Raw] | None:
        """A member that is an array."""
        return array(self.members.get(name))

    def __repr__(self) -> str:
        return "<Document>" if self._members is None else f"<Document {sorted(self._members)}>"


def scalar(raw: Raw | None) -> Scalar:
    """A text, number or truth; None for null, and for whatever has members."""
    if raw is None:
        return None
    value = read(_SCALAR, raw)
    return None if type(value) is int and value not in _INTEGERS else value


def text(raw: Raw | None) -> str | None:
    value = scalar(raw)
    return value if isinstance(value, str) else None


def lenient(raw: Raw | None) -> str | None:
    """A text; numbers lose their fraction, and truths are spelled as the reference spells them."""
    value = scalar(raw)
    if isinstance(value, float):
        return str(int(value)) if abs(value) < 2**63 else None
    return None if value is None else str(value)


def json_text(raw: Raw | None) -> str | None:
    """A text; everything else but null is its JSON, without blanks."""
    found = text(raw)
    if found is not None or raw is None or (spelled := bytes(raw)) == b"null":
        return found
    try:
        spelled = msgspec.json.format(spelled, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return None
    return spelled.decode(errors="replace")


def array(raw: Raw | None) -> list[Raw] | None:
    return read(_LIST, raw) if raw is not None and _begins_with(b"[", raw) else None


def pairs(raw: Raw | None) -> Iterator[tuple[Raw, Raw]]:
    """The entries of an array of pairs; what is no pair is left out."""
    usual = read(_PAIRS, raw) if raw is not None and _begins_with(b"[", raw) else None
    if usual is not None:  # nothing is to be left out
        yield from usual
        return
    for entry in array(raw) or ():
        pair = array(entry)
        if pair is not None and len(pair) == 2:
            yield pair[0], pair[1]


def hex_id(value: str | None) -> HexId | None:
    digits = "" if value is None else value.replace("-", "")
    return HexId(digits.lower()) if _HEX.fullmatch(digits) else None


def members(raw: Raw | None) -> dict[str, Raw] | None:
    return read(_OBJECT, raw) if raw is not None and _begins_with(b"{", raw) else None


def _begins_with(character: bytes, raw: Raw) -> bool:
    """Cheaper than an attempt to read something else. No blanks come before a member's value."""
    return memoryview(raw)[:1] == character
