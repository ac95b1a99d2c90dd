"""Byte layout of the spool: segment header, frame, record, acknowledgement, and the walk over a segment that recovery rests on.

Follows `upstream-and-operations.md` 7.3 byte for byte, 7.6 for the walk and 7.7 for ages. Bytes in, bytes out: files, compression
and policy (what is torn, what is damage, what is deleted) are `runtime.spool`'s. The record layout is
also the one on the wire between two relays (8.3).

A segment is a header of 64 bytes and frames, each padded to a multiple of 8, so a lost frame start is found again by looking for
its magic in steps of 8. Inside a segment sequence numbers only rise. Two neighbouring frames may leave a gap between them (the
records were consumed and cleaned away); numbers that are missing across *damaged bytes* are lost.

A frame whose header is sound is skipped whole even if its payload is not: its inside is never searched for frames, because that is
where clients' bytes are.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from scrubjay.errors import SpoolCorrupt

FORMAT_LINE: Final = "scrubjay-spool 1"
SEGMENT_HEADER_BYTES: Final = 64
FRAME_HEADER_BYTES: Final = 56
ACK_BYTES: Final = 16
MAX_RAW_BYTES: Final = 256 * 1024 * 1024
MAX_META_BYTES: Final = 65_535

FLAG_ZSTD: Final = 1
FLAG_RAW: Final = 2
FLAG_ENCRYPTED: Final = 8

_SEGMENT_MAGIC: Final = b"SJSPOOL1"
_FRAME_MAGIC: Final = b"SJFR"
_FRAME_VERSION: Final = 1
_ALIGNMENT: Final = 8
_WALK_BYTES: Final = 64 * 1024

_SEGMENT: Final = struct.Struct("<8sIIQQ16s12s")
_FRAME: Final = struct.Struct("<4sHHQIIIIQQ")
_FRAME_BEGIN: Final = struct.Struct("<4sHHQI")
_RECORD: Final = struct.Struct("<IH")
_LEAST_RECORD_BYTES: Final = 10
_ACK: Final = struct.Struct("<QI")
_U32: Final = struct.Struct("<I")

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> that many bytes, fewer only at the end of the file."""


class Record(NamedTuple):
    """What is kept of one parcel: its facts as a JSON object (members in 7.3), and the envelope, identity-encoded."""

    meta: bytes
    body: bytes


class SegmentHeader(NamedTuple):
    """`partition` is a UUID of 16 bytes, `boot` the first 12 bytes of the kernel's boot id."""

    base: int
    created_ms: int
    partition: bytes
    boot: bytes


class FrameHeader(NamedTuple):
    flags: int
    first: int
    record_count: int
    stored_bytes: int
    raw_bytes: int
    payload_crc: int
    written_ms: int
    written_boot_ms: int

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & FLAG_ENCRYPTED)

    @property
    def is_raw(self) -> bool:
        """Whether its records are as they came, unscrubbed: they wait for a configuration, and must not leave."""
        return bool(self.flags & FLAG_RAW)

    @property
    def until(self) -> int:
        """The sequence number behind the last record."""
        return self.first + self.record_count

    @property
    def size_bytes(self) -> int:
        """Header, payload and padding."""
        return FRAME_HEADER_BYTES + self.stored_bytes + -self.stored_bytes % _ALIGNMENT


class Span(NamedTuple):
    """A stretch of a segment, `offset` to `end`: a frame with the records `first` to `until` (exclusive), or, without a header, damage.

    For damage the numbers are those that went with it; at the end of the file nobody knows how many, and `until` equals `first`.
    """

    offset: int
    end: int
    first: int
    until: int
    header: FrameHeader | None


def encode_segment_header(header: SegmentHeader) -> bytes:
    packed = _SEGMENT.pack(_SEGMENT_MAGIC, SEGMENT_HEADER_BYTES, 0, *header)
    return packed + _U32.pack(crc32(packed))


def decode_segment_header(data: bytes) -> SegmentHeader:
    """Raises `SpoolCorrupt` for anything but a header of this version."""
    if len(data) < SEGMENT_HEADER_BYTES:
        raise SpoolCorrupt("segment header is cut short")
    magic, length, flags, base, created_ms, partition, boot = _SEGMENT.unpack_from(data)
    if magic != _SEGMENT_MAGIC or length != SEGMENT_HEADER_BYTES or flags:
        raise SpoolCorrupt("not a segment of this version")
    if _U32.unpack_from(data, _SEGMENT.size)[0] != crc32(data[: _SEGMENT.size]):
        raise SpoolCorrupt("segment header fails its checksum")
    return SegmentHeader(base, created_ms, partition, boot)


