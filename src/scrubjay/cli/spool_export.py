"""`scrubjay spool export`: what waits, as files that every tool reads or as a stream that another scrubjay takes over. Nothing leaves the spool.

The stream is one batch of `upstream-and-operations.md` 8.3 after another, without compression: what stands in it is what stands in the spool,
so that a relay that imports it goes on where this one is. A file is one envelope, under the DSN of its project, and as old as the
envelope is.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

import click

from scrubjay.cli.progress import Advance, progress
from scrubjay.cli.spool_folder import (
    Selection,
    SpoolFolder,
    disk_bytes,
    json_option,
    open_folder,
    path_option,
    selection_options,
    size_text,
)
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.batch_format import MAX_BATCH_RECORDS, encode_batch
from scrubjay.core.envelope import rewrite_header
from scrubjay.core.spool_format import Record
from scrubjay.errors import ConfigError, ScrubjayError, SpoolCorrupt
from scrubjay.runtime.forwarding.parcel_record import decode_record
from scrubjay.runtime.spool.inspection import PartitionView
from scrubjay.runtime.spool.types import StoredRecord

_BATCH_BYTES: Final = 4 * 1024 * 1024
_NO_HOST: Final = "http://localhost/"

Placed = tuple[str, StoredRecord]


@verb("export")
@click.option(
    "--out", required=True, metavar="DIR|-", help="A new or empty folder, or `-` for a stream on standard output."
)
@path_option
@selection_options
@json_option
@pass_invocation
def export(
    invocation: Invocation,
    /,
    out: str,
    path: Path | None,
    project: str | None,
    seq: range | None,
    partition: int | None,
    as_json: bool,
) -> None:
    """Copy what waits into a folder, one `.envelope` file each, or into a stream for `scrubjay spool import`."""
    folder, selection = open_folder(invocation, path), Selection(project, seq)
    if out == "-" and sys.stdout.isatty():
        raise click.UsageError("the stream is no text: send it into a file or another program")
    partitions = folder.partitions(partition)
    if any(each.is_owned for each in partitions):
        click.echo("a relay is running on this spool: what it sends meanwhile is exported too", err=True)
    raw = 0

    def pass_over(record: StoredRecord) -> None:
        nonlocal raw
        raw += 1

    with progress("exporting", disk_bytes(partitions), "bytes") as advance:
        records = _records(folder, partitions, selection, advance, pass_over)
        count, size_bytes = (
            _to_stream(records, sys.stdout.buffer) if out == "-" else _to_files(records, folder, Path(out))
        )
    if as_json:
        click.echo(json.dumps({"records": count, "bytes": size_bytes, "raw": raw}), err=out == "-")
    else:
        click.echo(f"{count:,} records, {size_text(size_bytes)}", err=out == "-")
        if raw:
            told = f"{raw:,} more are not scrubbed yet and stay: they wait for their project's configuration"
            click.echo(told, err=True)


def _records(
    folder: SpoolFolder,
    partitions: Iterable[PartitionView],
    selection: Selection,
    advance: Advance,
    pass_over: Callable[[StoredRecord], None],
) -> Iterator[Placed]:
    """What may leave; the rest is passed over."""
    codec = folder.codec()
    for partition in partitions:
        for segment in partition.segments(folder.clock.boot_id):
            for frame in segment.frames():
                for record in segment.records(frame, codec):
                    if not selection.takes(record.sequence, record.meta):
                        continue
                    if record.raw:
                        pass_over(record)
                    else:
                        yield partition.name, record
                advance(frame.header.size_bytes)


def _to_stream(records: Iterable[Placed], file: IO[bytes]) -> tuple[int, int]:
    """Returns how many records and bytes were written."""
    count = size_bytes = waiting_bytes = 0
    batch: list[Record] = []

    def write() -> int:
        data = encode_batch(uuid.uuid4().bytes, batch)
        file.write(data)
        batch.clear()
        return len(data)

    try:
        for _, record in records:
            batch.append(Record(record.meta, record.body))
            count += 1
            waiting_bytes += len(record.meta) + len(record.body)
            if len(batch) == MAX_BATCH_RECORDS or waiting_bytes >= _BATCH_BYTES:
                size_bytes += write()
                waiting_bytes = 0
        if batch:
            size_bytes += write()
        file.flush()
    except BrokenPipeError as error:
        raise ScrubjayError("who reads the stream has gone") from error
    except OSError as error:
        raise ScrubjayError(f"the stream cannot be written: {error.strerror}") from error
    return count, size_bytes


def _to_files(records: Iterable[Placed], folder: SpoolFolder, out: Path) -> tuple[int, int]:
    """Returns how many files and bytes were written."""
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if next(out.iterdir(), None) is not None:
            raise ConfigError("is not empty", where=str(out), accepted="a new or an empty folder")
        count = size_bytes = 0
        for partition, record in records:
            body, received_unix = _envelope(record, folder)
            _write(out / f"{partition}-{record.sequence:020d}.envelope", body, received_unix)
            count += 1
            size_bytes += len(body)
    except OSError as error:
        raise ScrubjayError(f"cannot write to {out}: {error.strerror or error}") from error
    return count, size_bytes


def _write(path: Path, body: bytes, received_unix: float) -> None:
    """For its owner alone, and as old as what is in it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.utime(descriptor, (received_unix, received_unix))


def _envelope(record: StoredRecord, folder: SpoolFolder) -> tuple[bytes, float]:
    """The envelope with the DSN that it would be sent to, and when it came. What is no envelope of ours is written as it is."""
    try:
        parcel = decode_record(record.meta, record.body)
        upstream = folder.loaded.settings.relay.upstream or _NO_HOST
        server = urlsplit(upstream if isinstance(upstream, str) else upstream[0])
        dsn = f"{server.scheme}://{parcel.key}@{server.netloc}/{parcel.project_id}"
        return rewrite_header(record.body, {"dsn": dsn}), parcel.received_unix
    except (SpoolCorrupt, ValueError):
        return record.body, record.written_ms / 1000
