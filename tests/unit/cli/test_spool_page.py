"""`docs/spool.md`: its commands run, in the order of the page, on a spool of the configuration."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.relay_db import write_buffer
from support.spool_folders import KEY, envelope, fill, records

Call = Callable[..., Result]
PAGE = Path(__file__).parents[3] / "docs" / "spool.md"


def commands() -> list[str]:
    block = PAGE.read_text().partition("```sh\n")[2].partition("```")[0]
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def test_the_page(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    root = tmp_path / "spool"
    fill(root, [records(range(1, 6))])
    conf = str(folder(f"spool: {{envelopes: {{path: {root}}}}}\n", default="config: {}"))
    now_ms = int(time.time() * 1000)
    write_buffer(tmp_path / "relay.db", [(now_ms, KEY, envelope(9, dsn=f"https://{KEY}@x/42"), 1)])
    ran = 0
    for line in commands():
        command, _, target = line.partition(" > ")
        program, *words = shlex.split(command)
        assert program == "scrubjay"
        result = call("-c", conf, *words)
        assert result.exit_code == 0, (line, result.output)
        if target:
            (tmp_path / target).write_bytes(result.stdout_bytes)
        ran += 1
    assert ran == len(commands()) > 10
    left = call("-c", conf, "spool", "stat").stdout
    assert left.startswith("2 records wait"), "the reports of what was dropped, in each partition"


@pytest.mark.parametrize("verb", ["ls", "stat", "cat", "verify", "repair", "export", "import", "drop"])
def test_each_verb_is_there(call: Call, verb: str) -> None:
    assert f"scrubjay spool {verb}" in PAGE.read_text()
    result = call("spool", verb, "--help")
    assert result.exit_code == 0
    assert call("spool", "nothing").exit_code == 2