def encode_records(records: Iterable[Record]) -> bytes:
    """The payload of a frame before compression. Raises `ValueError` for a meta over 65,535 bytes."""
    parts: list[bytes] = []
    for meta, body in records:
        if len(meta) > MAX_META_BYTES:
            raise ValueError(f"meta of {len(meta)} bytes, at most {MAX_META_BYTES} fit")
        head = _RECORD.pack(len(meta) + len(body) + 6, len(meta))
        parts += (head, meta, body, _U32.pack(crc32(body, crc32(meta, crc32(head[4:])))))
    return b"".join(parts)


def decode_records(payload: bytes | memoryview, count: int) -> list[Record | None]:
    """`count` records; `None` stands for each that fails its own checksum, and for all behind a broken length."""
    records: list[Record | None] = []
    view = memoryview(payload)
    offset = 0
    while len(records) < count and offset + _RECORD.size <= len(view):
        length, meta_length = _RECORD.unpack_from(view, offset)
        end = offset + 4 + length
        if length < meta_length + 6 or end > len(view):
            break
        body_at = offset + _RECORD.size + meta_length
        if _U32.unpack_from(view, end - 4)[0] == crc32(view[offset + 4 : end - 4]):
            records.append(Record(bytes(view[offset + _RECORD.size : body_at]), bytes(view[body_at : end - 4])))
        else:
            records.append(None)
        offset = end
    return records + [None] * (count - len(records))


def encode_frame(
    stored: bytes, *, flags: int, first: int, count: int, raw_bytes: int, written_ms: int, written_boot_ms: int
) -> tuple[bytes, bytes, bytes]:
    """Header, payload and padding. `stored` is the payload as it goes to disk, `raw_bytes` its length when decompressed.

    Raises `ValueError` if the reader's bound on the raw length would refuse it.
    """
    if raw_bytes > MAX_RAW_BYTES:
        raise ValueError(f"{raw_bytes} bytes in one frame, at most {MAX_RAW_BYTES} fit")
    packed = _FRAME.pack(
        *(_FRAME_MAGIC, _FRAME_VERSION, flags, first, count, len(stored), raw_bytes, crc32(stored)),
        *(written_ms, written_boot_ms),
    )
    return packed + _U32.pack(crc32(packed)) + bytes(4), stored, bytes(-len(stored) % _ALIGNMENT)


def frame_begin(*, flags: int, first: int, count: int) -> bytes:
    """The first 20 bytes of a frame's header, which say what the payload is: an encrypted one cannot be put behind others."""
    return _FRAME_BEGIN.pack(_FRAME_MAGIC, _FRAME_VERSION, flags, first, count)


def decode_frame_header(data: bytes, offset: int = 0) -> FrameHeader | None:
    """`None` unless a header of this version, with sound checksum and bounds, stands at `offset`."""
    if len(data) - offset < FRAME_HEADER_BYTES or data[offset : offset + 4] != _FRAME_MAGIC:
        return None
    if _U32.unpack_from(data, offset + _FRAME.size)[0] != crc32(data[offset : offset + _FRAME.size]):
        return None
    _, version, *fields = _FRAME.unpack_from(data, offset)
    header = FrameHeader(*fields)
    if version != _FRAME_VERSION or header.record_count < 1 or header.raw_bytes > MAX_RAW_BYTES:
        return None
    return header if header.record_count * _LEAST_RECORD_BYTES <= header.raw_bytes else None


def walk(read_at: ReadAt, size_bytes: int, *, first: int, offset: int = SEGMENT_HEADER_BYTES) -> Iterator[Span]:
    """Frames and damage of a segment, in order, from `offset` on, where `first` is the lowest sequence number to expect.

    Reads headers only. Nothing but zeros up to the end is a clean end. Damage that reaches the end is the last span.
    """
    window, window_at = b"", 0
    while offset < size_bytes:
        if not window_at <= offset <= window_at + len(window) - FRAME_HEADER_BYTES:
            window, window_at = read_at(offset, min(_WALK_BYTES, size_bytes - offset)), offset
        header = decode_frame_header(window, offset - window_at)
        end = offset + header.size_bytes if header else 0
        if header and header.first >= first and end <= size_bytes:
            yield Span(offset, end, header.first, header.until, header)
            offset, first = end, header.until
            continue
        if header is None and _zeros(read_at, offset, size_bytes):
            return
        behind, number = _find_frame(read_at, end or offset + _ALIGNMENT, size_bytes, first)
        yield Span(offset, behind, first, number, None)
        offset = behind


