"""`scrubjay audit`: whether the audit log is as it was written, and what it says."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ScrubjayError
from scrubjay.runtime.audit.chain import Head
from scrubjay.runtime.audit.lines import Figures, ItemLine, Items, files_by_slot, read_lines
from scrubjay.runtime.audit.log import audit_folder
from scrubjay.runtime.audit.verify import Verdict, verify
from scrubjay.runtime.state import read_states

NUMBERS = ("items", "clean", "scrubbed", "unscrubbed", "dropped", "hits", "bytes", "nodes", "whole")

_PATH = click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))


@group("audit")
def audit() -> None:
    """The log of what scrubbing did."""


@verb("verify")
@_PATH
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the state files are.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
@click.pass_context
def verify_(
    ctx: click.Context, invocation: Invocation, /, path: Path | None, state_dir: Path | None, as_json: bool
) -> None:
    """Check that no line was changed, removed or moved; exit code 1 names the first line that is wrong.

    PATH is a file or the folder of the log; without it, that of the configuration. The state files know the last line, so that
    a missing end of the whole log shows: those of the configuration, or of --state-dir.
    """
    if path is None:
        settings = invocation.load().settings
        path, state_dir = audit_folder(settings), state_dir or Path(settings.relay.state_dir or ".")
    anchors = {} if state_dir is None or path.is_file() else _anchors(state_dir)
    files = _files(path)
    verdicts = {slot: verify(files.get(slot, []), anchors.get(slot)) for slot in sorted({*files, *anchors})}
    is_whole = bool(verdicts) and not any(verdict.broken for verdict in verdicts.values())
    if as_json:
        slots = [{"slot": slot, **asdict(each), "end_known": slot in anchors} for slot, each in verdicts.items()]
        click.echo(json.dumps({"whole": is_whole, "slots": slots}, indent=2))
    else:
        _tell(path, verdicts, anchors)
    ctx.exit(0 if is_whole else 1)


def _tell(path: Path, verdicts: Mapping[int, Verdict], anchors: Container[int]) -> None:
    if not verdicts:
        click.echo(f"no audit log in {path}")
    for slot, verdict in verdicts.items():
        for note in verdict.notes:
            click.echo(f"slot {slot}: {note}")
        if verdict.broken:
            click.echo(f"slot {slot}: BROKEN: {verdict.broken}")
            continue
        end = "" if slot in anchors else "; whether its end is missing is not known without the state files"
        click.echo(f"slot {slot}: {verdict.lines} lines are as they were written{end}")


@verb("show")
@_PATH
@click.option("--project", type=int, metavar="ID", help="Only of this project.")
@click.option("--rule", metavar="ID", help="Only of this rule.")
@click.option("--since", metavar="DAY", help="From this day on, in UTC, as 2026-11-22.")
@click.option("--items", "shows_items", is_flag=True, help="The lines of single items, one object per line.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object per line.")
@pass_invocation
def show(
    invocation: Invocation,
    /,
    path: Path | None,
    project: int | None,
    rule: str | None,
    since: str | None,
    shows_items: bool,
    as_json: bool,
) -> None:
    """Show what was scrubbed, per project, rule and day. A row without a rule counts the items."""
    files = _files(path or audit_folder(invocation.load().settings))
    if shows_items:
        for line in _lines(files):
            if isinstance(line, ItemLine) and project in (None, line.project) and (not since or line.time >= since):
                click.echo(json.dumps(_item(line)))
        return
    rows = [
        row
        for _, row in sorted(_sums(files).items())
        if project in (None, row.project) and rule in (None, row.rule) and (not since or row.day >= since)
    ]
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row)))
    elif rows:
        from scrubjay.cli.tables import console, table

        cells = ((*_place(row), *(getattr(row, name) for name in NUMBERS)) for row in rows)
        console().print(table("Audit", ("day", "project", "rule", *NUMBERS), cells, right=NUMBERS))
    else:
        click.echo("nothing was noted")


@dataclass(slots=True)
class Sum:
    """One row. `rule` empty: the items of the project; else the rule's, `items` being those that it touched. `tried`: it is on trial."""

    day: str
    project: int | None
    rule: str
    tried: bool = False
    items: int = 0
    clean: int = 0
    scrubbed: int = 0
    unscrubbed: int = 0
    dropped: int = 0
    hits: int = 0
    bytes: int = 0
    nodes: int = 0
    whole: int = 0


def _sums(files: dict[int, list[Path]]) -> dict[tuple[str, int, str, bool], Sum]:
    sums: dict[tuple[str, int, str, bool], Sum] = {}
    for line in _lines(files):
        if not isinstance(line, Items | Figures):
            continue
        rule, tried = (line.rule, line.tried) if isinstance(line, Figures) else ("", False)
        key = (line.day, -1 if line.project is None else line.project, rule, tried)
        row = sums.setdefault(key, Sum(line.day, line.project, rule, tried))
        if isinstance(line, Items):
            row.clean += line.clean
            row.scrubbed += line.scrubbed
            row.unscrubbed += line.unscrubbed
            row.dropped += line.dropped
            row.items += line.clean + line.scrubbed + line.dropped + line.unscrubbed
        else:
            row.items += line.items
            row.hits += line.hits
            row.bytes += line.bytes
            row.nodes += line.nodes
            row.whole += line.whole
    return sums


def _place(row: Sum) -> tuple[object, ...]:
    return row.day, "" if row.project is None else row.project, f"{row.rule} (tried)" if row.tried else row.rule


def _item(line: ItemLine) -> dict[str, object]:
    names = ("time", "project", "type", "id", "revision", "key", "outcome", "rules", "places")
    return {name: getattr(line, name) for name in names}


def _files(path: Path) -> dict[int, list[Path]]:
    """Files by slot, in order: of a folder, or a single one."""
    folder = path if path.is_dir() else path.parent
    found = {
        slot: [file for _, file in files if path in (folder, file)] for slot, files in files_by_slot(folder).items()
    }
    kept = {slot: files for slot, files in found.items() if files}
    if path.is_file() and not kept:
        raise ScrubjayError(f"{path} is no file of an audit log: they are called audit-SLOT.NUMBER.jsonl")
    return kept


def _lines(files: dict[int, list[Path]]) -> Iterator[object]:
    for paths in files.values():
        for path in paths:
            yield from read_lines(path)


def _anchors(state_dir: Path) -> dict[int, Head]:
    """The last lines that the workers remember, by slot."""
    return {
        worker.slot: Head(worker.audit_line, worker.audit_hash)
        for worker in read_states(state_dir).workers
        if worker.audit_line
    }


audit.add_command(verify_)
audit.add_command(show)
