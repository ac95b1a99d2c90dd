"""Taking over, reading back and ending (upstream-and-operations 7.4, 7.5, 9.6); sending itself is in forwarding/test_dispatcher.py."""

import asyncio

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.spool_format import Record
from scrubjay.errors import Refused, SpoolError, SpoolFull, Transient, Unavailable
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.outbox import OutboxOptions
from scrubjay.runtime.spool.types import Committed, Damaged, Evicted, StoredFacts
from support.forwarding import MemorySpool, parcel, until
from support.outbox_box import Box, records


class TestWithSpool:
    async def test_operations_84_a_clock_that_is_set_while_a_request_is_answered_ages_nothing(self):
        async with Box(MemorySpool(), dispatch={"max_age_s": 60.0, "expiry_holdoff_s": 0.0}) as box:
            received_mono = box.clock.mono_s() - 0.1
            box.clock.wall_unix += 10 * 365 * 86_400
            await box.outbox.put(parcel("a", received_mono=received_mono))
            assert await box.ended(1) == ["forwarded"]

    async def test_a_parcel_is_on_disk_before_put_returns_and_sent_from_memory(self):
        async with Box(MemorySpool()) as box:
            box.server.gate.clear()
            await box.outbox.put(parcel("a"))
            assert [each.body for each in box.spool.records.values()] == [parcel("a").body]
            assert box.held("spool") == 1
            box.server.gate.set()
            assert await box.ended(1) == ["forwarded"]
            assert box.spool.acknowledged == [1]
            assert box.held("spool") == 0
            assert box.spool.reads == 0

    async def test_reading_back_is_timed(self):
        async with Box(MemorySpool(records("old"))) as box:
            await box.ended(1)
            assert box.observed.reads == 1

    async def test_what_the_spool_cannot_hold_is_refused(self):
        async with Box(MemorySpool()) as box:
            box.spool.refuses = SpoolFull("no space on the disk")
            with pytest.raises(Unavailable) as caught:
                await box.outbox.put(parcel())
            assert caught.value.reason is reasons.QUEUE_FAILED
            assert caught.value.detail == "no space on the disk"
            assert 5 <= caught.value.retry_after_s <= 60
            assert box.held("spool") == 0

    async def test_a_disk_that_is_given_up_leaves_memory(self):
        """7.9, with `fsync: never`: what comes is held in memory alone, counted as that, and bounded."""
        spool = MemorySpool()
        async with Box(spool, max_memory_bytes=len(parcel("stored").body + parcel("kept").body)) as box:
            box.server.gate.clear()
            await box.outbox.put(parcel("stored"))
            spool.is_given_up, spool.has_capacity, spool.refuses = True, False, SpoolError("the disk failed")
            assert box.outbox.has_capacity()
            await box.outbox.put(parcel("kept"))
            assert (box.held("spool"), box.held("memory")) == (1, 1)
            with pytest.raises(Unavailable, match="no room in memory"):
                await box.outbox.put(parcel("more"))
            assert not box.outbox.has_capacity()
            box.server.gate.set()
            await until(lambda: not box.held("memory"))
            assert {"stored", "kept"} <= set(box.server.sent)
            assert box.spool.acknowledged == [1]

    async def test_capacity_is_the_spools(self):
        async with Box(MemorySpool()) as box:
            assert box.outbox.has_capacity()
            box.spool.has_capacity = False
            assert not box.outbox.has_capacity()

    async def test_what_was_found_at_start_is_counted_and_sent(self):
        box = Box(MemorySpool(records("a", "b", "c")))
        box.is_paused = True
        async with box:
            assert box.surveyed == [(((DataCategory.ERROR, 3),), 0)]
            assert box.held("spool") == 3
            box.outbox.resume()
            assert await box.sent(3) == ["a", "b", "c"]
            await box.ended(3)
            assert box.held("spool") == 0
            assert box.spool.records == {}

    async def test_what_is_new_and_what_has_been_seen_is_sent_while_the_survey_goes_on(self):
        """Going through a large spool takes time, and nothing waits for it; the account is closed when it ends."""
        spool = MemorySpool(records(*"abcdef"))
        spool.surveyed_at_once, gate = 2, asyncio.Event()
        survey = spool.survey

        async def slow_survey(after):
            if after:
                await gate.wait()
            return await survey(after)

        spool.survey = slow_survey
        box = Box(spool)
        box.outbox.start(lambda *found: box.surveyed.append(found))
        await box.outbox.put(parcel("new"))
        assert sorted(await box.sent(3)) == ["a", "b", "new"]
        await box.ended(3)
        assert not box.outbox.is_surveyed
        assert box.held("spool") == -2  # the books say how many there were
        gate.set()
        assert sorted(await box.sent(7)) == [*"abcdef", "new"]
        await until(lambda: box.surveyed)
        assert box.surveyed == [(((DataCategory.ERROR, 6),), 0)]
        assert box.outbox.is_surveyed
        await box.ended(7)
        assert box.held("spool") == 0
        await box.outbox.drain(0.0)

    async def test_a_survey_that_fails_is_tried_again(self, monkeypatch):
        monkeypatch.setattr("scrubjay.runtime.outbox._READ_AGAIN_S", 0.001)
        spool, failures = MemorySpool(records("a")), [SpoolError("no descriptor"), SpoolError("again")]
        survey = spool.survey

        async def failing_survey(after):
            if failures:
                raise failures.pop()
            return await survey(after)

        spool.survey = failing_survey
        box = Box(spool)
        await box.start()
        assert await box.sent(1) == ["a"]
        assert [place for place, _ in box.observed.errors] == ["reading the spool"] * 2
        await box.outbox.drain(0.0)

    async def test_what_has_no_room_in_memory_is_read_back_later(self):
        size = len(parcel("a").body)
        async with Box(MemorySpool(), max_memory_bytes=2 * size) as box:
            box.server.gate.clear()
            for name in "abcde":
                await box.outbox.put(parcel(name))
            assert box.outbox._custody.memory_bytes == 2 * size
            assert box.held("spool") == 5
            box.server.gate.set()
            assert sorted(await box.sent(5)) == list("abcde")
            await box.ended(5)
            assert box.held("spool") == 0

    async def test_upstream_67_in_an_outage_memory_lets_go_and_each_arrives_once_fresh_ones_first(self):
        async with Box(MemorySpool(), dispatch={"outage_grace_s": 0, "max_concurrent_requests": 1}) as box:
            box.server.failure = Transient("refused")
            for name in "abc":
                await box.outbox.put(parcel(name))
            await until(lambda: box.observed.ups == [False])
            await box.outbox.put(parcel("d"))
            assert box.outbox._custody.memory_bytes == 0
            assert box.held("spool") == 4
            box.server.gate.clear()
            box.server.there = True
            await until(lambda: box.observed.ups == [False, True])
            await box.outbox.put(parcel("fresh"))
            box.server.gate.set()
            sent = await box.sent(5)
            assert sorted(sent) == ["a", "b", "c", "d", "fresh"]
            assert sent.index("fresh") <= 1
            assert [name for name in sent if name != "fresh"] == ["a", "b", "c", "d"]
            await box.ended(5)
            assert box.held("spool") == 0

    async def test_the_backlog_is_read_in_windows(self):
        big = [encode_record(parcel(str(index), body=b"{}\n" + bytes(1024 * 1024))) for index in range(12)]
        async with Box(MemorySpool(big), dispatch={"max_concurrent_requests": 1}) as box:
            box.server.gate.clear()
            await until(lambda: box.spool.reads)
            await asyncio.sleep(0)
            assert box.outbox._custody.backlog_bytes < 6 * 1024 * 1024
            box.server.gate.set()
            assert await box.sent(12) == [str(index) for index in range(12)]

    async def test_what_a_limit_holds_back_does_not_fill_the_memory(self):
        """By policy it waits for the end of the limit: no more than a window of it does so in memory."""
        big = [encode_record(parcel(str(index), body=b"{}\n" + bytes(1024 * 1024))) for index in range(12)]
        limits = [ActiveLimit("key", frozenset(), 5_000.0)]
        box = Box(MemorySpool(big), limits=limits, dispatch={"keeps_limited": True})
        async with box:
            await until(lambda: box.spool.reads)
            await asyncio.sleep(0.01)
            assert box.outbox._custody.backlog_bytes < 6 * 1024 * 1024
            limits.clear()
            box.clock.move(5_000.0)
            box.outbox.resume()
            await box.sent(12)

    async def test_a_record_that_is_no_parcel_is_corrupt(self):
        async with Box(MemorySpool([Record(b"?", b"body"), *records("a")])) as box:
            assert await box.ended(2) == ["spool_corrupt", "forwarded"]
            assert box.held("spool") == 0
            assert box.spool.records == {}

    async def test_a_spool_that_cannot_be_read_is_asked_again(self, monkeypatch):
        monkeypatch.setattr("scrubjay.runtime.outbox._READ_AGAIN_S", 0.001)
        spool = MemorySpool(records("a"))
        spool.fails_reading = 2
        async with Box(spool) as box:
            assert await box.sent(1) == ["a"]
            assert [place for place, _ in box.observed.errors] == ["reading the spool"] * 2
            box.observed.errors.clear()

    async def test_operations_82_what_the_spool_evicts_ends_in_the_account(self):
        async with Box(MemorySpool(), dispatch={"outage_grace_s": 0}, spool_evicts=True) as box:
            box.server.failure = Transient("refused")
            await box.outbox.put(parcel("a"))
            await until(lambda: box.outbox._custody.memory_bytes == 0)
            record = box.spool.records.pop(1)
            box.outbox.on_spool_event(Evicted((StoredFacts(1, record.meta, len(record.body)),)))
            assert box.book.codes == ["spool_evicted"]
            assert box.held("spool") == 0

    async def test_what_was_damaged_ends_when_the_rest_is_through(self):
        spool = MemorySpool(records("lost", "kept"))
        box = Box(spool)
        box.is_paused = True
        async with box:
            del spool.records[1]
            box.outbox.resume()
            box.outbox.on_spool_event(Damaged(1, 100, "segment at 64", "io"))
            box.outbox.on_spool_event(Committed(1, 100, 0.001))
            await box.ended(2)
            assert sorted(box.book.codes) == ["forwarded", "spool_corrupt"]
            assert box.observed.dropped == {"io": 1}
            assert box.held("spool") == 0

    async def test_operations_91_paused_it_holds_and_resumed_it_sends(self):
        async with Box(MemorySpool(records("a"))) as box:
            await box.sent(1)
            box.outbox.pause()
            for name in "bc":
                await box.outbox.put(parcel(name))
            await asyncio.sleep(0.01)
            assert box.server.sent == ["a"]
            assert box.held("spool") == 2
            box.outbox.resume()
            assert await box.sent(3) == ["a", "b", "c"]


