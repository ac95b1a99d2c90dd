"""What a developer sees first."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from scrubjay.core.dsn import parse_dsn
from scrubjay.runtime.doors import Doors
from scrubjay.runtime.greeting import greet
from scrubjay.settings.schema import Settings

DOORS = Doors(SimpleNamespace(number=3000))


def on(host: str, mode: str = "capture") -> Settings:
    return replace(Settings(), relay=replace(Settings().relay, host=host, mode=mode))


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_capture_says_where_it_listens_and_which_dsn_to_use(
    capsys: pytest.CaptureFixture[str], host: str, shown: str
) -> None:
    greet(on(host), DOORS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"listening http://{shown}:3000"
    dsn = parse_dsn(next(line.split()[-1] for line in lines if line.startswith("DSN")))
    assert (dsn.port, dsn.project_id) == (3000, 1)
    assert sum(str(dsn) in line for line in lines) == 4


def test_other_modes_have_their_log(capsys: pytest.CaptureFixture[str]) -> None:
    greet(on("127.0.0.1", "static"), DOORS)
    assert capsys.readouterr().out == ""
