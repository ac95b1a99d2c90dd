"""What is held raw: in order, counted, bounded work (`upstream-and-operations.md` 7.4); with all that is around it: test_waiting_room."""

from dataclasses import replace

import pytest

from scrubjay import reasons
from scrubjay.core.ledger import Ledger, Raw
from scrubjay.core.spool_format import Record
from scrubjay.runtime.forwarding.custody import Custody
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.forwarding.withheld import Withheld
from scrubjay.runtime.spool.types import StoredFacts
from support.forwarding import ERROR, KEY, KeptBook, MemorySpool, Observed, SetClock, name_of, parcel


class Shelf:
    """Withheld parcels with what is below. `emptied` counts how often it heard that nothing is left."""

    def __init__(self, spool: MemorySpool | None = None) -> None:
        self.spool, self.book, self.observed = spool, KeptBook(), Observed()
        clock = SetClock()
        self.emptied = 0
        self.custody = Custody(Ledger(self.book), self.observed, clock, spool)
        self.withheld = Withheld(self.custody, spool, clock, self._empty)

    def _empty(self) -> None:
        self.emptied += 1

    async def put(self, *names: str) -> None:
        for name in names:
            await self.withheld.put(parcel(name, raw=Raw(KEY)), on_disk=self.spool is not None)

    async def take(self, max_bytes: int = 10**6) -> list[str]:
        taken = await self.withheld.take(KEY, max_bytes)
        for waiting in taken:
            self.withheld.hand_on(waiting)
        return [name_of(waiting.parcel) for waiting in taken]

    @property
    def held(self) -> int:
        return sum(amount for part in self.custody.held().values() for _, amount in part)


@pytest.fixture(params=["memory", "disk"])
def shelf(request) -> Shelf:
    return Shelf(MemorySpool() if request.param == "disk" else None)


async def test_in_order_and_no_more_than_asked_for(shelf) -> None:
    await shelf.put(*"abcde")
    size = shelf.withheld.size_bytes // 5
    assert shelf.withheld.bytes_of(KEY) == 5 * size
    assert await shelf.take(1) == ["a"]
    assert await shelf.take(2 * size) == ["b", "c"]
    assert shelf.emptied == 0
    assert await shelf.take() == ["d", "e"]
    assert await shelf.take() == []
    assert (shelf.held, shelf.withheld.size_bytes, shelf.emptied, len(shelf.withheld)) == (0, 0, 1, 0)
    assert shelf.book.codes == []


async def test_what_comes_back_is_before_the_others(shelf) -> None:
    await shelf.put(*"abc")
    taken = await shelf.withheld.take(KEY, 10**6)
    await shelf.put("d")
    assert not shelf.withheld.is_empty
    shelf.withheld.put_back(taken[1:], KEY)
    shelf.withheld.hand_on(taken[0])
    assert shelf.held == 3
    assert await shelf.take() == ["b", "c", "d"]


async def test_what_ends_is_in_the_books(shelf) -> None:
    await shelf.put("a")
    (waiting,) = await shelf.withheld.take(KEY, 1)
    shelf.withheld.end(waiting, reasons.SPOOL_EXPIRED)
    assert shelf.book.codes == ["spool_expired"]
    assert (shelf.held, shelf.emptied) == (0, 1)


async def test_what_is_in_memory_alone_is_lost_and_what_is_on_disk_is_not(shelf) -> None:
    await shelf.put(*"abc")
    in_memory = shelf.spool is None
    assert shelf.withheld.holds_in_memory == in_memory
    assert shelf.withheld.lose(reasons.DRAIN_TIMEOUT) == (3 if in_memory else 0)
    assert len(shelf.withheld) == (0 if in_memory else 3)


async def test_more_than_a_window_is_read_in_parts() -> None:
    shelf = Shelf(MemorySpool())
    await shelf.put(*map(str, range(600)))
    found = [await shelf.take() for _ in range(4)]
    assert [len(part) for part in found] == [256, 256, 88, 0]
    assert [name for part in found for name in part] == [str(number) for number in range(600)]


