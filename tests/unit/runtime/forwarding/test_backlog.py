"""Reading back what is on disk alone (upstream-and-operations 7.5, 7.7)."""

from scrubjay.core.spool_format import Record
from scrubjay.runtime.forwarding.backlog import Backlog
from scrubjay.runtime.forwarding.parcel_record import encode_record
from support.forwarding import MemorySpool, SetClock, name_of, parcel


def stored(*names):
    return [encode_record(parcel(name)) for name in names]


async def names(backlog, known=()):
    return [name_of(waiting.parcel) for waiting in (await backlog.read(known))[0]]


def open_backlog(spool):
    """All that was there has been seen."""
    backlog = Backlog(spool, SetClock())
    backlog._is_surveyed = True
    return backlog


async def read_at(spool, clock):
    backlog = Backlog(spool, clock)
    await backlog.survey()
    return await backlog.read(())


async def test_what_was_found_at_start_waits():
    backlog = open_backlog(MemorySpool(stored("a", "b")))
    assert backlog.waits
    assert await names(backlog) == ["a", "b"]
    assert not backlog.waits


async def test_an_empty_spool_has_none():
    backlog = open_backlog(MemorySpool())
    assert not backlog.waits
    assert repr(backlog) == "<Backlog 1 to 0>"


async def test_what_is_in_memory_too_is_passed_over():
    assert await names(open_backlog(MemorySpool(stored("a", "b", "c"))), known={2}) == ["a", "c"]


async def test_what_ends_while_the_disk_is_read_is_not_sent_again():
    spool, copies = MemorySpool(stored("a", "b", "c")), {1: None, 2: None}
    backlog = open_backlog(spool)
    read = spool.read

    async def slow_read(after, max_bytes, until=None):
        found = await read(after, max_bytes, until)
        del copies[1]  # the server has taken it
        del copies[2]
        backlog.leave(2)  # memory had no room for it any more
        return found

    spool.read = slow_read
    assert await names(backlog, copies) == ["b", "c"]
    spool.read = read
    assert await names(backlog, {2: None, 3: None}) == []


async def test_what_memory_lets_go_of_is_read_again():
    spool = MemorySpool(stored("a", "b", "c"))
    backlog = open_backlog(spool)
    await backlog.read(())
    backlog.leave(3)
    backlog.leave(2)
    assert await names(backlog) == ["b", "c"]
    assert not backlog.waits


async def test_what_had_no_room_in_memory_is_read():
    spool = MemorySpool()
    backlog = open_backlog(spool)
    (first,) = await spool.append(stored("a"))
    (second,) = await spool.append(stored("b"))
    backlog.leave(second)
    assert await names(backlog, known={first}) == ["b"]


async def test_what_is_left_on_disk_during_a_read_is_not_forgotten():
    class Slow(MemorySpool):
        async def read(self, after, max_bytes, until=None):
            found = await super().read(after, max_bytes, until)
            if self.reads == 2:
                backlog.leave(1)
            return found

    spool = Slow(stored("a", "b", "c"))
    backlog = open_backlog(spool)
    await backlog.read(())
    backlog.leave(3)
    assert await names(backlog) == ["c"]
    assert await names(backlog) == ["a", "b", "c"]


async def test_a_gap_at_the_end_ends_it():
    spool = MemorySpool(stored("a", "b"))
    backlog = open_backlog(spool)
    spool.acknowledge(2)
    assert await names(backlog) == ["a"]
    assert await names(backlog) == []
    assert not backlog.waits


async def test_a_record_knows_how_long_it_waited_whatever_the_clock_says():
    """84: within one boot a step of the wall clock changes nothing."""
    spool, clock = MemorySpool(stored("a")), SetClock()
    clock.move(60.0)
    clock.wall_unix += 10 * 365 * 86_400
    (waiting,), _ = await read_at(spool, clock)
    assert clock.now_mono - waiting.since_mono == 60.0
    assert waiting.from_backlog


async def test_records_that_cannot_be_read_are_handed_out_as_such():
    found, unreadable = await open_backlog(MemorySpool([Record(b"?", b"body"), *stored("a")])).read(())
    assert [name_of(waiting.parcel) for waiting in found] == ["a"]
    assert [record.sequence for record in unreadable] == [1]


async def test_the_survey_tells_of_each_record():
    backlog = open_backlog(MemorySpool([Record(b"?", b"body"), *stored("a")]))
    first, second = await backlog.survey()
    assert (first.sequence, first.meta, first.body_bytes) == (1, b"?", 4)
    assert (second.sequence, second.body_bytes) == (2, len(parcel("a").body))
    assert await backlog.survey() == []


async def test_what_the_survey_has_not_seen_is_not_read():
    spool = MemorySpool(stored("a", "b", "c"))
    spool.surveyed_at_once = 2
    backlog = Backlog(spool, SetClock())
    assert backlog.waits
    assert not backlog.is_readable
    assert await names(backlog) == []
    await backlog.survey()
    assert backlog.is_readable
    assert await names(backlog) == ["a", "b"]
    assert not backlog.is_readable
    assert backlog.waits
    (new,) = await spool.append(stored("new"))
    backlog.leave(new)
    assert not backlog.is_readable
    while await backlog.survey():
        pass
    assert await names(backlog) == ["c", "new"]
    assert not backlog.waits
