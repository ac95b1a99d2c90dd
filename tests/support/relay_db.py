"""Buffers as Sentry Relay writes them: an SQLite file with rows of one envelope or of several (`upstream-and-operations.md` 7.1)."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import zstandard

SCHEMA = (
    "CREATE TABLE envelopes (id INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER, own_key TEXT, sampling_key TEXT, "
    "envelope BLOB, count INTEGER NOT NULL DEFAULT 1)"
)
Row = tuple[object, object, object, object]
"""received_at in ms, own_key, envelope, count"""


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(body)


def packed(envelopes: Iterable[tuple[int, bytes]]) -> bytes:
    """Several envelopes in one row: (received ms, body) of each."""
    parts = []
    for received_ms, body in envelopes:
        stored = zstd(body)
        parts.append(struct.pack("<qI", received_ms, len(stored)) + stored)
    return b"".join(parts)


def write_buffer(path: Path, rows: Sequence[Row], *, schema: str = SCHEMA, keeps_log: bool = False) -> Path:
    """`keeps_log`: as a relay leaves it that was killed, with its rows in the log beside the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(schema)
        statement = (
            "INSERT INTO envelopes (received_at, own_key, sampling_key, envelope, count) VALUES (?1, ?2, ?2, ?3, ?4)"
        )
        connection.executemany(statement, rows)
        connection.commit()
        if keeps_log:
            log = path.with_name(f"{path.name}-wal")
            contents = path.read_bytes(), log.read_bytes()
    if keeps_log:
        path.write_bytes(contents[0])
        log.write_bytes(contents[1])
    return path
