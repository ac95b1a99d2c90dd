from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scrubjay.cli import spool_relay_db
from scrubjay.cli.spool_relay_db import Buffered, UnreadableBuffer, count_rows, read_buffer
from support.relay_db import packed, write_buffer, zstd
from support.spool_folders import KEY, envelope

MAX = 1_000_000


def read(path: Path) -> tuple[list[Buffered], list[str]]:
    problems: list[str] = []
    return list(read_buffer(path, MAX, problems.append)), [problem.removeprefix(f"{path}: ") for problem in problems]


def test_each_kind_of_row(tmp_path):
    rows = [
        (1_000, KEY, envelope(1), 1),
        (2_000, KEY, zstd(envelope(2)), 1),
        (3_000, KEY, packed([(3_001, envelope(3)), (3_002, envelope(4))]), 2),
    ]
    path = write_buffer(tmp_path / "relay.db", rows)
    before = path.read_bytes()
    expected = [
        Buffered(received_ms, KEY, envelope(number))
        for number, received_ms in ((1, 1_000), (2, 2_000), (3, 3_001), (4, 3_002))
    ]
    assert read(path) == (expected, [])
    assert count_rows(path) == 3
    assert path.read_bytes() == before


def test_rows_of_a_relay_that_was_killed_are_in_its_log(tmp_path):
    path = write_buffer(tmp_path / "relay.db", [(1_000, KEY, envelope(1), 1)], keeps_log=True)
    assert read(path) == ([Buffered(1_000, KEY, envelope(1))], [])


def test_an_older_schema(tmp_path):
    schema = "CREATE TABLE envelopes (id INTEGER PRIMARY KEY, received_at INTEGER, own_key TEXT, sampling_key TEXT, envelope BLOB)"
    path = tmp_path / "relay.db"
    connection = sqlite3.connect(path)
    connection.execute(schema)
    connection.execute("INSERT INTO envelopes VALUES (1, 5, ?, ?, ?)", (KEY, KEY, envelope(1)))
    connection.commit()
    connection.close()
    assert read(path) == ([Buffered(5, KEY, envelope(1))], [])


@pytest.mark.parametrize(
    ("row", "problem", "found"),
    [
        ((1, KEY, "text", 1), "no envelope of at most 1,000,000 bytes, but 4", 0),
        ((1, KEY, None, 1), "no envelope of at most 1,000,000 bytes, but None", 0),
        ((1, KEY, bytes(MAX + 1), 1), "no envelope of at most 1,000,000 bytes, but 1000001", 0),
        (("now", KEY, b"{}", 1), "key, time or count are none", 0),
        ((1, None, b"{}", 1), "key, time or count are none", 0),
        ((1, KEY, zstd(bytes(MAX + 1)), 1), "the limit is 1000000 bytes", 0),
        ((1, KEY, zstd(b"{}")[:-2], 1), "", 0),
        ((1, KEY, packed([(1, b"{}")]), 2**62), "4611686018427387904 envelopes are announced, 1 are there", 1),
        ((1, KEY, packed([(1, b"{}")])[:-1], 2), "2 envelopes are announced, 0 are there", 0),
        ((1, KEY, packed([(1, b"{}")]) + b"rest", 2), "2 envelopes are announced, 1 are there", 1),
        ((1, KEY, b"", 0), "", 0),
        ((1, KEY, b"x", -1), "-1 envelopes are announced, 0 are there", 0),
    ],
)
def test_rows_that_cannot_be_read_are_passed_over(tmp_path, row, problem, found):
    path = write_buffer(tmp_path / "relay.db", [(9, KEY, b"first", 1), row, (9, KEY, b"last", 1)])
    bodies, problems = read(path)
    assert [each.body for each in bodies][:: max(1, len(bodies) - 1)] == [b"first", b"last"]
    assert len(bodies) == 2 + found
    assert all(each.startswith("row 2") and problem in each for each in problems)
    assert bool(problems) == (row[3] != 0)


def test_text_that_is_none(tmp_path):
    path = write_buffer(tmp_path / "relay.db", [])
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO envelopes (received_at, own_key, envelope) VALUES (1, CAST(x'ff' AS TEXT), x'7b')")
    connection.commit()
    connection.close()
    assert read(path) == ([Buffered(1, "\ufffd", b"{")], [])


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE VIEW envelopes AS SELECT 1 AS id, 2 AS received_at, '' AS own_key, '' AS envelope",
        "CREATE TABLE other (id)",
        "CREATE TABLE envelopes (id, received_at)",
        "CREATE VIRTUAL TABLE envelopes USING fts5(received_at, own_key, envelope)",
    ],
)
def test_other_databases(tmp_path, schema):
    connection = sqlite3.connect(tmp_path / "relay.db")
    connection.execute(schema)
    connection.commit()
    connection.close()
    with pytest.raises(UnreadableBuffer, match="no buffer of Sentry Relay"):
        read(tmp_path / "relay.db")


def test_damaged_pages(tmp_path):
    path = write_buffer(tmp_path / "relay.db", [(9, KEY, bytes(3_000), 1) for _ in range(50)])
    data = bytearray(path.read_bytes())
    data[8_192:] = b"\xff" * (len(data) - 8_192)
    path.write_bytes(data)
    with pytest.raises(UnreadableBuffer):
        read(path)
    path.write_bytes(spool_relay_db.MAGIC + b"\xff" * 5_000)
    for look in (read, count_rows):
        with pytest.raises(UnreadableBuffer):
            look(path)


def test_a_log_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    """A file without its log lacks its newest rows, so it is only read so if there is no log."""
    path = write_buffer(tmp_path / "relay.db", [(9, KEY, b"x", 1)])
    connect, tried = sqlite3.connect, []

    def refuses(name: str, **options: object) -> sqlite3.Connection:
        tried.append(name.partition("?")[2])
        return connect(name if "immutable" in name else "file:/nowhere/at/all?mode=ro", uri=True)

    monkeypatch.setattr(spool_relay_db.sqlite3, "connect", refuses)
    assert read(path)[0] == [Buffered(9, KEY, b"x")]
    assert tried == ["mode=ro", "immutable=1"]
    path.with_name("relay.db-wal").write_bytes(b"rows")
    with pytest.raises(UnreadableBuffer, match="unable to open"):
        read(path)
