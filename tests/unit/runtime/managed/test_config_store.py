"""What the upstream configured, on disk."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.runtime.managed import config_store
from scrubjay.runtime.managed.config_store import FOLDER, GLOBAL, ConfigStore, open_store

K1 = "a94ae32be2584e0bbd7a4cbb95971fee"
ODD = "../../etc/passwd./..%2F~ \"'\\:*?|<"
DAY_S = 86_400.0


class World:
    """Processes that share a folder, one after the other or at once."""

    def __init__(self, spool: Path) -> None:
        self.folder = spool / FOLDER
        self.now = 1_000_000_000.0
        self.errors: list[str] = []
        self._open: list[ConfigStore] = []

    def process(self) -> ConfigStore:
        store = ConfigStore(
            self.folder, lambda detail, error: self.errors.append(f"{detail}: {error}"), now_unix=lambda: self.now
        )
        self._open.append(store)
        return store

    def keep(self, store: ConfigStore | None = None, **documents: dict[str, Any]) -> None:
        """Kept by a process that ends then."""
        store = store or self.process()
        for key, document in documents.items():
            store.keep(key, document)
        store.close()

    def kept(self) -> dict[str, Any]:
        return {key: kept.document for key, kept in self.process().load().items()}

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def age(self, key: str, seconds: float) -> None:
        """Makes a file as old as that."""
        at = self.now - seconds
        os.utime(self.folder / f"{key}.json", (at, at))

    def close(self) -> None:
        for store in self._open:
            store.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_operations_57_another_process_finds_what_one_kept(world: World) -> None:
    document = {"projectId": 42, "config": {"quotas": [{"id": "ü"}]}}
    store = world.process()
    store.keep(K1, document)
    store.keep(GLOBAL, {"options": {}})
    store.close()
    kept = world.process().load()
    assert {key: one.document for key, one in kept.items()} == {K1: document, GLOBAL: {"options": {}}}
    assert kept[K1].fetched_unix == world.now
    assert world.names() == [f"{K1}.json", "global.json"]
    assert world.errors == []


def test_they_are_the_owner_s_alone(world: World) -> None:
    before = os.umask(0)
    try:
        world.keep(**{K1: {}})
    finally:
        os.umask(before)
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((world.folder / f"{K1}.json").stat().st_mode) == 0o600


def test_what_is_no_longer_served_is_gone(world: World) -> None:
    world.keep(**{K1: {"rev": "1"}, ODD: {}})
    store = world.process()
    store.load()
    store.forget(K1)
    store.forget("c" * 32)
    store.close()
    assert world.kept() == {ODD: {}}
    # Kept anew, it is written anew.
    store = world.process()
    store.keep(K1, {"rev": "1"})
    store.forget(K1)
    store.keep(K1, {"rev": "1"})
    store.close()
    assert world.kept()[K1] == {"rev": "1"}


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=32, max_size=32))
def test_each_key_has_a_name_of_its_own_in_the_folder(key: str) -> None:
    name = config_store._file_name(key)
    assert Path("/f", name).parent == Path("/f")
    assert not name.startswith(".")
    assert "." not in name.removesuffix(".json")
    assert len(name) <= 101
    assert name != config_store._file_name(GLOBAL)


def test_odd_keys_stay_in_the_folder(world: World, tmp_path: Path) -> None:
    odd = {ODD: {"rev": "1"}, "." * 32: {"rev": "2"}, "/" * 32: {"rev": "3"}, f"{'a' * 27}.json": {"rev": "4"}}
    world.keep(**odd)
    assert world.kept() == odd
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"5",
        b"[" * 100_000,
        b'{"key": 5, "fetched_unix": 1, "document": {}}',
        b'{"key": "' + b"c" * 32 + b'", "fetched_unix": 1, "document": {}}',
        b'{"key": "a94ae32be2584e0bbd7a4cbb95971fee", "fetched_unix": 1, "document": []}',
        b'{"key": "a94ae32be2584e0bbd7a4cbb95971fee", "fetched_unix": 1}',
        b"\xff" * 100,
        None,
    ],
)
def test_a_damaged_file_costs_itself_alone(
    world: World, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    world.keep(**{K1: {"rev": "1"}, ODD: {}})
    path = world.folder / f"{K1}.json"
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    (world.folder / "notes.txt").write_text("mine")
    assert world.kept() == {ODD: {}}
    (warning,) = [record.getMessage() for record in caplog.records]
    assert str(path) in warning


def test_many_damaged_files_are_one_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.keep(**{K1: {}})
    for number in range(3):
        (world.folder / f"{number}.json").write_text("x")
    assert world.kept() == {K1: {}}
    (warning,) = [record.getMessage() for record in caplog.records]
    assert ", and 2 more: " in warning


def test_what_changed_is_written_and_nothing_else(world: World) -> None:
    world.keep(**{K1: {"rev": "1"}})
    path = world.folder / f"{K1}.json"
    inode, store = path.stat().st_ino, world.process()
    store.load()
    world.now += DAY_S - 1
    world.keep(store, **{K1: {"rev": "1"}})
    assert path.stat().st_ino == inode
    store = world.process()
    store.load()
    world.now += 1
    world.keep(store, **{K1: {"rev": "1"}})
    assert json.loads(path.read_text())["fetched_unix"] == world.now, "it is still in use"
    world.keep(**{K1: {"rev": "2"}})
    assert world.kept() == {K1: {"rev": "2"}}


def test_what_nobody_used_for_long_is_removed(world: World) -> None:
    world.keep(**{K1: {}, "c" * 32: {}})
    world.age(K1, 29 * DAY_S)
    world.age("c" * 32, 31 * DAY_S)
    assert world.kept() == {K1: {}}
    assert world.names() == [f"{K1}.json"]


def test_drafts_of_processes_that_died_are_removed(world: World) -> None:
    world.keep(**{K1: {}})
    for name, age_s in ((".old.json.1", 2 * DAY_S), (".new.json.2", 1.0)):
        (world.folder / name).write_text("{")
        os.utime(world.folder / name, (world.now - age_s, world.now - age_s))
    world.age(K1, 0)
    assert world.kept() == {K1: {}}
    assert ".old.json.1" not in world.names()
    assert ".new.json.2" in world.names(), "it may be another worker's, at work now"


def test_no_more_than_so_many_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.keep(**{"a" * 32: {}, "b" * 32: {}, "c" * 32: {}})
    for key, age_s in (("a", 30.0), ("b", 10.0), ("c", 20.0)):
        world.age(key * 32, age_s)
    monkeypatch.setattr(config_store, "_MAX_FILES", 2)
    assert list(world.kept()) == ["b" * 32, "c" * 32], "the newest"


def test_workers_share_the_folder(world: World) -> None:
    workers = [world.process() for _ in range(4)]
    for number in range(50):
        for worker in workers:
            worker.keep(K1, {"rev": str(number)})
    for worker in workers:
        worker.close()
    assert world.kept() == {K1: {"rev": "49"}}
    assert world.names() == [f"{K1}.json"]
    assert world.errors == []


def test_a_disk_that_refuses_is_told_once(world: World) -> None:
    store = world.process()
    (world.folder / f"{K1}.json").mkdir()
    for number in range(3):
        store.keep(K1, {"rev": str(number)})
        store.keep("b" * 32, {"unkept": object()})
    store.close()
    assert len(world.errors) == 1
    assert "cannot be kept" in world.errors[0]
    assert world.names() == [f"{K1}.json"], "no draft is left"
    assert "failing" in repr(store)
    store.keep(K1, {})  # closed: nobody minds


def test_what_is_too_large_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_store, "_MAX_FILE_BYTES", 100)
    world.keep(**{K1: {"x": "y" * 100}})
    assert world.names() == []
    assert len(world.errors) == 1


def test_there_is_none_without_a_spool_or_where_it_is_not_wanted(tmp_path: Path) -> None:
    def never(detail: str, error: OSError) -> None:
        raise AssertionError(detail)

    assert open_store(None, never, persist=True) is None
    assert open_store(tmp_path, never, persist=False) is None
    store = open_store(tmp_path, never, persist=True)
    assert store is not None
    assert repr(store) == f"<ConfigStore {tmp_path / FOLDER}>"
    store.close()


def test_a_folder_that_cannot_be_ours_costs_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FOLDER).write_text("a file")
    assert open_store(tmp_path, lambda detail, error: None, persist=True) is None
    assert "cannot be kept for the next start" in caplog.text
