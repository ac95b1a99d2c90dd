"""The account of what was received before, and waited for its project's configuration.

It is not received again: it comes to what was left of it then. If there is no room for it now, it goes on waiting as if nobody had touched
it, so that nothing of what was booked meanwhile may count; in every other case the books are written when the whole is done, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Envelope
from scrubjay.core.ledger import UNCOUNTED, Account, Booking, Ledger, Tally, total
from scrubjay.errors import Unavailable


@dataclass(slots=True)
class Counted:
    """What was received before and waited since. `is_settled`: what became of it, or of all but what goes on, is in the books."""

    quantities: Quantities
    is_settled: bool = False


class _Draft:
    """A book and reports in one, whose entries are made when they are known to hold."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._entries: list[Callable[[], None]] = []

    def received(self, item_type: str, quantities: Quantities) -> None:
        self._entries.append(partial(self._ledger.receive, item_type, quantities))

    def ended(self, booking: Booking) -> None:
        self._entries.append(partial(self._ledger.book, booking))

    def accepted(self, item_types: Iterable[str]) -> None:
        raise AssertionError("what waited was accepted before")

    def unscrubbed(self, item_type: str) -> None:
        self._entries.append(partial(self._ledger.pass_unscrubbed, item_type))

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        self._entries.append(partial(self._ledger.exceed, quota, category, amount, kept))

    def sampled(self, rule: str, kept: int) -> None:
        self._entries.append(partial(self._ledger.keep_sampled, rule, kept))

    def enter(self) -> None:
        for entry in self._entries:
            entry()


def reopen(ledger: Ledger, envelope: Envelope, account: Account, counted: Counted) -> Tally:
    """As `Ledger.open`, for what was opened and held before."""
    return _TallyOfHeld(ledger, envelope, account, counted)


class _TallyOfHeld(Tally):
    """The account of what waited: it comes to what it came to before, and nothing of it is booked unless all of it holds."""

    __slots__ = ("_counted", "_draft")

    def __init__(self, ledger: Ledger, envelope: Envelope, account: Account, counted: Counted) -> None:
        self._draft = _Draft(ledger)
        self._counted = counted
        super().__init__(Ledger(self._draft, strict=ledger.strict), envelope, account)

    def _receive(self) -> None:
        """Of each item what is left: some records of it may have fallen before it waited."""
        left = dict(self._counted.quantities)
        for item in self.items:
            taken = [
                (category, min(amount, left.get(category, 0)))
                for category, amount in item.kind.quantities(item) or UNCOUNTED
            ]
            self._quantities[id(item)] = tuple(taken)
            for category, amount in taken:
                left[category] = left.get(category, 0) - amount
        beyond = tuple((category, amount) for category, amount in left.items() if amount)
        if self.items and beyond:  # it was counted by other rules, as those of another version
            first = id(self.items[0])
            self._quantities[first] = total((self._quantities[first], beyond))
        self._move(self._counted.quantities, 1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Unavailable) or not isinstance(error, Exception | None):
            return
        super().__exit__(kind, error, traceback)
        self._draft.enter()
        self._counted.is_settled = True
