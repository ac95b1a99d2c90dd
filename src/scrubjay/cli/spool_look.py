"""`scrubjay spool ls`, `stat`, `cat`: what the spool holds, on a relay that runs or one that does not. Nothing is changed."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from scrubjay.cli.progress import progress
from scrubjay.cli.spool_folder import (
    Selection,
    SpoolFolder,
    age_s,
    disk_bytes,
    facts_of,
    json_option,
    open_folder,
    path_option,
    selection_options,
    shown,
    size_text,
)
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.runtime.forwarding.parcel_record import quantities_of
from scrubjay.runtime.spool.inspection import PartitionView, SegmentView, waiting
from scrubjay.runtime.spool.types import StoredRecord

_AGES_S: Final = (60, 600, 3_600, 6 * 3_600, 86_400)
_AGE_NAMES: Final = ("under 1m", "1m to 10m", "10m to 1h", "1h to 6h", "6h to 1d", "1d and more")
_BAR: Final = 30


@verb("ls")
@path_option
@json_option
@pass_invocation
def ls(invocation: Invocation, /, path: Path | None, as_json: bool) -> None:
    """List partitions and segments: what is in each, what of it waits, and what is wrong with it."""
    found = [
        (partition, [segment.view for segment in partition.segments()])
        for partition in open_folder(invocation, path).partitions()
    ]
    if as_json:
        for partition, segments in found:
            for segment in segments:
                click.echo(json.dumps(_segment_document(partition, segment)))
        return
    from scrubjay.cli.tables import console, table

    out = console()
    numbers = ("segments", "stored", "waiting", "size", "quarantined")
    rows = (_partition_row(partition, segments) for partition, segments in found)
    out.print(table("Partitions", ("partition", "owner", *numbers), rows, right=numbers))
    if not any(segments for _, segments in found):
        out.print("nothing waits")
        return
    numbers = ("first", "last", "stored", "waiting", "size")
    rows = (_segment_row(partition, segment) for partition, segments in found for segment in segments)
    out.print(table("Segments", ("partition", *numbers, "created (UTC)", ""), rows, right=numbers))


def _segment_document(partition: PartitionView, segment: SegmentView) -> dict[str, object]:
    return {
        "partition": partition.name,
        "segment": segment.name,
        "first": segment.base,
        "until": segment.until,
        "stored": segment.stored,
        "waiting": segment.live,
        "consumed": max(0, segment.stored - segment.live),
        "bytes": segment.size_bytes,
        "created_ms": segment.created_ms,
        "being_written": segment.is_written,
        "flaws": [flaw.kind for flaw in segment.flaws],
    }


def _partition_row(partition: PartitionView, segments: list[SegmentView]) -> tuple[object, ...]:
    pid = partition.owner.get("pid")
    quarantined = f"{partition.quarantined_files} ({size_text(partition.quarantined_bytes)})"
    return (
        partition.name,
        f"process {shown(pid)}" if partition.is_owned else "nobody",
        len(segments),
        f"{sum(segment.stored for segment in segments):,}",
        f"{sum(segment.live for segment in segments):,}",
        size_text(sum(segment.size_bytes for segment in segments)),
        quarantined if partition.quarantined_files else "",
    )


def _segment_row(partition: PartitionView, segment: SegmentView) -> tuple[object, ...]:
    from rich.text import Text

    state = Text("being written" if segment.is_written else "", style="dim")
    if segment.flaws:
        state = Text(f"damaged: {', '.join(flaw.kind for flaw in segment.flaws)}", style="red")
    return (
        partition.name,
        segment.base,
        max(segment.base, segment.until - 1),
        f"{segment.stored:,}",
        f"{segment.live:,}",
        size_text(segment.size_bytes),
        _time(segment.created_ms),
        state,
    )


def _time(unix_ms: int) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "?"


@dataclass(slots=True)
class _Sums:
    """Of one project, or of all."""

    records: int = 0
    size_bytes: int = 0
    oldest_s: float = 0.0
    raw: int = 0
    """Of the records those that nobody has scrubbed: they wait for their project's configuration."""
    quantities: dict[str, int] = field(default_factory=dict)

    def add(self, record: StoredRecord, waited_s: float, facts: Mapping[str, object]) -> None:
        self.records += 1
        self.raw += record.raw
        self.size_bytes += len(record.meta) + len(record.body)
        self.oldest_s = max(self.oldest_s, waited_s)
        for category, amount in quantities_of(facts):
            self.quantities[category.wire] = self.quantities.get(category.wire, 0) + amount

    def document(self) -> dict[str, object]:
        return {
            "records": self.records,
            "raw": self.raw,
            "bytes": self.size_bytes,
            "oldest_age_s": round(self.oldest_s, 3),
            "quantities": self.quantities,
        }


