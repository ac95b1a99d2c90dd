"""The commands and the program in `docs/explaining.md` do what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from click.testing import Result

from scrubjay.core.scrub.suspects import Reason

PAGE = (Path(__file__).parents[3] / "docs" / "explaining.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.partition("  #")[0].partition(" # ")[0] for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for kind, text in BLOCKS:
        if kind == "json":
            (tmp_path / "event.json").write_text(text)
        elif kind == "yaml":
            (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_succeeds(call: Callable[..., Result], command: str) -> None:
    program, *arguments = shlex.split(command)
    result = call(*arguments)
    assert (program, result.exit_code, result.stderr) == ("scrubjay", 0, "")


def test_what_the_page_says_of_its_event(call: Callable[..., Result]) -> None:
    shown = call("scrub", "--explain", "event.json").stdout
    assert "ana@lab.example" not in shown
    rows = [line.split() for line in shown.splitlines()]
    assert any(row[:2] == ["/extra/author", "@password:filter"] and row[-1] == "word" for row in rows)
    assert any(row[:1] == ["/transaction"] and row[-2:] == ["class", "false"] for row in rows)
    assert "@ip (dry run)" in call("scrub", "--explain", "--pii-config", "rules.yaml", "event.json").stdout


def test_every_reason_is_explained() -> None:
    assert set(
        re.findall(r"`([a-z][a-z A-Z]+)`", "".join(PAGE.partition("Each is left because")[2].partition("## Trying")[0]))
    ) >= set(get_args(Reason))


def test_the_program() -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "python")
    exec(text, {})
