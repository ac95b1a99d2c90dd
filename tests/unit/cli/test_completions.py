"""`scrubjay generate-completions`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

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
