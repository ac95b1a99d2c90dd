"""Reading the configuration again: what is said, and what is left as it was."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scrubjay.runtime.configuration import Configuration
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.credentials import generate, write_credentials
from scrubjay.settings.load import load

TEXT = "relay: {mode: proxy, state_dir: %s}\nhttp: {timeout: %d}\nlimits: {tcp_listen_backlog: %d}\n"


class Scene:
    def __init__(self, folder: Path, *, is_replaced: bool) -> None:
        self.file = folder / "scrubjay.yaml"
        self.state_dir = folder / "run"
        self.write(1, 1)
        self.one = Configuration(load(folder), Telemetry(), is_replaced=is_replaced)

    def write(self, timeout: int, backlog: int) -> None:
        self.file.write_text(TEXT % (self.state_dir, timeout, backlog))


@pytest.mark.parametrize(
    ("is_replaced", "needs"), [(False, "a restart"), (True, "another worker, which SIGHUP brings")]
)
async def test_what_needs_more_than_a_reload_is_named_once_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_replaced: bool, needs: str
) -> None:
    scene = Scene(tmp_path, is_replaced=is_replaced)
    scene.write(2, 2)
    for _ in range(2):
        loaded = await scene.one.read_again()
        assert loaded is not None
        assert (loaded.settings.http.timeout, loaded.settings.limits.tcp_listen_backlog) == (2, 1)
        assert scene.one.differs(loaded)
    assert caplog.text.count(f"in force only after {needs}: limits.tcp_listen_backlog") == 1
    scene.one.put_in_force(loaded)
    scene.one.next_generation()
    assert not scene.one.differs(loaded)
    assert scene.one.remark() == "generation 2"


async def test_first_credentials_need_more_than_a_reload(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(tmp_path, is_replaced=True)
    write_credentials(tmp_path, generate())
    for _ in range(2):
        loaded = await scene.one.read_again()
        assert loaded is not None
        assert loaded.credentials is None
    assert caplog.text.count("in force only after another worker, which SIGHUP brings: credentials") == 1


async def test_other_credentials_are_a_change_like_any(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write_credentials(tmp_path, generate())
    scene = Scene(tmp_path, is_replaced=False)
    other = generate()
    write_credentials(tmp_path, other)
    loaded = await scene.one.read_again()
    assert loaded is not None
    assert scene.one.differs(loaded)
    scene.one.put_in_force(loaded)
    assert scene.one.loaded.credentials == other
    assert not scene.one.differs(loaded)
    assert "changed: credentials" in caplog.text
    assert "only after" not in caplog.text


async def test_when_changes_are_looked_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path, is_replaced=False)
    assert not scene.one.is_polled
    assert scene.one.poll_s() == 10  # the next look at whether to look
    text = scene.file.read_text()
    for interval, poll_s in (("0", 0.05), ("30", 30)):
        scene.file.write_text(text.replace("relay: {", f"relay: {{config_reload_interval: {interval}, "))
        loaded = await scene.one.read_again()
        assert loaded is not None
        scene.one.put_in_force(loaded)
        assert scene.one.is_polled
        assert scene.one.poll_s() == poll_s


async def test_what_cannot_be_used_changes_nothing_and_is_remembered(tmp_path: Path) -> None:
    scene = Scene(tmp_path, is_replaced=False)
    for bad in ("relay: {", "relay: {mode: capture}"):
        scene.file.write_text(bad)
        assert await scene.one.read_again() is None
        assert scene.one.remark() == "the last change was refused; generation 1"
        scene.write(1, 1)
        assert await scene.one.read_again() is not None
        assert scene.one.remark() == "generation 1"
    scene.one.refused()
    assert "refused" in repr(scene.one)


async def test_new_warnings_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(tmp_path, is_replaced=False)
    scene.file.write_text(scene.file.read_text() + "nonsense: 1\n")
    loaded = await scene.one.read_again()
    assert loaded is not None
    scene.one.put_in_force(loaded)
    assert caplog.text.count("nonsense") == 1
    assert await scene.one.changed_projects() is None
