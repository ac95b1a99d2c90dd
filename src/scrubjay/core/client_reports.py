"""What was dropped and the server should know, summed until it is told (`decisions.md` 8.3 to 8.6).

Owns which part of a booking is reported, and the sums: by key and project, time slot, section, reason and category. Losses of our own
and counts out of clients' reports meet here, each under the slot of its own time. Reading those reports is `received_reports`', packing
`reporting`'s, and when anything is sent the worker's.

Invariants: nothing is reported of client reports, nor of sessions lost here; a key has at most `MAX_LINES` sums and a few: beyond, a
loss joins the newest sum of its reason at a wrong time, else one reason for all, but its quantity is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Booking
from scrubjay.outcomes import Outcome, Reason, Section

MAX_LINES: Final = 5_000
"""Distinct sums of one key, whatever their slots."""
MAX_KEYS: Final = 10_000
MAX_QUANTITY: Final = 2**32 - 1
"""In one line: a report with a larger one is refused whole, and bytes can come to more."""
_MAX_PORTIONS: Final = 64
"""Lines of one sum; 256 GiB in ten seconds is what somebody announced, not what came."""
MAX_REASON_BYTES: Final = 200
"""Servers drop what has a longer one (`decisions.md` 8.6)."""

_C = DataCategory
_OVERFLOW: Final = "internal_sdk_error"
_NEVER: Final = frozenset({_C.UNKNOWN, _C.SESSION})
_NOT_OF_TRACES: Final = _NEVER | {_C.TRANSACTION, _C.SPAN}
_NOT_OF_RATES: Final = _NEVER | {_C.TRANSACTION_INDEXED, _C.SPAN_INDEXED, _C.PROFILE_INDEXED}


@dataclass(frozen=True, slots=True)
class Count:
    """One line of a report."""

    section: Section
    reason: str
    category: DataCategory
    quantity: int


_Line = tuple[Section, str, DataCategory]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told of one key and project: the payloads of report items, oldest slot first."""

    key: str
    project_id: int
    payloads: tuple[dict[str, object], ...]


@dataclass(slots=True)
class _Sums:
    """Of one key and project. `newest`: the last slot in which a line stands."""

    slots: dict[int, dict[_Line, int]] = field(default_factory=dict)
    newest: dict[_Line, int] = field(default_factory=dict)
    lines: int = 0

    def add(self, slot: int, line: _Line, quantity: int) -> None:
        lines = self.slots.get(slot)
        if lines is None or line not in lines:
            if self.lines >= MAX_LINES:
                if line not in self.newest:
                    line = (Section.DISCARDED, _OVERFLOW, line[2])
                slot = self.newest.get(line, slot)
            lines = self.slots.setdefault(slot, {})
            if line not in lines:
                self.lines += 1
                self.newest[line] = max(slot, self.newest.get(line, slot))
        lines[line] = lines.get(line, 0) + quantity


class ClientReports:
    """`on_first` is called when there is something to tell where there was nothing."""

    def __init__(self, *, interval_s: int = 10, on_first: Callable[[], None] = lambda: None) -> None:
        self._interval_s = interval_s
        self._sums: dict[tuple[str, int], _Sums] = {}
        self.on_first = on_first

    def add(self, booking: Booking) -> None:
        """Notes what of a booking the server should know."""
        reason, account = booking.reason, booking.account
        if reason.section is None or account.project_id is None:
            return
        section, told, left_out = reason.section, _cut(reason.reported_reason), _left_out(reason)
        slot = int(account.now_unix) // self._interval_s
        for category, amount in booking.quantities:
            if category not in left_out:
                self._count(account.key, account.project_id, slot, (section, told, category), amount)

    def merge(self, key: str, project_id: int, at_unix: float, counts: Iterable[Count]) -> None:
        """Adds counts of a time."""
        slot = int(at_unix) // self._interval_s
        for count in counts:
            self._count(key, project_id, slot, (count.section, _cut(count.reason), count.category), count.quantity)

    def _count(self, key: str, project_id: int, slot: int, line: _Line, quantity: int) -> None:
        if quantity <= 0:
            return
        sums = self._sums.get((key, project_id)) or self._open(key, project_id)
        if sums is not None:
            sums.add(slot, line, quantity)

    def _open(self, key: str, project_id: int) -> _Sums | None:
        """None: too many keys wait to be told of, and the losses of this one stand in our own account alone."""
        if len(self._sums) >= MAX_KEYS:
            return None
        is_first = not self._sums
        sums = self._sums[key, project_id] = _Sums()
        if is_first:
            self.on_first()
        return sums

    def take(self, may_be_told: Callable[[str, int], bool] = lambda key, project_id: True) -> list[Due]:
        """Removes the sums of those who may be told now, and returns them as reports."""
        taken = []
        for key, project_id in [owner for owner in self._sums if may_be_told(*owner)]:
            slots = self._sums.pop((key, project_id)).slots
            payloads = (_report(slot * self._interval_s, lines) for slot, lines in sorted(slots.items()))
            taken.append(Due(key, project_id, tuple(payloads)))
        return taken

    def __len__(self) -> int:
        return len(self._sums)

    def __repr__(self) -> str:
        return f"<ClientReports of {len(self)} keys, {sum(sums.lines for sums in self._sums.values())} sums>"


def _left_out(reason: Reason) -> frozenset[DataCategory]:
    """Categories that are not reported: sampled traces count as not stored alone (5.6), what fixed rates take as not sent alone (5.9)."""
    if reason.section is Section.SAMPLING:
        return _NOT_OF_TRACES
    return _NOT_OF_RATES if reason.outcome is Outcome.SAMPLED else _NEVER


def _cut(reason: str) -> str:
    if len(reason) * 4 <= MAX_REASON_BYTES:
        return reason
    return reason.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")


def _report(timestamp: int, lines: Mapping[_Line, int]) -> dict[str, object]:
    report: dict[str, list[dict[str, object]]] = {Section.DISCARDED.value: []}
    for (section, reason, category), quantity in lines.items():
        lines_of_section = report.setdefault(section.value, [])
        for told in _portions(quantity):
            lines_of_section.append({"reason": reason, "category": category.wire, "quantity": told})
    return {"timestamp": timestamp, **report}


def _portions(quantity: int) -> list[int]:
    whole, rest = divmod(min(quantity, _MAX_PORTIONS * MAX_QUANTITY), MAX_QUANTITY)
    return [MAX_QUANTITY] * whole + ([rest] if rest else [])
