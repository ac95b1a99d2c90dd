"""The vocabulary of the spool that its users see: options, records read back, what happened, what is held.

Shared by `segment_log`, which fills it in, and `partition`, which hands it out (`upstream-and-operations.md` 7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

FRAME_TARGET_BYTES = 1024 * 1024
"""Raw size at which a batch of records becomes a frame (7.4)."""


@dataclass(frozen=True, slots=True)
class SpoolOptions:
    """The settings of one partition (`upstream-and-operations.md` 2.3, 2.4); `max_bytes` is its share of `max_disk_size`."""

    fsync: Literal["always", "interval", "never"] = "interval"
    fsync_interval_s: float = 0.1
    segment_bytes: int = 16 * 1024 * 1024
    frame_bytes: int = FRAME_TARGET_BYTES
    compression_level: int = 1
    max_bytes: int = 500 * 1024 * 1024
    when_full: Literal["reject", "drop_oldest"] = "reject"
    encryption_key: bytes | None = field(default=None, repr=False)

    @property
    def roll_bytes(self) -> int:
        """Where a segment ends: also small enough that evicting one gives up no more than an eighth of the space."""
        return min(self.segment_bytes, max(FRAME_TARGET_BYTES, self.max_bytes // 8))

    @property
    def quarantine_bytes(self) -> int:
        """What damaged bytes may take of the space: it is kept from what waits."""
        return self.max_bytes // 4


class StoredFacts(NamedTuple):
    """What is known of a record without its body, and how long that is."""

    sequence: int
    meta: bytes
    body_bytes: int
    raw: bool = False


class StoredRecord(NamedTuple):
    """A record read back. `same_boot` says whether `written_boot_ms` can be compared with the machine's clock of today."""

    sequence: int
    meta: bytes
    body: bytes
    written_ms: int
    written_boot_ms: int
    same_boot: bool
    raw: bool = False
    """Unscrubbed: it waits for a configuration, and must not leave."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that were set aside in `quarantine/`; `records` of them were not consumed yet and are lost."""

    records: int
    size_bytes: int
    detail: str
    reason: Literal["corrupt", "io"] = "corrupt"
    """`io`: the disk does not give the bytes back."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """The oldest records made room for new ones."""

    records: tuple[StoredFacts, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """One frame was written, for all who waited."""

    records: int
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Synced:
    duration_s: float


@dataclass(frozen=True, slots=True)
class Faulted:
    """The disk failed (not: was full). What was acknowledged has been rewritten, unless `detail` says otherwise."""

    detail: str


@dataclass(slots=True)
class Recovered:
    """What was found at start, complete when it comes as an event. `records` wait; `lost_records` were neither consumed nor readable.

    Each loss has come as `Damaged` before.
    """

    segments: int = 0
    records: int = 0
    size_bytes: int = 0
    torn_tails: int = 0
    quarantined: int = 0
    lost_records: int = 0


SpoolEvent = Committed | Damaged | Evicted | Faulted | Recovered | Synced


@dataclass(frozen=True, slots=True)
class Usage:
    """What a partition holds now; `oldest_ms` is the wall clock when the oldest waiting record was written."""

    size_bytes: int
    records: int
    segments: int
    oldest_ms: int | None
