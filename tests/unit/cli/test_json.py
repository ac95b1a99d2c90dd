"""Every verb that reports something can do so for programs."""

from __future__ import annotations

import click
import pytest

from scrubjay.cli.program import program

REPORTING = (
    "audit show",
    "audit verify",
    "capture assert",
    "capture wait",
    "check",
    "credentials show",
    "doctor",
    "drops",
    "explain",
    "import relay",
    "quotas",
    "scrub",
    "send check-in",
    "send error",
    "send log",
    "send transaction",
    "spool drop",
    "spool export",
    "spool import",
    "spool ls",
    "spool repair",
    "spool stat",
    "spool verify",
    "status",
    "test",
)


def _command(path: str) -> click.Command:
    command: click.Command = program
    ctx = click.Context(program)
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(ctx, name)
        assert found is not None
        command = found
    return command


@pytest.mark.parametrize("path", REPORTING)
def test_it_has_the_flag(path: str) -> None:
    assert "--json" in {flag for parameter in _command(path).params for flag in parameter.opts}


def test_forms_of_the_configuration_and_of_what_is_tailed() -> None:
    for path in ("config show", "tail"):
        choices = {
            choice
            for each in _command(path).params
            if isinstance(each.type, click.Choice)
            for choice in each.type.choices
        }
        assert "json" in choices
