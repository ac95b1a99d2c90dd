from __future__ import annotations

import gzip
import io
import json
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from scrubjay.cli import spool_sources
from scrubjay.cli.spool_sources import STDIN, Found, Fresh, Kept, Sources
from scrubjay.core.batch_format import encode_batch
from scrubjay.core.spool_format import Record
from support.relay_db import write_buffer
from support.spool_folders import KEY, envelope, records

ID = bytes(16)
MAX = 1_000_000


def read(path: Path, **options: object) -> tuple[list[Found], list[str]]:
    sources = Sources(MAX, **options)  # type: ignore[arg-type]
    return list(sources.read(path)), [problem.removeprefix(f"{path}: ") for problem in sources.problems]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def kept(found: list[Found]) -> list[Record]:
    assert all(isinstance(each, Kept) for each in found)
    return [each.record for each in found if isinstance(each, Kept)]


def test_batches_of_a_relay_are_kept_as_they_are(tmp_path):
    data = encode_batch(ID, records([1, 2])) + encode_batch(ID, records([3]))
    assert read(write(tmp_path / "x", data)) == (read(tmp_path / "x")[0], [])
    assert kept(read(tmp_path / "x")[0])[2].body == envelope(3)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed(tmp_path, pack):
    path = write(tmp_path / "x", pack(encode_batch(ID, records([1]))) + pack(encode_batch(ID, records([2]))))
    assert [record.body for record in kept(read(path)[0])] == [envelope(1), envelope(2)]
    path = write(tmp_path / "y.envelope", pack(envelope(5)))
    assert [each.body for each in read(path)[0] if isinstance(each, Fresh)] == [envelope(5)]
    found, problems = read(write(tmp_path / "x", pack(encode_batch(ID, records([1])))[:-9]))
    assert len(problems) >= 1
    assert len(found) <= 1


def test_batches_that_are_not_scrubbed_or_not_believed_take_the_path(tmp_path):
    path = write(tmp_path / "x", encode_batch(ID, records([1]), scrubbed=False))
    (fresh,) = read(path)[0]
    assert isinstance(fresh, Fresh)
    assert (fresh.body, fresh.key, fresh.project) == (envelope(1), KEY, 42)
    path.write_bytes(encode_batch(ID, records([1])))
    (fresh,) = read(path, trusts=False)[0]
    assert isinstance(fresh, Fresh)


def test_what_stood_before_the_damage_is_taken(tmp_path):
    first, second = encode_batch(ID, records([1, 2, 3])), encode_batch(ID, records([4]))
    damaged = bytearray(first)
    damaged[len(first) // 2] ^= 1
    found, problems = read(write(tmp_path / "x", bytes(damaged) + second))
    assert [json.loads(record.meta)["e"] for record in kept(found)] == [f"{number:032x}" for number in (1, 3, 4)]
    assert len(problems) == 1
    for cut in range(len(first) + 1, len(first) + len(second)):
        found, problems = read(write(tmp_path / "x", (first + second)[:cut]))
        assert len(found) >= 3
        assert problems
    found, problems = read(write(tmp_path / "x", first + b"more"))
    assert (len(found), problems) == (3, ["batch 2: its header is none"])


def test_a_count_that_cannot_be_costs_nothing(tmp_path):
    def header(count: int) -> bytes:
        head = struct.pack("<4sBBH16sI", b"SJB1", 1, 1, 32, ID, count)
        return head + struct.pack("<I", zlib.crc32(head))

    tracemalloc.start()
    found, problems = read(write(tmp_path / "x", header(2**32 - 1) + b"\0" * 100))
    assert (found, problems) == ([], ["batch 1: 4,294,967,295 records, at most 100,000 are taken"])
    found, problems = read(write(tmp_path / "x", header(100_000) + struct.pack("<I", 2**32 - 1) + b"\0" * 100))
    assert found == []
    assert problems[-1] == "batch 1: breaks off"
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(level=19).compress])
def test_a_bomb(tmp_path, pack):
    path = write(tmp_path / "x.envelope", pack(b"{}\n" + bytes(200_000_000)))
    tracemalloc.start()
    found, problems = read(path)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert (found, problems) == ([], ["more than 1,000,000 bytes"])


