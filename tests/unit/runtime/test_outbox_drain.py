"""How an outbox ends: what is sent until the deadline, what waits on disk, what is lost and counted (upstream-and-operations 9.6)."""

import asyncio

import pytest

from scrubjay.errors import Transient, Unavailable
from support.forwarding import MemorySpool, parcel, until
from support.outbox_box import Box, records


class TestDrain:
    async def test_upstream_111_what_is_in_memory_alone_is_sent_until_the_deadline_then_lost_and_counted(self):
        box = Box(dispatch={"outage_grace_s": 0})
        await box.start()
        box.server.failure = Transient("refused")
        for name in "abc":
            await box.outbox.put(parcel(name))
        await until(lambda: box.observed.ups == [False])
        assert await box.outbox.drain(box.clock.now_mono + 0.02) == 3
        assert box.book.codes == ["drain_timeout"] * 3
        assert box.held("memory") == 0
        assert not box.outbox.has_capacity()
        with pytest.raises(Unavailable):
            await box.outbox.put(parcel())

    async def test_what_is_on_its_way_in_memory_alone_is_lost_too(self):
        box = Box()
        await box.start()
        box.server.gate.clear()
        await box.outbox.put(parcel())
        await until(lambda: box.observed.inflight)
        assert await box.outbox.drain(box.clock.now_mono + 0.01) == 1
        assert box.observed.inflight == 0

    async def test_it_ends_as_soon_as_all_is_sent(self):
        box = Box()
        await box.start()
        box.server.gate.clear()
        for name in "abc":
            await box.outbox.put(parcel(name))
        drain = asyncio.ensure_future(box.outbox.drain(box.clock.now_mono + 3_600))  # noqa: TID251
        await asyncio.sleep(0)
        box.server.gate.set()
        assert await drain == 0
        assert box.book.codes == ["forwarded"] * 3

    async def test_with_a_spool_only_what_is_on_its_way_is_waited_for(self):
        box = Box(MemorySpool(), dispatch={"max_concurrent_requests": 1})
        await box.start()
        box.server.gate.clear()
        for name in "abc":
            await box.outbox.put(parcel(name))
        drain = asyncio.ensure_future(box.outbox.drain(box.clock.now_mono + 3_600))  # noqa: TID251
        await asyncio.sleep(0)
        box.server.gate.set()
        assert await drain == 0
        assert box.server.sent == ["a"]
        assert box.held("spool") == 2
        assert sorted(box.spool.records) == [2, 3]

    async def test_with_a_spool_too_who_waited_for_company_leaves(self):
        box = Box(MemorySpool())
        await box.start()
        for name in "ab":
            await box.outbox.put(parcel(name, item_types=("session",)))
        assert box.server.sent == []
        assert await box.outbox.drain(box.clock.now_mono + 3_600) == 0
        assert box.server.sent == ["a", "b"]
        assert box.held("spool") == 0

    async def test_with_a_spool_what_hangs_stays_on_disk(self):
        box = Box(MemorySpool())
        await box.start()
        box.server.gate.clear()
        await box.outbox.put(parcel())
        await until(lambda: box.observed.inflight)
        assert await box.outbox.drain(box.clock.now_mono + 0.02) == 0
        assert box.held("spool") == 1
        assert box.book.codes == []

    async def test_upstream_110_what_comes_after_it_is_still_held_on_disk(self):
        box = Box(MemorySpool())
        await box.start()
        await box.outbox.drain(box.clock.now_mono)
        await box.outbox.put(parcel())
        assert box.held("spool") == 1
        assert box.server.sent == []

    async def test_an_ephemeral_spool_is_sent_to_the_end(self):
        box = Box(MemorySpool(records(*map(str, range(20)))), ephemeral=True, dispatch={"max_concurrent_requests": 1})
        box.server.gate.clear()
        await box.start()
        drain = asyncio.ensure_future(box.outbox.drain(box.clock.now_mono + 3_600))  # noqa: TID251
        await asyncio.sleep(0.01)
        box.server.gate.set()
        assert await drain == 0
        assert len(box.server.sent) == 20
