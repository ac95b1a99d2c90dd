"""Shapes that arrive differently: the conversions of scrubbing.md 5.6, as pure functions over JSON values.

They are applied only where scrubbing then changes something; who decides that is the walk.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias
from urllib.parse import unquote_plus, unquote_to_bytes

from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    QUOTE,
    Raw,
    decode_any,
    decode_array,
    decode_object,
    decode_text,
    encode,
)

_PHONE_START: Final = re.compile(r"\+[1-9][0-9]")
# Name (None: null) and the value as JSON bytes.
Pairs: TypeAlias = list[tuple[str | None, bytes]]

# Old names of interfaces. Beside the new name the old one is dropped.
ALIASES: Final = {
    "message": "logentry",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.User": "user",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.Contexts": "contexts",
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Template": "template",
    "sentry.interfaces.Csp": "csp",
}


def context_kind(data: bytes, key: str) -> str:
    """The kind of a context, by its `type`, else by its key (scrubbing.md 5.4)."""
    kind = decode_object(data).get("type")
    if kind is not None and bytes(kind)[0] == QUOTE:
        return decode_text(bytes(kind)) or key
    return key


def is_ip(text: str) -> bool:
    """Whether a text is an address or the marker for one."""
    if text == "{{auto}}":
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def header_name(name: str) -> str:
    """First letter, and every letter after a dash, upper case."""
    out = []
    upper = True
    for character in name:
        out.append(character.upper() if upper else character)
        upper = character == "-"
    return "".join(out)


def read_pairs(kind: str, data: bytes, *, keeps_plus: bool = False) -> Pairs | None:
    """A pair list from any form it may come in; None: of the wrong kind. `kind` is the field's name."""
    first = data[0]
    if first == QUOTE:
        text = decode_text(data)
        if kind == "cookies":
            return _cookies(text)
        if kind == "query_string":
            return parse_form(text.removeprefix("?"), keeps_plus=keeps_plus)
        return None
    if first == BRACE:
        fields = decode_object(data)
        return [(_name(kind, name), pair_value(kind, bytes(fields[name]))) for name in sorted(fields)]
    if first == BRACKET:
        return _pair_array(kind, decode_array(data))
    return None


def read_loose_cookies(data: bytes) -> Pairs:
    """Cookies of a JSON string in which some have no name."""
    parts = [part.strip() for part in decode_text(data).split(";")]
    return [pair for part in parts if part for pair in _cookies(part) or [("", encode(part))]]


def _pair_array(kind: str, elements: list[Raw]) -> Pairs | None:
    pairs: Pairs = []
    for element in elements:
        raw = bytes(element)
        if raw[0] != BRACKET:
            return None
        halves = decode_array(raw)
        if len(halves) != 2:
            return None
        name = bytes(halves[0])
        if name[0] == QUOTE:
            pairs.append((_name(kind, decode_text(name)), pair_value(kind, bytes(halves[1]))))
        elif name == NULL:
            pairs.append((None, pair_value(kind, bytes(halves[1]))))
        else:
            return None
    return pairs


def _name(kind: str, name: str) -> str:
    if kind == "headers":
        return header_name(name)
    if kind == "tags":
        return name.strip().replace(" ", "-")
    return name


def pair_value(kind: str, data: bytes) -> bytes:
    """The value of a pair as the protocol has it."""
    first = data[0]
    if kind == "tags":
        return _tag_value(data)
    if first == QUOTE or data == NULL:
        return data
    if kind == "headers":
        if first == BRACKET:
            texts = [_joined(bytes(element)) for element in decode_array(data)]
            return encode(",".join(text for text in texts if text is not None))
        return data if first == BRACE else encode(_scalar_text(data))
    if kind == "query_string":
        return as_json_text(data)
    return data


def _joined(data: bytes) -> str | None:
    if data[0] == QUOTE:
        return decode_text(data)
    return None if data == NULL else data.decode()


def _tag_value(data: bytes) -> bytes:
    if data[0] == QUOTE:
        return encode(decode_text(data).strip())
    return data if data[0] in b"{[n" else encode(_scalar_text(data))


def _scalar_text(data: bytes) -> str:
    """A number or a truth value as the protocol's texts have it."""
    return str(decode_any(data))


def as_json_text(data: bytes) -> bytes:
    """A JSON value as the JSON string that spells it."""
    return encode(encode(decode_any(data), order="sorted").decode())


def parse_form(text: str, *, keeps_plus: bool = False) -> Pairs:
    """Form-decode, order and empty values kept.

    `keeps_plus`: a value that begins like a phone number keeps its plus, which whoever wrote the link forgot to encode.
    """
    pairs: Pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            plus = "+" if keeps_plus and _PHONE_START.match(value) else ""
            pairs.append((unquote_plus(name), encode(plus + unquote_plus(value[len(plus) :]))))
    return pairs


def _cookies(text: str) -> Pairs | None:
    """Cookies of one text; None: it does not parse."""
    pairs: Pairs = []
    for part in text.split(";"):
        cookie = part.strip()
        if not cookie:
            continue
        name, found, value = cookie.partition("=")
        if not found or not name.strip():
            return None
        pairs.append((_percent_decoded(name.strip()), encode(_percent_decoded(value.strip()))))
    return pairs


def _percent_decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def write_pairs(pairs: Pairs) -> bytes:
    """The pair list as JSON."""
    return encode([[name, Raw(value)] for name, value in pairs])
