"""What a developer sees first."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from scrubjay.core.dsn import parse_dsn
from scrubjay.runtime.doors import Doors
from scrubjay.runtime.greeting import addresses_of, greet, greet_program
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret


def doors(number: int = 3000, spotlight: int | None = None) -> Doors:
    made = Doors(None, (), SimpleNamespace())  # type: ignore[arg-type]
    made.number, made.spotlight = number, spotlight
    return made


def on(host: str, mode: str = "capture", token: str | None = None) -> Settings:
    settings = Settings()
    capture = replace(settings.capture, token=Secret(token) if token else None)
    return replace(settings, relay=replace(settings.relay, host=host, mode=mode), capture=capture)


@pytest.mark.parametrize(
    ("host", "shown", "name"),
    [
        ("127.0.0.1", "127.0.0.1", "localhost"),
        ("::1", "[::1]", "localhost"),
        ("0.0.0.0", "127.0.0.1", "localhost"),
        ("::", "[::1]", "localhost"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_capture_says_where_it_listens_and_what_to_paste(
    capsys: pytest.CaptureFixture[str], host: str, shown: str, name: str
) -> None:
    greet(on(host), doors())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"listening http://{shown}:3000"
    assert f"    http://{shown}:3000/" in lines
    dsn = parse_dsn(next(line.split()[-1] for line in lines if line.startswith("DSN")))
    assert (dsn.host, dsn.port, dsn.project_id) == (name, 3000, 1)
    assert sum(str(dsn) in line for line in lines) == 4


@pytest.mark.parametrize(
    ("host", "number", "spotlight", "said"),
    [
        ("127.0.0.1", 8969, None, "1"),
        ("127.0.0.1", 3000, 8969, "1"),
        ("127.0.0.1", 3000, None, "http://localhost:3000/stream"),
        ("::1", 3000, 9000, "http://localhost:9000/stream"),
        ("192.0.2.7", 8969, None, "http://192.0.2.7:8969/stream"),
    ],
)
def test_the_switch_of_sdks_is_a_word_only_where_they_look_by_themselves(
    capsys: pytest.CaptureFixture[str], host: str, number: int, spotlight: int | None, said: str
) -> None:
    assert addresses_of(on(host), doors(number, spotlight)).spotlight == said
    greet(on(host), doors(number, spotlight))
    assert f"export SENTRY_SPOTLIGHT={said}\n" in capsys.readouterr().out


def test_a_program_reads_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    greet_program(on("127.0.0.1"), doors(4000))
    assert json.loads(capsys.readouterr().out) == {
        "url": "http://127.0.0.1:4000",
        "port": 4000,
        "dsn": "http://decafbaddecafbaddecafbaddecafbad@localhost:4000/1",
        "spotlight_url": "http://localhost:4000/stream",
        "pid": os.getpid(),
    }


def test_an_address_that_others_reach_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    greet(on("0.0.0.0", token="secret"), doors())
    said = capsys.readouterr()
    assert "0.0.0.0 is not this machine alone" in said.err
    assert "secret" not in said.err + said.out
    greet(on("127.0.0.1", token="secret"), doors())
    assert capsys.readouterr().err == ""


def test_other_modes_have_their_log(capsys: pytest.CaptureFixture[str]) -> None:
    greet(on("127.0.0.1", "static"), doors())
    assert capsys.readouterr().out == ""


def test_what_needs_no_other_listener_is_told_with_its_language() -> None:
    settings = on("127.0.0.1")
    tls = replace(settings.tls, cert="c.pem", key="k.pem")
    relay = replace(settings.relay, internal_host="0.0.0.0", internal_port=0)
    made = doors(3000, 8969)
    assert addresses_of(replace(settings, tls=tls), made).url == "https://127.0.0.1:3000"
    made.internal = 3001
    at = addresses_of(replace(settings, tls=tls, relay=relay), made)
    assert (at.url, at.dsn.partition("://")[0]) == ("http://127.0.0.1:3001", "https")
    assert at.dsn.endswith("@localhost:3000/1")
    assert at.spotlight == "1", "on its own port it is found in the clear"
    made.spotlight = None
    assert addresses_of(replace(settings, tls=tls), made).spotlight == "https://localhost:3000/stream"
    secured = replace(tls, internal=True)
    assert addresses_of(replace(settings, tls=secured, relay=relay), made).url == "https://127.0.0.1:3001"
