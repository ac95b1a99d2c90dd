"""Who is sent next, and what answers do to parcels (upstream-and-operations 6.6, 6.7)."""

import asyncio
from collections import deque

import pytest

from scrubjay import reasons
from scrubjay.core.ledger import Ledger
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.merging import MergeTag
from scrubjay.errors import Divide, Refused, Throttled, Transient
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.dispatcher import Dispatcher, DispatchOptions
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment, Waiting
from support.forwarding import KeptBook, Observed, SetClock, name_of, parcel, until

NETWORK = Transient("connect: refused")
ERROR_500 = Transient("500", status=500, network=False, capped=True)


class Server:
    """Answers by a script; when that is empty it takes everything. `gate` holds requests back."""

    def __init__(self, *script) -> None:
        self.script = deque(script)
        self.tried: list[str] = []
        self.waited: list[float] = []
        self.probes: deque[bool] = deque()
        self.probed = 0
        self.backs = 0
        self.at_once = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.grouping = SINGLE
        self.on_change = lambda: None
        self.shipments: list[Shipment] = []

    def merge_tag(self, parcel):
        return MergeTag("all", 1) if self.grouping.kind == "envelope" and parcel.item_types == ("session",) else None

    async def send(self, shipment, now_mono):
        self.shipments.append(shipment)
        self.tried.append("".join(name_of(waiting.parcel) for waiting in shipment.members))
        self.waited.append(now_mono - shipment.members[0].since_mono)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.script.popleft() if self.script else None
        if isinstance(answer, Exception):
            raise answer
        return answer or [None] * len(shipment.members)

    async def probe(self):
        await asyncio.sleep(0)
        self.probed += 1
        return self.probes.popleft() if self.probes else False

    def came_back(self):
        self.backs += 1


