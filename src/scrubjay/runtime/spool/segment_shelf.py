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
from scrubjay.errors import SpoolError, SpoolSealed
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.quarantine import Quarantine
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.segment_recovery import Recovery
from scrubjay.runtime.spool.types import Damaged, StoredRecord, Usage

DELETE_ACTIVE_BYTES = 1024 * 1024


class Shelf:
    """`active` is the segment that is written to, if there is one; `sparse` are those worth rewriting; `events` is what happened.

    `recovery` has what a former process left; except for the last of its segments, each comes to the shelf when somebody reads up to it.
    """

    def __init__(self, recovery: Recovery, quarantine: Quarantine, codec: Codec, boot_id: bytes) -> None:
        self._recovery = recovery
        self._quarantine = quarantine
        self._codec = codec
        self._boot_id = boot_id
        self._reader: Segment | None = None
        self._oldest: tuple[int, int] | None = None
        last = recovery.last()
        self.segments = [last] if last is not None else []
        self.active: Segment | None = None
        self.size_bytes = recovery.unseen_bytes + sum([each.size_bytes + each.ack_bytes for each in self.segments])
        self.records = sum([segment.live for segment in self.segments])
        self.events = recovery.events
        self.sparse: list[Segment] = []
        self.delete_active_bytes = DELETE_ACTIVE_BYTES
        """Where the active segment is finished and larger it goes too, or it would take room for ever."""
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
        return Usage(
            self.size_bytes + self._quarantine.size_bytes,
            self.records,
            len(self.segments) + len(self._recovery.unseen),
            oldest[1] if oldest else None,
        )

    @property
    def is_whole(self) -> bool:
        """Whether all segments of a former process have been looked into."""
        return not self._recovery.unseen

    def reveal(self) -> None:
        """Takes the oldest segment that was not looked into to the shelf, if something waits in it."""
        before = self._recovery.unseen_bytes
        segment = self._recovery.next()
        self.size_bytes += self._recovery.unseen_bytes - before
        if segment is not None:
            self.segments.insert(bisect_right(self.segments, segment.base, key=_base), segment)
            self.size_bytes += segment.size_bytes + segment.ack_bytes
            self.records += segment.live
            self._review()

    def oldest(self) -> Segment | None:
        """The oldest segment, looked into."""
        while not self.is_whole and not (self.segments and self.segments[0].base < self._unseen_base()):
            self.reveal()
        return self.segments[0] if self.segments else None

    def _unseen_base(self) -> int:
        return int(self._recovery.unseen[0].stem)

    # Reading

    def read(self, after: int, max_bytes: int, until: int | None, *, raw: bool | None = None) -> list[StoredRecord]:
        """The oldest waiting records numbered above `after` and below `until`: whole frames, at least one, about `max_bytes` inflated.

        `raw`: only those that are, or with False only those that are not. Empty means that there are none. Raises `SpoolError` if files
        cannot be opened or read.
        """
        heard = len(self.events)
        try:
            while not self.is_whole:
                base = self._unseen_base()
                if until is not None and base >= until:
                    break
                if found := self._read(after, max_bytes, base, raw):
                    return found
                self.reveal()
            return self._read(after, max_bytes, until, raw)
        except OSError as error:
            self.close_reader()
            raise SpoolError(f"the spool cannot be read: {error.strerror}") from error
        finally:
            if len(self.events) > heard:  # damage may have finished a segment
                self.settle()

    def _read(self, after: int, max_bytes: int, until: int | None, raw: bool | None) -> list[StoredRecord]:
        found: list[StoredRecord] = []
        taken = 0
        for segment in self._from(after + 1):
            if until is not None and segment.base >= until:
                break
            same_boot = segment.header.boot == self._boot_id
            for header, live in self.live(segment, after + 1, raw=raw):
                if taken and taken + header.raw_bytes > max_bytes:
                    return found
                wanted = [each for each in live if until is None or each[0] < until]
                taken += header.raw_bytes if wanted else 0
                found += [
                    StoredRecord(
                        number, meta, body, header.written_ms, header.written_boot_ms, same_boot, header.is_raw
                    )
                    for number, (meta, body) in wanted
                ]
        return found

    def live(
        self, segment: Segment, number: int, *, raw: bool | None = None
    ) -> Iterator[tuple[FrameHeader, list[tuple[int, Record]]]]:
        """Frames from `number` on, with those records that wait. What turns out to be damaged is set aside and reported on the way."""
        self._turn_to(segment)
        if segment.is_missing:
            self._missing(segment)
            return
        for span in segment.spans(number):
            wanted = list(segment.consumed.missing(max(span.first, number), span.until))
            if not wanted:
                continue
            if span.header is None:
                self._damaged(segment, span, wanted)
                continue
            if raw is not None and span.header.is_raw is not raw:
                continue
            try:
                loaded = segment.load(span, self._codec)
            except SpoolSealed:  # others in this file were not: somebody changed it
                loaded = [None] * span.header.record_count
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
                    raw=header.is_raw,
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
        self._quarantine.keep(*segment.piece(span))
        fresh = sum([segment.consume(first, until) for first, until in lost])
        self.records -= fresh
        self.events.append(
            Damaged(fresh, span.end - span.offset, f"{segment.path.name} at {span.offset}", segment.loss)
        )

    def _missing(self, segment: Segment) -> None:
        """What waited in a file that somebody removed is lost; what is behind it must not wait for it."""
        fresh = segment.consume(segment.base, segment.until)
        self.records -= fresh
        self.events.append(Damaged(fresh, 0, f"{segment.path.name} was removed", segment.loss))

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
                if not segment.live and (segment is not self.active or segment.size_bytes > self.delete_active_bytes):
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