@verb("stat")
@path_option
@json_option
@pass_invocation
def stat(invocation: Invocation, /, path: Path | None, as_json: bool) -> None:
    """Sum up what waits: per project, by age, and how much of the allowed space it takes."""
    folder = open_folder(invocation, path)
    partitions = folder.partitions()
    total, projects, ages = _Sums(), dict[tuple[str, str], _Sums](), [0] * len(_AGE_NAMES)
    for record in _read(folder, partitions):
        facts, waited_s = facts_of(record.meta), age_s(folder.clock, record)
        owner = (str(facts.get("p", "")), str(facts.get("k", "")))
        for sums in (total, projects.setdefault(owner, _Sums())):
            sums.add(record, waited_s, facts)
        ages[bisect_right(_AGES_S, waited_s)] += 1
    used, capacity = disk_bytes(partitions), folder.loaded.settings.spool.envelopes.max_disk_size
    ranked = sorted(projects.items(), key=lambda entry: entry[1].size_bytes, reverse=True)
    if as_json:
        document = {
            **total.document(),
            "disk_bytes": used,
            "capacity_bytes": capacity,
            "ages": [
                {"until_s": until_s, "records": count} for until_s, count in zip((*_AGES_S, None), ages, strict=True)
            ],
            "projects": [{"project": project, "key": key, **sums.document()} for (project, key), sums in ranked],
        }
        click.echo(json.dumps(document, indent=2))
        return
    from scrubjay.cli.tables import ago, console, table

    out = console()
    share = f"{used / capacity:.1%} of {size_text(capacity)}"
    out.print(
        f"{total.records:,} records wait, {size_text(total.size_bytes)}; on disk {size_text(used)}, {share}\n",
        soft_wrap=True,
    )
    if not total.records:
        return
    if total.raw:
        out.print(
            f"{total.raw:,} of them are not scrubbed yet: they wait for their project's configuration\n", soft_wrap=True
        )
    rows = (
        (
            shown(project),
            shown(key),
            f"{sums.records:,}",
            size_text(sums.size_bytes),
            ago(sums.oldest_s),
            ", ".join(f"{amount:,} {category}" for category, amount in sorted(sums.quantities.items())),
        )
        for (project, key), sums in ranked
    )
    numbers = ("records", "size", "oldest")
    out.print(table("Projects", ("project", "key", *numbers, "what"), rows, right=numbers))
    most = max(ages)
    bars = ((name, f"{count:,}", "█" * -(-count * _BAR // most)) for name, count in zip(_AGE_NAMES, ages, strict=True))
    out.print(table("Ages", ("age", "records", ""), bars, right=("records",)))


def _read(folder: SpoolFolder, partitions: list[PartitionView]) -> Iterator[StoredRecord]:
    codec = folder.codec()
    with progress("reading", disk_bytes(partitions), "bytes") as advance:
        for partition in partitions:
            for segment in partition.segments(folder.clock.boot_id):
                for frame in segment.frames():
                    yield from segment.records(frame, codec)
                    advance(frame.header.size_bytes)


@verb("cat")
@path_option
@selection_options
@click.option(
    "--body", "shows_body", is_flag=True, help="With the envelope: `body`, or `body_b64` where it is no text."
)
@click.option("--raw", "shows_raw", is_flag=True, help="With --body: also of what is not scrubbed yet.")
@pass_invocation
def cat(
    invocation: Invocation,
    /,
    path: Path | None,
    project: str | None,
    seq: range | None,
    partition: int | None,
    shows_body: bool,
    shows_raw: bool,
) -> None:
    """Write what waits, a JSON object per record: its number, its facts, its size. What is not scrubbed yet has `raw`, and no body
    unless you ask for it.
    """
    folder, selection = open_folder(invocation, path), Selection(project, seq)
    for place, record in waiting(folder.partitions(partition), folder.codec(), folder.clock.boot_id):
        if selection.takes(record.sequence, record.meta):
            has_body = shows_body and (shows_raw or not record.raw)
            click.echo(json.dumps(_record_document(place.name, record, shows_body=has_body)))


def _shown_facts(record: StoredRecord) -> dict[str, object]:
    """Of what is not scrubbed nothing that a client said of itself."""
    facts = dict(facts_of(record.meta))
    if record.raw:
        facts.pop("h", None)
    return facts


def _record_document(partition: str, record: StoredRecord, *, shows_body: bool) -> dict[str, Any]:
    document = {
        **_shown_facts(record),
        "partition": partition,
        "seq": record.sequence,
        "written_ms": record.written_ms,
        "bytes": len(record.body),
    }
    if record.raw:
        document["raw"] = True
    if shows_body:
        try:
            document["body"] = record.body.decode()
        except UnicodeDecodeError:
            document["body_b64"] = base64.b64encode(record.body).decode()
    return document