def _zeros(read_at: ReadAt, offset: int, size_bytes: int) -> bool:
    while offset < size_bytes:
        chunk = read_at(offset, min(_WALK_BYTES, size_bytes - offset))
        if not chunk or chunk.strip(b"\0"):
            return False
        offset += len(chunk)
    return True


def _find_frame(read_at: ReadAt, offset: int, size_bytes: int, least: int) -> tuple[int, int]:
    """Offset and first sequence number of the next whole frame numbered `least` or more; else the end of the file and `least`."""
    while offset + FRAME_HEADER_BYTES <= size_bytes:
        chunk = read_at(offset, min(_WALK_BYTES, size_bytes - offset))
        at = chunk.find(_FRAME_MAGIC)
        while 0 <= at <= len(chunk) - FRAME_HEADER_BYTES:
            header = None if at % _ALIGNMENT else decode_frame_header(chunk, at)
            if header and header.first >= least and offset + at + header.size_bytes <= size_bytes:
                return offset + at, header.first
            at = chunk.find(_FRAME_MAGIC, at + 1)
        if len(chunk) < _WALK_BYTES:
            break
        offset += _WALK_BYTES - FRAME_HEADER_BYTES  # a header on the seam is whole in the next chunk; a multiple of 8
    return size_bytes, least


def encode_acks(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Entries for ranges (first, until), of at most 2³² - 1 records each."""
    packed = [_ACK.pack(first, until - first) for first, until in ranges]
    return b"".join([entry + _U32.pack(crc32(entry)) for entry in packed])


def decode_acks(data: bytes) -> list[tuple[int, int]]:
    """Ranges (first, until) up to the first bad entry; entry *n* stands at `n * ACK_BYTES`."""
    ranges: list[tuple[int, int]] = []
    for offset in range(0, len(data) - ACK_BYTES + 1, ACK_BYTES):
        first, count = _ACK.unpack_from(data, offset)
        if _U32.unpack_from(data, offset + _ACK.size)[0] != crc32(data[offset : offset + _ACK.size]):
            break
        ranges.append((first, first + count))
    return ranges


def age_ms(
    *, received_ms: int, written_ms: int, written_boot_ms: int, same_boot: bool, now_ms: int, now_boot_ms: int
) -> int:
    """How long a record has waited (7.7). Within one boot the wall clock may be set at will: only the time since boot counts."""
    if same_boot:
        return max(0, written_ms - received_ms) + max(0, now_boot_ms - written_boot_ms)
    return max(0, now_ms - received_ms)


def runs(sequences: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges (first, until) of consecutive numbers in an ascending sequence without repeats."""
    start = 0
    for position in range(1, len(sequences) + 1):
        if position == len(sequences) or sequences[position] != sequences[position - 1] + 1:
            yield sequences[start], sequences[position - 1] + 1
            start = position


class Ranges:
    """A set of sequence numbers as disjoint ranges, merged as they meet."""

    __slots__ = ("_firsts", "_untils", "total")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._untils: list[int] = []
        self.total = 0

    def add(self, first: int, until: int) -> int:
        """Adds `first` to `until` (exclusive) and returns how many of them are new."""
        if first >= until:
            return 0
        left = bisect_left(self._untils, first)
        right = bisect_right(self._firsts, until)
        known = 0
        if left < right:
            known = sum(self._untils[left:right]) - sum(self._firsts[left:right])
            first = min(first, self._firsts[left])
            until = max(until, self._untils[right - 1])
        self._firsts[left:right] = [first]
        self._untils[left:right] = [until]
        self.total += until - first - known
        return until - first - known

    def missing(self, first: int, until: int) -> Iterator[tuple[int, int]]:
        """The parts of `first` to `until` (exclusive) that are not in the set."""
        position = bisect_right(self._untils, first)
        while first < until:
            if position == len(self._firsts) or self._firsts[position] >= until:
                yield first, until
                return
            if self._firsts[position] > first:
                yield first, self._firsts[position]
            first = self._untils[position]
            position += 1

    def __contains__(self, sequence: int) -> bool:
        position = bisect_right(self._firsts, sequence) - 1
        return position >= 0 and sequence < self._untils[position]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._untils, strict=True)

    def __repr__(self) -> str:
        return f"<Ranges {self.total} in {len(self._firsts)}>"
