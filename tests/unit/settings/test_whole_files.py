"""Files that an operator named: what has no end is refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrubjay.settings.whole_files import read_whole


def test_a_file_is_read_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345678")
    (tmp_path / "link").symlink_to(tmp_path / "f")
    assert read_whole(tmp_path / "f", 8) == read_whole(tmp_path / "link", 8) == b"12345678"


def test_a_large_one_is_not_kept_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="too large, more than 8 bytes"):
        read_whole(tmp_path / "f", 8)


def test_what_has_no_end_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, why in (
        (tmp_path / "pipe", "no regular file"),
        (Path("/dev/zero"), "no regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "loop", "symbolic links"),
        (tmp_path / "gone", "No such file"),
    ):
        with pytest.raises(OSError, match=why):
            read_whole(path, 8)


def test_a_pipe_of_the_kernels_that_looks_like_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("stat.S_ISREG", lambda mode: True)
    held = os.open(tmp_path / "pipe", os.O_RDWR)  # somebody could write
    try:
        with pytest.raises(OSError, match="no end"):
            read_whole(tmp_path / "pipe", 8)
    finally:
        os.close(held)
