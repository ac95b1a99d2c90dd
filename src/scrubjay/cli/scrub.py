"""`scrubjay scrub`: files scrubbed as the relay would scrub them, or shown what it would do to them. The work is `scrub_run`'s."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.items import KINDS

_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@verb("scrub")
@click.argument("files", metavar="[FILE]…", nargs=-1)
@click.option("--project", type=_FILE, metavar="FILE", help="The rules of this project file.")
@click.option("--pii-config", type=_FILE, metavar="FILE", help="These rules, as `config.piiConfig` of a project.")
@click.option("--settings", type=_FILE, metavar="FILE", help="These switches, as `config.datascrubbingSettings`.")
@click.option("--key", metavar="KEY", help="The rules of the project with this key in the configuration.")
@click.option("--project-id", metavar="ID", help="The rules of the project with this id or slug in the configuration.")
@click.option("--profile", type=click.Choice(("strict", "parity")), help="Instead of the one that is configured.")
@click.option(
    "--type", "item_type", type=click.Choice(sorted(KINDS)), default="event", show_default=True, metavar="TYPE",
    help="What JSON is that stands in no envelope.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="PATH", help="Write there: a file, or a folder, which exists or ends in a slash."
)
@click.option("--explain", is_flag=True, help="Show what each rule does and what is left, without any value.")
@click.option("--diff", is_flag=True, help="Show each changed place before and after. Shows values!")
@click.option("--selectors", is_flag=True, help="Show the selectors that reach each value.")
@click.option("--json", "as_json", is_flag=True, help="With --explain or --selectors: for programs, one object a line.")
@pass_invocation
@click.pass_context
def scrub(
    ctx: click.Context,
    invocation: Invocation,
    /,
    files: tuple[str, ...],
    project: Path | None,
    pii_config: Path | None,
    settings: Path | None,
    key: str | None,
    project_id: str | None,
    profile: str | None,
    item_type: str,
    output: str | None,
    explain: bool,
    diff: bool,
    selectors: bool,
    as_json: bool,
) -> None:
    """Scrub files, folders, or standard input as the relay would: an event in JSON, JSON lines, or an envelope; gzip and zstd are
    undone.

    What is left is printed, or written with --output. With --explain, --diff or --selectors that is shown instead. Without options
    that name rules, those of the configuration's plan `default` are applied, else the default ones.
    """
    from scrubjay.cli.scrub_files import STDIN, expand, write_file
    from scrubjay.cli.scrub_rules import Choice, chosen_plan
    from scrubjay.cli.scrub_run import Run, Shows, Target, print_bytes

    if (diff and as_json) or sum((project is not None, key is not None, project_id is not None)) > 1:
        raise click.UsageError("--json is not for --diff; give one of --project, --key and --project-id")
    sources = expand(files or (STDIN,))
    single = len(files) < 2 and not any(Path(file).is_dir() for file in files)
    target = None if output is None else Target(output, sources, single=single)
    plan = chosen_plan(Choice(project, pii_config, settings, key, project_id, profile), invocation.load())
    shows = Shows(explain=explain, diff=diff, selectors=selectors, as_json=as_json)
    run = Run(plan, shows, fills_the_terminal=sys.stdout.isatty() and (target is None or shows.anything))
    for file in run.scrubbed(sources, item_type):
        if target is not None:
            write_file(target.of(file), file.written())
        elif not shows.anything:
            print_bytes(file.written())
    run.close()
    ctx.exit(1 if run.problems else 0)