async def test_what_was_evicted_while_it_waited_or_was_read_is_passed_over() -> None:
    spool = MemorySpool()
    shelf = Shelf(spool)
    await shelf.put(*"abc")
    gone = StoredFacts(1, spool.records[1].meta, 10, True)
    shelf.withheld.evicted([gone])
    read = spool.read

    async def evicting(*given, **more):
        found = await read(*given, **more)
        shelf.withheld.evicted([gone._replace(sequence=2)])
        return found

    spool.read = evicting
    assert await shelf.take() == ["c"]


async def test_what_was_evicted_while_it_was_under_way_is_in_memory_from_then_on() -> None:
    spool = MemorySpool()
    shelf = Shelf(spool)
    await shelf.put("a")
    (waiting,) = await shelf.withheld.take(KEY, 1)
    waiting.sequence = 0  # as `custody` does
    del shelf.custody.copies[1]
    shelf.withheld.put_back([waiting], KEY)
    assert shelf.withheld.holds_in_memory
    assert [each.parcel.id for each in await shelf.withheld.take(KEY, 1)] == ["id-a"]


async def test_what_was_there_at_start_is_before_what_came_meanwhile() -> None:
    spool = MemorySpool([encode_record(parcel(name, raw=Raw(KEY))) for name in "ab"])
    for number in (1, 2):
        spool.records[number] = spool.records[number]._replace(raw=True)
    shelf = Shelf(spool)
    await shelf.put("c")
    found = await spool.survey(0)
    shelf.withheld.find(found)
    shelf.custody.find(found)
    await shelf.withheld.put(parcel("m", raw=Raw(KEY)), on_disk=False)
    shelf.withheld.end_survey()
    shelf.custody.end_survey()
    assert await shelf.take() == ["a", "b", "c", "m"]
    assert shelf.held == 0


async def test_what_cannot_be_read_ends() -> None:
    spool = MemorySpool()
    shelf = Shelf(spool)
    shelf.withheld.find(
        [
            StoredFacts(spool._store(Record(b"?", b""), raw=True), b"?", 0, True),
            StoredFacts(spool._store(Record(b"{}", b"")), b"{}", 0, False),
        ]
    )
    assert shelf.withheld.awaits("")
    assert await shelf.withheld.take("", 1) == []
    assert shelf.book.codes == ["spool_corrupt"]
    assert shelf.withheld.is_empty


async def test_all_that_a_request_said_is_kept_on_disk() -> None:
    spool = MemorySpool()
    shelf = Shelf(spool)
    raw = Raw(
        awaits="b" * 32,
        source="envelope",
        client="demo/1.0",
        client_ip="203.0.113.7",
        client_hints={"Sec-CH-UA": "x"},
        no_cache=True,
        relay_id="relay",
        signature="signed",
        is_proven=True,
    )
    given = parcel(
        "a", raw=raw, version=6, origin="https://a.example", user_agent="ua", forwarded_for="1.2.3.4", via="x"
    )
    await shelf.withheld.put(given, on_disk=True)
    (waiting,) = await shelf.withheld.take("b" * 32, 1)
    assert waiting.parcel == replace(given, client="demo/1.0")
    assert waiting.parcel.quantities == ERROR


async def test_many_small_ones_with_long_headers_do_not_weigh_nothing(shelf) -> None:
    plain = parcel("a", raw=Raw(KEY))
    told = replace(
        plain, id="b", user_agent="u" * 1000, raw=Raw(KEY, client_hints={"n": "h" * 999}, signature="s" * 100)
    )
    await shelf.withheld.put(plain, on_disk=shelf.spool is not None)
    alone_bytes = shelf.withheld.bytes_of(KEY)
    assert alone_bytes > 1000 + len(plain.body)
    await shelf.withheld.put(told, on_disk=shelf.spool is not None)
    assert shelf.withheld.bytes_of(KEY) == shelf.withheld.size_bytes == 2 * alone_bytes + 2100
    shelf.withheld.put_back(await shelf.withheld.take(KEY, 10**6), KEY)
    assert shelf.withheld.size_bytes == 2 * alone_bytes + 2100
