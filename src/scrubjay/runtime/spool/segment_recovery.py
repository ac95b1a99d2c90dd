"""What a partition's folder holds at start, or when it is adopted: segments that can be read, and an account of what cannot.

Follows `upstream-and-operations.md` 7.6. Whatever the bytes on disk are, recovery ends and says what was lost. Payloads are verified
when they are read, but for the very last frame, where a crash may have left a header without its bytes.

Only the last segment is looked into at once, for the number at which the log goes on; the others when somebody wants to read them. So
a start takes no longer for what the folder holds.

How many records were lost at the end of a damaged segment is taken from the number at which the next one begins: an upper bound if
a finished segment between them was deleted.
"""

from __future__ import annotations

import errno
import re
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from scrubjay.core.spool_format import FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader
from scrubjay.errors import SpoolCorrupt, SpoolSealed
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.quarantine import Quarantine
from scrubjay.runtime.spool.segment import Segment
from scrubjay.runtime.spool.types import Damaged, Recovered, SpoolEvent

_SEGMENT_NAME: Final = re.compile(r"[0-9]{20}\.seg")
_KEY_CHECKS: Final = 64


class Recovery:
    """`unseen` are the segments that nobody has looked into, oldest first; `events` is what was found out, for whoever listens.

    With `sync` what is found is on the disk, too: a killed process may have left it in the page cache alone. Raises `OSError` where
    the system refuses access altogether, `SpoolSealed` if records were encrypted with another key; nothing has been changed then.
    """

    def __init__(self, disk: Disk, directory: Path, codec: Codec, quarantine: Quarantine, *, sync: bool) -> None:
        self._disk = disk
        self._codec = codec
        self._quarantine = quarantine
        self._sync = sync
        self.found = Recovered()
        self.events: list[SpoolEvent] = []
        self.next_sequence = 1
        self.partition: bytes | None = None
        """The UUID that the last segment carries."""
        names = disk.list(directory)
        paths = sorted(directory / name for name in names if _SEGMENT_NAME.fullmatch(name))
        self._sizes = {path: disk.file_size(path) for path in paths}
        self._following = dict(zip(paths, [int(path.stem) for path in paths[1:]], strict=False))
        self.unseen = deque(paths)
        self.unseen_bytes = sum(self._sizes.values())
        self._check_key(paths)
        for name in names:
            if name.endswith(".tmp") or (name.endswith(".ack") and f"{name[:-4]}.seg" not in names):
                with suppress(OSError):
                    disk.unlink(directory / name)
        if sync and paths:
            with suppress(OSError):
                disk.sync_directory(directory)

    def _check_key(self, paths: list[Path]) -> None:
        """Looks at some segments, the first and the last among them: keys change between two starts, not within a file."""
        step = max(1, len(paths) // _KEY_CHECKS)
        for path in [*paths[::step], *paths[-1:]]:
            with suppress(SpoolCorrupt, OSError):
                segment = Segment.recover(self._disk, path)
                try:
                    self._open_first(segment)
                finally:
                    segment.close()

    def _open_first(self, segment: Segment) -> None:
        """Raises `SpoolSealed` if our key does not open the first frame."""
        span = next(segment.spans(segment.base), None)
        if span is not None and span.header is not None and span.header.is_encrypted:
            try:
                segment.load(span, self._codec)
            except SpoolSealed as error:
                raise SpoolSealed(f"{segment.path}: {error}") from error

    def last(self) -> Segment | None:
        """The newest segment, if something waits in it. To be called once, first of all."""
        segment = None
        while (
            self.unseen and self.next_sequence == 1
        ):  # a file without a number in it was not finished when the crash came
            segment = self._look_into(self.unseen[-1])
            self._seen(self.unseen.pop())
        return segment

    def next(self) -> Segment | None:
        """The oldest of the unseen, if something waits in it."""
        segment = self._look_into(self.unseen[0])
        self._seen(self.unseen.popleft())
        return segment

    def _seen(self, path: Path) -> None:
        self.unseen_bytes -= self._sizes.pop(path)
        if not self.unseen:
            self.events.append(self.found)

    def _look_into(self, path: Path) -> Segment | None:
        segment = self._opened(path)
        if segment is None:
            return None
        try:
            return self._recovered(segment)
        finally:
            segment.close()

    def _recovered(self, segment: Segment) -> Segment | None:
        """The segment, unless nothing waits in it."""
        try:
            self._open_first(segment)
        except SpoolSealed as error:
            segment.recover_frames()
            segment.recover_acks()
            self.next_sequence = max(self.next_sequence, segment.until)
            self._lost(segment, segment.live, segment.size_bytes, f"{error}; the file stays")
            return None
        self._recover(segment, self._following.get(segment.path))
        self.partition = self.partition or segment.header.partition
        self.next_sequence = max(self.next_sequence, segment.until)
        if not segment.live:
            with suppress(OSError):
                segment.delete()
            return None
        if self._sync:
            with suppress(OSError):
                segment.sync()
        self.found.segments += 1
        self.found.records += segment.live
        self.found.size_bytes += segment.size_bytes + segment.ack_bytes
        return segment

    def _opened(self, path: Path) -> Segment | None:
        """The segment, or `None` after its file was put aside."""
        headless = Segment(self._disk, path, SegmentHeader(int(path.stem), 0, b"", b""))
        try:
            return Segment.recover(self._disk, path)
        except SpoolCorrupt:
            pass
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            headless.unreadable_pages += 1
        with suppress(OSError):
            headless.measure()
            if headless.size_bytes < SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES:  # the crash came while it was created
                self.found.torn_tails += 1
                headless.delete()
                return None
            headless.recover_frames()
            headless.recover_acks()
        headless.close()
        self.next_sequence = max(self.next_sequence, headless.until)
        self._lost(headless, headless.live, headless.size_bytes, f"{path.name} has no readable header")
        self._quarantine.take(path)
        with suppress(OSError):
            self._disk.unlink(path.with_suffix(".ack"))
        return None

    def _lost(self, segment: Segment, records: int, size_bytes: int, detail: str) -> None:
        self.found.quarantined += 1
        self.found.lost_records += records
        self.events.append(Damaged(records, size_bytes, detail, segment.loss))

    def _recover(self, segment: Segment, following: int | None) -> None:
        file_bytes = segment.size_bytes
        damage = segment.recover_frames()
        broken_end = bool(damage) and damage[-1].end == file_bytes
        if following is None:
            if broken_end:
                damage.pop()
                self.found.torn_tails += 1
            elif segment.until > segment.base:
                broken_end = self._last_frame_is_torn(segment)
        elif broken_end:
            damage[-1] = damage[-1]._replace(until=max(following, damage[-1].first))
            segment.until = damage[-1].until
        segment.recover_acks()
        for span in damage:
            lost = list(segment.consumed.missing(span.first, span.until))
            if lost:
                self._quarantine.keep(*segment.piece(span))
                records = sum([segment.consume(first, until) for first, until in lost])
                self._lost(segment, records, span.end - span.offset, f"{segment.path.name} at {span.offset}")
        with suppress(OSError):  # mounted read-only: the same will be found again at the next start
            if broken_end:
                self._disk.truncate(segment.path, segment.size_bytes)
            segment.write_acks()

    def _last_frame_is_torn(self, segment: Segment) -> bool:
        """A crash of the machine may leave the header of the last frame without its payload."""
        last = next(span for span in segment.spans(segment.until - 1) if span.header)
        with suppress(SpoolSealed):
            if not any(segment.load(last, self._codec)):
                segment.forget(last)
                self.found.torn_tails += 1
                return True
        return False
