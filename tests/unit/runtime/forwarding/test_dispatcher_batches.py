"""Batches in the dispatcher: each member has a fate of its own, whatever becomes of its company (upstream-and-operations 8.3)."""

from scrubjay import reasons
from scrubjay.errors import Divide, Refused, Transient
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping
from support.dispatch_floor import ERROR_500, NETWORK, Floor
from support.forwarding import name_of, until

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
