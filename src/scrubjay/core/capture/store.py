"""The bounded store of captured envelopes: a ring in memory (`capture.md` 3).

Owns ids, bounds and counts. What is kept is the scrubbed form, as bytes of its own, so that nothing keeps a request's body alive.
Records are derived at once, while it is one envelope's worth of work. Clock and randomness are arguments.

Invariants: ids are UUIDv7 and strictly increasing, in arrival order; neither bound is ever exceeded once `offer` has returned;
counts survive eviction.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.capture.reading import iso
from scrubjay.core.capture.records import CapturedItem, Facts, Record, records_of
from scrubjay.core.envelope import Envelope, encode_json
from scrubjay.core.ledger import Account

_UNSHOWN_HEADERS: Final = frozenset({"dsn", "remote_addr", "forwarded_for"})
"""The first may hold a secret, the others are the client's address; key and project are shown anyway."""

_ENTROPY_BITS: Final = 74
_LOW_BITS: Final = 62


class CaptureIds:
    """UUIDv7 (RFC 9562, 6.2 method 2): inside one millisecond, and when the clock falls back, the random part counts up."""

    __slots__ = ("_last_ms", "_tail")

    def __init__(self) -> None:
        self._last_ms = 0
        self._tail = 0

    def next(self, now_unix: float, entropy: int) -> str:
        """`entropy`: random bits, of which 74 are used."""
        now_ms = int(now_unix * 1000)
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._tail = entropy % (1 << _ENTROPY_BITS - 1)  # the top bit stays free for counting
        else:
            self._tail += 1
        high, low = divmod(self._tail, 1 << _LOW_BITS)
        digits = f"{self._last_ms:012x}{0x7000 | high:04x}{(0b10 << _LOW_BITS) | low:016x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclass
class Captured:
    """One envelope, as it would leave."""

    facts: Facts
    items: tuple[CapturedItem, ...]
    records: list[Record]
    size_bytes: int
    omitted: bool

    @property
    def id(self) -> str:
        return self.facts.capture_id

    def summary(self) -> dict[str, object]:
        """The row of the raw view."""
        items = [{"type": item.type, "bytes": item.size_bytes, "headers": item.headers} for item in self.items]
        row: dict[str, object] = {
            "id": self.id,
            "received_at": iso(self.facts.received_unix),
            "project": self.facts.project,
            "public_key": self.facts.key,
            "headers": self.facts.headers,
            "items": items,
            "bytes": self.size_bytes,
            "via": self.facts.via,
        }
        return row | {"payload_omitted": True} if self.omitted else row


@dataclass
class Totals:
    """Everything since the start, evicted and cleared ones included."""

    envelopes: int = 0
    bytes: int = 0
    evicted: int = 0
    items: Counter[str] = field(default_factory=Counter)


class CaptureStore:
    """`max_bytes` bounds payloads and headers, not what Python needs around them."""

    def __init__(self, max_envelopes: int = 500, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.max_envelopes = max_envelopes
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self.totals = Totals()
        self._ids = CaptureIds()
        self._ring: deque[Captured] = deque()
        self._newest_id = ""

    def offer(
        self,
        envelope: Envelope,
        account: Account,
        *,
        now_unix: float,
        entropy: int,
        via: str = "dsn",
        user_agent: str = "",
    ) -> Captured:
        """Takes a copy of what is left of an envelope, and lets go of the oldest until both bounds hold."""
        headers = {name: value for name, value in envelope.headers.items() if name not in _UNSHOWN_HEADERS}
        facts = Facts(
            capture_id=self.mark(now_unix, entropy),
            received_unix=now_unix,
            project="" if account.project_id is None else str(account.project_id),
            key=account.key,
            headers=headers,
            via=via,
            user_agent=user_agent,
        )
        heads_bytes = len(encode_json(headers)) + sum(len(encode_json(item.headers)) for item in envelope.items)
        omitted = heads_bytes + sum(len(item.payload) for item in envelope.items) > self.max_bytes
        items = tuple(
            CapturedItem(item.type, dict(item.headers), None if omitted else bytes(item.payload), len(item.payload))
            for item in envelope.items
        )
        size_bytes = heads_bytes + sum(len(item.payload or b"") for item in items)
        captured = Captured(facts, items, records_of(facts, items), size_bytes, omitted)
        self._ring.append(captured)
        self._newest_id = captured.id
        self.size_bytes += captured.size_bytes
        self.totals.envelopes += 1
        self.totals.bytes += sum(item.size_bytes for item in items) + heads_bytes
        self.totals.items.update(item.type for item in items)
        while len(self._ring) > self.max_envelopes or self.size_bytes > self.max_bytes:
            self.size_bytes -= self._ring.popleft().size_bytes
            self.totals.evicted += 1
        return captured

    def mark(self, now_unix: float, entropy: int) -> str:
        """An id after everything that came, and before everything that will."""
        return self._ids.next(now_unix, entropy)

    @property
    def newest_id(self) -> str:
        """The capture id that came last, evicted or not; empty before the first."""
        return self._newest_id

    def __len__(self) -> int:
        return len(self._ring)

    def newest_first(self) -> Iterator[Captured]:
        return reversed(self._ring)

    def records(self) -> Iterator[Record]:
        """Of all envelopes, newest first; inside an envelope in its own order."""
        for captured in reversed(self._ring):
            yield from captured.records

    def find(self, wanted: str) -> tuple[Captured, Record] | None:
        """By record id, capture id (its first record) or event id (the newest; the event itself before what rides on it)."""
        wanted = wanted.lower()
        capture_id = wanted[:36]
        riders: list[tuple[Captured, Record]] = []
        for captured in reversed(self._ring):
            if captured.id == capture_id:
                chosen = (one for one in captured.records if wanted in (capture_id, one.id))
                return next(((captured, record) for record in chosen), None)
            for record in captured.records:
                if record.summary.get("event_id") == wanted:
                    if record.summary["type"] != "attachment":
                        return captured, record
                    riders.append((captured, record))
        return riders[0] if riders else None

    def clear(self) -> int:
        """Forgets everything; how many records that were."""
        removed = sum(len(captured.records) for captured in self._ring)
        self._ring.clear()
        self.size_bytes = 0
        return removed

    def __repr__(self) -> str:
        return f"<CaptureStore {len(self._ring)} envelopes, {self.size_bytes} bytes, {self.totals.evicted} evicted>"
