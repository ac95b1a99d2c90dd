"""One run of `scrubjay scrub`: where each file goes, what is shown of it, and what could not be scrubbed.

Payloads go through the pipeline's own stage, item by item. What cannot be scrubbed is named on standard error, left out of the output
and makes the exit status 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from scrubjay.cli import scrub_report as report
from scrubjay.cli.scrub_files import (
    EnvelopeFile,
    Part,
    PayloadFile,
    Source,
    UnreadableFile,
    read_file,
)
from scrubjay.cli.tables import console
from scrubjay.core.envelope import Item, decode_json
from scrubjay.core.items.blobs import REPLAYS
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.scrub.documents import CONTAINERS, TYPED
from scrubjay.core.scrub.explain import Explanation, explained, nodes_of
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.payloads import Replaced, payload_of, scrub_item
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.pseudonyms import occasion, utc_day
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.suggestions import Suggestion, suggest
from scrubjay.core.scrub.trace import Trace
from scrubjay.outcomes import Reason

_LONG_BYTES: Final = 4 * 1024 * 1024
_LEAVES: Final = frozenset(("string", "number"))


class Target:
    """Where files are written. Raises: UsageError, where one would be written over another."""

    def __init__(self, output: str, sources: list[Source], *, single: bool) -> None:
        """`single`: one file was named, and no folder."""
        self._path = Path(output)
        names = [source.relative for source in sources]
        self._is_folder = not single or output.endswith("/") or self._path.is_dir()
        if len(set(names)) < len(names) or (not single and self._path.is_file()):
            raise click.UsageError(f"{output}: several files would be written to the same place")

    def of(self, file: PayloadFile) -> Path:
        return self._path / file.source.relative if self._is_folder else self._path


@dataclass(frozen=True, slots=True)
class Shows:
    """What is shown instead of the payloads."""

    explain: bool = False
    diff: bool = False
    selectors: bool = False
    as_json: bool = False

    @property
    def anything(self) -> bool:
        return self.explain or self.diff or self.selectors


@dataclass(slots=True)
class Run:
    """One call of the verb: what was read, what was counted, what went wrong."""

    plan: ProjectPlan
    shows: Shows
    fills_the_terminal: bool = False
    totals: Record = field(default_factory=Record)
    problems: int = 0
    out: Console = field(default_factory=console)

    @property
    def program(self) -> ScrubProgram:
        assert self.plan.scrub is not None  # compiled from a project
        return self.plan.scrub

    def scrubbed(self, sources: list[Source], item_type: str) -> Iterator[PayloadFile]:
        """Each file after what it holds was scrubbed, and shown if asked for."""
        screen = Console(stderr=True)
        size = sum(source.size_bytes for source in sources)
        is_shown = size > _LONG_BYTES and screen.is_terminal and not self.fills_the_terminal
        progress = Progress(console=screen, transient=True, disable=not is_shown)
        task = progress.add_task("scrubbing", total=size)
        with progress, occasion(self.plan.project_id or 0, utc_day(time.time())):
            for source in sources:
                try:
                    file = read_file(source, item_type)
                except UnreadableFile as error:
                    self._complain(str(error))
                    progress.advance(task, source.size_bytes)
                    continue
                for problem in file.problems:
                    self._complain(problem)
                scale = source.size_bytes / max(
                    1, file.size_bytes
                )  # what is compressed is more than it was on the disk
                for part in file.parts:
                    read = len(part.item.payload)
                    self._scrub(part)
                    progress.advance(task, read * scale)
                _drop_broken_replays(file)
                if isinstance(file, EnvelopeFile):
                    self._scrub_headers(file)
                yield file

    def close(self) -> None:
        """Show what was counted in all."""
        if self.shows.explain and self.shows.as_json:
            click.echo(report.totals_json(self.totals))
        elif self.shows.explain:
            report.totals_table(self.out, self.totals)

    def _scrub(self, part: Part) -> None:
        item, came = part.item, part.item.payload
        trace = Trace() if self.shows.explain or self.shows.diff else None
        shape = shape_of(item) if self.shows.anything else None
        result = scrub_item(self.program, self.plan.policies, item, trace)
        if isinstance(result, Reason):
            part.dropped = True
            self._complain(f"{part.name}: left out, {result.code}: {result.doc}")
            return
        payload = payload_of(result)
        if payload is not None:
            item.replace(payload)
        if isinstance(result, Replaced):
            item.headers.update(result.headers)
        if trace is not None:
            self._show(part.name, explained(self.program, came, payload, trace, shape))
        if self.shows.selectors and shape is not None:
            self._show_selectors(part.name, decode_json(came), shape)

    def _scrub_headers(self, file: EnvelopeFile) -> None:
        trace = Trace() if self.shows.explain or self.shows.diff else None
        scrub_headers(self.program, file.envelope, trace)
        if trace is not None and trace.touches:
            self._show(f"{file.source.name}: headers", explained(self.program, b"", None, trace, None))

    def _show(self, name: str, explanation: Explanation) -> None:
        self.totals.merge(explanation.totals)
        if self.shows.explain and self.shows.as_json:
            click.echo(report.explain_json(name, explanation))
        elif self.shows.explain:
            report.explain_table(self.out, name, explanation)
        if self.shows.diff:
            report.diff(self.out, name, explanation)

    def _show_selectors(self, name: str, document: object, shape: str) -> None:
        nodes = (node for node in nodes_of(document, shape, strict=self.program.strict) if node.kind in _LEAVES)
        suggestions: list[Suggestion] = suggest(nodes)
        if self.shows.as_json:
            click.echo(report.selectors_json(name, suggestions))
        else:
            report.selectors_table(self.out, name, suggestions)

    def _complain(self, problem: str) -> None:
        self.problems += 1
        click.echo(problem, err=True)


def shape_of(item: Item) -> str | None:
    """The shape by which an item's payload is surveyed; None: it is no JSON."""
    try:
        decode_json(item.payload)
    except ValueError:
        return None
    scope = item.kind.scope
    return scope if scope in TYPED or scope in CONTAINERS else "generic"


def _drop_broken_replays(file: PayloadFile) -> None:
    """A replay of which one part cannot leave does not leave at all (`scrubbing.md` 12.3)."""
    replays = [part for part in file.parts if part.item.kind.type in REPLAYS]
    if any(part.dropped for part in replays):
        for part in replays:
            part.dropped = True


def print_bytes(data: bytes) -> None:
    if data:
        sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
        sys.stdout.buffer.flush()
