"""Where a configuration is found by itself."""

from pathlib import Path

import pytest

from scrubjay.settings import folders
from scrubjay.settings.folders import usual_folder

IN_CONTAINER = {"container": "oci"}


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(folders, "in_container", lambda env: "container" in env)
    monkeypatch.setattr(folders, "MOUNTED", (str(tmp_path / "first"), str(tmp_path / "second")))


def _mount(folder: Path, file: str | None) -> Path:
    folder.mkdir()
    if file is not None:
        (folder / file).write_text("relay: {}\n")
    return folder


def test_none() -> None:
    assert usual_folder({}) is None
    assert usual_folder(IN_CONTAINER) is None


def test_ours_before_the_references() -> None:
    Path(".relay").mkdir()
    assert usual_folder({}) == Path(".relay")
    Path(".scrubjay").mkdir()
    assert usual_folder({}) == Path(".scrubjay")


@pytest.mark.parametrize("name", ["config.yml", "scrubjay.yaml"])
def test_what_is_mounted_counts_in_a_container(tmp_path: Path, name: str) -> None:
    mounted = _mount(tmp_path / "second", name)
    assert usual_folder({}) is None
    assert usual_folder(IN_CONTAINER) == mounted


def test_the_first_mount_with_a_file_counts(tmp_path: Path) -> None:
    _mount(tmp_path / "first", None)
    second = _mount(tmp_path / "second", "config.yml")
    assert usual_folder(IN_CONTAINER) == second
    (tmp_path / "first" / "config.yml").write_text("{}")
    assert usual_folder(IN_CONTAINER) == tmp_path / "first"


def test_below_the_working_directory_comes_first(tmp_path: Path) -> None:
    _mount(tmp_path / "first", "config.yml")
    Path(".relay").mkdir()
    assert usual_folder(IN_CONTAINER) == Path(".relay")
