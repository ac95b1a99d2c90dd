"""Byte layout of a batch between two relays, of the reply to it, and of what a relay says of itself before any batch is sent.

Follows `upstream-and-operations.md` 8.3 byte for byte; records are the spool's (`spool_format`). Both sides of the wire are here:
`runtime.forwarding` writes batches and reads replies, the batch endpoint does the opposite. Compression and signatures are theirs.

Invariants: whatever bytes come, reading ends in a value or in the error that the function names; nothing is allocated for a count
before it is known to be within bounds; a record is never both acknowledged and dropped.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID
from zlib import crc32

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.spool_format import Record, decode_records, encode_records
from scrubjay.errors import BatchError, BatchTooLarge

CAPABILITIES_PATH: Final = "/api/scrubjay/capabilities/"
BATCH_PATH: Final = "/api/scrubjay/batch/v1/"
DICTIONARY_PATH: Final = "/api/scrubjay/dict/"
CONTENT_TYPE: Final = "application/x-scrubjay-batch"
VERSION: Final = 1

MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""As sent, compressed."""
MAX_BATCH_RECORDS: Final = 1000
MAX_DECODED_BYTES: Final = 64 * 1024 * 1024

HEADER_BYTES: Final = 32
TRAILER_BYTES: Final = 8
BATCH_ID_BYTES: Final = 16
RECORD_OVERHEAD_BYTES: Final = 10
"""What a record takes beyond its meta and its body."""

_LARGEST_BOUND: Final = 2**53
_LONGEST_WAIT_S: Final = 600
"""What is asked of a sender beyond this is cut: nobody may put off for good what waits."""
_MAX_REASON: Final = 200
_MAGIC: Final = b"SJB1"
_END: Final = b"SJBE"
_FLAG_SCRUBBED: Final = 1
_HEADER: Final = struct.Struct("<4sBBH16sI")
_U32: Final = struct.Struct("<I")
_TRAILER: Final = struct.Struct("<4sI")


class Batch(NamedTuple):
    """`scrubbed`: the sender's scrubbing is behind all of its records."""

    id: bytes
    records: list[Record]
    scrubbed: bool


class BatchBounds(NamedTuple):
    """What a receiver takes at most: records, and bytes before compression."""

    records: int = MAX_BATCH_RECORDS
    decoded_bytes: int = MAX_DECODED_BYTES


def encode_batch(batch_id: bytes, records: Sequence[Record], *, scrubbed: bool = True) -> bytes:
    """The body before compression. Raises `ValueError` for a meta over 65,535 bytes."""
    flags = _FLAG_SCRUBBED if scrubbed else 0
    head = _HEADER.pack(_MAGIC, VERSION, flags, HEADER_BYTES, batch_id, len(records))
    return b"".join((head, _U32.pack(crc32(head)), encode_records(records), _TRAILER.pack(_END, len(records))))


def decode_batch(data: bytes, bounds: BatchBounds) -> Batch:
    """Raises `BatchError`, or its kind `BatchTooLarge` for what is over `bounds`."""
    if len(data) > bounds.decoded_bytes:
        raise BatchTooLarge(f"{len(data)} bytes, at most {bounds.decoded_bytes} are taken", offset=0, record=0)
    batch_id, count, flags = _decode_header(data)
    if count > bounds.records:
        raise BatchTooLarge(f"{count} records, at most {bounds.records} are taken", offset=24, record=0)
    end = len(data) - TRAILER_BYTES
    offset = HEADER_BYTES
    records: list[Record] = []
    for index, record in enumerate(decode_records(memoryview(data)[offset:end], count)):
        if record is None:
            raise BatchError("a record is cut short or fails its checksum", offset=offset, record=index)
        records.append(record)
        offset += RECORD_OVERHEAD_BYTES + len(record.meta) + len(record.body)
    if offset != end:
        raise BatchError("bytes between the last record and the trailer", offset=offset, record=count)
    if _TRAILER.unpack_from(data, end) != (_END, count):
        raise BatchError("the trailer is not that of this batch", offset=end, record=count)
    return Batch(batch_id, records, bool(flags & _FLAG_SCRUBBED))


def _decode_header(data: bytes) -> tuple[bytes, int, int]:
    """Batch id, count and flags."""
    if len(data) < HEADER_BYTES + TRAILER_BYTES:
        raise BatchError("shorter than header and trailer", offset=len(data), record=0)
    magic, version, flags, length, batch_id, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != VERSION or length != HEADER_BYTES or flags & ~_FLAG_SCRUBBED:
        raise BatchError("not a batch of version 1", offset=0, record=0)
    if _U32.unpack_from(data, _HEADER.size)[0] != crc32(data[: _HEADER.size]):
        raise BatchError("the header fails its checksum", offset=_HEADER.size, record=0)
    if not count:
        raise BatchError("a batch without records", offset=24, record=0)
    return batch_id, count, flags


