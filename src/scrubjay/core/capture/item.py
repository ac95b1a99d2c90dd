"""One captured item: what would leave of it, what it was, and what became of it (`capture.md` 3, 7.2, 8.2).

Payloads are kept compressed, each as bytes of its own, so that nothing keeps a request's body alive; whoever asks pays for unpacking.
`CapturedItem` never raises, whatever the payload is. Invariant: `payload` is the scrubbed form or None; `original` is there
only where the store was told to keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import zstandard

from scrubjay.core.capture.facts import Headed
from scrubjay.core.capture.reading import Json
from scrubjay.core.envelope import decode_json
from scrubjay.core.ledger import Booking
from scrubjay.core.scrub.json_text import mended
from scrubjay.outcomes import Outcome, Reason

ItemOutcome = Literal["accepted", "filtered", "sampled", "rate_limited", "invalid", "too_large"]
OUTCOMES: Final[tuple[ItemOutcome, ...]] = ("accepted", "filtered", "sampled", "rate_limited", "invalid", "too_large")
UNPARSABLE: Final = "unparsable"
"""The type of what is no item, but a body that is no envelope."""

_BLOBS: Final = frozenset({"attachment", "replay_recording", "replay_video", UNPARSABLE})
_LEAST_PACKED_BYTES: Final = 256
"""What is shorter gains nothing."""
_LEVEL: Final = 1
_OUTCOMES: Final[Mapping[Outcome, ItemOutcome]] = {
    Outcome.FORWARDED: "accepted",
    Outcome.CAPTURED: "accepted",
    Outcome.FILTERED: "filtered",
    Outcome.SAMPLED: "sampled",
    Outcome.RATE_LIMITED: "rate_limited",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an item. `reason` is the code of the account, `origin` whose rule it was, `detail` what was found, scrubbed."""

    outcome: ItemOutcome = "accepted"
    reason: str = ""
    stage: str = ""
    origin: str = ""
    detail: str = ""

    def summary(self) -> dict[str, object]:
        """The keys of a record; absent ones are left out."""
        told = {"reason": self.reason, "stage": self.stage, "origin": self.origin, "detail": self.detail}
        return {"outcome": self.outcome} | {f"outcome_{name}": value for name, value in told.items() if value}


ACCEPTED: Final = Fate()


def fate_of(booking: Booking, detail: str | None = None) -> Fate:
    """`detail`: in place of the booking's own."""
    detail = booking.detail if detail is None else detail
    return Fate(outcome_of(booking.reason), booking.reason.code, booking.stage, booking.origin, detail)


def outcome_of(reason: Reason) -> ItemOutcome:
    """Lost and invalid are one for whoever asks why an event did not arrive."""
    if "too_large" in reason.code:
        return "too_large"
    return _OUTCOMES.get(reason.outcome, "invalid")


class Packed:
    """Bytes, compressed where that saves anything."""

    __slots__ = ("_data", "_is_packed", "size_bytes")

    def __init__(self, data: bytes | memoryview) -> None:
        self.size_bytes = len(data)
        self._is_packed = False
        if self.size_bytes >= _LEAST_PACKED_BYTES:
            packed = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
            self._is_packed = len(packed) < self.size_bytes
        # The compressor leaves its whole buffer behind its result, as large as the input; a copy does not.
        self._data = bytes(memoryview(packed)) if self._is_packed else bytes(data)

    def bytes(self) -> bytes:
        if not self._is_packed:
            return self._data
        return zstandard.ZstdDecompressor().decompress(self._data, max_output_size=self.size_bytes)

    def __repr__(self) -> str:
        return f"<Packed {self.size_bytes} bytes>"


class CapturedItem(Headed):
    """`size_bytes` is the scrubbed payload's length, kept or not."""

    __slots__ = ("_original", "_payload", "_report", "fate", "is_touched", "size_bytes", "type")

    def __init__(
        self,
        type_: str,
        headers: Json,
        payload: bytes | memoryview | None,
        *,
        size_bytes: int | None = None,
        fate: Fate = ACCEPTED,
        original: bytes | memoryview | None = None,
        is_unchanged: bool = False,
        is_touched: bool = True,
    ) -> None:
        """`payload` None: it is not kept. `is_unchanged`: the payload is the original, which may be shown then. `is_touched`: scrubbing
        changed something, as far as is known; what remarks came along is not its work.
        """
        super().__init__(headers)
        self.type = type_
        self.fate = fate
        self.is_touched = is_touched
        self.size_bytes = len(payload or b"") if size_bytes is None else size_bytes
        self._payload = None if payload is None else Packed(payload)
        self._original = self._payload if is_unchanged else None if original is None else Packed(original)
        self._report: Packed | None = None

    @property
    def held_bytes(self) -> int:
        """What counts against the limit: both forms, uncompressed, and the report."""
        held = [self._payload, self._report]
        held += [] if self._original is self._payload else [self._original]
        return len(self._headers) + sum(one.size_bytes for one in held if one is not None)

    @property
    def is_omitted(self) -> bool:
        return self._payload is None

    @property
    def has_original(self) -> bool:
        return self._original is not None

    def payload(self) -> bytes | None:
        """The scrubbed form; None where it is not kept."""
        return None if self._payload is None else self._payload.bytes()

    def original(self) -> bytes | None:
        """As it came; None unless originals are kept."""
        return None if self._original is None else self._original.bytes()

    def document(self) -> object:
        """The payload as JSON, or None where it is none."""
        return None if self.type in _BLOBS else json_of(self.payload())

    @property
    def report(self) -> bytes | None:
        """What scrubbing did, once it was looked into."""
        return None if self._report is None else self._report.bytes()

    def keep_report(self, report: bytes) -> None:
        self._report = Packed(report)

    def forget(self) -> None:
        """Lets go of what the item holds; that it was there stays."""
        self._payload = self._original = self._report = None

    def __repr__(self) -> str:
        return f"<CapturedItem {self.type} of {self.size_bytes} bytes, {self.fate.outcome}>"


def json_of(payload: bytes | None) -> object:
    """A payload as JSON, lone surrogates mended as scrubbing mends them; None where it is none."""
    if payload is None:
        return None
    try:
        return decode_json(mended(payload))
    except ValueError:
        return None