@pytest.mark.parametrize(
    ("meta", "body", "problem"),
    [
        ({"k": "short"}, envelope(1), "32 characters"),
        ({"k": "a\r\nX-Evil: yes\r\n" + "a" * 15}, envelope(1), "whose it is"),
        ({"p": "9" * 5_000}, envelope(1), "no number"),
        ({"p": "99999999999999999999"}, envelope(1), "project id"),
        ({"c": {"error": -5}}, envelope(1), "amounts"),
        ({"c": {"error": 2**60}}, envelope(1), "amounts"),
        ({"r": -1}, envelope(1), "time"),
        ({"r": 1e300}, envelope(1), "time"),
        ({"r": "now"}, envelope(1), "without key, project or time"),
        ({}, b"no envelope", "invalid envelope"),
        ({}, b"{}\n" + bytes(MAX), "at most 1,000,000"),
    ],
)
def test_records_that_no_relay_would_write_are_passed_over(tmp_path, meta, body, problem):
    good = {"k": KEY, "p": "42", "r": int(time.time() * 1000), "c": {"error": 1}}
    record = Record(json.dumps({**good, **meta}).encode(), body)
    found, problems = read(write(tmp_path / "x", encode_batch(ID, [*records([1]), record, *records([2])])))
    assert [each.body for each in kept(found)] == [envelope(1), envelope(2)]
    (text,) = problems
    assert text.startswith("batch 1, record 1: ")
    assert problem in text


def test_files_in_folders(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write(tmp_path / "b.envelope", envelope(2))
    write(tmp_path / "a.envelope", envelope(1))
    write(tmp_path / "deep" / "er" / "c.envelope", envelope(3))
    write(tmp_path / "notes.txt", b"left alone")
    write(tmp_path / "empty.envelope", b"")
    (tmp_path / "link.envelope").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.envelope")
    os.utime(tmp_path / "a.envelope", (1_700_000_000, 1_700_000_000))
    found, problems = read(tmp_path)
    assert [each.body for each in found if isinstance(each, Fresh)] == [envelope(1), envelope(2), envelope(3)]
    assert isinstance(found[0], Fresh)
    assert found[0].received_unix == 1_700_000_000
    assert problems == [f"{tmp_path}/empty.envelope: empty"]


def test_folders_as_deep_as_they_may_be(tmp_path):
    deep = tmp_path
    for _ in range(200):
        deep = deep / "d"
    deep.mkdir(parents=True)
    write(deep / "x.envelope", envelope(1))
    assert len(read(tmp_path)[0]) == 1


def test_a_folder_that_may_not_be_read_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    write(tmp_path / "x.envelope", envelope(1))
    scandir = os.scandir

    def refuses(path: Path) -> object:
        if path == tmp_path / "closed" or len(opened) == 1:
            raise PermissionError(13, "Permission denied")
        opened.append(path)
        return scandir(path)

    opened: list[Path] = []
    monkeypatch.setattr(spool_sources.os, "scandir", refuses)
    assert len(read(tmp_path)[0]) == 1
    with pytest.raises(PermissionError):
        read(tmp_path)


def test_a_buffer_of_the_reference(tmp_path):
    ms = 1_700_000_000_000
    path = write_buffer(
        tmp_path / "x", [(ms, KEY, envelope(1), 1), (-5, KEY, envelope(2), 1), (ms * 1000, KEY, b"{}", 1)]
    )
    advanced: list[int] = []
    before = time.time()
    found, problems = read(path, advance=advanced.append)
    assert problems == []
    assert sum(advanced) == path.stat().st_size
    first, second, third = (each for each in found if isinstance(each, Fresh))
    assert (first.body, first.key, first.project, first.received_unix) == (envelope(1), KEY, None, ms / 1000)
    assert before <= second.received_unix == third.received_unix <= time.time()
    path.write_bytes(path.read_bytes()[:100])
    assert len(read(path)[1]) == 1


def test_standard_input(monkeypatch):
    class Input:
        buffer = io.BytesIO(encode_batch(ID, records([1])))

    monkeypatch.setattr(spool_sources.sys, "stdin", Input())
    assert len(kept(read(STDIN)[0])) == 1


def test_a_pipe(tmp_path):
    """As a shell makes one: `import <(zstd -dc x)`."""
    reading, writing = os.pipe()
    os.write(writing, encode_batch(ID, records([1])))
    os.close(writing)
    assert len(kept(read(Path(f"/dev/fd/{reading}"))[0])) == 1
    os.close(reading)


def test_what_cannot_be_opened(tmp_path):
    assert read(tmp_path / "none") == ([], ["No such file or directory"])


def test_how_far_it_is(tmp_path):
    path, advanced = write(tmp_path / "x", encode_batch(ID, records(range(1, 200)))), list[int]()
    read(path, advance=advanced.append)
    assert sum(advanced) == path.stat().st_size
