"""Minidumps: the parts of a crash dump that hold text are scrubbed where they are (scrubbing.md 12.5).

Stacks are reached by name only, since frames are unwound from them; other memory, the environment and the command line of a Linux
process, and the paths of its modules are reached like any file. Headers, registers and addresses are never touched, and no byte
moves. What is no minidump that this file can take apart is scrubbed as one binary file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from scrubjay.core.scrub.binary import file_state, overwrite, overwrite_path, scrub_binary
from scrubjay.core.scrub.bounds import MANY, Allowance
from scrubjay.core.scrub.matching import MAYBE, TRUE, State
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.rules import Rule

_MAGIC: Final = b"MDMP"
_HEADER: Final = struct.Struct("<4sIIIIIQ")
_ENTRY: Final = struct.Struct("<III")
_THREADS, _MODULES, _MEMORY, _MEMORY_64 = 3, 4, 5, 9
_TEXT_STREAMS: Final = (0x47670006, 0x47670007)
"""Command line and environment of a Linux process."""
_THREAD: Final = struct.Struct("<24xQII8x")
_MODULE: Final = struct.Struct("<20xI52xII24x")
_RANGE: Final = struct.Struct("<QII")
_CODE_VIEWS: Final = {b"RSDS": 24, b"NB10": 16}
"""Bytes before the name, by the signature of the record."""
_MOST_ENTRIES: Final = 100_000


class _Part(NamedTuple):
    """Bytes of a dump: where, under which step, and whether they are a path, in UTF-16 or UTF-8."""

    start: int
    end: int
    key: str = ""
    types: tuple[str, ...] = ("binary",)
    node_class: int = TRUE
    path: Literal["", "wide", "narrow"] = ""


class _NoDump(Exception):
    """The bytes cannot be taken apart as a minidump."""


def scrub_minidump(
    program: ScrubProgram,
    payload: bytes | memoryview,
    filename: str,
    *,
    by_text_rules: bool = False,
    record: Record | None = None,
) -> bytes | None:
    """Scrub one dump; None if it may leave as it is. `by_text_rules`: by the rules for texts too, wherever text may stand."""
    original = bytes(payload)
    try:
        parts = list(_parts(original))
    except (_NoDump, struct.error):
        return scrub_binary(program, original, filename, gated=False, by_text_rules=by_text_rules, record=record)
    data = bytearray(original)
    allowance = Allowance(program.bounds, documents=MANY)
    for one in program.passes:
        file = file_state(one, filename, "minidump")
        for part in parts:
            rules = (*_rules(one, file, part), *(one.text_rules if by_text_rules else ()))
            if rules:
                data[part.start : part.end] = _scrub_part(
                    bytes(data[part.start : part.end]), rules, part, allowance, record
                )
    return None if data == original else bytes(data)


def _scrub_part(data: bytes, rules: Sequence[Rule], part: _Part, allowance: Allowance, record: Record | None) -> bytes:
    if part.path:
        return overwrite_path(data, rules, allowance, record, is_wide=part.path == "wide")
    return overwrite(data, rules, allowance, record)


def _rules(one: Pass, file: State, part: _Part) -> Sequence[Rule]:
    """Of the advanced config only."""
    if one.legacy_view:
        return ()
    matcher = one.matcher
    match = matcher.key_match(part.key) | matcher.types_match(part.types)
    return matcher.step(file, match).rules[part.node_class]


def _parts(data: bytes) -> Iterator[_Part]:
    """Raises _NoDump, and struct.error where something lies outside of the file."""
    magic, _, count, directory, *_ = _HEADER.unpack_from(data)
    if magic != _MAGIC or count > _MOST_ENTRIES:
        raise _NoDump
    entries = [_ENTRY.unpack_from(data, directory + index * _ENTRY.size) for index in range(count)]
    streams = {kind: _slice(data, start, size) for kind, size, start in entries}
    if _MEMORY_64 in streams:
        raise _NoDump
    stacks = set(_listed(data, streams.get(_THREADS), _THREAD))
    for first, size, start in _listed(data, streams.get(_MEMORY), _RANGE):
        _slice(data, start, size)
        if (first, size, start) in stacks:
            yield _Part(start, start + size, "stack_memory", ("binary", "stack_memory"), MAYBE)
        else:
            yield _Part(start, start + size, "heap_memory", ("binary", "heap_memory"))
    for kind in _TEXT_STREAMS:
        if kind in streams:
            yield _Part(*streams[kind])
    for name, size, start in _listed(data, streams.get(_MODULES), _MODULE):
        yield _module_name(data, name)
        if size:
            yield from _debug_name(data, *_slice(data, start, size))


def _slice(data: bytes, start: int, size: int) -> tuple[int, int]:
    if start + size > len(data):
        raise _NoDump
    return start, start + size


def _listed(data: bytes, stream: tuple[int, int] | None, form: struct.Struct) -> Iterator[tuple[int, int, int]]:
    """The entries of a list: a number, and as many of one form; some writers leave four bytes between."""
    if stream is None:
        return
    start, end = stream
    (count,) = struct.unpack_from("<I", data, start)
    gap = 8 if end - start == 8 + count * form.size else 4
    if count > _MOST_ENTRIES or start + gap + count * form.size > end:
        raise _NoDump
    for index in range(count):
        first, second, third = form.unpack_from(data, start + gap + index * form.size)
        yield first, second, third


def _module_name(data: bytes, start: int) -> _Part:
    """A length in bytes, and the path in UTF-16."""
    (size,) = struct.unpack_from("<I", data, start)
    return _Part(*_slice(data, start + 4, size), "code_file", ("string",), TRUE, "wide")


def _debug_name(data: bytes, start: int, end: int) -> Iterator[_Part]:
    """The path of debug information, in UTF-8 up to a zero."""
    skipped = _CODE_VIEWS.get(data[start : start + 4])
    if skipped is not None and start + skipped < end:
        name = start + skipped
        stop = data.find(b"\0", name, end)
        yield _Part(name, end if stop < 0 else stop, "debug_file", ("string",), TRUE, "narrow")