def encode_bits(bits: Sequence[bool]) -> str:
    """Bit *i* of the map is bit `i & 7`, least significant first, of byte `i >> 3`; as standard base64."""
    packed = bytearray(-(-len(bits) // 8))
    for index, bit in enumerate(bits):
        if bit:
            packed[index >> 3] |= 1 << (index & 7)
    return b64encode(packed).decode("ascii")


def decode_bits(text: str, count: int) -> list[bool]:
    """Raises `ValueError` unless `text` is a map of exactly `count` bits, the unused ones zero."""
    packed = b64decode(text, validate=True)
    if len(packed) != -(-count // 8):
        raise ValueError(f"{len(packed)} bytes for {count} bits")
    if count & 7 and packed[-1] >> (count & 7):
        raise ValueError("unused bits are set")
    return [bool(packed[index >> 3] >> (index & 7) & 1) for index in range(count)]


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why record `index` was not taken. `status` is what it would have been told as a request of its own."""

    index: int
    status: int
    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What became of each record: `acked` the receiver answers for, `dropped` it refused for good; the others may come again.

    `rate_limits` are (key, value of `X-Sentry-Rate-Limits`).
    """

    batch_id: bytes
    acked: Sequence[bool]
    dropped: Sequence[bool]
    errors: Sequence[RecordError] = ()
    rate_limits: Sequence[tuple[str, str]] = ()

    def encode(self) -> bytes:
        document: dict[str, object] = {
            "batch_id": str(UUID(bytes=self.batch_id)),
            "count": len(self.acked),
            "ack": encode_bits(self.acked),
            "drop": encode_bits(self.dropped),
        }
        if self.errors:
            document["errors"] = [_error_document(error) for error in self.errors]
        if self.rate_limits:
            document["rate_limits"] = [{"key": key, "value": value} for key, value in self.rate_limits]
        return encode_json(document)

    @classmethod
    def decode(cls, data: bytes, batch_id: bytes, count: int) -> BatchReply:
        """Raises `ValueError` unless it is the whole reply to this very batch. What is odd in its remarks alone is passed over."""
        document = decode_json(data)
        if not isinstance(document, dict):
            raise ValueError("the reply is no JSON object")
        if _uuid(document.get("batch_id")) != batch_id or document.get("count") != count:
            raise ValueError("the reply is to another batch")
        acked, dropped = decode_bits(_text(document, "ack"), count), decode_bits(_text(document, "drop"), count)
        if any(taken and refused for taken, refused in zip(acked, dropped, strict=True)):
            raise ValueError("a record is both taken and refused")
        errors = [error for entry in _objects(document.get("errors")) if (error := _read_error(entry, count))]
        limits = [
            (key, value)
            for entry in _objects(document.get("rate_limits"))
            if isinstance(key := entry.get("key"), str) and isinstance(value := entry.get("value"), str)
        ]
        return cls(batch_id, acked, dropped, errors, limits)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a relay says at `CAPABILITIES_PATH` of the batches that it takes."""

    scrubjay: str
    versions: Sequence[int] = (VERSION,)
    encodings: Sequence[str] = ("zstd", "gzip", "identity")
    max_batch_bytes: int = MAX_BATCH_BYTES
    max_batch_envelopes: int = MAX_BATCH_RECORDS
    max_decompressed_bytes: int = MAX_DECODED_BYTES
    dictionaries: Sequence[str] = ()
    requires_auth: bool = True

    def encode(self) -> bytes:
        batch = {
            "versions": list(self.versions),
            "encodings": list(self.encodings),
            "max_batch_bytes": self.max_batch_bytes,
            "max_batch_envelopes": self.max_batch_envelopes,
            "max_decompressed_bytes": self.max_decompressed_bytes,
            "dictionaries": list(self.dictionaries),
            "auth": "required" if self.requires_auth else "optional",
        }
        return encode_json({"scrubjay": self.scrubjay, "batch": batch})

    @classmethod
    def decode(cls, data: bytes) -> Capabilities:
        """Raises `ValueError` for anything but such a document. A bound that is not named is the one that we have ourselves."""
        document = decode_json(data)
        batch = document.get("batch") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(batch, dict):
            raise ValueError("no word of batches")
        return cls(
            scrubjay=str(document.get("scrubjay", "")),
            versions=[version for version in _list(batch.get("versions")) if isinstance(version, int)],
            encodings=[name for name in _list(batch.get("encodings")) if isinstance(name, str)],
            max_batch_bytes=_bound(batch, "max_batch_bytes", MAX_BATCH_BYTES),
            max_batch_envelopes=_bound(batch, "max_batch_envelopes", MAX_BATCH_RECORDS),
            max_decompressed_bytes=_bound(batch, "max_decompressed_bytes", MAX_DECODED_BYTES),
            dictionaries=[name for name in _list(batch.get("dictionaries")) if isinstance(name, str)],
            requires_auth=batch.get("auth") != "optional",
        )


def _error_document(error: RecordError) -> dict[str, object]:
    document: dict[str, object] = {"i": error.index, "status": error.status, "reason": error.reason}
    if error.retry_after_s is not None:
        document["retry_after"] = error.retry_after_s
    return document


def _read_error(entry: Mapping[str, object], count: int) -> RecordError | None:
    index, status, reason = entry.get("i"), entry.get("status"), entry.get("reason")
    wait_s = entry.get("retry_after")
    if not isinstance(index, int) or not 0 <= index < count:
        return None
    return RecordError(
        index,
        status if isinstance(status, int) else 0,
        reason[:_MAX_REASON] if isinstance(reason, str) else "",
        float(min(wait_s, _LONGEST_WAIT_S)) if isinstance(wait_s, int | float) and wait_s >= 0 else None,
    )


def _uuid(value: object) -> bytes | None:
    try:
        return UUID(value).bytes if isinstance(value, str) else None
    except ValueError:
        return None


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing")
    return value


def _bound(document: Mapping[str, object], name: str, default: int) -> int:
    value = document.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= _LARGEST_BOUND:
        raise ValueError(f"{name} is no number of at least 1")
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, object]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]