class TestInMemory:
    async def test_a_parcel_is_held_and_sent(self):
        async with Box() as box:
            box.server.gate.clear()
            await box.outbox.put(parcel())
            assert box.held("memory") == 1
            assert box.held("spool") == 0
            box.server.gate.set()
            assert await box.ended(1) == ["forwarded"]
            assert box.held("memory") == 0

    async def test_memory_is_bounded(self):
        size = len(parcel().body)
        async with Box(max_memory_bytes=2 * size) as box:
            box.server.gate.clear()
            await box.outbox.put(parcel())
            assert box.outbox.has_capacity()
            await box.outbox.put(parcel())
            assert not box.outbox.has_capacity()
            with pytest.raises(Unavailable):
                await box.outbox.put(parcel())
            assert box.held("memory") == 2
            box.server.gate.set()
            await box.ended(2)
            assert box.outbox.has_capacity()

    async def test_one_parcel_is_let_in_however_large(self):
        async with Box(max_memory_bytes=1) as box:
            await box.outbox.put(parcel())
            assert await box.ended(1) == ["forwarded"]

    async def test_in_an_outage_memory_keeps_what_nothing_else_holds(self):
        async with Box(dispatch={"outage_grace_s": 0}) as box:
            box.server.failure = Transient("refused")
            for name in "ab":
                await box.outbox.put(parcel(name))
            await until(lambda: box.observed.ups == [False])
            await box.outbox.put(parcel("c"))
            assert box.held("memory") == 3
            box.server.there = True
            assert sorted(await box.sent(3)) == ["a", "b", "c"]


async def test_a_refused_parcel_leaves_the_disk():
    async with Box(MemorySpool()) as box:
        box.server.failure = Refused("400 no", reasons.UPSTREAM_REJECTED, status=400)
        await box.outbox.put(parcel())
        assert await box.ended(1) == ["upstream_rejected"]
        assert box.spool.records == {}


async def test_other_bounds_hold_from_then_on():
    async with Box(dispatch={"max_concurrent_requests": 1}) as box:
        box.server.gate.clear()
        for name in "abc":
            await box.outbox.put(parcel(name))
        box.outbox.reconfigure(OutboxOptions(dispatch=DispatchOptions(max_concurrent_requests=2)))
        box.server.gate.set()
        await box.sent(3)
        assert box.outbox._dispatcher._permits.allowed == 2


async def test_shows_its_state():
    async with Box() as box:
        assert "connected" in repr(box.outbox)
