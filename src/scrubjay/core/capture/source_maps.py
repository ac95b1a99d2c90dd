"""Source maps: from places in a script that tools made back to what somebody wrote (ECMA-426, revision 3; `capture.md` 6.4).

Owns the form of maps, plain ones and those in sections, and finding places in them. Getting maps is the caller's business; what is done with
what was found is `originals`'. Invariants: a map is walked once for all places, as far as the last of them, and nothing is kept of its
other segments; whatever a map holds, nothing but `ValueError` is raised.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct


class Place(NamedTuple):
    """Line and column, from 1 as stack traces count."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Original:
    """Where something was written. `name`: what it is called there; `content`: the whole file; None where the map does not say."""

    source: str
    place: Place
    name: str | None = None
    content: str | None = None


class _Plain(Struct, rename="camel"):
    mappings: str
    sources: list[str | None] = []
    sources_content: list[str | None] | None = None
    source_root: str | None = None
    names: list[str | float | None] = []


class _Offset(Struct):
    line: int
    column: int


class _Section(Struct):
    """One whose map is elsewhere is left out."""

    offset: _Offset
    map: _Plain | None = None


class _Form(Struct):
    version: int
    sections: list[_Section] | None = None


_FORM: Final = msgspec.json.Decoder(_Form)
_PLAIN: Final = msgspec.json.Decoder(_Plain)
_GUARD: Final = b")]}'"
"""Some servers begin with it, so that no page can run the map as a script."""
_VERSION: Final = 3

_SEGMENT: Final = re.compile(r"[^,;]+|;")
_DIGITS: Final = {
    digit: value for value, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_FIELDS: Final = frozenset({1, 4, 5})
_BITS: Final = 5
_MORE: Final = 1 << _BITS
_MOST_BITS: Final = 35
_LONGEST: Final = max(_FIELDS) * _MOST_BITS // _BITS
_MAX_KNOWN: Final = 65_536
"""Segments that are remembered: the same few come again and again."""


class SourceMap:
    """One map, ready to be asked."""

    def __init__(self, sections: Iterable[tuple[int, int, _Plain]]) -> None:
        """Each with line and column of the script, from 0, at which it begins."""
        self._sections = sorted(sections, key=lambda section: section[:2])

    @classmethod
    def parse(cls, data: bytes) -> SourceMap:
        """Raises `ValueError`."""
        if data.startswith(_GUARD):
            data = data.partition(b"\n")[2]
        try:
            form = _FORM.decode(data)
            if form.version != _VERSION:
                raise ValueError(f"a map of version {form.version}")
            if form.sections is None:
                return cls([(0, 0, _PLAIN.decode(data))])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error)) from None
        return cls(
            (section.offset.line, section.offset.column, section.map)
            for section in form.sections
            if section.map is not None
        )

    def find(self, places: Iterable[Place]) -> dict[Place, Original]:
        """What is known of these places. Raises `ValueError` for a map that is broken before the last of them."""
        begins = [section[:2] for section in self._sections]
        asked: defaultdict[int, dict[tuple[int, int], Place]] = defaultdict(dict)
        for place in places:
            line, column = place.line - 1, place.column - 1
            at = bisect_right(begins, (line, column)) - 1
            if at >= 0:
                first_line, first_column = begins[at]
                asked[at][line - first_line, column - (first_column if line == first_line else 0)] = place
        found: dict[Place, Original] = {}
        for at, wanted in asked.items():
            section = self._sections[at][2]
            for relative, mark in _walk(section.mappings, sorted(wanted)):
                original = _original(section, mark)
                if original is not None:
                    found[wanted[relative]] = original
        return found

    def __repr__(self) -> str:
        return f"<SourceMap of {len(self._sections)} sections>"


class _Mark(NamedTuple):
    """What a segment says of the script from its column on; -1: nothing."""

    source: int
    line: int
    column: int
    name: int


_NOTHING: Final = _Mark(-1, -1, -1, -1)


def _walk(mappings: str, wanted: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], _Mark]]:
    """Each of `wanted`, sorted lines and columns from 0, with the mark in force there."""
    known: dict[str, tuple[int, ...]] = {}
    queue = iter(wanted)
    next_one = next(queue)
    at_line = at_column = source = line = column = name = 0
    mark = _NOTHING
    for match in _SEGMENT.finditer(mappings):
        segment = match[0]
        if segment == ";":
            at_column, at_line = 0, at_line + 1
        else:
            fields = known.get(segment) or _fields(segment)
            if len(known) < _MAX_KNOWN:
                known[segment] = fields
            at_column += fields[0]
        while next_one < (at_line, at_column):
            yield next_one, mark
            one_more = next(queue, None)
            if one_more is None:
                return
            next_one = one_more
        mark = _NOTHING
        if segment != ";" and len(fields) > 1:
            source, line, column = source + fields[1], line + fields[2], column + fields[3]
            if len(fields) > 4:
                name += fields[4]
            mark = _Mark(source, line, column, name if len(fields) > 4 else -1)
    for one in (next_one, *queue):
        yield one, mark if one[0] == at_line else _NOTHING


def _fields(segment: str) -> tuple[int, ...]:
    """The numbers of a segment, each written as digits to the base of 32, the smallest first, its sign in the lowest bit."""
    if len(segment) > _LONGEST:
        raise ValueError("a segment that is none")
    fields: list[int] = []
    value = shift = 0
    for character in segment:
        digit = _DIGITS.get(character, -1)
        if digit < 0 or shift >= _MOST_BITS:
            raise ValueError("a segment that is none")
        value += (digit & (_MORE - 1)) << shift
        shift += _BITS
        if not digit & _MORE:
            fields.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift or len(fields) not in _FIELDS:
        raise ValueError("a segment that is none")
    return tuple(fields)


def _original(section: _Plain, mark: _Mark) -> Original | None:
    if not 0 <= mark.source < len(section.sources) or mark.line < 0 or mark.column < 0:
        return None
    source, contents = section.sources[mark.source] or "", section.sources_content or []
    if section.source_root:
        source = f"{section.source_root.removesuffix('/')}/{source}"
    content = contents[mark.source] if mark.source < len(contents) else None
    name = section.names[mark.name] if 0 <= mark.name < len(section.names) else None
    return Original(source, Place(mark.line + 1, mark.column + 1), name if isinstance(name, str) else None, content)
