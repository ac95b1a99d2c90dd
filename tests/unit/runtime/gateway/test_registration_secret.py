"""The secret of registrations: made once, whole, and for its owner alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrubjay.runtime.gateway import registration_secret as module
from scrubjay.runtime.gateway.registration_secret import FILE_NAME, kept_secret, registration_secret
from scrubjay.settings.gateway import Auth
from scrubjay.settings.setting import Secret


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    kept_secret.cache_clear()
    yield
    kept_secret.cache_clear()


def test_the_settings_come_first(tmp_path: Path) -> None:
    assert registration_secret(Auth(registration_secret=Secret("shared")), tmp_path) == b"shared"
    assert not list(tmp_path.iterdir())


def test_it_is_made_once(tmp_path: Path) -> None:
    made = registration_secret(Auth(), tmp_path)
    assert len(made) == 32
    kept_secret.cache_clear()
    assert registration_secret(Auth(), tmp_path) == made
    (path,) = tmp_path.iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (FILE_NAME, 0o600)


def test_of_several_that_begin_together_all_have_the_same(tmp_path: Path) -> None:
    found: list[bytes] = []
    barrier = threading.Barrier(8)

    def begin() -> None:
        barrier.wait()
        found.append(kept_secret.__wrapped__(tmp_path))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", b"AAAA AAAA"])
def test_a_file_that_holds_none_is_left_as_it_is(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with caplog.at_level(logging.WARNING, "scrubjay.gateway"):
        assert len(kept_secret(tmp_path)) == 32
    assert "auth.registration_secret" in caplog.text
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_where_nothing_can_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.WARNING, "scrubjay.gateway"):
        assert kept_secret(None) == kept_secret(None)
        assert kept_secret(tmp_path / "nowhere") == kept_secret(tmp_path / "nowhere")
        monkeypatch.setattr(module, "_read", lambda path: None)
        assert len(kept_secret(tmp_path)) == 32
    assert caplog.text.count("each worker knows its own tokens alone") == 3