class Floor:
    """A dispatcher with all that is around it; time stands still unless moved."""

    def __init__(
        self, *script, limit_of=lambda parcel: None, is_disabled=lambda parcel: False, clock=None, **options
    ) -> None:
        self.server, self.book, self.observed = Server(*script), KeptBook(), Observed()
        self.clock = clock or SetClock()
        self.custody = Custody(Ledger(self.book), self.observed, self.clock, None)
        self.on_disk: list[str] = []
        self.dispatcher = Dispatcher(
            self.server,
            self.custody,
            self.observed,
            DispatchOptions(**options),
            limit_of=limit_of,
            is_disabled=is_disabled,
            leave_on_disk=lambda waiting: self.on_disk.append(name_of(waiting.parcel)),
            on_room=lambda: None,
            clock=self.clock,
            chance=lambda: 1.0,
        )

    def add(self, *names, sequence=0, from_backlog=False, attempts=0, waited_s=0.0, **facts):
        for name in names:
            each = parcel(name, attempts=attempts, **facts)
            waiting = Waiting(each, sequence, self.clock.now_mono - waited_s, from_backlog)
            self.custody.count_unstored(each.quantities)
            if not sequence:
                self.custody.keep(waiting)
            (self.dispatcher.lanes.add_backlog if from_backlog else self.dispatcher.lanes.add_live)(waiting)
        self.dispatcher.dispatch()

    async def __aenter__(self):
        self.dispatcher.start()
        return self

    async def __aexit__(self, *exc_info):
        await self.dispatcher.stop()
        assert self.observed.inflight == 0

    async def ended(self, count=1):
        await until(lambda: len(self.book.bookings) >= count)
        return self.book.codes

    async def tried(self, count):
        await until(lambda: len(self.server.tried) >= count)
        return self.server.tried

    async def calm(self):
        """Until the loop has nothing left to do at this time."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def later(self, by_s):
        """Moves the clock, and does what timers would have done."""
        await self.calm()
        self.clock.move(by_s)
        self.dispatcher.dispatch()
        await self.calm()


class TestAnswers:
    async def test_taken(self):
        async with Floor() as floor:
            floor.add("a")
            assert await floor.ended() == ["forwarded"]
            assert floor.observed.ups == [True]

    async def test_the_time_it_waited_is_told(self):
        async with Floor() as floor:
            floor.add("a", waited_s=7.5)
            await floor.ended()
            assert floor.server.waited == [7.5]

    async def test_refused(self):
        async with Floor(Refused("413 too big", reasons.UPSTREAM_TOO_LARGE, status=413)) as floor:
            floor.add("a")
            assert await floor.ended() == ["too_large"]
            booking = floor.book.bookings[0]
            assert (booking.origin, booking.detail) == ("upstream", "413 too big")

    async def test_throttled_ends_under_the_limits_reason_and_is_not_reported_again(self):
        async with Floor(Throttled("key_hourly", status=429)) as floor:
            floor.add("a")
            assert await floor.ended() == ["key_hourly"]
            booking = floor.book.bookings[0]
            assert (booking.reason.outcome, booking.reason.section, booking.origin) == (
                "rate_limited",
                None,
                "upstream",
            )

    async def test_a_bug_ends_the_parcel_and_not_the_sender(self):
        async with Floor(KeyError("bug"), None) as floor:
            floor.add("a", "b")
            assert sorted(await floor.ended(2)) == ["forwarded", "internal"]
            assert [place for place, _ in floor.observed.errors] == ["forwarding"]

    async def test_upstream_62_500_three_times_then_200(self):
        async with Floor(ERROR_500, ERROR_500, ERROR_500) as floor:
            floor.add("a")
            for delay_s in (1.0, 1.5, 2.25):
                tries = len(floor.server.tried)
                await floor.later(delay_s - 0.01)
                assert len(floor.server.tried) == max(tries, 1)
                await floor.later(0.01)
            assert await floor.ended() == ["forwarded"]
            assert floor.server.tried == ["a"] * 4
            assert floor.observed.retries == 3

    async def test_upstream_62_500_for_ever_ends_after_five(self):
        async with Floor(*[ERROR_500] * 9) as floor:
            floor.add("a")
            for _ in range(6):
                await floor.later(60.0)
            assert await floor.ended() == ["upstream_error"]
            assert floor.server.tried == ["a"] * 5

    async def test_408_is_tried_again_without_end(self):
        again = Transient("408", status=408, network=False)
        async with Floor(*[again] * 30) as floor:
            floor.add("a")
            for _ in range(31):
                await floor.later(60.0)
            assert await floor.ended() == ["forwarded"]

    async def test_a_server_may_say_when(self):
        async with Floor(Transient("503", status=503, retry_after_s=100.0)) as floor:
            floor.add("a")
            await floor.later(99.0)
            assert floor.server.tried == ["a"]
            await floor.later(1.0)
            assert await floor.ended() == ["forwarded"]

    async def test_a_timer_brings_what_is_due_later(self):
        async with Floor(NETWORK, retry_delay_s=0.005) as floor:
            floor.add("a")
            await until(lambda: floor.clock.move(0.001) or floor.book.bookings)
            assert floor.book.codes == ["forwarded"]

    async def test_what_becomes_due_between_two_looks_at_the_clock_is_not_forgotten(self):
        class Running(SetClock):
            def mono_s(self):
                self.now_mono += 0.4
                return self.now_mono

        async with Floor(NETWORK, clock=Running(), retry_delay_s=1.0) as floor:
            floor.add("a")
            assert await floor.ended() == ["forwarded"]

    async def test_an_earlier_time_replaces_the_timer(self):
        long, short = (Transient("503", status=503, retry_after_s=delay) for delay in (3_600.0, 0.005))
        async with Floor(long, short) as floor:
            floor.add("long")
            await floor.calm()
            floor.add("short")
            await until(lambda: floor.clock.move(0.001) or floor.book.bookings)
            assert floor.server.tried == ["long", "short", "short"]


class TestNetwork:
    async def test_upstream_62_502_three_times_then_200_with_the_constant_delay(self):
        async with Floor(NETWORK, NETWORK, NETWORK) as floor:
            floor.add("a")
            for _ in range(3):
                await floor.later(0.99)
                tries = len(floor.server.tried)
                await floor.later(0.01)
                assert len(floor.server.tried) == tries + 1
            assert await floor.ended() == ["forwarded"]
            assert floor.server.backs == 1

    async def test_an_answer_to_another_makes_retries_due_at_once(self):
        async with Floor(NETWORK) as floor:
            floor.add("a")
            await floor.calm()
            floor.add("b")
            assert await floor.ended(2) == ["forwarded"] * 2
            assert floor.server.tried == ["a", "b", "a"]

    async def test_upstream_66_an_outage_is_probed_and_ends_with_any_answer(self, monkeypatch):
        monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.001)
        async with Floor(NETWORK, outage_grace_s=0) as floor:
            floor.server.probes.extend((False, False, True))
            floor.add("a")
            assert await floor.ended() == ["forwarded"]
            assert floor.server.probed == 3
            assert floor.observed.ups == [False, True]
            assert floor.server.tried == ["a", "a"]

    async def test_upstream_66_less_than_the_grace_period_is_not_probed(self):
        async with Floor(*[NETWORK] * 11, outage_grace_s=10.0) as floor:
            floor.add("a")
            for _ in range(9):
                await floor.later(1.0)
            assert floor.server.probed == 0
            await floor.later(1.0)
            await floor.calm()
            assert floor.server.probed == 1

    async def test_nothing_is_sent_in_an_outage(self):
        async with Floor(NETWORK, outage_grace_s=0) as floor:
            floor.add("a")
            await until(lambda: floor.dispatcher.is_out)
            floor.add("b")
            await floor.later(1.0)
            assert floor.server.tried == ["a"]

    async def test_a_late_answer_ends_an_outage_too(self):
        async with Floor(outage_grace_s=0) as floor:
            floor.server.gate.clear()
            floor.add("fails", "succeeds")
            floor.server.script.extend((NETWORK, None))
            floor.server.gate.set()
            assert await floor.ended(2) == ["forwarded"] * 2
            assert not floor.dispatcher.is_out

    async def test_in_an_outage_memory_lets_go_of_what_is_on_disk(self):
        async with Floor(NETWORK, outage_grace_s=0, max_concurrent_requests=1) as floor:
            floor.dispatcher.is_sending = False
            floor.add("a", sequence=1)
            floor.add("memory")
            floor.add("b", sequence=2)
            floor.dispatcher.resume()
            await until(lambda: floor.dispatcher.is_out)
            assert floor.on_disk == ["b", "a"]
            assert floor.dispatcher.lanes.count


class TestPermits:
    async def test_not_more_at_once_than_allowed(self):
        async with Floor(max_concurrent_requests=3) as floor:
            floor.server.gate.clear()
            floor.add(*map(str, range(10)))
            await floor.calm()
            assert floor.server.at_once == 3
            floor.server.gate.set()
            await floor.ended(10)
            assert floor.server.most_at_once == 3

    async def test_after_an_outage_one_then_more(self):
        async with Floor(NETWORK, outage_grace_s=0, max_concurrent_requests=8) as floor:
            floor.server.probes.append(True)
            floor.add("a")
            floor.server.gate.clear()
            floor.server.gate.set()
            await floor.ended(1)
            floor.server.gate.clear()
            floor.add(*map(str, range(10)))
            await floor.calm()
            assert floor.server.at_once == 2
            floor.server.gate.set()
            await floor.ended(11)

    async def test_idle_senders_are_used_again(self):
        async with Floor() as floor:
            for index in range(20):
                floor.add(str(index))
                await floor.ended(index + 1)
            assert floor.dispatcher._senders == 1


class TestBeforeSending:
    async def test_operations_85_too_old_is_not_sent_but_ends(self):
        async with Floor(max_age_s=60.0, expiry_holdoff_s=0.0) as floor:
            floor.add("old", waited_s=61.0)
            floor.add("young", waited_s=60.0)
            assert sorted(await floor.ended(2)) == ["forwarded", "spool_expired"]
            assert floor.server.tried == ["young"]

    async def test_operations_85_not_so_soon_after_start(self):
        async with Floor(max_age_s=60.0, expiry_holdoff_s=300.0) as floor:
            floor.add("old", waited_s=61.0)
            assert await floor.ended() == ["forwarded"]
            floor.clock.move(300.0)
            floor.add("old", waited_s=61.0)
            assert (await floor.ended(2))[1] == "spool_expired"

    @pytest.mark.parametrize("waited", [{"from_backlog": True}, {"attempts": 1}])
    async def test_a_limit_learnt_meanwhile_takes_what_waited(self, waited):
        limit = ActiveLimit("key", frozenset(), 5_000.0, "spike", origin="upstream")
        async with Floor(limit_of=lambda parcel: limit) as floor:
            floor.add("waited", **waited)
            assert await floor.ended() == ["spike"]
            booking = floor.book.bookings[0]
            assert (booking.reason.outcome, booking.origin) == ("rate_limited", "upstream")
            assert floor.server.tried == []

    @pytest.mark.parametrize("waited", [{"from_backlog": True}, {"attempts": 1}])
    async def test_a_project_disabled_meanwhile_gets_nothing_that_waited_decisions_51(self, waited):
        async with Floor(is_disabled=lambda parcel: name_of(parcel) == "old") as floor:
            floor.add("old", "other", **waited)
            assert sorted(await floor.ended(2)) == ["forwarded", "project_id"]
            assert [
                booking.reason.outcome for booking in floor.book.bookings if booking.reason.code == "project_id"
            ] == ["invalid"]
            assert floor.server.tried == ["other"]

    async def test_what_is_fresh_has_passed_the_gate(self):
        limit = ActiveLimit("key", frozenset(), 5_000.0)
        async with Floor(limit_of=lambda parcel: limit, is_disabled=lambda parcel: True) as floor:
            floor.add("fresh")
            assert await floor.ended() == ["forwarded"]

    async def test_by_policy_it_is_kept_until_the_limit_ends(self):
        limits = [ActiveLimit("key", frozenset(), 1_010.0)]
        async with Floor(limit_of=lambda parcel: limits[0] if limits else None, keeps_limited=True) as floor:
            floor.add("waited", from_backlog=True)
            await floor.later(9.0)
            assert floor.server.tried == []
            limits.clear()
            await floor.later(1.0)
            assert await floor.ended() == ["forwarded"]

    async def test_operations_94_the_backlog_is_paced(self):
        async with Floor(max_unspool_per_s=10) as floor:
            floor.add(*map(str, range(30)), from_backlog=True)
            await floor.calm()
            assert 10 <= len(floor.server.tried) <= 11
            floor.add("live")
            await floor.calm()
            assert floor.server.tried[-1] == "live"
            await floor.later(1.0)
            assert 21 <= len(floor.server.tried) <= 22


FULL = Transient("503", status=503, network=False)
BATCHES = Grouping("batch", live_records=4, backlog_records=4, most_bytes=1 << 20, linger_s=0.05, requests=1)


class TestBatches:
    async def floor(self, *script, **options):
        floor = Floor(*script, **options)
        floor.server.grouping = BATCHES
        return floor

    async def test_each_member_has_a_fate_of_its_own_and_the_rest_forms_a_new_batch(self):
        again = Transient("503", status=503, retry_after_s=7.0, network=False)
        refused = Refused("403", reasons.UPSTREAM_REJECTED, status=403)
        async with await self.floor([None, refused, again, again]) as floor:
            floor.add(*"abcd")
            await floor.calm()
            floor.server.shipments[0].batch_id = b"first"
            assert floor.book.codes == ["forwarded", "upstream_rejected"]
            await floor.later(6.9)
            assert floor.server.tried == ["abcd"]
            await floor.later(0.1)
            assert floor.server.tried == ["abcd", "cd"]
            assert floor.server.shipments[1].batch_id == b""
            assert floor.book.codes[2:] == ["forwarded", "forwarded"]

    async def test_a_batch_whose_fate_is_unknown_is_sent_again_as_it_was(self):
        async with await self.floor(NETWORK) as floor:
            floor.add(*"abcd")
            floor.add("e")
            await floor.later(1.0)
            assert floor.server.tried == ["abcd", "abcd", "e"]
            assert floor.server.shipments[0] is floor.server.shipments[1]
            assert floor.book.codes == ["forwarded"] * 5

    async def test_what_was_refused_in_company_goes_in_halves_and_at_last_alone(self):
        async with await self.floor(*[Divide("400", status=400)] * 3) as floor:
            floor.add(*"abcd")
            await floor.ended(4)
            assert floor.server.tried == ["abcd", "ab", "cd", "a", "b", "c", "d"]
            assert [each.kind for each in floor.server.shipments] == ["batch"] * 7

    async def test_alone_and_divided_it_is_an_envelope(self):
        async with await self.floor(Divide("400", status=400)) as floor:
            floor.add("a")
            await floor.later(0.05)
            await floor.ended()
            assert [each.kind for each in floor.server.shipments] == ["batch", "envelope"]

    async def test_operations_103_what_is_to_go_apart_goes_in_envelopes(self):
        async with await self.floor(Divide("404", status=404, apart=True)) as floor:
            floor.add(*"abcd")
            await floor.ended(4)
            assert floor.server.tried == ["abcd", "a", "b", "c", "d"]
            assert [each.kind for each in floor.server.shipments] == ["batch"] + ["envelope"] * 4

    async def test_5xx_count_for_each_member(self):
        async with await self.floor([None, ERROR_500, ERROR_500, None], max_5xx_attempts=1) as floor:
            floor.add(*"abcd")
            assert sorted(await floor.ended(4)) == ["forwarded", "forwarded", "upstream_error", "upstream_error"]

    async def test_a_5xx_of_one_does_not_count_for_another_that_is_to_come_later(self):
        async with await self.floor([ERROR_500, FULL, FULL, ERROR_500], [FULL, FULL], max_5xx_attempts=1) as floor:
            floor.add(*"abcd")
            await floor.later(1.0)
            await floor.later(1.5)
            assert floor.server.tried == ["abcd", "bc", "bc"]
            assert floor.book.codes == ["upstream_error", "upstream_error", "forwarded", "forwarded"]

    async def test_what_was_put_off_for_want_of_room_has_all_its_tries_left(self):
        async with await self.floor([FULL], [FULL], [FULL], [ERROR_500], max_5xx_attempts=2) as floor:
            floor.add("a")
            for _ in range(5):
                await floor.later(5.0)
            assert floor.book.codes == ["forwarded"]

    async def test_a_bug_takes_none_of_the_neighbours_along(self):
        async with await self.floor(ValueError("all"), ValueError("a")) as floor:
            floor.add(*"abcd")
            assert sorted(await floor.ended(4)) == ["forwarded"] * 3 + ["internal"]
            assert floor.server.tried == ["abcd", "a", "b", "c", "d"]

    async def test_not_more_at_once_than_the_grouping_says_and_none_until_it_changes(self):
        floor = await self.floor()
        floor.server.grouping = Grouping("batch", requests=0)
        async with floor:
            floor.add("a")
            await floor.later(100.0)
            assert floor.server.tried == []
            floor.server.grouping = SINGLE
            floor.server.on_change()
            assert await floor.ended() == ["forwarded"]

    async def test_what_may_not_leave_any_more_is_taken_out(self):
        async with await self.floor(is_disabled=lambda parcel: name_of(parcel) in "bd") as floor:
            floor.add(*"abcd", from_backlog=True)
            await floor.ended(4)
            assert floor.server.tried == ["ac"]
            floor.add(*"bd", from_backlog=True)
            await floor.ended(6)
            assert floor.server.tried == ["ac"]

    async def test_operations_94_the_pace_counts_members(self):
        async with await self.floor(max_unspool_per_s=2) as floor:
            floor.add(*"abcdefgh", from_backlog=True)
            await floor.calm()
            assert floor.server.tried == ["ab", "cd"]  # a second's worth at once, and then the next
            await floor.later(0.9)
            assert floor.server.tried == ["ab", "cd"]
            await floor.later(0.1)
            assert floor.server.tried == ["ab", "cd", "ef"]

    async def test_an_outage_divides_what_is_on_disk_from_what_is_not(self):
        async with await self.floor(NETWORK, outage_grace_s=0) as floor:
            floor.dispatcher.is_sending = False
            floor.add("a", "c")
            floor.add("b", sequence=1)
            floor.add("d")
            floor.dispatcher.resume()
            await until(lambda: floor.dispatcher.is_out)
            assert floor.on_disk == ["b"]
            floor.server.probes.append(True)
            floor.dispatcher._link.answered()
            floor.dispatcher.dispatch()
            await floor.ended(3)
            assert floor.server.tried == ["acbd", "acd"]

    async def test_sessions_share_an_envelope_and_leave_at_once_in_a_hurry(self):
        async with Floor() as floor:
            floor.add(*"ab", item_types=("session",))
            await floor.calm()
            assert floor.server.tried == []
            floor.dispatcher.hurry()
            assert await floor.ended(2) == ["forwarded"] * 2
            assert [each.kind for each in floor.server.shipments] == ["merged"]


async def test_paused_it_finishes_what_is_on_its_way():
    async with Floor(max_concurrent_requests=1) as floor:
        floor.server.gate.clear()
        floor.add("a", "b")
        await floor.calm()
        floor.dispatcher.pause()
        floor.server.gate.set()
        await floor.ended()
        await floor.calm()
        assert floor.server.tried == ["a"]
        assert floor.dispatcher.is_quiet
        assert not floor.dispatcher.is_empty
        floor.dispatcher.resume()
        assert await floor.tried(2) == ["a", "b"]


async def test_stopped_it_gives_back_what_was_in_memory():
    floor = Floor(max_concurrent_requests=1)
    floor.dispatcher.start()
    floor.server.gate.clear()
    floor.add("flying", "waiting")
    await floor.calm()
    left = await floor.dispatcher.stop()
    assert sorted(name_of(waiting.parcel) for waiting in left) == ["flying", "waiting"]
    assert floor.dispatcher.is_empty
    assert "flying=0" in repr(floor.dispatcher)
