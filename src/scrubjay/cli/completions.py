"""`scrubjay generate-completions`: what a shell needs to complete verbs and flags.

bash, zsh and fish ask the program at each completion (click's protocol); PowerShell and Elvish get a list.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from scrubjay.cli.verb import verb

_ASKING: Final[dict[str, type[ShellComplete]]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_VARIABLE: Final = "_SCRUBJAY_COMPLETE"

_POWERSHELL: Final = """\
Register-ArgumentCompleter -Native -CommandName scrubjay -ScriptBlock {{
    param($word, $ast, $position)
    @({words}) | Where-Object {{ $_ -like "$word*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""
_ELVISH: Final = """\
set edit:completion:arg-completer[scrubjay] = {{|@words|
    put {words}
}}
"""


@verb("generate-completions")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice([*_ASKING, "powershell", "elvish"]),
    help="Default: from $SHELL, else bash.",
)
@click.pass_context
def generate_completions(ctx: click.Context, /, form: str | None) -> None:
    """Print a shell's completion script."""
    shell = form or Path(os.environ.get("SHELL", "")).name
    program = ctx.find_root().command
    if shell in ("powershell", "elvish"):
        words = _words(program, ctx)
        quoted = (f"'{word}'" for word in words)
        click.echo(
            _POWERSHELL.format(words=", ".join(quoted))
            if shell == "powershell"
            else _ELVISH.format(words=" ".join(words))
        )
        return
    complete = _ASKING.get(shell, BashComplete)
    # The script alone: `source()` would also run the shell to learn its version.
    script = complete(program, {}, "scrubjay", _VARIABLE)
    click.echo(script.source_template % script.source_vars())


def _words(program: click.Command, ctx: click.Context) -> list[str]:
    """Verbs, verbs of groups, and every long flag."""
    words: dict[str, None] = {}
    waiting = [program]
    while waiting:
        command = waiting.pop(0)
        words.update({flag: None for parameter in command.params for flag in parameter.opts if flag.startswith("--")})
        if isinstance(command, click.Group):
            for name in command.list_commands(ctx):
                child = command.get_command(ctx, name)
                assert child is not None, "it was just listed"
                words[name] = None
                waiting.append(child)
    return list(words)
