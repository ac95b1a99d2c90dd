"""Dictionaries in the spool's folder."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from scrubjay.runtime.gateway.dictionaries import read_dictionaries
from support.batch_client import event


@pytest.fixture(scope="module")
def trained() -> zstandard.ZstdCompressionDict:
    return zstandard.train_dictionary(4096, [event(number) for number in range(2000)])


def store(folder: Path, data: bytes, name: str | None = None) -> str:
    (folder / "dict").mkdir(exist_ok=True)
    name = sha256(data).hexdigest()[:16] if name is None else name
    (folder / "dict" / f"{name}.zdict").write_bytes(data)
    return name


def test_those_that_are_what_their_names_say(tmp_path: Path, trained: zstandard.ZstdCompressionDict) -> None:
    name = store(tmp_path, trained.as_bytes())
    store(tmp_path, trained.as_bytes(), "0" * 16)
    store(tmp_path, b"only some text", None)
    store(tmp_path, bytes(2 * 1024 * 1024))
    (tmp_path / "dict" / "folder.zdict").mkdir()
    found = read_dictionaries(str(tmp_path))
    assert list(found) == [name]
    assert found[name].data == trained.as_bytes()
    assert found[name].is_named_by(zstandard.ZstdCompressor(dict_data=trained).compress(b"x"))
    assert not found[name].is_named_by(zstandard.ZstdCompressor().compress(b"x"))
    assert not found[name].is_named_by(b"nonsense")


def test_without_a_spool_there_are_none(tmp_path: Path) -> None:
    assert read_dictionaries(None) == {}
    assert read_dictionaries(str(tmp_path)) == {}
