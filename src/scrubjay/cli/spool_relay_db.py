"""Sentry Relay's own buffer, an SQLite file, read for its envelopes (`upstream-and-operations.md` 7.1). Nothing in it is changed.

What stands there came before any scrubbing: whoever takes it over has to do that. The file may be anybody's: its schema is not
trusted, lengths and counts are only believed as far as there are bytes for them.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from scrubjay.core.inflate import inflate
from scrubjay.errors import Rejected, ScrubjayError

MAGIC: Final = b"SQLite format 3\0"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ENTRY: Final = struct.Struct("<qI")
_COLUMNS: Final = frozenset(("received_at", "own_key", "envelope"))


class Buffered(NamedTuple):
    """One envelope of the buffer. `key` is that of its DSN."""

    received_ms: int
    key: str
    body: bytes


class UnreadableBuffer(ScrubjayError):
    """The file is no buffer, or its pages are damaged."""


def count_rows(path: Path) -> int:
    """Raises `UnreadableBuffer`."""
    with closing(_connect(path)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM envelopes").fetchone()[0])
        except sqlite3.Error as error:
            raise UnreadableBuffer(f"{path}: {error}") from error


def read_buffer(
    path: Path, max_bytes: int, on_problem: Callable[[str], None], on_row: Callable[[int], None] = lambda rows: None
) -> Iterator[Buffered]:
    """All envelopes of at most `max_bytes`, oldest row first; what cannot be read is told and passed over. Raises `UnreadableBuffer`."""
    with closing(_connect(path)) as connection:
        count = "count" if "count" in _columns(connection, path) else "1"
        statement = (
            f"SELECT id, received_at, own_key, {count}, length(envelope), "  # noqa: S608 (one of two words of ours)
            "CASE WHEN typeof(envelope) = 'blob' AND length(envelope) <= ? THEN envelope END FROM envelopes ORDER BY id"
        )
        try:
            for row, received_ms, key, amount, length, blob in connection.execute(statement, (max_bytes,)):
                place = f"{path}: row {row}"
                if not isinstance(blob, bytes):
                    on_problem(f"{place}: no envelope of at most {max_bytes:,} bytes, but {length}")
                elif not isinstance(received_ms, int) or not isinstance(key, str) or not isinstance(amount, int):
                    on_problem(f"{place}: key, time or count are none")
                elif amount == 1:
                    yield from _one(place, received_ms, key, blob, max_bytes, on_problem)
                else:
                    yield from _several(place, key, blob, amount, max_bytes, on_problem)
                on_row(1)
        except sqlite3.Error as error:
            raise UnreadableBuffer(f"{path}: {error}") from error


def _one(
    place: str, received_ms: int, key: str, blob: bytes, max_bytes: int, on_problem: Callable[[str], None]
) -> Iterator[Buffered]:
    if blob.startswith(_ZSTD):
        try:
            blob = inflate("zstd", blob, max_bytes)
        except Rejected as error:
            on_problem(f"{place}: {error.detail}" + "".join(f", {cause}" for cause in error.causes))
            return
    yield Buffered(received_ms, key, blob)


def _several(
    place: str, key: str, blob: bytes, amount: int, max_bytes: int, on_problem: Callable[[str], None]
) -> Iterator[Buffered]:
    """A row of several envelopes, each with its own time."""
    offset = found = 0
    while offset + _ENTRY.size <= len(blob):
        received_ms, length = _ENTRY.unpack_from(blob, offset)
        offset += _ENTRY.size
        if length > len(blob) - offset:
            break
        found += 1
        yield from _one(
            f"{place}, envelope {found}", received_ms, key, blob[offset : offset + length], max_bytes, on_problem
        )
        offset += length
    if found != amount or offset != len(blob):
        on_problem(f"{place}: {amount} envelopes are announced, {found} are there")


def _connect(path: Path) -> sqlite3.Connection:
    """For reading. What a relay that was killed left in the log beside the file belongs to it, so that log must be readable too."""
    try:
        return _opened(path, "mode=ro")
    except sqlite3.Error as error:  # where nothing can be written, it cannot make the index of the log that it wants
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise UnreadableBuffer(f"{path}: {error}") from error
    try:
        return _opened(path, "immutable=1")
    except sqlite3.Error as error:
        raise UnreadableBuffer(f"{path}: {error}") from error


def _opened(path: Path, option: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?{option}", uri=True)
    connection.text_factory = _text
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        found = connection.execute("SELECT type, rootpage > 0 FROM sqlite_master WHERE name = 'envelopes'").fetchone()
        if found != ("table", 1):
            raise UnreadableBuffer(f"{path}: no buffer of Sentry Relay: there is no table of envelopes")
    except (sqlite3.Error, UnreadableBuffer):
        connection.close()
        raise
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _columns(connection: sqlite3.Connection, path: Path) -> frozenset[str]:
    try:
        names = frozenset(row[1] for row in connection.execute("PRAGMA table_info(envelopes)"))
    except sqlite3.Error as error:
        raise UnreadableBuffer(f"{path}: {error}") from error
    if not names >= _COLUMNS:
        raise UnreadableBuffer(f"{path}: no buffer of Sentry Relay: other columns than expected")
    return names
