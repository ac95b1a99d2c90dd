"""Files in, files out: what is told by content, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from scrubjay.cli.scrub_files import (
    Document,
    EnvelopeFile,
    Lines,
    PayloadFile,
    Source,
    UnreadableFile,
    expand,
    read_file,
    write_file,
)

HEADER = b'{"event_id":"%s"}' % (b"a" * 32)


def read(tmp_path: Path, data: bytes, item_type: str = "event") -> PayloadFile:
    (tmp_path / "file").write_bytes(data)
    (source,) = expand([str(tmp_path / "file")])
    return read_file(source, item_type)


@pytest.mark.parametrize(
    ("data", "kind", "parts"),
    [
        (b'{"message":"m"}', Document, 1),
        (b'{\n "message": "m"\n}\n', Document, 1),
        (b"[1]", Document, 1),
        (b'{"message":"m"}\n{"type":"transaction"}\n', Lines, 2),
        (b'{"message":"m"}\r\n\r\n{"message":"n"}', Lines, 2),
        (HEADER + b'\n{"type":"event"}\n{}\n', EnvelopeFile, 1),
        (HEADER + b'\n\n{"type":"event"}\n{}\n{"type":"attachment","length":2}\nab', EnvelopeFile, 2),
        (b'{}\n{"type":"event"}\n{}', EnvelopeFile, 1),
        (HEADER + b'\n{"message":"m"}\n', Lines, 2),
        (b"[" * 5000 + b"]" * 5000, Document, 1),
    ],
)
def test_the_content_tells_the_form(tmp_path: Path, data: bytes, kind: type, parts: int) -> None:
    file = read(tmp_path, data)
    assert (type(file), len(file.parts), file.problems) == (kind, parts, [])
    assert file.size_bytes == sum(len(part.item.payload) for part in file.parts)


def test_types_and_names(tmp_path: Path) -> None:
    file = read(tmp_path, b'{"a":1}\n{"b":1}', "log")
    assert [(Path(part.name).name, part.item.type) for part in file.parts] == [("file:1", "log"), ("file:2", "log")]
    file = read(tmp_path, HEADER + b'\n{"type":"event"}\n{}\n')
    assert [Path(part.name).name for part in file.parts] == ["file: item 1 (event)"]


def test_what_is_dropped_is_not_written(tmp_path: Path) -> None:
    file = read(tmp_path, b'{"a":1}\n{"b":1}')
    file.parts[0].dropped = True
    assert file.written() == b'{"b":1}\n'
    file.parts[1].dropped = True
    assert file.written() == b""
    document = read(tmp_path, b"{}")
    document.parts[0].dropped = True
    assert document.written() == b""
    envelope = read(tmp_path, HEADER + b'\n{"type":"event"}\n{}\n{"type":"session"}\n{}\n')
    envelope.parts[0].dropped = True
    assert envelope.written() == HEADER + b'\n{"type":"session","length":2}\n{}\n'
    envelope.parts[1].dropped = True
    assert envelope.written() == b""


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "neither JSON, JSON lines nor an envelope"),
        (b"no json\nat all", "neither JSON, JSON lines nor an envelope"),
        (b"\x1f\x8bgzip, it seems", "the body cannot be decoded; gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "the body cannot be decoded"),
        (HEADER + b'\n{"type":"event","length":9}\n{}\n', "invalid envelope; an item is longer than the body"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFile, match=problem):
        read(tmp_path, data)


def test_lines_that_are_no_json_are_named(tmp_path: Path) -> None:
    file = read(tmp_path, b'{"a":1}\nsecret\n')
    assert [Path(problem).name for problem in file.problems] == ["file:2: no JSON"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be written"):
        write_file(tmp_path, b"")


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("b.json", "sub/a.json"):
        (tmp_path / "in" / name).write_text("{}")
    found = expand([str(tmp_path / "in"), "-", "x/c.json"])
    assert [str(source.relative) for source in found] == ["b.json", "sub/a.json", "stdin", "c.json"]
    assert [source.size_bytes for source in found] == [2, 2, 0, 0]
    assert found[2] == Source("standard input", None, Path("stdin"))
