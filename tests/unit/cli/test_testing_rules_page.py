"""`docs/testing-rules.md`: its files are written, and its commands run, in the order of the page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

PAGE = Path(__file__).parents[3] / "docs" / "testing-rules.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_NAME = re.compile(r"(?:#|//) (\S+)\n")
_STATUS = re.compile(r"# exit status (\d)")


def test_everything_on_the_page_works(call: Callable[..., Result]) -> None:
    commands = 0
    for kind, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            for line in text.splitlines():
                status = _STATUS.search(line)
                program, *arguments = shlex.split(line, comments=True)
                assert program == "scrubjay"
                result = call(*arguments)
                assert result.exit_code == (int(status[1]) if status else 0), f"{line}\n{result.output}"
                commands += 1
        else:
            name = _NAME.match(text)
            assert name is not None, "each file of the page says its name in its first line"
            path = Path(name[1])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text[name.end() :], encoding="utf-8")
    assert commands == 8
