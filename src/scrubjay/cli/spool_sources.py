"""What `scrubjay spool import` reads: batches of another scrubjay, buffers of Sentry Relay, envelopes in files (`upstream-and-operations.md` 7.11).

What a file holds is told by its first bytes, after undoing gzip or zstd. Owns telling apart what may be kept as it is, being a record that
a scrubjay scrubbed, from what has to take the whole path. Nothing here is believed: lengths and counts only as far as there are
bytes for them, facts of records only within what the relay itself would write.

Invariants: memory is bounded by one batch or one envelope, whatever a file says; a file that breaks off gives what stood before; in
folders only regular files are opened, and links are not followed.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import zstandard

from scrubjay.cli.spool_relay_db import MAGIC as SQLITE
from scrubjay.cli.spool_relay_db import UnreadableBuffer, read_buffer
from scrubjay.core.batch_format import HEADER_BYTES, TRAILER_BYTES, BatchBounds, decode_batch
from scrubjay.core.dsn import parse_dsn
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.spool_format import MAX_RAW_BYTES, Record, decode_records
from scrubjay.errors import BatchError, Rejected, ScrubjayError, SpoolCorrupt
from scrubjay.runtime.forwarding.parcel_record import decode_record

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

STDIN: Final = Path("-")
SUFFIX: Final = ".envelope"
_BATCH: Final = b"SJB1"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MOST_RECORDS: Final = 100_000
_MAX_WINDOW_BYTES: Final = 128 * 1024 * 1024
_MOST_AMOUNT: Final = 2**32
_AHEAD_S: Final = 86_400.0
_BROKEN: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)
_U32: Final = 4


class Fresh(NamedTuple):
    """An envelope that nobody has scrubbed. `key` and `project` are whose it is, if its own header does not say."""

    place: str
    body: bytes
    received_unix: float
    key: str | None = None
    project: int | None = None


class Kept(NamedTuple):
    """A record that went through a scrubjay's path."""

    place: str
    record: Record


Found = Fresh | Kept


