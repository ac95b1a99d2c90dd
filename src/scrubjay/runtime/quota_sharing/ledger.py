"""The authority over quotas: it alone counts, and says who may use up how much (`decisions.md` 2.4, 9.1).

Owns the arithmetic of fixed and sliding windows and of buckets, cardinality, and blocks of tokens granted in advance (9.4). The ledger
counts for one process, or for all workers of a host inside the supervisor: this module needs nothing but the standard library.
`script` says the same in Lua; who holds granted tokens is `pots`' business.

Invariants: what is granted never exceeds a limit, and a claim is granted whole or changes nothing. All numbers are whole, so that
traces are exact. Memory is bounded: ended windows go after a minute's grace, and of too many counters the one used longest ago
goes first, which lets its quota start anew (quotas fail open).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

GRACE_S: Final = 60
"""How long counters outlive their window, as clocks may be set back a little."""
BUCKET_LEASE_S: Final = 10
"""How long tokens of a bucket may be held: it has no window that would end them."""
UNLIMITED: Final = -1
_MS: Final = 1000

FIXED: Final = "fixed"
SLIDING: Final = "sliding"
BUCKET: Final = "bucket"
SHARED: Final = "*"
"""The group of all groups that are too many."""


class Meter(NamedTuple):
    """One counter, in plain data. `limit` -1 only counts. `max_groups` -1: not one of many."""

    name: str
    limit: int
    window_s: int
    shift_s: int = 0
    algorithm: str = FIXED
    burst: int = 0
    group: str = ""
    max_groups: int = -1
    shares_overflow: bool = True

    @property
    def key(self) -> str:
        return f"{self.name}:{self.group}" if self.group else self.name

    def window(self, now: int) -> tuple[int, int]:
        """The slot of now, and when it ends."""
        slot = (now - self.shift_s) // self.window_s
        return slot, (slot + 1) * self.window_s + self.shift_s

    def shared(self) -> Meter:
        """The counter of what is too many."""
        return self._replace(group=SHARED, max_groups=-1)


Parts = Sequence[tuple[Meter, int]]
"""Meters and what is needed of each; a need of 0 asks whether there is room for one more."""


class Claim(NamedTuple):
    """All parts or none; `parts` are positions in `Ask.meters` with needs. `after`: an earlier claim that must be granted, or -1."""

    parts: Sequence[tuple[int, int]]
    after: int = -1


class Ask(NamedTuple):
    """One round trip. Per meter `wants` (tokens in advance, if there is plenty) and `returns` (slot, unused tokens)."""

    meters: Sequence[Meter]
    claims: Sequence[Claim]
    wants: Sequence[int]
    returns: Sequence[tuple[int, int]] = ()


class Grant(NamedTuple):
    """What became of one meter: tokens for all its granted claims and in advance; valid in `slot` alone, which ends at `ends_unix`.

    `left`: room that remains (-1: no limit). `refused`: the smallest need that was refused, 0 if none, and when to ask again.
    `is_shared`: the group is one too many, the grant is of the counter that all such groups share.
    """

    tokens: int
    left: int
    slot: int
    ends_unix: int
    refused: int = 0
    retry_s: int = 0
    is_shared: bool = False


class Answer(NamedTuple):
    """`now_unix`: the authority's clock. `holders`: how many share it. `problem`: why it does not count as it should, or empty."""

    now_unix: float
    holders: int
    grants: Sequence[Grant]
    problem: str = ""


