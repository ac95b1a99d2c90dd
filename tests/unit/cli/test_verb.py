"""What all verbs have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.errors import ConfigError, SpoolError

Call = Callable[..., Result]
Folder = Callable[..., Path]


@verb("fail")
@click.argument("kind")
@pass_invocation
def fail(invocation: Invocation, /, kind: str) -> None:
    """Fail in one of the ways there are."""
    if kind == "config":
        raise ConfigError("no good", where="f.yaml", path="a.b", line=3, accepted="better")
    if kind == "hostile":
        raise SpoolError("a server's\x1b]0;title\x07\nsecond line")
    raise SpoolError("damaged")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("config", "config: f.yaml:3: a.b: no good (accepted: better)\n"),
        ("spool", "error: damaged\n"),
        ("hostile", "error: a server's\\x1b]0;title\\x07\\nsecond line\n"),
    ],
)
def test_errors_are_one_line_and_1(kind: str, line: str) -> None:
    result = CliRunner().invoke(fail, [kind])
    assert (result.exit_code, result.stderr, result.stdout) == (1, line, "")


def test_global_flags_stand_before_or_after_the_verb(call: Call, folder: Folder) -> None:
    conf = str(folder("relay: {port: 4711}"))
    for arguments in (
        ("-c", conf, "config", "show"),
        ("config", "show", "-c", conf),
        ("config", "show", "--config", conf),
    ):
        assert "port: 4711" in call(*arguments).stdout
    flags = ("--log-level", "debug", "--log-format", "json")
    for arguments in ((*flags, "config", "show", "-f", "debug"), ("config", "show", "-f", "debug", *flags)):
        output = call(*arguments).stdout
        assert "logging.level = debug  # flag --log-level" in output
        assert "logging.format = json  # flag --log-format" in output


def test_flags_beat_the_environment(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_LOG_LEVEL", "trace")
    assert "level: trace" in call("config", "show").stdout
    assert "level: warn" in call("config", "show", "--log-level", "warn").stdout


def test_operations_14_strict(call: Call, folder: Folder) -> None:
    conf = str(folder("relay: {portt: 1}"))
    assert call("config", "show", "-c", conf).exit_code == 0
    result = call("config", "show", "-c", conf, "--strict-config")
    assert result.exit_code == 1
    assert "relay.portt: unknown key (did you mean `relay.port`?)" in result.stderr
