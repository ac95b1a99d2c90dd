"""What all verbs have in common: the global flags, before or after the verb, how errors end, and where examples stand in a help.

The examples themselves are in `examples`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from scrubjay.errors import ConfigError, ScrubjayError

if TYPE_CHECKING:
    from scrubjay.settings.load import Loaded

LEVELS = ("error", "warn", "info", "debug", "trace")
FORMATS = ("auto", "pretty", "simplified", "json")

Command = TypeVar("Command", bound=click.Command)
_WIDEST_EXAMPLE: Final = 44
"""Columns; what a longer one does stands below it."""
_MOST_CHARS: Final = 8_000
"""Of an error."""


@dataclass(slots=True)
class Invocation:
    """The global flags as they were given."""

    config: Path | None = None
    log_level: str | None = None
    log_format: str | None = None
    strict_config: bool = False

    def load(
        self,
        flags: Mapping[str, tuple[str, str]] | None = None,
        variables: Mapping[str, str] | None = None,
        *,
        rules: Path | None = None,
    ) -> Loaded:
        """The configuration with the global flags, then those of the verb; `variables` are put into the environment that is
        read, not into the process's own. Raises: ConfigError."""
        from scrubjay.settings.load import load

        given: dict[str, tuple[str, str]] = {}
        if self.log_level is not None:
            given["logging.level"] = self.log_level, "--log-level"
        if self.log_format is not None:
            given["logging.format"] = self.log_format, "--log-format"
        return load(
            self.config,
            {**os.environ, **(variables or {})},
            {**given, **(flags or {})},
            strict=self.strict_config,
            rules=rules,
        )


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.ensure_object(Invocation), str(param.name), value)


def shared_options() -> list[click.Parameter]:
    """Fresh instances, since each command owns its parameters."""
    path = click.Path(path_type=Path)
    return [
        click.Option(
            ["-c", "--config"], type=path, expose_value=False, callback=_remember, metavar="DIR",
            help="Folder of the configuration, or a file in it.",
        ),
        click.Option(
            ["--log-level"], type=click.Choice(LEVELS), expose_value=False, callback=_remember, help="Least level logged."
        ),
        click.Option(
            ["--log-format"], type=click.Choice(FORMATS), expose_value=False, callback=_remember, help="Form of log lines."
        ),
        click.Option(
            ["--strict-config"], is_flag=True, expose_value=False, callback=_remember, help="Unknown keys are errors."
        ),
    ]  # fmt: skip


class Verb(click.Command):
    """A command that takes the global flags too, and ends with 1 and one line where something of ours goes wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["params"] = [*(kwargs.get("params") or []), *shared_options()]
        kwargs.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with failing_plainly(ctx):
            return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(ctx, formatter)


class Group(click.Group):
    """Verbs that belong together. Who mistypes one is told which are near."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        asked = args[0]
        if not asked.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, asked) is None:
            near = difflib.get_close_matches(asked, self.list_commands(ctx))
            meant = f" Did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
            raise click.UsageError(f"There is no `{ctx.command_path} {asked}`.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(ctx, formatter)


def write_examples(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The end of every help."""
    from scrubjay.cli.examples import EXAMPLES

    rows = EXAMPLES.get(ctx.command_path.partition(" ")[2], ())
    if rows:
        with formatter.section("Examples"):
            formatter.write_dl(rows, col_max=_WIDEST_EXAMPLE)


@contextmanager
def failing_plainly(ctx: click.Context) -> Iterator[None]:
    """What goes wrong with something of ours is one line, and exit code 1."""
    try:
        yield
    except ScrubjayError as error:
        from scrubjay.cli.terminal import safe

        kind = "config" if isinstance(error, ConfigError) else "error"
        click.echo(f"{kind}: {safe(str(error), _MOST_CHARS)}", err=True)  # it may quote a server, or a file
        ctx.exit(1)


def verb(name: str) -> Callable[[Callable[..., Any]], Verb]:
    """Make a function a verb of the program or of a group."""
    return click.command(name, cls=Verb)


def group(name: str) -> Callable[[Callable[..., Any]], Group]:
    """Make a function a group of verbs."""
    return click.group(name, cls=Group)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
