"""Writing the audit log: numbers, hashes, rotation, and going on after whatever cut a line off."""

from __future__ import annotations

import errno
import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from scrubjay.runtime.audit import chain as chain_module
from scrubjay.runtime.audit.chain import Chain
from scrubjay.runtime.audit.lines import START, AnyLine, Figures, Items, Line, Opened, Torn, decode, files_by_slot
from scrubjay.runtime.audit.verify import verify

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
DAY_S = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_chain(folder: Path, clock: Clock, *, slot: int = 0, max_file_bytes: int = 1_000_000) -> Chain:
    return Chain(folder, slot, max_file_bytes, clock)


def figures(hits: int = 1, rule: str = "@email") -> Figures:
    return Figures(day="2026-11-22", project=7, rule=rule, hits=hits)


def paths(folder: Path, slot: int = 0) -> list[Path]:
    return [path for _, path in files_by_slot(folder).get(slot, [])]


def lines(folder: Path) -> list[AnyLine | None]:
    return [decode(raw) for path in paths(folder) for raw in path.read_bytes().splitlines()]


def kinds(folder: Path) -> list[str]:
    return [type(line).__name__ for line in lines(folder)]


def whole(folder: Path) -> bool:
    return not verify(paths(folder)).broken


def test_each_line_carries_its_number_and_the_hash_of_the_line_before(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock)
    waiting: list[Line] = [figures(), Items(day="2026-11-22", project=7, clean=3)]
    chain.append(waiting)
    assert waiting == []
    (path,) = paths(tmp_path)
    raw = path.read_bytes().splitlines()
    assert kinds(tmp_path) == ["Opened", "Figures", "Items"]
    previous = START
    for number, one in enumerate(raw, start=1):
        line = decode(one)
        assert line is not None
        assert (line.n, line.prev) == (number, previous)
        previous = sha256(one).hexdigest()
    assert (chain.head.n, chain.head.hash) == (3, previous)
    assert "line 3" in repr(chain)
    chain.close()


def test_files_are_the_owners_alone(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "audit"
    chain = open_chain(folder, clock)
    chain.open()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths(folder)[0].stat().st_mode) == 0o600
    chain.close()


def test_a_new_process_goes_on_where_the_last_one_ended(tmp_path: Path, clock: Clock) -> None:
    for _ in range(3):
        chain = open_chain(tmp_path, clock)
        chain.append([figures()])
        chain.close()
    assert kinds(tmp_path) == ["Opened", "Figures"] * 3
    assert len(paths(tmp_path)) == 1
    assert whole(tmp_path)


def test_slots_have_files_of_their_own(tmp_path: Path, clock: Clock) -> None:
    first, second = open_chain(tmp_path, clock), open_chain(tmp_path, clock, slot=1)
    first.append([figures()])
    second.append([figures()])
    assert [path.name for path in paths(tmp_path, 1)] == ["audit-1.000001.jsonl"]
    assert not verify(paths(tmp_path, 1)).broken
    first.close()
    second.close()


def test_two_processes_never_write_one_file(tmp_path: Path, clock: Clock) -> None:
    first, second = open_chain(tmp_path, clock), open_chain(tmp_path, clock)
    first.open()
    with pytest.raises(BlockingIOError):
        second.open()
    first.close()
    second.append([figures()])
    second.close()
    assert whole(tmp_path)


def test_a_large_file_is_followed_by_another_and_the_chain_goes_on(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock, max_file_bytes=500)
    for _ in range(10):
        chain.append([figures()])
    chain.close()
    files = paths(tmp_path)
    assert len(files) > 2
    assert all(path.stat().st_size < 1_000 for path in files)
    assert isinstance(decode(files[1].read_bytes().splitlines()[0]), Opened)
    assert whole(tmp_path)


