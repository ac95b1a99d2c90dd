"""`scrubjay generate-completions`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from scrubjay.cli.program import program

Call = Callable[..., Result]


@pytest.mark.parametrize(
    ("shell", "mark"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "#compdef scrubjay"),
        ("fish", "complete --no-files --command scrubjay"),
    ],
)
def test_operations_23_scripts_without_any_configuration(call: Call, shell: str, mark: str) -> None:
    result = call("generate-completions", "-f", shell)
    assert result.exit_code == 0
    assert mark in result.output
    assert "_SCRUBJAY_COMPLETE" in result.output


@pytest.mark.parametrize("shell", ["powershell", "elvish"])
def test_shells_that_get_a_list(call: Call, shell: str) -> None:
    output = call("generate-completions", "-f", shell).output
    for word in ("run", "check", "rewrite", "--upstream", "--config"):
        assert word in output


@pytest.mark.parametrize(
    ("shell", "mark"), [("/usr/bin/zsh", "#compdef"), ("/bin/odd", "complete -o"), (None, "complete -o")]
)
def test_the_shell_in_use_is_the_default(
    call: Call, monkeypatch: pytest.MonkeyPatch, shell: str | None, mark: str
) -> None:
    monkeypatch.delenv("SHELL", raising=False)
    if shell:
        monkeypatch.setenv("SHELL", shell)
    assert mark in call("generate-completions").output


def test_completing_a_verb_imports_none_of_them() -> None:
    """Each press of the key starts the program anew."""
    code = (
        "import sys; from scrubjay.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.startswith('scrubjay.cli.') and m.split('.')[2] in "
        "('run', 'scrub', 'doctor', 'status', 'capture')), file=sys.stderr)"
    )
    asking = {"_SCRUBJAY_COMPLETE": "bash_complete", "COMP_WORDS": "scrubjay s", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asking},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["plain,scrub", "plain,send", "plain,status", "plain,spool"]
    assert done.stderr.strip() == "[]"


def test_verbs_and_flags_of_a_group() -> None:
    def completed(*words: str, incomplete: str) -> list[str]:
        shell = ShellComplete(program, {}, "scrubjay", "_SCRUBJAY_COMPLETE")
        return [item.value for item in shell.get_completions(list(words), incomplete)]

    assert completed("spool", incomplete="re") == ["repair"]
    assert completed(incomplete="do") == ["doctor"]
    assert completed("doctor", incomplete="--no") == ["--no-probe"]
    assert completed("send", "check-in", "--status", incomplete="e") == ["error"]
