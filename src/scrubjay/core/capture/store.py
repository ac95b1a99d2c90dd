"""The bounded store of captured envelopes: a ring in memory (`capture.md` 3).

Owns bounds, order and counts. What is kept is the scrubbed form and, where asked for, the original, as bytes of their own. Records
are derived at once, while it is one envelope's worth of work. Clock and randomness are arguments.

Invariants: ids are UUIDv7 and strictly increasing, in arrival order; neither bound is ever exceeded once `offer` has returned;
counts survive eviction; nothing kept refers back to what keeps it, so that memory falls when an envelope goes.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, NamedTuple

from scrubjay.core.capture.facts import UNKNOWN, Coming, Facts
from scrubjay.core.capture.ids import ID_LENGTH, CaptureIds
from scrubjay.core.capture.item import CapturedItem, Fate
from scrubjay.core.capture.local import LOCAL, LOCAL_KEY
from scrubjay.core.capture.records import Record, document_of, records_of
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.rulebook import RuleBook
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account

_UNSHOWN_HEADERS: Final = frozenset({"dsn", "remote_addr", "forwarded_for"})
"""The first may hold a secret, the others are the client's address; key and project are shown anyway."""
_SHOWN_OF_REQUEST: Final = ("method", "path", "encoding", "wire_bytes", "user_agent")
MAX_NAMES: Final = 1_000
OTHER: Final = "other"
_RECORD_BYTES: Final = 512
"""What an entry of a container takes beside the payload: many short ones must not cost more than the limit."""


class Captured:
    """One envelope: what would leave of it, and what was dropped on the way. `omitted`: it was too large to be kept."""

    __slots__ = ("facts", "items", "omitted", "records", "size_bytes")

    def __init__(self, facts: Facts, items: tuple[CapturedItem, ...], *, omitted: bool = False) -> None:
        self.facts = facts
        self.items = items
        self.records = records_of(facts, items)
        self.omitted = omitted
        self.size_bytes = 0
        self.weigh()

    @property
    def id(self) -> str:
        return self.facts.capture_id

    def weigh(self) -> None:
        held = self.facts.heads_bytes + max(0, len(self.records) - len(self.items)) * _RECORD_BYTES
        self.size_bytes = held + sum(item.held_bytes for item in self.items)

    def omit(self) -> None:
        """Keeps nothing but headers, and one record for each item."""
        for item in self.items:
            item.forget()
        self.omitted = True
        self.records = records_of(self.facts, self.items)

    def wire(self) -> bytes:
        """The envelope as it may be shown: the scrubbed form of every item that is kept. Lengths are right."""
        items = [(item.headers, item.payload()) for item in self.items]
        kept = [Item(headers, payload) for headers, payload in items if payload is not None]
        for item in kept:
            item.dirty = True
        return Envelope(self.facts.headers, kept).serialize()

    def summary(self) -> dict[str, object]:
        """The row of the raw view."""
        coming = self.facts.coming
        items: list[dict[str, object]] = [
            {"type": item.type, "bytes": item.size_bytes, "headers": item.headers, **item.fate.summary()}
            | ({"payload_omitted": True} if item.is_omitted else {})
            for item in self.items
        ]
        row: dict[str, object] = {
            "id": self.id,
            "received_at": self.facts.received_at,
            "project": self.facts.project,
            "public_key": self.facts.key,
            "headers": self.facts.headers,
            "items": items,
            "bytes": sum(item.size_bytes for item in self.items),
            "via": self.facts.via,
            "status": coming.status,
            "took_ms": coming.took_ms,
            "request": coming.request(),
        }
        row |= {name: value for name, value in coming.request().items() if name in _SHOWN_OF_REQUEST}
        if sdk := next((record.sdk for record in self.records if record.sdk), ""):
            row["sdk"] = sdk
        return row | {"payload_omitted": True} if self.omitted else row

    def __repr__(self) -> str:
        return f"<Captured {self.id} of {len(self.items)} items, {self.size_bytes} bytes>"


