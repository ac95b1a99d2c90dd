"""Opening one level of JSON: its members, and which of them hold something that the screen saw.

A document is scanned once. Since members of an object stand one behind the other, their places follow from their lengths, and each
match is handed to the member in which it ends; key and value count as one, so that telling keys flag their value. Members that
hold nothing are passed over here and nobody looks at them again. A value whose bytes are not those of the document (it was decoded,
or put together) is NOWHERE: its members are scanned one by one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final, TypeAlias

from scrubjay.core.scrub.json_text import Raw, decode_array, decode_object, decode_text
from scrubjay.core.scrub.matching import ALWAYS
from scrubjay.core.scrub.screen import NOWHERE, PATTERN, PLACE, Scan

# Key or position, value, what the screen saw in both, place of the value in the document.
Member: TypeAlias = tuple[str, Raw, int, int]
Element: TypeAlias = tuple[int, Raw, int, int]

_TOKEN: Final = re.compile(rb'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*', re.DOTALL)
_GAP: Final = re.compile(rb"[\s,]*")


def open_object(scan: Scan, data: bytes, at: int, *, every: bool) -> tuple[dict[str, Raw], bool, list[Member]]:
    """Members by key, whether a key stands there twice, and the members to look at: those with a match, or `every` one.

    A value that a later one of the same key shadows would leave with its bytes and unseen, so such an object is to be written again.
    """
    fields = decode_object(data)
    flagged: list[Member] = []
    if at < 0:
        return _open_spaced(scan, data, at, fields, every=every)
    matches, bits = scan.matches, scan.bits
    end, last = at + 1, at + len(data)
    number = bisect_left(matches, (end + 1) << PLACE)
    following = matches[number] >> PLACE
    if following > last and not every:
        return fields, False, flagged
    for key, child in fields.items():
        size = len(child)
        end += len(key) + size + 4  # what follows the value counts in: patterns may ask how a number ends
        if following <= end:
            found = ALWAYS
            while following <= end:
                found |= bits[matches[number] & PATTERN]
                number += 1
                following = matches[number] >> PLACE
            flagged.append((key, child, found, end - size - 1))
        elif every:
            flagged.append((key, child, ALWAYS, end - size - 1))
    # The compact spelling is known by its length alone: repeated keys, escapes and white space only make it longer.
    if end != last:
        return _open_spaced(scan, data, at, fields, every=every)
    return fields, False, flagged


def _open_spaced(
    scan: Scan, data: bytes, at: int, fields: dict[str, Raw], *, every: bool
) -> tuple[dict[str, Raw], bool, list[Member]]:
    """The same in any spelling, or without a place."""
    flagged: list[Member] = []
    position, members, shadowed = 1, 0, False
    if len(data) != sum(map(len, fields)) + sum(map(len, fields.values())) + 4 * len(fields) + 1:
        while (token := _TOKEN.match(data, position)) is not None:
            key = decode_text(token[1])
            value = fields[key]
            start = token.end()
            if not data.startswith(bytes(value), start):
                shadowed = True
                break
            before, position = position, start + len(value)
            members += 1
            if at >= 0:
                found = matched(scan, at + before + (members > 1), at + position + 1)
                if every or found != ALWAYS:
                    flagged.append((key, value, found, at + start))
        shadowed = shadowed or members != len(fields)
    if at < 0 or shadowed:
        flagged = [(key, child, scan(child), NOWHERE) for key, child in fields.items()]
    return fields, shadowed, flagged


def open_array(scan: Scan, data: bytes, at: int, *, every: bool) -> tuple[list[Raw], list[Element]]:
    """Elements, and those to look at."""
    elements = decode_array(data)
    if at < 0:
        return elements, [(index, child, scan(child), NOWHERE) for index, child in enumerate(elements)]
    matches, bits = scan.matches, scan.bits
    end = at + 1
    number = bisect_left(matches, (end + 1) << PLACE)
    following = matches[number] >> PLACE
    last = at + len(data)
    flagged: list[Element] = []
    if following > last and not every:
        return elements, flagged
    if len(data) != sum(map(len, elements)) + len(elements) + 1:
        return elements, _spaced_elements(scan, data, at, elements, every=every)
    for index, child in enumerate(elements):
        size = len(child)
        end += size + 1
        if following <= end:
            found = ALWAYS
            while following <= end:
                found |= bits[matches[number] & PATTERN]
                number += 1
                following = matches[number] >> PLACE
            flagged.append((index, child, found, end - size - 1))
            if following > last and not every:
                break
        elif every:
            flagged.append((index, child, ALWAYS, end - size - 1))
    return elements, flagged


def _spaced_elements(scan: Scan, data: bytes, at: int, elements: list[Raw], *, every: bool) -> list[Element]:
    flagged: list[Element] = []
    position = 1
    for index, child in enumerate(elements):
        start = _GAP.match(data, position).end()  # type: ignore[union-attr]  # it matches an empty gap
        before, position = position, start + len(child)
        found = matched(scan, at + before + (index > 0), at + position + 1)
        if every or found != ALWAYS:
            flagged.append((index, child, found, at + start))
    return flagged


def matched(scan: Scan, after: int, upto: int) -> int:
    """What the screen saw between two places of the document: matches that end after the one and not after the other."""
    matches, bits = scan.matches, scan.bits
    number = bisect_left(matches, (after + 1) << PLACE)
    found = ALWAYS
    while matches[number] >> PLACE <= upto:
        found |= bits[matches[number] & PATTERN]
        number += 1
    return found