def test_a_new_day_has_a_new_file(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    clock.now += DAY_S
    chain.append([figures()])
    chain.close()
    clock.now += DAY_S
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert [len(path.read_bytes().splitlines()) for path in paths(tmp_path)] == [2, 2, 2]
    assert whole(tmp_path)


@pytest.mark.parametrize("cut", [0, 1, 30])
def test_a_file_of_another_day_is_ended_before_it_is_left(tmp_path: Path, clock: Clock, cut: int) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    (path,) = paths(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
    clock.now += DAY_S
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert len(paths(tmp_path)) == 2
    assert whole(tmp_path)


# What a kill or a full disk leaves


@pytest.mark.parametrize("cut", [1, 2, 30, 100])
def test_a_line_that_was_cut_off_is_named_and_the_chain_goes_on(tmp_path: Path, clock: Clock, cut: int) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures(1), figures(2)])
    chain.close()
    (path,) = paths(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    before = path.read_bytes()
    chain = open_chain(tmp_path, clock)
    chain.append([figures(3)])
    chain.close()
    assert path.read_bytes().startswith(before), "nothing that was written is touched"
    verdict = verify(paths(tmp_path))
    assert not verdict.broken
    if cut == 1:  # only the line break was missing
        assert kinds(tmp_path) == ["Opened", "Figures", "Figures", "Opened", "Figures"]
        assert not verdict.notes
    else:
        assert kinds(tmp_path) == ["Opened", "Figures", "NoneType", "Torn", "Opened", "Figures"]
        assert "cut off" in verdict.notes[0]


def test_what_was_cut_off_twice_is_named_once(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    (path,) = paths(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"kind":"rule","n"\n{"kind":"to')
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert kinds(tmp_path) == ["Opened", "Figures", "NoneType", "NoneType", "Torn", "Opened", "Figures"]
    assert whole(tmp_path)


def test_a_file_that_was_only_just_made_is_filled(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    (tmp_path / "audit-0.000002.jsonl").touch()
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert kinds(tmp_path) == ["Opened", "Figures", "Opened", "Figures"]
    assert whole(tmp_path)


def test_a_first_file_of_nothing_but_half_a_line(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "audit-0.000001.jsonl").write_bytes(b'{"kind":"op')
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert kinds(tmp_path) == ["NoneType", "Torn", "Opened", "Figures"]
    assert isinstance(lines(tmp_path)[1], Torn)
    assert whole(tmp_path)


def test_long_lines_are_found_from_the_end(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "_WINDOW_BYTES", 64)
    chain = open_chain(tmp_path, clock)
    chain.append([figures(rule="r" * 5_000)])
    chain.close()
    chain = open_chain(tmp_path, clock)
    chain.open()
    assert chain.head.n == 3
    chain.close()
    assert whole(tmp_path)


class FullDisk:
    """`os.write` that takes so many bytes and then says that there is no space."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr(chain_module.os, "write", self)

    def __call__(self, descriptor: int, data: memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 10, 200, 201, 400, 500])
def test_a_full_disk_loses_and_doubles_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    chain = open_chain(tmp_path, clock)
    chain.open()
    disk = FullDisk(room, monkeypatch)
    waiting: list[Line] = [figures(hits) for hits in range(1, 6)]
    with pytest.raises(OSError, match="No space left"):
        chain.append(waiting)
    with pytest.raises(OSError, match="No space left"):
        chain.append(waiting)
    disk.room = 100_000
    chain.append(waiting)
    chain.close()
    assert not waiting
    assert [line.hits for line in lines(tmp_path) if isinstance(line, Figures)] == [1, 2, 3, 4, 5]
    assert whole(tmp_path)


def test_files_without_a_line_are_looked_behind(tmp_path: Path, clock: Clock) -> None:
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    for number in (2, 3):
        (tmp_path / f"audit-0.00000{number}.jsonl").touch()
    chain = open_chain(tmp_path, clock)
    chain.append([figures()])
    chain.close()
    assert paths(tmp_path)[2].read_bytes()
    assert whole(tmp_path)
