"""When the server is told of losses: timers, an absent server, limits, the end of the process."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.client_reports import ClientReports, Count
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Booking, Ledger, Parcel
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping
from scrubjay.errors import Unavailable
from scrubjay.outcomes import Section
from scrubjay.runtime.reporter import SHUTDOWN_S, Reporter

NOW = 1_000.0


class Book:
    def __init__(self) -> None:
        self.came = 0
        self.ends: list[str] = []

    def received(self, item_type: str, quantities: Quantities) -> None:
        self.came += 1

    def ended(self, booking: Booking) -> None:
        self.ends.append(booking.reason.code)

    def accepted(self, item_types: object) -> None:
        raise AssertionError("reports are not accepted from anybody")

    def unscrubbed(self, item_type: str) -> None:
        raise AssertionError("reports are not scrubbed")

    def exceeded(self, *excess: object) -> None:
        raise AssertionError("reports have no quota")


class Outbox:
    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.is_out = False
        self.room = True
        self.on_put: Callable[[], None] = lambda: None

    def has_capacity(self) -> bool:
        return self.room

    async def put(self, parcel: Parcel) -> None:
        await asyncio.sleep(0)
        self.on_put()
        if not self.room:
            raise Unavailable(reasons.QUEUE_FAILED, "full")
        self.parcels.append(parcel)


class Timer:
    def cancel(self) -> None:
        pass


class Desk:
    """A reporter with all that is around it; timers go off when they are told to."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, delay_s: float = 30, chance: float = 0.5, **parts: Any
    ) -> None:
        self.book, self.outbox, self.limits, self.reports = Book(), Outbox(), LimitTable(), ClientReports()
        self.now_mono = NOW
        self.timers: list[tuple[float, Callable[[], None]]] = []
        numbers = itertools.count()
        fields: dict[str, Any] = {
            "delay_s": delay_s,
            "new_id": lambda: str(next(numbers)),
            "on_error": self._fail,
            "chance": lambda: chance,
            "now_unix": lambda: 2e9,
            "now_mono": lambda: self.now_mono,
        }
        self.ledger = Ledger(self.book, self.reports)
        outbox = parts.pop("outbox", self.outbox)
        self.reporter = Reporter(self.reports, self.ledger, outbox, self.limits, **fields | parts)

        def call_later(after_s: float, work: Callable[[], None]) -> Timer:
            self.timers.append((after_s, work))
            return Timer()

        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later, raising=False)

    def _fail(self, name: str, error: BaseException) -> None:
        raise AssertionError(name) from error

    def lose(self, key: str = "k", amount: int = 1) -> None:
        self.reports.merge(key, 7, 0, [Count(Section.DISCARDED, "sample_rate", DataCategory.ERROR, amount)])

    async def go_off(self) -> float:
        """The timer's time, once it has gone off and everything is done."""
        ((after_s, work),) = self.timers
        self.timers.clear()
        self.now_mono += after_s
        work()
        for _ in range(20):
            await asyncio.sleep(0)
        return after_s

    def told(self) -> list[tuple[str, int]]:
        """Keys and quantities that reached the outbox."""
        return [
            (parcel.key, line["quantity"])
            for parcel in self.outbox.parcels
            for item in parse_envelope(parcel.body).items
            for line in json.loads(bytes(item.payload))["discarded_events"]
        ]


@pytest.mark.parametrize(("chance", "delay_s"), [(0.0, 24.0), (0.5, 30.0), (1.0, 36.0)])
async def test_the_first_loss_arms_the_timer_a_little_off(
    monkeypatch: pytest.MonkeyPatch, chance: float, delay_s: float
) -> None:
    desk = Desk(monkeypatch, chance=chance)
    assert desk.timers == []
    for _ in range(3):
        desk.lose()
    assert await desk.go_off() == pytest.approx(delay_s)
    assert desk.told() == [("k", 3)]
    assert desk.timers == []
    desk.lose()
    await desk.go_off()
    assert desk.told() == [("k", 3), ("k", 1)]
    assert desk.book.came == 2


