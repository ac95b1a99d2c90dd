"""The examples in the helps: every verb has some, and each is a command that the program takes."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest
from click.testing import Result

from scrubjay.cli.examples import EXAMPLES
from scrubjay.cli.program import program

Call = Callable[..., Result]

COMMANDS = [(path, command) for path, examples in EXAMPLES.items() for command, _ in examples]
FILES = (
    "audit.jsonl",
    "calls.jsonl",
    "event.json",
    "event.envelope",
    "expectations.json",
    "new.yaml",
    "old.envelope",
    "old.yaml",
    "rules.yaml",
)
PUNCTUATION = "|<>();"
FOLDERS = ("conf", "old", "recorded", "waiting")


def _verbs(command: click.Command, ctx: click.Context, path: str = "") -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            assert child is not None
            yield from _verbs(child, ctx, f"{path} {name}".strip())


def test_every_verb_has_examples_and_there_are_no_others() -> None:
    verbs = list(_verbs(program, click.Context(program, info_name="scrubjay")))
    assert sorted(verbs) == sorted(EXAMPLES)
    assert all(EXAMPLES.values())


def _invocations(line: str) -> Iterator[list[str]]:
    """Each call of the program in a command of a shell: behind pipes, in `$(…)`, without redirections."""
    words = shlex.shlex(line, posix=True, punctuation_chars=PUNCTUATION)
    words.whitespace_split = True
    call: list[str] | None = None
    for word in words:
        if word == "scrubjay":
            call = []
        elif call is not None and word and set(word) <= set(PUNCTUATION):
            yield call
            call = None
        elif call is not None:
            call.append(word)
    if call is not None:
        yield call


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_an_example_is_a_command_that_the_program_takes(path: str, command: str, tmp_path: Path) -> None:
    """In `tmp_path`, which is the working directory."""
    for name in FILES:
        (tmp_path / name).touch()
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    line = command.replace('"$(', "$(").replace(')"', ")")
    calls = list(_invocations(line))
    assert calls
    for arguments in calls:
        _resolve(arguments)


def _resolve(arguments: list[str]) -> None:
    """Everything but the verb's own work. Raises `UsageError`."""
    with ExitStack() as stack:
        command: click.Command = program
        ctx = stack.enter_context(program.make_context("scrubjay", list(arguments)))
        while isinstance(command, click.Group):
            rest = [*ctx._protected_args, *ctx.args]
            if not rest:
                assert command.invoke_without_command, arguments
                return
            _, found, rest = command.resolve_command(ctx, rest)
            assert found is not None
            command = found
            ctx = stack.enter_context(command.make_context(command.name, rest, parent=ctx))


def test_what_is_wrong_would_be_found() -> None:
    for wrong in (["status", "--jsn"], ["spool", "lss"], ["config"], ["explain"]):
        with pytest.raises((click.UsageError, AssertionError, click.exceptions.NoArgsIsHelpError)):
            _resolve(wrong)


@pytest.mark.parametrize("verb", ["", "status", "spool", "spool drop", "capture", "capture assert", "dsn"])
def test_a_help_ends_with_its_examples(call: Call, verb: str) -> None:
    text = call(*verb.split(), "--help").output
    end = text.partition("\nExamples:\n")[2]
    assert all(command in end for command, _ in EXAMPLES[verb])
    assert "Options:" not in end
