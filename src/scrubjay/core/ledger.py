"""The account: nothing vanishes.

`Ledger.open` notes what came; `Tally.drop` is the only way to lose an item; when the block closes

    received = kept + dropped by reason        per data category

A difference is booked as `unaccounted` and, in a strict ledger, raises. Parcels take their quantities along, into memory and into
the spool, so that whatever ends them later still counts. Each booking is one call of the `Book` that the ledger was given;
what the server should learn of it is summed up in `client_reports`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Envelope, Item
from scrubjay.errors import Rejected
from scrubjay.outcomes import Reason

UNCOUNTED: Quantities = ((DataCategory.UNKNOWN, 1),)
"""What an item counts as in the account when the protocol gives it no category (client reports, unknown types)."""

_COUNTERS = frozenset({"client_report", "sessions", "metric_buckets"})


@dataclass(frozen=True, slots=True)
class Account:
    """Whose quantities are counted: what every booking of one envelope has in common."""

    key: str
    project_id: int | None
    revision: str
    event_id: str | None
    now_unix: float


@dataclass(frozen=True, slots=True)
class Booking:
    """One ending. `origin` says whose rule it was (a quota's id, a filter's id, `upstream`); `size_bytes` is the payload's."""

    reason: Reason
    quantities: Quantities
    account: Account
    item_type: str = ""
    stage: str = ""
    origin: str = ""
    detail: str = ""
    size_bytes: int = 0


class Book(Protocol):
    """Where bookings go; `runtime.telemetry` is the real one."""

    def received(self, item_type: str, quantities: Quantities) -> None: ...

    def ended(self, booking: Booking) -> None: ...

    def accepted(self, item_types: Iterable[str]) -> None: ...

    def unscrubbed(self, item_type: str) -> None: ...

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None: ...

    def sampled(self, rule: str, kept: int) -> None: ...


class Reports(Protocol):
    """Who tells the server of losses; `client_reports` is the real one."""

    def add(self, booking: Booking) -> None: ...


class Onlooker(Protocol):
    """Who wants to know of one envelope what became of each of its items (`ports.Sighting`)."""

    def ended(self, item: Item, booking: Booking, *, whole: bool) -> None:
        """An item was lost, or, not `whole`, some of its records."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What a parcel that nobody has processed keeps of its request, beside its own facts: all that decisions may ask for.

    `awaits`: the key whose project's configuration is not known; not always the parcel's own.
    """

    awaits: str
    source: str = "header"
    client: str | None = None
    client_ip: str | None = None
    client_hints: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    relay_id: str | None = None
    signature: str | None = None
    is_proven: bool = False


@dataclass(slots=True)
class Parcel:
    """What waits and travels: one serialised envelope with its quantities.

    `body` is not compressed. Its header line is written anew at each attempt, for `sent_at` and the server's own `dsn`. The facts from
    `client` to `via` are those of the request it came in; `None` is left out on the way.
    """

    id: str
    key: str
    project_id: int
    body: bytes
    quantities: Quantities
    received_unix: float
    event_id: str | None = None
    upstream: str | None = None
    item_types: tuple[str, ...] = ()
    revision: str = ""
    client: str | None = None
    version: int = 7
    origin: str | None = None
    user_agent: str | None = None
    forwarded_for: str | None = None
    via: str | None = None
    """The relays it came through, us included."""
    attempts: int = 0
    received_mono: float | None = None
    """As `received_unix`, by a clock that nobody sets; None where the process that received it is no more."""
    raw: Raw | None = None
    """Not None: nothing was scrubbed, nothing is decided, and it must not leave. Its facts are then those of the request, uncut."""

    @property
    def only_counts(self) -> bool:
        """Whether all of it is added up where it arrives, so that arriving twice does harm."""
        return bool(self.item_types) and _COUNTERS.issuperset(self.item_types)

    def account(self, now_unix: float) -> Account:
        return Account(self.key, self.project_id, self.revision, self.event_id, now_unix)