async def test_while_the_server_is_away_losses_are_summed_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    desk.outbox.is_out = True
    for _ in range(3):
        desk.lose()
        await desk.go_off()
    assert desk.outbox.parcels == []
    desk.outbox.is_out = False
    await desk.go_off()
    assert desk.told() == [("k", 3)]


async def test_without_room_losses_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, delay_s=0)
    desk.outbox.room = False
    desk.lose()
    assert await desk.go_off() == 0
    desk.outbox.room = True
    assert await desk.go_off() == 1, "not at once again"
    assert desk.told() == [("k", 1)]


@pytest.mark.parametrize("scope", ["key", "organization"])
async def test_a_limit_on_everything_holds_the_reports_of_its_key_back_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    desk = Desk(monkeypatch, scoping_of=lambda key, project_id: Scoping(key, project_id, ord(key)))
    desk.limits.learn(Scoping("a", 7, ord("a")), [ActiveLimit(scope, frozenset(), NOW + 35, "generic")], NOW)
    desk.lose("a")
    desk.lose("b", 2)
    await desk.go_off()
    assert desk.told() == [("b", 2)]
    desk.lose("a")
    assert await desk.go_off() == pytest.approx(5)
    assert desk.told() == [("b", 2), ("a", 2)]


@pytest.mark.parametrize(
    "limit",
    [
        ActiveLimit("key", frozenset({DataCategory.ERROR}), NOW + 99),
        ActiveLimit("key", frozenset(), NOW + 99, origin="quota-1"),
        ActiveLimit("key", frozenset(), NOW + 99, namespaces=frozenset({"spans"})),
    ],
    ids=["a category", "our own", "metrics"],
)
async def test_other_limits_do_not(monkeypatch: pytest.MonkeyPatch, limit: ActiveLimit) -> None:
    desk = Desk(monkeypatch)
    desk.limits.learn(Scoping("k", 7), [limit], NOW)
    desk.lose()
    await desk.go_off()
    assert desk.told() == [("k", 1)]


@pytest.mark.parametrize("silenced", ["outbox", "setting"])
async def test_who_tells_nothing_keeps_nothing(monkeypatch: pytest.MonkeyPatch, silenced: str) -> None:
    desk = Desk(monkeypatch, outbox=None) if silenced == "outbox" else Desk(monkeypatch)
    desk.reporter.is_on = silenced != "setting"
    desk.lose()
    await desk.go_off()
    assert len(desk.reports) == 0
    desk.lose()
    await desk.reporter.close()
    assert desk.outbox.parcels == []


async def test_a_report_that_finds_no_room_after_all_is_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)

    def fill() -> None:
        desk.outbox.room = False

    desk.outbox.on_put = fill
    desk.lose()
    await desk.go_off()
    assert desk.book.ends == ["queue_failed"]


async def test_at_the_end_everything_reaches_the_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    desk.outbox.is_out = True
    desk.limits.learn(Scoping("k", 7), [ActiveLimit("key", frozenset(), NOW + 99)], NOW)
    desk.lose()
    await desk.reporter.close()
    assert desk.told() == [("k", 1)]
    desk.lose()
    await desk.reporter.send()
    assert desk.told() == [("k", 1)], "nothing is told after it"
    assert len(desk.timers) == 1


async def test_the_end_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)

    def take_long() -> None:
        desk.now_mono += SHUTDOWN_S / 90

    desk.outbox.on_put = take_long
    for number in range(150):
        desk.lose(str(number))
    await desk.reporter.close()
    assert len(desk.outbox.parcels) == 100
    assert desk.book.ends == ["drain_timeout"] * 50


async def test_the_end_waits_for_what_is_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    desk.lose()
    await asyncio.gather(desk.reporter.send(), desk.reporter.close())
    assert desk.told() == [("k", 1)]
    assert repr(desk.reporter) == "<Reporter <ClientReports of 0 keys, 0 sums>>"
