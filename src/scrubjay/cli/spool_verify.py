"""`scrubjay spool verify`: whether every byte of the spool is as it was written. Reads only, and so works on a relay that runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import click

from scrubjay.cli.progress import progress
from scrubjay.cli.spool_folder import SpoolFolder, disk_bytes, flaw_text, json_option, open_folder, path_option
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.runtime.spool.inspection import Flaw, PartitionView

DAMAGED: Final = 4
"""Exit code of `verify`."""


@dataclass(slots=True)
class Findings:
    """What a look at every byte of one partition found."""

    partition: str
    segments: int = 0
    frames: int = 0
    records: int = 0
    flaws: list[Flaw] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return sum(flaw.records for flaw in self.flaws)

    def document(self) -> dict[str, object]:
        return {**asdict(self), "lost": self.lost}


@verb("verify")
@path_option
@json_option
@pass_invocation
@click.pass_context
def verify(ctx: click.Context, invocation: Invocation, /, path: Path | None, as_json: bool) -> None:
    """Read all of it and compare every checksum. Exit code 4 if something is not as it was written."""
    folder = open_folder(invocation, path)
    found = findings(folder, folder.partitions())
    is_whole = not any(each.flaws for each in found)
    if as_json:
        click.echo(json.dumps({"ok": is_whole, "partitions": [each.document() for each in found]}, indent=2))
    else:
        for each in found:
            for flaw in each.flaws:
                click.echo(f"{each.partition}: {flaw_text(flaw)}")
            verdict = "as they were written" if not each.flaws else f"{len(each.flaws)} places are DAMAGED"
            click.echo(
                f"{each.partition}: {each.segments:,} segments, {each.frames:,} frames, {each.records:,} waiting records: {verdict}"
            )
        if not found:
            click.echo("nothing is in the spool")
    ctx.exit(0 if is_whole else DAMAGED)


def findings(folder: SpoolFolder, partitions: list[PartitionView]) -> list[Findings]:
    codec = folder.codec()
    found = []
    with progress("verifying", disk_bytes(partitions), "bytes") as advance:
        for partition in partitions:
            each = Findings(partition.name)
            for segment in partition.segments():
                each.segments += 1
                each.records += segment.view.live
                each.flaws += segment.view.flaws
                for frame in segment.frames(waiting_only=False):
                    each.frames += 1
                    flaw = segment.check(frame, codec)
                    if flaw is not None:
                        each.flaws.append(flaw)
                        each.records -= flaw.records
                    advance(frame.header.size_bytes)
            found.append(each)
    return found
