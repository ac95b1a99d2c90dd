"""The form of lines and the names of files."""

from __future__ import annotations

from pathlib import Path

from scrubjay.runtime.audit.lines import Items, decode, encode, file_name, files_by_slot, read_lines


def test_a_line_comes_back_as_it_was_written() -> None:
    line = Items(n=3, prev="ab" * 32, day="2026-11-22", project=None, clean=1)
    raw = encode(line)
    assert raw.startswith(b'{"kind":"items"')
    assert b"\n" not in raw
    assert decode(raw) == line


def test_what_is_no_line() -> None:
    for raw in (
        b"",
        b"{}",
        b'{"kind":"items"}',
        b'{"kind":"other","n":1,"prev":""}',
        b'{"kind":"items","n":1',
        b"\xff",
        b"[1]",
    ):
        assert decode(raw) is None


def test_files_are_found_by_slot_and_in_order(tmp_path: Path) -> None:
    for name in (
        "audit-0.000002.jsonl",
        "audit-0.1000000.jsonl",
        "audit-0.000001.jsonl",
        "audit-12.000001.jsonl",
        "audit-0.jsonl",
        "x",
    ):
        (tmp_path / name).touch()
    assert [(slot, [number for number, _ in files]) for slot, files in files_by_slot(tmp_path).items()] == [
        (0, [1, 2, 1_000_000]),
        (12, [1]),
    ]
    assert files_by_slot(tmp_path / "none") == {}
    assert file_name(0, 1_000_000) == "audit-0.1000000.jsonl"


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    line = Items(n=1, day="2026-11-22", project=7)
    (tmp_path / "log").write_bytes(b"hello\n" + encode(line) + b"\n\n")
    assert list(read_lines(tmp_path / "log")) == [line]
