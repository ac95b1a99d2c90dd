"""The account over the life of the daemon: nothing vanishes, not even over a kill.

Owns the counters of what was received and how it ended, the drop records, and closing the account again after a restart. It is
the `Book` of `core.ledger`; `telemetry` adds everything that is no quantity.

Invariants: no method raises, waits, or needs an event loop; a drop record holds no payload; no counter falls; after `close_account`

    received = forwarded + captured + dropped + held                 per data category

holds whenever no request is being answered.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import ClassVar

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.ledger import Booking
from scrubjay.outcomes import Outcome, Reason
from scrubjay.runtime import metrics
from scrubjay.runtime.busiest import Busiest
from scrubjay.runtime.log import KEY_LENGTH, LimitedLog
from scrubjay.runtime.series import Series
from scrubjay.runtime.state import MAX_DROPS, Balance, Drop, Snapshot, balances
from scrubjay.runtime.values import Values

MAX_DETAIL = 200
_MAX_CODES = 100
_OTHER_CODE = "other"
_KEPT = (Outcome.FORWARDED, Outcome.CAPTURED)

Held = Mapping[str, Quantities]
"""What is accepted and not yet ended, by where it is: `memory` (there alone) or `spool`. No parcel is in both."""


class AccountBook:
    """`previous` is what the slot's last process left behind (`StateFile.load`)."""

    above: ClassVar[int] = 0
    """Frames between a method and whoever calls it, where a class puts its own methods before ours: the log blames the caller."""

    def __init__(
        self,
        slot: int = 0,
        *,
        previous: Snapshot | None = None,
        now: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slot = slot
        self.values = Values()
        self._now = now
        self._mono = mono
        self._previous = previous
        self._drops: deque[Drop] = deque(maxlen=MAX_DROPS)
        if previous is not None:
            self.values.take_over(previous.series, previous.histograms, gauges=False)
            self._drops.extend(previous.drops)
        self._account = LimitedLog("account", mono)
        self._http = LimitedLog("http", mono)
        self._received = self.values.series[metrics.RECEIVED.name]
        self._outcomes = self.values.series[metrics.OUTCOMES.name]
        self._unaccounted = self.values.series[metrics.UNACCOUNTED.name]
        self._losses = self.values.series[metrics.LOSSES.name]
        self._busiest: Busiest | None = None
        self._rejected = self.values.series[metrics.REJECTED.name]
        self._codes = {code for _, code, _ in self._outcomes}
        self._assumed = {name: balance.open for name, balance in balances(self.values, {}).items() if balance.open}
        """What is held on disk if the last books are right, until `close_account` hears what is."""
        self._is_closed = False

    def received(self, item_type: str, quantities: Quantities) -> None:
        for category, amount in quantities:
            self._received.add((category.wire,), amount)

    def ended(self, booking: Booking) -> None:
        reason = booking.reason
        lost: dict[str, int] = {}
        for category, amount in booking.quantities:
            if amount < 0:  # an unaccounted surplus: more was kept than had come, and no counter falls
                self._received.add((category.wire,), -amount)
                self._unaccounted.add((category.wire,), -amount)
                continue
            self._end(reason, category.wire, amount)
            lost[category.wire] = amount
        account = booking.account
        if self._busiest is not None and account.project_id is not None:
            for category, amount in booking.quantities:
                labels = (str(account.project_id), reason.outcome.value, category.wire)
                self._busiest.add(labels, max(0, amount))
        if reason.outcome in _KEPT:
            return
        drop = Drop(
            time_unix=account.now_unix,
            slot=self.slot,
            reason=reason.code,
            outcome=reason.outcome.value,
            quantities=lost,
            project_id=account.project_id,
            key=account.key[:KEY_LENGTH],
            origin=booking.origin,
            stage=booking.stage,
            item_type=booking.item_type[:MAX_DETAIL],
            event_id=account.event_id,
            size_bytes=booking.size_bytes,
            revision=account.revision,
            detail=booking.detail[:MAX_DETAIL],
        )
        message = f"{reason.outcome}: {reason.code or 'rate limit'}"
        self._dropped(drop, reason, self._account, message, depth=3 + self.above)

    def _end(self, reason: Reason, category: str, amount: int) -> None:
        code = reason.code
        if code not in self._codes:
            # Some codes come from clients and servers. They are folded here, not by the series: the category must stay exact.
            if len(self._codes) < _MAX_CODES:
                self._codes.add(code)
            else:
                code = _OTHER_CODE
        labels = (reason.outcome.value, code, category)
        self._outcomes[labels] = self._outcomes.get(labels, 0) + amount
        if code == reasons.UNACCOUNTED.code:
            self._unaccounted.add((category,), amount)

    def unscrubbed(self, item_type: str) -> None:
        """An item left although it could not be scrubbed, by the operator's word."""
        name = item_type or "unknown"
        self.values.series[metrics.UNSCRUBBED.name].add((name,))
        self._account.line(
            logging.WARNING, f"unscrubbed/{name}", "an item left unscrubbed", {"item_type": name}, depth=2
        )

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        series = self.values.series[metrics.QUOTA_EXCESS.name]
        for fate, part in (("kept", kept), ("dropped", amount - kept)):
            if part:
                series.add((quota, category.wire, fate), part)

    def count_projects_apart(self, *, apart: bool) -> None:
        """Whether projects are told one by one (`metrics.per_project`)."""
        series = self.values.series[metrics.PROJECT_OUTCOMES.name]
        if not apart:
            series.clear()
            self._busiest = None
        elif self._busiest is None:
            self._busiest = Busiest(series)

    def sampled(self, rule: str, kept: int) -> None:
        self.values.series[metrics.SAMPLING_KEPT.name].add((rule,), kept)

    def rejected(self, reason: Reason, detail: str = "", *, key: str = "", project_id: int | None = None) -> None:
        """A request ended before its items were known."""
        self._rejected.add((reason.code,))
        drop = Drop(
            time_unix=self._now(),
            slot=self.slot,
            reason=reason.code,
            outcome=reason.outcome.value,
            project_id=project_id,
            key=key[:KEY_LENGTH],
            stage="request",
            detail=detail[:MAX_DETAIL],
        )
        self._dropped(drop, reason, self._http, f"request refused: {reason.code}")

    def _dropped(self, drop: Drop, reason: Reason, log: LimitedLog, message: str, *, depth: int = 3) -> None:
        self._drops.append(drop)
        if reason.outcome is Outcome.LOST and not reason.intended:
            self._losses.add((reason.code,))
        level = _level(reason)
        if not log.enabled(level):
            return
        fields = {
            "reason": drop.reason,
            "origin": drop.origin,
            "stage": drop.stage,
            "item_type": drop.item_type,
            "quantities": " ".join(f"{name}:{amount}" for name, amount in drop.quantities.items()),
            "project_id": drop.project_id,
            "project_key": drop.key,
            "event_id": drop.event_id,
            "size_bytes": drop.size_bytes or None,
            "revision": drop.revision,
            "detail": drop.detail,
        }
        log.line(level, f"{drop.outcome}/{drop.reason}/{drop.key}", message, fields, depth=depth)

    @property
    def ends_in_order(self) -> bool:
        """Whether a stop now leaves books that the next start may rely on: not if those of a killed process have not been closed yet."""
        return self._is_closed or self._previous is None or self._previous.stopped

    def close_account(self, found: Quantities, damaged_records: int = 0) -> dict[str, int]:
        """After a start: makes the account close against what was `found` on disk. To be called once; requests may be under way.

        The counters come from a file that may be a second older than the end of the process that wrote it, the spool knows
        to the record, and keeps what ended until the file says so (`Chronicle.write`). What the spool held too much was received in that second.
        What it held too little was in memory alone (`drain_timeout`), being answered and not stored yet (`unanswered`), in damaged records
        (`spool_corrupt`), or, where the file could not be written, had ended (how, only the server knows: `restart`); after an orderly stop nothing
        may have, and the rest is `unaccounted`. Returns the differences: what was found less what the counters said.
        """
        now, assumed = by_name(found), self._assumed
        differences = {name: now.get(name, 0) - assumed.get(name, 0) for name in {**assumed, **now}}
        differences = {name: difference for name, difference in differences.items() if difference}
        self._assumed, self._is_closed = {}, True
        previous = self._previous
        in_memory = dict(previous.held.get("memory", {})) if previous is not None else {}
        orderly = previous is not None and previous.stopped
        account = previous.account if previous is not None and not orderly else {}
        in_hand = {name: max(0, balance.open) for name, balance in account.items()}
        for name, difference in differences.items():
            if difference > 0:
                self._received.add((name,), difference)
                continue
            left = -difference
            for reason, most in (
                (reasons.DRAIN_TIMEOUT, in_memory.get(name, 0)),
                (reasons.UNANSWERED, in_hand.get(name, 0)),
                (reasons.SPOOL_CORRUPT, left if damaged_records and orderly else damaged_records),
                (reasons.UNACCOUNTED if orderly else reasons.RESTART, left),
            ):
                gone = min(left, most)
                self._end_unseen(reason, name, gone)
                left -= gone
        if differences:
            shown = {name: f"{difference:+}" for name, difference in differences.items()}
            self._account.line(logging.INFO, "restart", "account closed again after a restart", shown)
        return differences

    def _end_unseen(self, reason: Reason, category: str, amount: int) -> None:
        if amount <= 0:
            return
        self._end(reason, category, amount)
        if reason.outcome in _KEPT:
            return
        drop = Drop(
            time_unix=self._now(),
            slot=self.slot,
            reason=reason.code,
            outcome=reason.outcome.value,
            quantities={category: amount},
            stage="restart",
        )
        self._dropped(drop, reason, self._account, f"{reason.outcome}: {reason.code}")

    def inherit(self, slot: int, previous: Snapshot | None, found: Quantities, damaged_records: int = 0) -> None:
        """Takes over the books of another slot, which is no more, closed against what its partition held when it was adopted."""
        other = AccountBook(slot, previous=previous, now=self._now, mono=self._mono)
        other.close_account(found, damaged_records)
        self.values.take_over(other.values.series_rows(), other.values.histogram_rows(), gauges=False)
        if self._busiest is not None:
            self._busiest.recount()
        self._codes |= other._codes
        drops = sorted([*self._drops, *other._drops], key=lambda drop: drop.time_unix)
        self._drops = deque(drops, maxlen=MAX_DROPS)

    def places(self, held: Held) -> dict[str, dict[str, int]]:
        """What is held, by place and name; until the account is closed with what must be on disk by the last books."""
        places = {where: by_name(quantities) for where, quantities in held.items()}
        if self._assumed:
            spool = places.get("spool", {})
            sums = {name: spool.get(name, 0) + self._assumed.get(name, 0) for name in {**spool, **self._assumed}}
            places["spool"] = {name: amount for name, amount in sums.items() if amount}
        return places

    def without(self, elsewhere: Iterable[Mapping[str, int]]) -> Values:
        """Our numbers less what others' books say was received."""
        taken = Counter[str]()
        for amounts in elsewhere:
            taken.update(amounts)
        if not taken:
            return self.values
        values = copy(self.values)
        values.series = dict(self.values.series)
        received = Series(self._received)
        for name, amount in taken.items():
            received.add((name,), -amount)
        values.series[metrics.RECEIVED.name] = received
        return values

    def account(self, held: Held) -> dict[str, Balance]:
        return balances(self.values, self.places(held))


def by_name(quantities: Quantities) -> dict[str, int]:
    return {category.wire: amount for category, amount in quantities if amount}


def _level(reason: Reason) -> int:
    if reason in (reasons.UNACCOUNTED, reasons.INTERNAL):
        return logging.ERROR
    if reason.intended:
        return logging.DEBUG
    return logging.WARNING if reason.outcome is Outcome.LOST else logging.INFO
