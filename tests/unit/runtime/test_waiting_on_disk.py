"""Waiting for a configuration on the disk: over restarts, adoption, eviction and damage (`upstream-and-operations.md` 7.4, 7.10)."""

import asyncio
import random

import pytest

from scrubjay.categories import DataCategory
from scrubjay.runtime.outbox import Outbox
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import SpoolOptions
from support.forwarding import KEY as OTHER
from support.forwarding import until
from support.path import KEY
from support.pending import plan_of
from support.waiting import CANARY, Worker


def codes(worker: Worker) -> list[str]:
    """Why what was not sent ended."""
    return [booking.reason.code for booking in worker.account.bookings if booking.reason.code != "forwarded"]


async def test_operations_90_on_disk_in_a_frame_of_its_own_until_the_scrubbed_copy_is_there(tmp_path) -> None:
    worker = await Worker(tmp_path).start()
    worker.learn(OTHER, plan_of())
    worker.server.is_there.clear()
    await asyncio.gather(worker.send("raw"), worker.send("clean", OTHER))
    assert worker.partition is not None
    (raw,) = await worker.partition.read(0, 10**6, raw=True)
    assert raw.raw
    assert CANARY.encode() in raw.body
    (clean,) = await worker.partition.read(0, 10**6)
    assert CANARY.encode() not in clean.body
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.outbox.withheld.is_empty)
    assert await worker.partition.read(0, 10**6, raw=True) == []
    copies = await worker.partition.read(0, 10**6)
    assert len(copies) == 2
    assert all(CANARY.encode() not in copy.body for copy in copies)
    worker.server.is_there.set()
    await worker.until(lambda: worker.is_quiet)
    assert worker.closes()
    await worker.stop()


async def test_on_disk_it_is_there_after_a_restart(tmp_path) -> None:
    worker = await Worker(tmp_path).start()
    for number in range(300):
        assert await worker.is_taken(f"e{number}", KEY if number % 2 else OTHER)
    assert await worker.stop() == 0
    await worker.start()
    assert dict(worker.found) == {DataCategory.ERROR: 300}
    assert worker.room.awaits(KEY)
    assert worker.closes()
    worker.plans.plans[KEY] = plan_of()  # nobody says so: the look finds out
    await worker.until(lambda: len(worker.server.bodies) == 150)
    assert worker.handed_over == [f"e{number}" for number in range(1, 300, 2)]
    worker.learn(OTHER, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.handed_over[150:] == [f"e{number}" for number in range(0, 300, 2)]
    assert worker.closes()
    await worker.stop()


async def test_what_comes_before_the_spool_is_looked_through_waits_behind_what_is_in_it(tmp_path) -> None:
    worker = await Worker(tmp_path).start()
    for number in range(10):
        assert await worker.is_taken(f"old{number}")
    await worker.stop()
    await worker.start(is_surveyed=False)
    worker.learn(OTHER, plan_of())
    for number in range(10):
        assert await worker.is_taken(f"new{number}")
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.handed_over == [f"{age}{number}" for age in ("old", "new") for number in range(10)]
    assert worker.closes()
    await worker.stop()


async def test_nobody_has_a_turn_before_the_spool_is_looked_through(tmp_path, monkeypatch) -> None:
    worker = await Worker(tmp_path).start()
    assert await worker.is_taken("a")
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "is_surveyed", False)
        worker.learn(KEY, plan_of())
        for _ in range(10):
            worker.room.look()
            await asyncio.sleep(0.002)
        assert worker.handed_over == []
    await worker.until(lambda: worker.is_quiet)
    assert worker.handed_over == ["a"]
    await worker.stop()


async def test_what_becomes_known_while_it_is_written_has_its_turn_then(tmp_path) -> None:
    worker = await Worker(tmp_path).start()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.send("a"))
        while KEY not in worker.plans.asked:  # noqa: ASYNC110 (the very next moment)
            await asyncio.sleep(0)
        assert not worker.room.awaits(KEY), "it is on its way to the disk"
        worker.learn(KEY, plan_of())
        await until(lambda: worker.handed_over == ["a"])  # without a look
    await worker.until(lambda: worker.is_quiet)
    await worker.stop()


@pytest.mark.parametrize(
    ("max_bytes", "share", "keys"), [(2_000, 1.0, (KEY, OTHER)), (20_000, 0.1, (KEY, KEY))], ids=["all", "one key"]
)
async def test_what_is_being_written_takes_room_already(tmp_path, max_bytes: int, share: float, keys) -> None:
    worker = await Worker(tmp_path, max_bytes=max_bytes, max_key_share=share).start()
    taken = await asyncio.gather(*(worker.is_taken(f"e{number}", key) for number, key in enumerate(keys)))
    assert taken == [True, False]
    await worker.stop()


async def test_clocks_that_are_set_do_not_end_what_waits_on_disk(tmp_path) -> None:
    worker = await Worker(tmp_path, max_age_s=100.0).start()
    assert await worker.is_taken("a")
    await worker.stop()
    worker.clock.wall_unix_ms += 10 * 365 * 86_400_000
    await worker.start()
    for _ in range(10):
        worker.room.look()
        await asyncio.sleep(0.002)
    assert codes(worker) == []
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.server.names == ["a"]
    await worker.stop()


async def test_what_the_spool_gives_up_for_what_is_new_ends_so(tmp_path) -> None:
    spool = SpoolOptions(segment_bytes=1_000, max_bytes=6_000, when_full="drop_oldest")
    worker = await Worker(tmp_path, spool=spool).start()
    pad = random.Random(1).randbytes
    taken = 0
    for number in range(30):
        taken += await worker.is_taken(f"e{number}", body_noise(pad, number))
    assert taken == 30
    await worker.until(lambda: "spool_evicted" in codes(worker))
    assert worker.closes()
    left = len(worker.outbox.withheld)
    assert left == 30 - codes(worker).count("spool_evicted")
    for key in list(keys_of(worker)):
        worker.learn(key, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert len(worker.server.bodies) + codes(worker).count("spool_evicted") == 30
    assert worker.closes()
    await worker.stop()


def keys_of(worker: Worker) -> set[str]:
    return {key for key, _ in worker.outbox.withheld.oldest()}


def body_noise(noise, number: int) -> str:
    return noise(16).hex()


async def test_an_adopted_partition_s_are_taken_up_too(tmp_path) -> None:
    worker = await Worker(tmp_path).start(slot=1)
    assert await worker.is_taken("orphan")
    await worker.stop()
    await worker.start(slot=0)
    partition = await Partition.open(
        tmp_path, 1, options=SpoolOptions(), clock=worker.clock, disk=worker.disk, adopt=True
    )
    ward = worker.outbox_on(partition)
    worker.others.append(ward)
    ward.start(lambda found, damaged: None)
    await worker.until(lambda: ward.is_surveyed)
    assert worker.room.awaits(KEY)
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.server.names == ["orphan"])
    await worker.until(lambda: not any(dict(part) for part in ward.held().values()))
    await ward.drain(0.0)
    await partition.close()
    await worker.stop()


async def test_a_spool_that_cannot_be_read_is_read_later(tmp_path) -> None:
    worker = await Worker(tmp_path).start()
    assert await worker.is_taken("a")
    assert worker.partition is not None
    read, fails = worker.partition.read, [1, 1]

    async def failing(*given, **more):
        if fails:
            fails.pop()
            from scrubjay.errors import SpoolError

            raise SpoolError("made up")
        return await read(*given, **more)

    worker.partition.read = failing
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.server.names == ["a"])
    assert len(worker.observed.errors) == 2
    await worker.stop()