class Ledger:
    """Opens accounts and books endings.

    Without `reports` the server is told nothing. `strict` turns an account that does not close into an exception (tests).
    """

    def __init__(self, book: Book, reports: Reports | None = None, *, strict: bool = False) -> None:
        self._book = book
        self._reports = reports
        self.strict = strict

    def open(self, envelope: Envelope, account: Account) -> Tally:
        return Tally(self, envelope, account)

    def receive(self, item_type: str, quantities: Quantities) -> None:
        self._book.received(item_type, quantities)

    def accept(self, item_types: Iterable[str]) -> None:
        """An envelope was answered with 200; the types are those of its items as they came, empty for unknown ones."""
        self._book.accepted(item_types)

    def pass_unscrubbed(self, item_type: str) -> None:
        """An item leaves although it could not be scrubbed; the type is empty for unknown ones."""
        self._book.unscrubbed(item_type)

    def exceed(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        """So much was beyond a quota that does not simply refuse, and so much of it was kept all the same."""
        self._book.exceeded(quota, category, amount, kept)

    def keep_sampled(self, rule: str, kept: int) -> None:
        """A sampling rule decided that so many items or records stay."""
        self._book.sampled(rule, kept)

    def book(self, booking: Booking) -> None:
        self._book.ended(booking)
        if self._reports is not None:
            self._reports.add(booking)

    def end(
        self, parcel: Parcel, reason: Reason, *, now_unix: float, stage: str, origin: str = "", detail: str = ""
    ) -> None:
        """Books the end of a parcel that was held: forwarded, refused, evicted, expired, …"""
        self.book(
            Booking(
                reason,
                parcel.quantities,
                parcel.account(now_unix),
                item_type=",".join(parcel.item_types),
                stage=stage,
                origin=origin,
                detail=detail,
                size_bytes=len(parcel.body),
            )
        )

    def __repr__(self) -> str:
        return f"<Ledger strict={self.strict}>"


def total(parts: Iterable[Quantities]) -> Quantities:
    """The sum of several quantities, by category."""
    sums: dict[DataCategory, int] = {}
    for part in parts:
        for category, amount in part:
            sums[category] = sums.get(category, 0) + amount
    return tuple(sorted(sums.items()))


class Tally:
    """One envelope's account, and the only hand that removes items from it. Use as a context manager.

    Quantities are those of the item as it came: what scrubbing makes shorter or longer counts as it was received.
    """

    __slots__ = ("_balance", "_ledger", "_quantities", "account", "envelope", "onlooker", "stage")

    def __init__(self, ledger: Ledger, envelope: Envelope, account: Account) -> None:
        self._ledger = ledger
        self.envelope = envelope
        self.account = account
        self.stage = ""
        self.onlooker: Onlooker | None = None
        self._balance: dict[DataCategory, int] = {}
        self._quantities: dict[int, Quantities] = {}
        self._receive()

    def _receive(self) -> None:
        """Notes what came. Overridden where it came before (`reopened`)."""
        for item in self.items:
            quantities = item.kind.quantities(item) or UNCOUNTED
            self._quantities[id(item)] = quantities
            self._ledger.receive(item.type, quantities)
            self._move(quantities, 1)

    @property
    def items(self) -> list[Item]:
        return self.envelope.items

    def quantities(self, item: Item) -> Quantities:
        """What is left of what `item` counted as when it came; never empty."""
        return self._quantities[id(item)]

    def holds(self, item: Item) -> bool:
        """Whether `item` is still there: it may have fallen with another."""
        return any(other is item for other in self.items)

    def kept(self) -> Quantities:
        return total(self._quantities[id(item)] for item in self.items)

    def drop(self, item: Item, reason: Reason, *, origin: str = "", detail: str = "", alone: bool = False) -> None:
        """Removes `item`, and unless `alone` what rides on it, under one reason. Dropping what is gone already does nothing."""
        if not self._remove(item, reason, origin, detail) or alone:
            return
        if item.creates_event and not any(other.creates_event for other in self.items):
            for rider in [other for other in self.items if other.rides_on_event]:
                self._remove(rider, reason, origin, detail)

    def drop_part(
        self, item: Item, quantities: Quantities, reason: Reason, *, origin: str = "", detail: str = ""
    ) -> None:
        """Books the loss of some records of an item that itself stays; never more than is left of what it counted as."""
        asked, before = dict(quantities), self._quantities[id(item)]
        lost = [(category, min(amount, asked[category])) for category, amount in before if category in asked]
        taken = dict(lost)
        self._quantities[id(item)] = tuple((category, amount - taken.get(category, 0)) for category, amount in before)
        self._move(lost, -1)
        self._book(item, tuple(lost), reason, origin, detail, whole=False)

    def pass_unscrubbed(self, item: Item) -> None:
        """Says that `item` stays although it could not be scrubbed."""
        self._ledger.pass_unscrubbed(item.kind.type)

    def exceed(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        """See `Ledger.exceed`; what is not kept is dropped apart from that."""
        self._ledger.exceed(quota, category, amount, kept)

    def keep_sampled(self, rule: str, kept: int = 1) -> None:
        """See `Ledger.keep_sampled`."""
        self._ledger.keep_sampled(rule, kept)

    def recount(self, item: Item, more: Quantities) -> None:
        """Adds what an item turned out to hold beyond what its headers announced; before it is dropped."""
        if more:
            self._ledger.receive(item.type, more)
            self._quantities[id(item)] = total((self._quantities[id(item)], more))
            self._move(more, 1)

    def drop_all(self, reason: Reason, *, origin: str = "", detail: str = "") -> None:
        """Ends whatever is left under one reason."""
        for item in list(self.items):
            self._remove(item, reason, origin, detail)

    def close(self) -> None:
        """Compares what came with what is left and what was booked."""
        self._move(self.kept(), -1)
        missing = tuple((category, amount) for category, amount in self._balance.items() if amount)
        if not missing:
            return
        self._ledger.book(Booking(reasons.UNACCOUNTED, missing, self.account, stage=self.stage))
        if self._ledger.strict:
            raise AssertionError(f"unaccounted: {missing}")

    def _remove(self, item: Item, reason: Reason, origin: str, detail: str) -> bool:
        for position, other in enumerate(self.items):
            if other is item:
                del self.items[position]
                quantities = self._quantities[id(item)]
                self._move(quantities, -1)
                self._book(item, quantities, reason, origin, detail)
                self.envelope.dirty = True
                return True
        return False

    def _book(
        self, item: Item, quantities: Quantities, reason: Reason, origin: str, detail: str, *, whole: bool = True
    ) -> None:
        size = len(item.payload)
        booking = Booking(reason, quantities, self.account, item.shown_type, self.stage, origin, detail, size)
        self._ledger.book(booking)
        if self.onlooker is not None:
            self.onlooker.ended(item, booking, whole=whole)

    def _move(self, quantities: Iterable[tuple[DataCategory, int]], sign: int) -> None:
        balance = self._balance
        for category, amount in quantities:
            balance[category] = balance.get(category, 0) + sign * amount

    def __enter__(self) -> Tally:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        if isinstance(error, Rejected):
            self.drop_all(error.reason, detail="; ".join((error.detail, *error.causes)))
        else:
            self.drop_all(reasons.INTERNAL, detail=type(error).__name__)