def in_advance(want: int, room: int, need: int, holders: int, limit: int) -> int:
    """How much of `want` is granted beyond what is needed now (9.4).

    A share of the room, so that no holder sits on what another lacks; nothing near the limit, where each token counts.
    """
    if limit == UNLIMITED:
        return want
    if room < max(2 * holders * max(need, 1), limit // 100):
        return 0
    return max(0, min(want, max(room // (2 * holders), room // 10)))


class Cell:
    """One counter in one slot. A bucket has one cell for all times; its `level` is in thousandths of a token per window second."""

    __slots__ = ("at_ms", "ends_unix", "groups", "keep_unix", "last_use", "level", "previous", "used")

    def __init__(self, ends_unix: int, keep_unix: int, previous: int) -> None:
        self.ends_unix = ends_unix
        self.keep_unix = keep_unix
        self.last_use = 0
        self.used = 0
        self.previous = previous
        self.level = 0
        self.at_ms = -1
        self.groups: set[str] | None = None

    def copy(self) -> Cell:
        twin = Cell(self.ends_unix, self.keep_unix, self.previous)
        twin.last_use, twin.used, twin.level, twin.at_ms = self.last_use, self.used, self.level, self.at_ms
        twin.groups = None if self.groups is None else set(self.groups)
        return twin

    def room(self, meter: Meter, now: int) -> int:
        """What may still be used up; not for meters without a limit."""
        if meter.algorithm == FIXED:
            return meter.limit - self.used
        if meter.algorithm == SLIDING:
            window = meter.window_s
            return ((meter.limit - self.used) * window - self.previous * (self.ends_unix - now)) // window
        return self.level // (meter.window_s * _MS)

    def fits(self, meter: Meter, amount: int, now: int) -> bool:
        """A bucket takes what is larger than itself when it is full."""
        if meter.algorithm == BUCKET and amount > meter.burst:
            amount = meter.burst
        return amount <= self.room(meter, now)

    def retry_s(self, meter: Meter, amount: int, now: int) -> int:
        """Seconds until `amount`, which does not fit, may."""
        left = self.ends_unix - now
        if meter.algorithm == SLIDING:
            room, window = meter.limit - self.used - amount, meter.window_s
            if room >= 0:
                left = -((window * (room - self.previous)) // self.previous) - (window - left)
            elif self.used:
                left += max(0, -((window * (meter.limit - amount - self.used)) // self.used))
        elif meter.algorithm == BUCKET:
            missing = min(amount, meter.burst) * meter.window_s * _MS - self.level
            left = -(-missing // (meter.limit * _MS))
        return max(1, left)

    def take(self, meter: Meter, amount: int) -> None:
        """Negative: gives back. Never below nothing used."""
        if meter.algorithm == BUCKET and meter.limit != UNLIMITED:
            scale = meter.window_s * _MS
            self.level = min(self.level - amount * scale, meter.burst * scale)
        else:
            self.used = max(0, self.used + amount)

    def consumed(self, meter: Meter, now: int) -> int:
        if meter.limit == UNLIMITED:
            return self.used
        return (meter.burst if meter.algorithm == BUCKET else meter.limit) - self.room(meter, now)

    def refill(self, meter: Meter, now_ms: int) -> None:
        full = meter.burst * meter.window_s * _MS
        if self.at_ms < 0:
            self.level = full
        elif now_ms > self.at_ms:
            self.level = min(full, self.level + meter.limit * (now_ms - self.at_ms))
        self.at_ms = max(self.at_ms, now_ms)


class QuotaLedger:
    """All counters of one authority, on one thread. `now_unix` is always the caller's clock, and always the same one's."""

    def __init__(self, *, max_counters: int = 100_000) -> None:
        self._cells: dict[tuple[str, int], Cell] = {}
        self._max_counters = max_counters
        self._next_sweep_unix = 0
        self._uses = 0

    def charge(self, parts: Parts, now_unix: float) -> Sequence[tuple[int, int]]:
        """Takes all parts or nothing. What refused: positions in `parts`, and the seconds until they may be asked again."""
        now = int(now_unix)
        self._uses += 1
        if now >= self._next_sweep_unix or len(self._cells) >= self._max_counters:
            self._forget(now)
        if len(parts) == 1:
            meter, amount = parts[0]
            if meter.algorithm == FIXED and meter.max_groups < 0 and meter.limit >= 0:
                return self._charge_plain(meter, amount, now)
        found: list[tuple[Meter, Cell, int]] = []
        refused: list[tuple[int, int]] = []
        for position, (meter, amount) in enumerate(parts):
            place = self._place(meter, now_unix)
            if place is None:
                refused.append((position, meter.window(now)[1] - now))
                continue
            meter, cell = place
            found.append((meter, cell, amount))
            if meter.limit != UNLIMITED and not cell.fits(meter, amount or 1, now):
                refused.append((position, cell.retry_s(meter, amount or 1, now)))
        if not refused:
            for meter, cell, amount in found:
                cell.take(meter, amount)
                cell.last_use = self._uses
                if amount and meter.max_groups >= 0:
                    self._groups(meter, now).add(meter.group)
        return refused

    def _charge_plain(self, meter: Meter, amount: int, now: int) -> Sequence[tuple[int, int]]:
        """The same for what nearly all quotas are: one fixed window."""
        cell = self._cell(meter, now)
        if cell.used + (amount or 1) > meter.limit:
            return ((0, cell.ends_unix - now),)
        cell.used += amount
        cell.last_use = self._uses
        return ()

    def lease(self, ask: Ask, now_unix: float, holders: int = 1) -> Answer:
        """Takes back, grants the claims in order, then in advance what is wanted."""
        for meter, (slot, unused) in zip(ask.meters, ask.returns, strict=False):
            cell = self._cells.get((meter.key, slot))
            if cell is not None:
                cell.take(meter, -unused)
        tokens = [0] * len(ask.meters)
        refused = [(0, 0)] * len(ask.meters)
        most = [0] * len(ask.meters)
        failed: set[int] = set()
        for number, claim in enumerate(ask.claims):
            if claim.after in failed:
                failed.add(number)
                continue
            refusals = self.charge([(ask.meters[index], need) for index, need in claim.parts], now_unix)
            for position, retry_s in refusals:
                failed.add(number)
                index, need = claim.parts[position]
                least = refused[index][0]
                if not least or max(need, 1) < least:
                    refused[index] = max(need, 1), retry_s
            for index, need in claim.parts:
                most[index] = max(most[index], need)
                tokens[index] += 0 if refusals else need
        grants = [
            self._grant(meter, tokens[index], ask.wants[index], most[index], holders, refused[index], now_unix)
            for index, meter in enumerate(ask.meters)
        ]
        return Answer(now_unix, holders, grants)

    def _grant(
        self, meter: Meter, tokens: int, want: int, need: int, holders: int, refused: tuple[int, int], now_unix: float
    ) -> Grant:
        now = int(now_unix)
        place = self._place(meter, now_unix)
        if place is None:
            slot, ends = meter.window(now)
            return Grant(0, 0, slot, ends, *refused)
        is_shared = place[0] is not meter
        meter, cell = place
        slot, ends = (0, now + BUCKET_LEASE_S) if meter.algorithm == BUCKET else meter.window(now)
        if meter.limit == UNLIMITED:
            left, extra = UNLIMITED, want if tokens else 0
        else:
            room = cell.room(meter, now)
            ceiling = meter.burst if meter.algorithm == BUCKET else meter.limit
            extra = in_advance(want, room, need, holders, ceiling) if tokens else 0
            left = max(0, room - extra)
        if extra:
            cell.take(meter, extra)
        return Grant(tokens + extra, left, slot, ends, *refused, is_shared)

    # Finding counters

    def _place(self, meter: Meter, now_unix: float) -> tuple[Meter, Cell] | None:
        """Where `meter` is counted; None for a group that is one too many."""
        now = int(now_unix)
        if meter.max_groups >= 0:
            groups = self._groups(meter, now)
            if meter.group not in groups and len(groups) >= meter.max_groups:
                if not meter.shares_overflow:
                    return None
                meter = meter.shared()
        cell = self._cell(meter, now)
        if meter.algorithm == BUCKET and meter.limit != UNLIMITED:
            cell.refill(meter, int(now_unix * _MS))
            emptied_s = meter.burst * meter.window_s // meter.limit
            cell.keep_unix = now + emptied_s + meter.window_s + GRACE_S
        return meter, cell

    def _cell(self, meter: Meter, now: int) -> Cell:
        slot = 0 if meter.algorithm == BUCKET else (now - meter.shift_s) // meter.window_s
        key = meter.key
        cell = self._cells.get((key, slot))
        if cell is None:
            before = self._cells.get((key, slot - 1)) if meter.algorithm == SLIDING else None
            ends = (slot + 1) * meter.window_s + meter.shift_s
            keep = ends + GRACE_S + (meter.window_s if meter.algorithm == SLIDING else 0)
            cell = self._cells[key, slot] = Cell(ends, keep, before.used if before else 0)
            cell.last_use = self._uses
        return cell

    def _groups(self, meter: Meter, now: int) -> set[str]:
        """The groups that are counted apart in this window."""
        slot, ends = meter.window(now)
        cell = self._cells.get((meter.name, slot))
        if cell is None:
            cell = self._cells[meter.name, slot] = Cell(ends, ends + GRACE_S, 0)
        if cell.groups is None:
            cell.groups = set()
        cell.last_use = self._uses
        return cell.groups

    # Looking, copying, forgetting

    def state(self, meter: Meter, now_unix: float) -> tuple[int, int]:
        """What is consumed in the window of now, and when it ends. Changes nothing."""
        now = int(now_unix)
        slot, ends = meter.window(now)
        cell = self._cells.get((meter.key, 0 if meter.algorithm == BUCKET else slot))
        if cell is None:
            return 0, ends
        if meter.algorithm == FIXED:
            return cell.used, ends
        if meter.algorithm == BUCKET and meter.limit != UNLIMITED:
            cell = cell.copy()
            cell.refill(meter, int(now_unix * _MS))
        return cell.consumed(meter, now), ends

    def copy(self) -> QuotaLedger:
        """One that counts on from here for itself."""
        twin = QuotaLedger(max_counters=self._max_counters)
        for key, cell in self._cells.items():
            twin._cells[key] = cell.copy()
        return twin

    def _forget(self, now: int) -> None:
        kept = [(key, cell) for key, cell in self._cells.items() if cell.keep_unix > now]
        if len(kept) >= self._max_counters:
            # Half at once, so that a flood of new counters does not pay for a sweep each.
            kept.sort(key=lambda entry: entry[1].last_use)
            kept = kept[len(kept) // 2 :]
        self._cells = dict(kept)
        self._next_sweep_unix = now + GRACE_S

    def __len__(self) -> int:
        return len(self._cells)