class Found(NamedTuple):
    """A record and the envelope that it is in."""

    captured: Captured
    record: Record

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def item(self) -> CapturedItem:
        return self.captured.items[self.record.index]

    def document(self) -> object:
        """The JSON that the record shows, scrubbed; None where it is none. Unpacked anew at each call."""
        return document_of(self.item, self.record.part)


@dataclass
class Totals:
    """Everything since the start, evicted and cleared ones included. `missed`: what passed while too much waited (beside forwarding).

    Whoever sends names types and projects as he likes: beyond `MAX_NAMES` all further ones are `OTHER`.
    """

    envelopes: int = 0
    bytes: int = 0
    evicted: int = 0
    missed: int = 0
    items: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    projects: Counter[str] = field(default_factory=Counter)

    def add(self, captured: Captured, size_bytes: int) -> None:
        self.envelopes += 1
        self.bytes += size_bytes
        _count(self.projects, captured.facts.project)
        for item in captured.items:
            _count(self.items, item.type)
            self.outcomes[item.fate.outcome] += 1


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < MAX_NAMES else OTHER] += 1


class CaptureStore:
    """`max_bytes` bounds payloads, headers and reports, uncompressed; packed, they take a fraction of it."""

    def __init__(self, max_envelopes: int = 500, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.max_envelopes = max_envelopes
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self.totals = Totals()
        self.rulebook = RuleBook()
        self._ids = CaptureIds()
        self._ring: OrderedDict[str, Captured] = OrderedDict()
        self._newest_id = ""

    def offer(
        self,
        envelope: Envelope,
        account: Account,
        coming: Coming = UNKNOWN,
        *,
        now_unix: float,
        entropy: int = 0,
        fates: Sequence[Fate] = (),
        originals: Sequence[bytes | memoryview | None] = (),
        withheld: Collection[int] = (),
        untouched: Collection[int] = (),
        capture_id: str = "",
    ) -> Captured:
        """Takes a copy of an envelope in its scrubbed form, and lets go of the oldest until both bounds hold.

        `fates` and `originals` of its items, in order; none: accepted, and not kept. `withheld`: places of items whose payloads must not
        be shown, `untouched`: of those that scrubbing left as they came. `capture_id`: of an envelope that has one, above all that were given.
        """
        if capture_id:
            self._ids.follow(capture_id)
        headers = {name: value for name, value in envelope.headers.items() if name not in _UNSHOWN_HEADERS}
        project, key = "" if account.project_id is None else str(account.project_id), account.key
        if key == LOCAL_KEY:
            project, key = LOCAL, ""
        facts = Facts(capture_id or self.mark(now_unix, entropy), now_unix, project, key, headers, coming)
        heads_bytes = len(encode_json(headers)) + sum(len(encode_json(item.headers)) for item in envelope.items)
        total_bytes = heads_bytes + sum(len(item.payload) for item in envelope.items)
        omitted = total_bytes > self.max_bytes
        keeps_originals = total_bytes + sum(len(one or b"") for one in originals) <= self.max_bytes
        items = []
        for place, item in enumerate(envelope.items):
            original = originals[place] if originals and keeps_originals else None
            is_unchanged = original is not None and original == item.payload
            is_hidden = omitted or place in withheld
            items.append(
                CapturedItem(
                    item.type,
                    item.headers,
                    None if is_hidden else item.payload,
                    size_bytes=len(item.payload),
                    fate=fates[place] if fates else Fate(),
                    original=None if omitted or is_unchanged else original,
                    is_unchanged=is_unchanged and not is_hidden,
                    is_touched=place not in untouched,
                )
            )
        captured = Captured(facts, tuple(items), omitted=omitted)
        self.totals.add(captured, total_bytes)
        self._ring[captured.id] = captured
        self._newest_id = captured.id
        self.size_bytes += captured.size_bytes
        self._shrink()
        return captured

    def _shrink(self) -> None:
        """The oldest go. Of one that is too large even alone, payloads go first."""
        while len(self._ring) > self.max_envelopes or (self.size_bytes > self.max_bytes and len(self._ring) > 1):
            self._forget(next(iter(self._ring)))
            self.totals.evicted += 1
        if self.size_bytes > self.max_bytes:
            (alone,) = self._ring.values()
            alone.omit()
            self._reweigh(alone)
        if self.size_bytes > self.max_bytes:
            self._forget(next(iter(self._ring)))
            self.totals.evicted += 1

    def _reweigh(self, captured: Captured) -> None:
        self.size_bytes -= captured.size_bytes
        captured.weigh()
        self.size_bytes += captured.size_bytes

    def _forget(self, capture_id: str) -> None:
        self.size_bytes -= self._ring.pop(capture_id).size_bytes

    def examined(self, captured: Captured, index: int, report: Report) -> bool:
        """Keeps what looking into an item found; False if the envelope or the item is gone meanwhile."""
        records = [record for record in captured.records if record.index == index]
        if captured.id not in self._ring or not records:
            return False
        captured.items[index].keep_report(report.packed())
        counts = report.counts([record.part for record in records])
        for record in records:
            record.scrubbed(*counts[record.part])
        self.rulebook.add(report, captured.facts.project, captured.facts.received_unix)
        self.totals.rules.update({rule: total["hits"] for rule, total in report.totals.items()})
        self._reweigh(captured)
        self._shrink()
        return True

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
        return reversed(self._ring.values())

    def found(self) -> Iterator[Found]:
        """Every record, newest envelope first; inside an envelope in its own order."""
        for captured in reversed(self._ring.values()):
            for record in captured.records:
                yield Found(captured, record)

    def envelope(self, capture_id: str) -> Captured | None:
        return self._ring.get(capture_id.lower())

    def after(self, capture_id: str) -> list[Captured] | None:
        """What came after an envelope, oldest first; None if it is not known, or gone."""
        if capture_id.lower() not in self._ring:
            return None
        return list(takewhile(lambda captured: captured.id != capture_id.lower(), reversed(self._ring.values())))[::-1]

    def find(self, wanted: str) -> Found | None:
        """By record id, capture id (its first record) or event id (the newest; the event itself before what rides on it)."""
        wanted = wanted.lower()
        captured = self._ring.get(wanted[:ID_LENGTH])
        if captured is not None:
            suffix = wanted[ID_LENGTH:]
            chosen = (record for record in captured.records if suffix in ("", record.suffix))
            return next((Found(captured, record) for record in chosen), None)
        event_id = wanted.replace("-", "")
        riders: list[Found] = []
        for found in self.found():
            if found.record.event_id == event_id:
                if found.record.type != "attachment":
                    return found
                riders.append(found)
        return riders[0] if riders else None

    def remove(self, record_ids: Iterable[str]) -> int:
        """Forgets these records, and payloads of which no record is left; how many there were."""
        wanted: dict[str, set[str]] = {}
        for record_id in record_ids:
            wanted.setdefault(record_id[:ID_LENGTH], set()).add(record_id[ID_LENGTH:])
        removed = 0
        for capture_id, suffixes in wanted.items():
            captured = self._ring.get(capture_id)
            if captured is None:
                continue
            kept = [record for record in captured.records if record.suffix not in suffixes]
            removed += len(captured.records) - len(kept)
            captured.records = kept
            if not kept:
                self._forget(capture_id)
                continue
            left = {record.index for record in kept}
            for index, item in enumerate(captured.items):
                if index not in left:
                    item.forget()
            self._reweigh(captured)
        return removed

    def clear(self) -> int:
        """Forgets everything; how many records that were."""
        removed = sum(len(captured.records) for captured in self._ring.values())
        self._ring.clear()
        self.size_bytes = 0
        return removed

    def __repr__(self) -> str:
        return f"<CaptureStore {len(self._ring)} envelopes, {self.size_bytes} bytes, {self.totals.evicted} evicted>"
