"""Who is sent next, and what answers do to parcels (upstream-and-operations 6.6, 6.7)."""

import pytest

from scrubjay import reasons
from scrubjay.core.limits import ActiveLimit
from scrubjay.errors import Refused, Throttled, Transient
from support.dispatch_floor import ERROR_500, NETWORK, Floor
from support.forwarding import SetClock, name_of, until


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

    async def test_an_answer_from_elsewhere_says_nothing_of_this_network(self):
        async with Floor(NETWORK) as floor:
            send = floor.server.send

            def sent(shipment, now_mono):
                shipment.elsewhere = "far" in name_of(shipment.members[0].parcel)
                return send(shipment, now_mono)

            floor.server.send = sent
            floor.add("a")
            await floor.calm()
            floor.add("far")
            assert await floor.ended() == ["forwarded"]
            await floor.calm()
            assert (floor.server.tried, floor.server.backs) == (["a", "far"], 0)
            await floor.later(1.0)
            assert await floor.ended(2) == ["forwarded", "forwarded"]
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
