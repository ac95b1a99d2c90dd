from pathlib import Path

import pytest

from scrubjay.runtime.endpoints.capture.files import Roots
from scrubjay.settings.capture import Capture


def test_by_default_files_are_read_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here.py"
    here.write_text("x\n")
    monkeypatch.chdir(tmp_path)
    assert Roots.of(Capture()).find("here.py") == here
    assert Roots.of(Capture(context_roots=())).find("here.py") is None
    assert str(tmp_path) in repr(Roots([str(tmp_path)]))


def test_where_the_working_directory_is_the_whole_disk_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert Roots.of(Capture()).find("etc/passwd") is None


def test_relative_names_are_looked_for_in_each_folder(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    (tmp_path / "second" / "app.js").write_text("x\n")
    roots = Roots([str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "third")])
    assert roots.find("app.js") == tmp_path / "second" / "app.js"
    assert roots.lines({"filename": "app.js"}) == ["x"]


def test_a_file_that_cannot_be_opened_has_no_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.js").write_text("x\n")
    roots = Roots([str(tmp_path)])
    monkeypatch.setattr("os.open", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert roots.lines({"filename": "app.js"}) is None


def test_what_became_a_folder_or_a_pipe_meanwhile_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.js").mkdir()
    monkeypatch.setattr(Roots, "find", lambda self, name: tmp_path / name)
    assert Roots([str(tmp_path)]).lines({"filename": "app.js"}) is None
