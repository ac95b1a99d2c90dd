"""`scrubjay config`: show, make and describe the configuration; write the generated pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ConfigError

if TYPE_CHECKING:
    from scrubjay.settings.credentials import Credentials
    from scrubjay.settings.relay import Mode


@group("config")
def config() -> None:
    """Show, make or describe the configuration."""


@verb("show")
@click.option("-f", "--format", "form", type=click.Choice(["yaml", "json", "debug"]), default="yaml", show_default=True)
@pass_invocation
def show(invocation: Invocation, /, form: str) -> None:
    """Print the effective configuration, defaults included, secrets masked."""
    from scrubjay.settings import show as shown

    loaded = invocation.load()
    if form == "debug":
        for key, text in shown.effective(loaded):
            click.echo(f"{key} = {text}  # {loaded.origins[key]}")
    else:
        click.echo(shown.as_json(loaded) + "\n" if form == "json" else shown.as_yaml(loaded), nl=False)


@verb("init")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--mode", type=click.Choice(["managed", "proxy", "static", "capture"]), help="How items are treated.")
@click.option("--upstream", metavar="URL", help="Server to forward to.")
@click.option("--host", metavar="IP", help="Address to listen on.")
@click.option("--port", metavar="PORT", help="Port to listen on.")
@pass_invocation
def init(invocation: Invocation, /, yes: bool, **given: str | None) -> None:
    """Make a config folder. Existing files are left as they are.

    Mode `managed` gets credentials too, whose public key the server has to be told.
    """  # fmt: skip
    from scrubjay.cli.credentials import summarize
    from scrubjay.settings.credentials import generate, read_credentials, write_credentials

    folder = invocation.config or Path(".scrubjay")
    if folder.suffix in (".yaml", ".yml"):
        folder = folder.parent
    target = folder / "scrubjay.yaml"
    click.echo(f"config folder: {folder}")
    stored = read_credentials(folder, {})
    if stored is not None:
        summarize(stored)
    if target.exists() or (folder / "config.yml").exists():
        click.echo("nothing to do")
        return
    answers = {name: text for name, text in given.items() if text is not None}
    if not yes and not answers:
        answers = _ask()
    made = generate() if stored is None and answers.get("mode") == "managed" else None
    mode = _validated(answers, stored or made)
    default = folder / "projects" / "default.yaml"
    _write(target, "relay:\n" + "".join(f"  {name}: {text}\n" for name, text in answers.items()) if answers else "")
    if mode != "managed" and not default.exists():
        _write(default, "config: {}\n")
    if made is not None:
        write_credentials(folder, made)
        summarize(made)
        click.echo("give the public key to the server (docs/managed.md), then `scrubjay run` and `scrubjay doctor`")
    click.echo("done")


def _ask() -> dict[str, str]:
    choice = click.prompt("configuration", type=click.Choice(["default", "custom", "abort"]), default="default")
    if choice == "abort":
        raise click.Abort
    if choice == "default":
        return {}
    modes = click.Choice(["managed", "proxy", "static", "capture"])
    answers = {"mode": click.prompt("mode", type=modes, default="static")}
    if answers["mode"] != "capture":
        answers["upstream"] = click.prompt("upstream")
    return {**answers, "host": click.prompt("host", default="127.0.0.1"), "port": click.prompt("port", default="3000")}


def _validated(answers: Mapping[str, str], credentials: Credentials | None) -> Mode:
    """The mode that follows. Raises: ConfigError, as the file would."""
    from scrubjay.settings.load import load

    env = {} if credentials is None else credentials.variables()
    flags = {f"relay.{name}": (text, f"--{name}") for name, text in answers.items()}
    return load(env=env, flags=flags).settings.relay.mode


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the file: {error.strerror or error}", where=str(path)) from error


@verb("schema")
def schema() -> None:
    """Print the JSON schema of the configuration; `$defs` holds that of project files."""
    from scrubjay.settings.json_schema import json_schema

    click.echo(json_schema(), nl=False)


@verb("render")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a page is not up to date.")
@click.option(
    "--root", type=click.Path(file_okay=False, exists=True, path_type=Path), default=Path(), help="The repository."
)
@click.pass_context
def render(ctx: click.Context, /, check: bool, root: Path) -> None:
    """Write the pages that follow from the tables: sample, schema, settings, reasons, differences, filters, conditions, metrics."""
    stale = 0
    for name, page in pages().items():
        path, text = root / name, page()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        click.echo(f"{'out of date' if check else 'written'}: {name}")
        if not check:
            _write(path, text)
    ctx.exit(1 if check and stale else 0)


def pages() -> Mapping[str, Callable[[], str]]:
    """Path in the repository → its rendering."""
    from scrubjay.cli import command_page
    from scrubjay.core.filters import page as filter_page
    from scrubjay.core.scrub import detector_page
    from scrubjay.core.subjects import page as condition_page
    from scrubjay.runtime.metrics_page import render_page
    from scrubjay.settings import gaps
    from scrubjay.settings.render import PAGES

    return {
        **PAGES,
        "docs/command-line.md": command_page.render_page,
        "docs/conditions.md": condition_page.render_page,
        "docs/detectors.md": detector_page.render_page,
        "docs/differences.md": gaps.page,
        "docs/filters.md": filter_page.render_page,
        "docs/metrics.md": render_page,
    }


for _command in (show, init, schema, render):
    config.add_command(_command)
