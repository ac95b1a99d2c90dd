"""Whether a file is still the one that was read."""

import os
from pathlib import Path

from scrubjay.settings.stamps import stamp_of


def test_a_file_that_changes_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    first = stamp_of(path)
    assert first == stamp_of(path)
    (tmp_path / "b").write_text("two")
    os.utime(tmp_path / "b", ns=(first[1], first[1]))
    (tmp_path / "b").rename(path)
    assert stamp_of(path) not in (first, None)


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert stamp_of(tmp_path) is None
    assert stamp_of(tmp_path / "gone") is None
    assert stamp_of(tmp_path / "link") is None