@dataclass(slots=True)
class Sources:
    """Reads one source after the other. `max_bytes` is what an envelope may have; `problems` what was passed over, and why.

    `trusts` says whether batches are believed that say that their records are scrubbed; `advance` hears of bytes that were read.
    """

    max_bytes: int
    trusts: bool = True
    advance: Callable[[int], None] = lambda amount: None
    problems: list[str] = field(default_factory=list)
    now_unix: float = field(default_factory=time.time)

    def read(self, path: Path) -> Iterator[Found]:
        """All that a file, a folder or standard input holds."""
        if path == STDIN:
            yield from self._stream("standard input", sys.stdin.buffer, self.now_unix)
        elif path.is_dir():
            for file in envelope_files(path):
                yield from self._file(file)
        else:
            yield from self._file(path)

    def _file(self, path: Path) -> Iterator[Found]:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or file.peek(len(SQLITE))[: len(SQLITE)] != SQLITE:
                    yield from self._stream(str(path), file, min(self.now_unix, status.st_mtime))
                    return
            yield from self._buffer(path)
            self.advance(status.st_size)
        except OSError as error:
            self.problems.append(f"{path}: {error.strerror or error}")

    def _buffer(self, path: Path) -> Iterator[Fresh]:
        try:
            for number, (received_ms, key, body) in enumerate(read_buffer(path, self.max_bytes, self.problems.append)):
                yield Fresh(f"{path}: envelope {number + 1}", body, self._received(received_ms), key)
        except UnreadableBuffer as error:
            self.problems.append(str(error))

    def _received(self, received_ms: float) -> float:
        return min(self.now_unix, received_ms / 1000) if received_ms > 0 else self.now_unix

    # Streams

    def _stream(self, place: str, file: IO[bytes], received_unix: float) -> Iterator[Found]:
        counted = io.BufferedReader(_Counted(file, self.advance))
        try:
            plain = _inflated(counted)
            if plain.peek(len(_BATCH))[: len(_BATCH)] == _BATCH:
                yield from self._batches(place, plain)
                return
            body = plain.read(self.max_bytes + 1)
        except _BROKEN as error:
            self.problems.append(f"{place}: {error}")
            return
        if len(body) > self.max_bytes:
            self.problems.append(f"{place}: more than {self.max_bytes:,} bytes")
        elif not body:
            self.problems.append(f"{place}: empty")
        else:
            yield Fresh(place, body, received_unix)

    def _batches(self, place: str, file: io.BufferedReader[Any]) -> Iterator[Found]:
        """One batch after the other. Behind one whose lengths are broken nothing can be found."""
        number = 0
        while head := file.read(HEADER_BYTES):
            number += 1
            here = f"{place}: batch {number}"
            count = int.from_bytes(head[24:28], "little")
            is_header = len(head) == HEADER_BYTES and head[:4] == _BATCH
            if not is_header or zlib.crc32(head[:28]) != int.from_bytes(head[28:], "little"):
                self.problems.append(f"{here}: its header is none")
                return
            if count > _MOST_RECORDS:
                self.problems.append(f"{here}: {count:,} records, at most {_MOST_RECORDS:,} are taken")
                return
            payload, is_whole = _records(file, count)
            yield from self._batch(here, head, payload, file.read(TRAILER_BYTES), count)
            if not is_whole:
                self.problems.append(f"{here}: breaks off")
                return

    def _batch(self, here: str, head: bytes, payload: bytes, trailer: bytes, count: int) -> Iterator[Found]:
        scrubbed = bool(head[5] & 1)
        try:
            records: list[Record | None] = list(
                decode_batch(head + payload + trailer, BatchBounds(_MOST_RECORDS, 2 * MAX_RAW_BYTES)).records
            )
        except BatchError as error:
            self.problems.append(f"{here}: {error}")
            records = decode_records(payload, count)
        for index, record in enumerate(records):
            if record is None:
                continue
            place = f"{here}, record {index}"
            try:
                found = self._vet(place, record)
            except ScrubjayError as error:
                self.problems.append(f"{place}: {error}")
                continue
            yield Kept(place, record) if scrubbed and self.trusts else found

    def _vet(self, place: str, record: Record) -> Fresh:
        """The record as an envelope to be scrubbed. Raises `ScrubjayError` unless it is what a relay would have written."""
        parcel = decode_record(*record)
        try:
            parse_dsn(f"https://{parcel.key}@host/{parcel.project_id}")
        except ValueError as error:
            raise SpoolCorrupt(f"whose it is, is not known: {error}") from error
        if len(record.body) > self.max_bytes:
            raise SpoolCorrupt(f"an envelope of {len(record.body):,} bytes, at most {self.max_bytes:,} are taken")
        if any(not 0 <= amount < _MOST_AMOUNT for _, amount in parcel.quantities):
            raise SpoolCorrupt("amounts that cannot be")
        if not 0 < parcel.received_unix < self.now_unix + _AHEAD_S:
            raise SpoolCorrupt("a time that cannot be")
        try:
            parse_envelope(record.body)
        except Rejected as error:
            raise SpoolCorrupt(", ".join((error.detail, *error.causes))) from error
        received_unix = min(self.now_unix, parcel.received_unix)
        return Fresh(place, record.body, received_unix, parcel.key, parcel.project_id)


def envelope_files(folder: Path) -> Iterator[Path]:
    """The files called `*.envelope` in and below a folder, in order. Raises `OSError` for the folder itself only."""
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except PermissionError:
            if here == folder:
                raise
            continue
        folders += [Path(entry.path) for entry in reversed(found) if entry.is_dir(follow_symlinks=False)]
        for entry in found:
            if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _inflated(file: io.BufferedReader[Any]) -> io.BufferedReader[Any]:
    """The content, if it is compressed: whoever made it long must also have made it small, so only reading bounds it."""
    begin = file.peek(len(_ZSTD))
    if begin[: len(_ZSTD)] == _ZSTD:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        return io.BufferedReader(decompressor.stream_reader(file, read_across_frames=True))
    if begin[: len(_GZIP)] == _GZIP:
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    return file


def _records(file: io.BufferedReader[Any], count: int) -> tuple[bytes, bool]:
    """The bytes of `count` records as their lengths say, and whether they were all there."""
    parts: list[bytes] = []
    room = MAX_RAW_BYTES
    for _ in range(count):
        head = file.read(_U32)
        length = int.from_bytes(head, "little")
        room -= length
        if len(head) < _U32 or room < 0:
            return b"".join(parts), False
        record = file.read(length)
        if len(record) < length:
            return b"".join(parts), False
        parts += (head, record)
    return b"".join(parts), True


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: IO[bytes], advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        room = memoryview(buffer)
        data = self._file.read(len(room))
        room[: len(data)] = data
        self._advance(len(data))
        return len(data)
