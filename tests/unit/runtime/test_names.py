"""Names for parcels, and for ourselves."""

from __future__ import annotations

from pathlib import Path

from scrubjay.runtime.names import instance_name, kept_instance_name, new_id


def test_ids_are_random_uuids_of_version_4() -> None:
    found = {new_id() for _ in range(200)}
    assert len(found) == 200
    assert {(len(one), one[12]) for one in found} == {(32, "4")}
    assert {one[16] for one in found} == set("89ab")


def test_an_instance_has_one_name_for_all_its_processes(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    name = instance_name(folder)
    assert len(name) == 12
    instance_name.cache_clear()
    assert instance_name(folder) == name
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["instance"]
    assert instance_name(str(tmp_path / "other")) != name
    assert instance_name(None) == ""


def test_who_only_looks_makes_none(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert kept_instance_name(str(folder)) == ""
    assert not folder.exists()
    assert instance_name(str(folder)) == kept_instance_name(str(folder)) != ""


def test_where_nothing_can_be_written_it_has_a_name_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(instance_name(str(tmp_path / "file"))) == 12
    (tmp_path / "instance").write_bytes(b"\xff\n")
    assert len(instance_name(str(tmp_path))) == 12
