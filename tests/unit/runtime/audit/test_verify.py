"""What verification finds, and what it cannot find without the state file's help (scrubbing.md 15.8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.runtime.audit.chain import Chain, Head
from scrubjay.runtime.audit.lines import Figures, Lost, files_by_slot, hash_of, read_lines
from scrubjay.runtime.audit.verify import verify


@pytest.fixture
def log(tmp_path: Path) -> list[Path]:
    """Three files of a first line and five others each."""
    chain = Chain(tmp_path, 0, 700, lambda: 1_795_348_800.0)
    for hits in range(15):
        chain.append([Figures(day="2026-11-22", project=7, rule="@email", hits=hits + 100)])
    chain.close()
    files = [path for _, path in files_by_slot(tmp_path)[0]]
    assert len(files) >= 3
    return files


def edit(path: Path, line: int, old: bytes, new: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new)
    path.write_bytes(b"".join(lines))


def head(files: list[Path]) -> Head:
    raw = files[-1].read_bytes().splitlines()[-1]
    return Head([line.n for line in read_lines(files[-1])][-1], hash_of(raw))


def test_a_log_as_it_was_written(log: list[Path]) -> None:
    verdict = verify(log, head(log))
    assert not verdict.broken
    assert not verdict.notes
    assert verdict.lines == sum(len(path.read_bytes().splitlines()) for path in log)


def test_nothing_is_whole(tmp_path: Path) -> None:
    assert verify([]).lines == 0


def test_an_edited_line(log: list[Path]) -> None:
    edit(log[1], 2, b'"hits":1', b'"hits":2')
    assert verify(log).broken.startswith(f"{log[1].name}:4: ")


def test_an_edited_last_line_needs_the_state_file(log: list[Path]) -> None:
    anchor = head(log)
    edit(log[-1], -1, b'"hits":1', b'"hits":2')
    assert not verify(log).broken
    assert "the relay remembers another line" in verify(log, anchor).broken


def test_a_deleted_line(log: list[Path]) -> None:
    lines = log[0].read_bytes().splitlines(keepends=True)
    log[0].write_bytes(b"".join(lines[:2] + lines[3:]))
    assert verify(log).broken == f"{log[0].name}:3: 1 lines are missing before it, from line 3 on"


def test_swapped_lines(log: list[Path]) -> None:
    lines = log[0].read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    log[0].write_bytes(b"".join(lines))
    assert verify(log).broken.startswith(f"{log[0].name}:2: 1 lines are missing")


def test_a_line_that_comes_twice(log: list[Path]) -> None:
    lines = log[0].read_bytes().splitlines(keepends=True)
    log[0].write_bytes(b"".join([*lines[:2], *lines[1:]]))
    assert verify(log).broken == f"{log[0].name}:3: line 2 stands where line 3 belongs"


def test_a_line_of_somebody_else(log: list[Path]) -> None:
    lines = log[0].read_bytes().splitlines(keepends=True)
    log[0].write_bytes(b"".join([*lines[:2], b"hello\n", *lines[2:]]))
    assert verify(log).broken == f"{log[0].name}:3: no line of an audit log"
    log[0].write_bytes(b"".join(lines))
    with log[-1].open("ab") as file:
        file.write(b"hello\n")
    assert verify(log).broken.endswith("no line of an audit log")


def test_a_line_that_was_made_unreadable_cannot_pass_for_one_that_was_cut_off(log: list[Path], tmp_path: Path) -> None:
    with log[-1].open("ab") as file:
        file.write(b'{"half')
    chain = Chain(tmp_path, 0, 10_000, lambda: 1_795_348_800.0)
    chain.open()
    chain.close()
    assert not verify(log).broken
    torn = next(number for number, raw in enumerate(log[-1].read_bytes().splitlines()) if raw == b'{"half')
    edit(log[-1], torn, b"half", b"hole")
    assert "does not follow from what was cut off" in verify(log).broken
    edit(log[-1], torn, b"hole", b"half")
    edit(log[-1], torn - 1, b'"hits":1', b'"hits":2')
    assert "does not follow from what was cut off" in verify(log).broken


def test_a_missing_file(log: list[Path]) -> None:
    assert "are missing before it" in verify([log[0], *log[2:]]).broken


def test_a_missing_beginning_is_said(log: list[Path]) -> None:
    verdict = verify(log[1:])
    assert not verdict.broken
    assert "what was before is not here" in verdict.notes[0]


def test_files_in_another_order(log: list[Path]) -> None:
    assert verify([log[1], log[0]]).broken


def test_a_truncated_file(log: list[Path]) -> None:
    """In the middle of a line, of a file that others follow."""
    log[0].write_bytes(log[0].read_bytes()[:-10])
    assert verify(log).broken.endswith(": the line is cut off")


def test_the_end_of_the_last_file_may_be_being_written(log: list[Path]) -> None:
    log[-1].write_bytes(log[-1].read_bytes()[:-10])
    verdict = verify(log)
    assert not verdict.broken
    assert "being written" in verdict.notes[0]


def test_lines_missing_at_the_very_end_show_by_the_state_file_alone(log: list[Path]) -> None:
    anchor = head(log)
    lines = log[-1].read_bytes().splitlines(keepends=True)
    log[-1].write_bytes(b"".join(lines[:-1]))
    assert not verify(log).broken
    assert verify(log, anchor).broken.startswith("the end is missing: the relay wrote line")
    assert verify([], anchor).broken


def test_an_older_memory_is_enough(log: list[Path]) -> None:
    anchor = Head(2, hash_of(log[0].read_bytes().splitlines()[1]))
    assert not verify(log, anchor).broken
    assert verify(log, Head(2, "0" * 64)).broken.startswith(f"{log[0].name}:2: ")


def test_what_was_given_up_is_said(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 0, 700, lambda: 1_795_348_800.0)
    chain.append([Lost(lines=12)])
    chain.close()
    verdict = verify([path for _, path in files_by_slot(tmp_path)[0]])
    assert not verdict.broken
    assert "12 lines could not be written" in verdict.notes[0]
