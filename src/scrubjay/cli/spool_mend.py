"""`scrubjay spool repair`, `drop`: what to do if the spool is not as it was written, or if something in it must go.

Both need partitions that nobody holds: they leave alone what a relay has.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scrubjay import reasons
from scrubjay.cli.spool_folder import (
    Selection,
    SpoolFolder,
    age_s,
    flaw_text,
    json_option,
    open_folder,
    path_option,
    project_option,
    state_option,
)
from scrubjay.cli.spool_hands import check_user, hold
from scrubjay.cli.spool_verify import findings
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.errors import SpoolError, SpoolLocked
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.inspection import PartitionView
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import Damaged, StoredRecord
from scrubjay.runtime.spool_opening import spool_options
from scrubjay.settings.scalars import parse_duration
from scrubjay.settings.texts import Unusable


@verb("repair")
@path_option
@state_option
@json_option
@pass_invocation
@click.pass_context
def repair(
    ctx: click.Context, invocation: Invocation, /, path: Path | None, state_dir: Path | None, as_json: bool
) -> None:
    """Set damaged bytes aside in `quarantine/`, cut torn ends off, and count what is lost. What can be read stays.

    A relay that starts does the same by itself; this is for looking at it first.
    """
    folder = open_folder(invocation, path, state_dir)
    partitions = folder.partitions()
    check_user(folder.root)
    damaged = [each for each in findings(folder, partitions) if each.flaws]
    lost, locked = 0, []
    for each in damaged:
        try:
            lost += asyncio.run(_repair(folder, int(each.partition[1:])))
        except SpoolLocked:
            locked.append(each.partition)
    if as_json:
        repaired = [each.document() for each in damaged if each.partition not in locked]
        click.echo(json.dumps({"repaired": repaired, "lost": lost, "in_use": locked}, indent=2))
    else:
        for each in damaged:
            if each.partition not in locked:
                for flaw in each.flaws:
                    click.echo(f"{each.partition}: {flaw_text(flaw)}")
                click.echo(f"{each.partition}: repaired, {each.records:,} records wait")
        if not damaged:
            click.echo("nothing to repair")
    ctx.exit(_tell_locked(locked))


async def _repair(folder: SpoolFolder, slot: int) -> int:
    """Returns how many records were lost. Raises `SpoolError`."""
    lock = PartitionLock.claim(folder.root, slot, {})
    try:
        lost = _mend(folder, lock.directory)
    except OSError as error:
        raise SpoolError(f"{lock.directory} cannot be repaired: {error.strerror}") from error
    finally:
        lock.release()
    async with hold(folder, slot, lost_records=lost) as hands:
        return hands.lost_records


def _mend(folder: SpoolFolder, directory: Path) -> int:
    """Recovers as a start does, then writes segments anew whose frames are not whole. Returns how many records were lost."""
    options = spool_options(folder.loaded.settings.spool.envelopes)
    log, codec = SegmentLog(Disk(), directory, options, folder.clock), folder.codec()
    while not log.shelf.is_whole:
        log.shelf.reveal()
    for segment in list(log.shelf.segments):
        spans = segment.spans(segment.base)
        if segment.live and any(span.header is None or None in segment.load(span, codec) for span in spans):
            deque(log.shelf.rewrite(segment), maxlen=0)
    lost = sum(event.records for event in log.shelf.events if isinstance(event, Damaged))
    log.close()
    return lost


@verb("drop")
@path_option
@state_option
@project_option
@click.option("--older-than", metavar="AGE", help="Only what has waited longer: `90s`, `30m`, `1h`, `2d`.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it; works on a relay that runs.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_invocation
@click.pass_context
def drop(
    ctx: click.Context,
    invocation: Invocation,
    /,
    path: Path | None,
    state_dir: Path | None,
    project: str | None,
    older_than: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take records out for good; they end in the account as `spool_dropped`, and the server is told how many."""
    if project is None and older_than is None:
        raise click.UsageError("say which: --project, --older-than, or both")
    folder = open_folder(invocation, path, state_dir)
    wanted = _Wanted(folder, Selection(project), _seconds(older_than))
    partitions = folder.partitions()
    if not dry_run:
        check_user(folder.root)
    if dry_run or (is_asked() and not yes):
        _show(wanted.count(partitions), "would go", as_json=as_json)
        if dry_run:
            return
        click.confirm("Drop them?", abort=True)
    gone: list[dict[str, object]] = []
    locked = []
    for partition in partitions:
        try:
            gone.append({"partition": partition.name, "records": asyncio.run(_drop(folder, partition.slot, wanted))})
        except SpoolLocked:
            locked.append(partition.name)
    _show(gone, "are dropped", as_json=as_json)
    ctx.exit(_tell_locked(locked))


@dataclass(slots=True)
class _Wanted:
    """Which records go."""

    folder: SpoolFolder
    selection: Selection
    older_than_s: float | None

    def takes(self, record: StoredRecord) -> bool:
        if not self.selection.takes(record.sequence, record.meta):
            return False
        return self.older_than_s is None or age_s(self.folder.clock, record) > self.older_than_s

    def count(self, partitions: Iterable[PartitionView]) -> list[dict[str, object]]:
        codec, counts = self.folder.codec(), []
        for partition in partitions:
            amount = 0
            for segment in partition.segments(self.folder.clock.boot_id):
                for frame in segment.frames():
                    amount += sum(self.takes(record) for record in segment.records(frame, codec))
            counts.append({"partition": partition.name, "records": amount})
        return counts


async def _drop(folder: SpoolFolder, slot: int, wanted: _Wanted) -> int:
    async with hold(folder, slot) as hands:
        amount = 0
        async for record in hands.records():
            if wanted.takes(record):
                hands.end(record, reasons.SPOOL_DROPPED)
                amount += 1
        return amount


def is_asked() -> bool:
    """Whether somebody is there to say yes."""
    return sys.stdin.isatty()


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_duration(text, "s")
    except Unusable as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from None


def _show(counts: list[dict[str, Any]], what: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"partitions": counts, "records": sum(row["records"] for row in counts)}))
        return
    for row in counts:
        click.echo(f"{row['partition']}: {row['records']:,} records {what}")


def _tell_locked(locked: list[str]) -> int:
    """The exit code."""
    for name in locked:
        click.echo(f"error: {name} is in use by a relay; stop it first", err=True)
    return 1 if locked else 0
