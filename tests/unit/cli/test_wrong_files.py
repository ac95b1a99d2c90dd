"""Whatever is wrong in a file, one line says where, which key, what stood there and what to do, and the exit status is 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.wrong_files import WRONG_CREDENTIALS, WRONG_PROJECTS, WRONG_SETTINGS, WrongFile

Call = Callable[..., Result]
RELAY = "relay: {mode: static, upstream: 'https://h'}\n"


def said_of(call: Call, path: Path, wrong: WrongFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wrong.text)
    result = call("check", "--strict-config", "-c", "conf")
    lines = [line for line in result.stderr.splitlines() if f"{path}:{wrong.line}: " in line]
    assert (result.exit_code, len(lines)) == (1, 1), result.stderr
    place = f"{path}:{wrong.line}: {wrong.key}"
    for expected in (place, wrong.value, wrong.help):
        assert expected in lines[0]
    assert lines[0].partition(":")[0] in ("config", "error")
    assert "hunter2" not in result.output
    assert len(lines[0]) < 2_500
    assert lines[0].isprintable()


@pytest.mark.parametrize("wrong", WRONG_SETTINGS, ids=lambda wrong: repr(wrong.text[:60]))
def test_settings(call: Call, wrong: WrongFile) -> None:
    said_of(call, Path("conf/scrubjay.yaml"), wrong)


@pytest.mark.parametrize("wrong", WRONG_PROJECTS, ids=lambda wrong: repr(wrong.text[40:100]))
def test_projects(call: Call, wrong: WrongFile) -> None:
    name = "7.yaml" if wrong.name.startswith("scrubjay") else wrong.name
    path = Path("conf/scrubjay.yaml")
    path.parent.mkdir()
    path.write_text(RELAY)
    said_of(call, Path("conf/projects", name), wrong)


@pytest.mark.parametrize("wrong", WRONG_CREDENTIALS, ids=lambda wrong: repr(wrong.text[:60]))
def test_credentials(call: Call, wrong: WrongFile) -> None:
    path = Path("conf/scrubjay.yaml")
    path.parent.mkdir()
    path.write_text(RELAY)
    said_of(call, Path("conf/credentials.json"), wrong)


def test_there_are_many() -> None:
    assert len(WRONG_SETTINGS) > 60
    assert len(WRONG_PROJECTS) + len(WRONG_CREDENTIALS) > 20
