"""The segments of one partition, oldest first: what waits in them, reading it, and taking note that it is done.

Follows `upstream-and-operations.md` 7.5. New records come from `segment_log`, which also decides about space and failing
disks; a segment's inside is `segment`. Synchronous, for one thread at a time.

Invariants: a record on the shelf stays readable until it is acknowledged, or lost to damage with a `Damaged` event; `size_bytes`
and `records` are the sums over `segments`; a finished segment goes as soon as it is known to be finished, and that needs no space.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

from scrubjay.core.spool_format import FrameHeader, Record, Span, runs
from scrubjay.errors import SpoolError
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.types import Damaged, SpoolEvent, StoredRecord, Usage

_DELETE_ACTIVE_BYTES = 1024 * 1024


class Shelf:
    """`active` is the segment that is written to, if there is one; `sparse` are those worth rewriting; `events` is what happened."""

    def __init__(self, segments: Sequence[Segment], codec: Codec, boot_id: bytes) -> None:
        self._codec = codec
        self._boot_id = boot_id
        self._reader: Segment | None = None
        self._oldest: tuple[int, int] | None = None
        self.segments = list(segments)
        self.active: Segment | None = None
        self.size_bytes = sum([segment.size_bytes + segment.ack_bytes for segment in segments])
        self.records = sum([segment.live for segment in segments])
        self.events: list[SpoolEvent] = []
        self.sparse: list[Segment] = []
        self._review()

    def add(self, segment: Segment) -> None:
        """Puts a new, empty segment behind the others and makes it the active one."""
        self.segments.append(segment)
        self.size_bytes += segment.size_bytes
        self.active = segment

    def committed(self, segment: Segment, size_bytes: int, first: int, until: int, written_ms: int) -> None:
        segment.commit(size_bytes, first, until)
        self.size_bytes += size_bytes
        self.records += until - first
        if self._oldest is None:
            self._oldest = (first, written_ms)

    def usage(self) -> Usage:
        """May be asked from any thread."""
        oldest = self._oldest
        return Usage(self.size_bytes, self.records, len(self.segments), oldest[1] if oldest else None)

    # Reading

    def read(self, after: int, max_bytes: int, until: int | None) -> list[StoredRecord]:
        """The oldest waiting records numbered above `after` and below `until`: whole frames, at least one, about `max_bytes` raw.

        Empty means that there are none. Raises `SpoolError` if files cannot be opened or read.
        """
        heard = len(self.events)
        try:
            return self._read(after, max_bytes, until)
        except OSError as error:
            self.close_reader()
            raise SpoolError(f"the spool cannot be read: {error.strerror}") from error
        finally:
            if len(self.events) > heard:  # damage may have finished a segment
                self.settle()

    def _read(self, after: int, max_bytes: int, until: int | None) -> list[StoredRecord]:
        found: list[StoredRecord] = []
        taken = 0
        for segment in self._from(after + 1):
            if until is not None and segment.base >= until:
                break
            same_boot = segment.header.boot == self._boot_id
            for header, live in self.live(segment, after + 1):
                if taken and taken + header.raw_bytes > max_bytes:
                    return found
                wanted = [each for each in live if until is None or each[0] < until]
                taken += header.raw_bytes if wanted else 0
                found += [
                    StoredRecord(number, meta, body, header.written_ms, header.written_boot_ms, same_boot)
                    for number, (meta, body) in wanted
                ]
        return found

    def live(self, segment: Segment, number: int) -> Iterator[tuple[FrameHeader, list[tuple[int, Record]]]]:
        """Frames from `number` on, with those records that wait. What turns out to be damaged is set aside and reported on the way."""
        self._turn_to(segment)
        for span in segment.spans(number):
            wanted = list(segment.consumed.missing(max(span.first, number), span.until))
            if not wanted:
                continue
            if span.header is None:
                self._damaged(segment, span, wanted)
                continue
            loaded = segment.load(span, self._codec)
            live: list[tuple[int, Record]] = []
            lost: list[int] = []
            for first, until in wanted:
                for each in range(first, until):
                    record = loaded[each - span.first]
                    if record is None:
                        lost.append(each)
                    else:
                        live.append((each, record))
            if lost:
                self._damaged(segment, span, list(runs(lost)))
            if live:
                yield span.header, live

    def rewrite(self, segment: Segment) -> Generator[int, None, None]:
        """Replaces a segment's file by one with only what waits; yields the bytes written so far, frame by frame."""
        before = segment.size_bytes
        try:
            yield from segment.rewrite(self._repacked(segment))
        finally:
            self.size_bytes += segment.size_bytes - before

    def _repacked(self, segment: Segment) -> Iterator[tuple[int, int, Sequence[bytes]]]:
        for header, live in self.live(segment, segment.base):
            records = dict(live)
            for first, until in runs(list(records)):
                parts = self._codec.pack(
                    [records[number] for number in range(first, until)],
                    first=first,
                    written_ms=header.written_ms,
                    written_boot_ms=header.written_boot_ms,
                )
                yield first, until, parts

    def _turn_to(self, segment: Segment) -> None:
        if segment is not self._reader:
            self.close_reader()
            self._reader = segment

    def close_reader(self) -> None:
        """Gives back the one descriptor that is kept open for reading."""
        if self._reader is not None and self._reader is not self.active:
            self._reader.close()
        self._reader = None

    def _from(self, number: int) -> list[Segment]:
        return self.segments[max(0, bisect_right(self.segments, number, key=_base) - 1) :]

    def _damaged(self, segment: Segment, span: Span, lost: Sequence[tuple[int, int]]) -> None:
        segment.quarantine(span)
        fresh = sum([segment.consume(first, until) for first, until in lost])
        self.records -= fresh
        self.events.append(Damaged(fresh, span.end - span.offset, f"{segment.path.name} at {span.offset}"))

    # Consuming

    def acknowledge(self, sequences: Sequence[int]) -> None:
        """These records are done. Numbers that are not (or no longer) here are passed over."""
        for first, until in runs(sorted(set(sequences))):
            for segment in self._from(first):
                if segment.base >= until:
                    break
                self.records -= segment.consume(max(first, segment.base), min(until, segment.until))
        self.settle()

    def settle(self) -> None:
        """Deletes finished segments and writes what was acknowledged in the others; what a failing disk refuses waits in memory."""
        for segment in [each for each in self.segments if each.unsettled]:
            with suppress(OSError):
                if not segment.live and (segment is not self.active or segment.size_bytes > _DELETE_ACTIVE_BYTES):
                    self.remove(segment)
                else:
                    before = segment.ack_bytes
                    segment.write_acks()
                    self.size_bytes += segment.ack_bytes - before
        self._review()

    def remove(self, segment: Segment) -> None:
        """Deletes a segment, whatever is in it."""
        if segment is self._reader:
            self._reader = None
        if segment is self.active:
            self.active = None
        segment.delete()
        self.segments.remove(segment)
        self.size_bytes -= segment.size_bytes + segment.ack_bytes
        self.records -= segment.live

    def _review(self) -> None:
        """Learns what is worth rewriting (the oldest is not: it will be finished soonest) and what is the oldest that waits."""
        self.sparse = [segment for segment in self.segments[1:] if segment.sparse and segment is not self.active]
        self._find_oldest()

    def _find_oldest(self) -> None:
        for segment in self.segments:
            number = next(segment.consumed.missing(segment.base, segment.until), None)
            if number is None:
                continue
            if self._oldest is None or self._oldest[0] != number[0]:
                self._turn_to(segment)
                with suppress(OSError):
                    header = next((span.header for span in segment.spans(number[0]) if span.header), None)
                    self._oldest = (number[0], header.written_ms if header else segment.header.created_ms)
            return
        self._oldest = None


def _base(segment: Segment) -> int:
    return segment.base
