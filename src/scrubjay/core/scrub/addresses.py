"""Finding IP addresses in text by their grammar: whole, with zone and embedded IPv4 (scrubbing.md 14, G2).

The reference tries forms one after the other and cuts what fits first; here a candidate counts if it is an address from its first
character to its last. What is done with it, and which addresses may stay, is not for this file.

Invariant: every span is accepted by `parse`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import re2

from scrubjay.core.scrub.redact import Span

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H = r"[0-9a-fA-F]{1,4}"
# RFC 3986: eight groups, or fewer around one `::`; the last two may be an IPv4 address.
_TAIL = rf"(?:{_H}:{_H}|{_V4})"
_V6 = "|".join(
    (
        rf"(?:{_H}:){{6}}{_TAIL}",
        *(rf"(?:(?:{_H}:){{0,{before}}}{_H})?::(?:{_H}:){{{4 - before}}}{_TAIL}" for before in range(5)),
        rf"::(?:{_H}:){{5}}{_TAIL}",
        rf"(?:(?:{_H}:){{0,5}}{_H})?::{_H}",
        rf"(?:(?:{_H}:){{0,6}}{_H})?::",
    )
)
_ZONE: Final = re.compile(rb"%(?:25)?[0-9A-Za-z](?:[0-9A-Za-z_.-]*[0-9A-Za-z_])?")
_WORD: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_DIGITS: Final = frozenset(b"0123456789")
_RUN: Final = re.compile(rb"[0-9a-fA-F:.]*")
_COLON, _DOT, _PERCENT = b":.%"
# From so many groups on no word with colons looks like an address.
_EVIDENT_GROUPS: Final = 3


def _longest(pattern: str) -> Any:
    options = re2.Options()
    options.longest_match = True
    return re2.compile(pattern.encode(), options=options)


_SEARCH_V6: Final = _longest(_V6).search
_SEARCH_ANY: Final = _longest(f"{_V6}|{_V4}").search


def find_ipv6(text: bytes) -> Sequence[list[Span]]:
    """Spans of IPv6 addresses, zone and embedded IPv4 included; each a list of one, as a finder has it."""
    return [] if b":" not in text else _find(text, _SEARCH_V6)


def find_addresses(text: bytes) -> Sequence[list[Span]]:
    """Spans of addresses of both kinds."""
    return _find(text, _SEARCH_ANY)


def _find(text: bytes, search: Any) -> Sequence[list[Span]]:
    found = []
    at = 0
    while (match := search(text, at)) is not None:
        start, end = match.span()
        is_v6 = _COLON in text[start:end]
        if (_v6_stands if is_v6 else _v4_stands)(text, start, end):
            if is_v6:
                end = _zone_end(text, start, end)
            found.append([(start, end)])
            at = end
        else:
            at = end = _RUN.match(text, end).end()  # type: ignore[union-attr]
    return found


def _v4_stands(text: bytes, start: int, end: int) -> bool:
    """Whether an IPv4 address is no part of a word, a version or a longer number."""
    if start and text[start - 1] in _WORD:
        return False
    following = text[end : end + 2]
    return not following or (following[0] not in _WORD and not (following[0] == _DOT and following[1:].isdigit()))


def _v6_stands(text: bytes, start: int, end: int) -> bool:
    """Whether an IPv6 address is one: `d::` of `std::string` has the form too."""
    following = text[end : end + 2]
    if following and (following[0] in _WORD or (following[0] == _COLON and _is_group(following[1:]))):
        return False
    groups = [group for group in text[start:end].split(b":") if group]
    if len(groups) >= _EVIDENT_GROUPS:
        return not start or text[start - 1] not in _HEX
    if start and (text[start - 1] in _WORD or text[start - 1] >= 0x80):
        return text[start - 1] not in _HEX and len(groups) > 1 and len(groups[0]) == 4 and _has_digit(groups[0])
    return any(map(_has_digit, groups))


def _is_group(following: bytes) -> bool:
    return following[:1] == b":" or (following != b"" and following[0] in _HEX)


def _has_digit(group: bytes) -> bool:
    return any(byte in _DIGITS for byte in group)


def _zone_end(text: bytes, start: int, end: int) -> int:
    """The end of an address with its zone, which only addresses of one link have; elsewhere `%` begins an escape."""
    if end == len(text) or text[end] != _PERCENT:
        return end
    address = parse(text[start:end])
    if address is None or not (address.is_link_local or address.is_multicast):
        return end
    zone = _ZONE.match(text, end)
    return end if zone is None else zone.end()


def parse(text: bytes) -> Address | None:
    """The address that a span holds; octets may have leading zeros, a zone is kept."""
    value = text.decode("ascii", "replace")
    try:
        if ":" not in value:
            return ipaddress.IPv4Address(_without_leading_zeros(value))
        head, colon, tail = value.rpartition(":")
        if "." in tail.partition("%")[0]:
            value = head + colon + _without_leading_zeros(tail)
        return ipaddress.IPv6Address(value)
    except ValueError:
        return None


def _without_leading_zeros(value: str) -> str:
    return ".".join(octet.lstrip("0") or "0" for octet in value.split("."))
