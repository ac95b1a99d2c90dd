"""The program as a whole: which verbs there are, and that they cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from scrubjay import __version__
from scrubjay.cli.program import VERBS, main

Call = Callable[..., Result]


def test_the_help_names_every_verb(call: Call) -> None:
    result = call("--help")
    assert result.exit_code == 0
    for verb, (_, line) in VERBS.items():
        assert verb in result.output
        assert line.split()[0] in result.output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help(call: Call, verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert f"scrubjay {verb}" in result.output


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["anything", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"scrubjay {__version__}\n"


def test_usage_errors_end_with_2(call: Call) -> None:
    assert call("no-such-verb").exit_code == 2
    assert call("run", "--no-such-flag").exit_code == 2
    assert call("config").exit_code == 2
    assert call("--log-level", "loud", "config", "show").exit_code == 2


def test_starting_imports_no_more_than_it_needs() -> None:
    """A second from the start of the process to the first envelope leaves no room for what `run` does not use."""
    code = (
        "import sys; sys.argv = ['scrubjay', '--version']\n"
        "from scrubjay.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in ('rich', 'yaml', 'aiohttp', 'cryptography', 'scrubjay.core') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


LIGHT = [
    "run",
    "capture",
    "tail",
    "scrub",
    "doctor",
    "send",
    "spool",
    "pseudonym",
    "test",
    "explain",
    "config",
    "credentials",
    "dsn",
    "healthcheck",
]


def test_helps_need_nothing_heavy() -> None:
    """Who asks for help has not decided yet. One process for all of them: what one needs shows."""
    code = (
        "import contextlib, io, sys\n"
        "from scrubjay.cli.program import program\n"
        f"for verb in {['', *LIGHT]!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        program.main([*verb.split(), '-h'], prog_name='scrubjay', standalone_mode=False)\n"
        "heavy = ('hyperscan', 'aiohttp', 'cryptography', 'rich.table', 'scrubjay.core.pipeline', 'scrubjay.core.plan')\n"
        "print(sorted(m for m in heavy if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrubjay", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"scrubjay {__version__}\n"
