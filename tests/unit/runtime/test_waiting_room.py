"""Waiting for a configuration, end to end but for the port (`upstream-and-operations.md` 2.4, 7.4, 7.10)."""

import asyncio
import random

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.plan import PENDING
from scrubjay.errors import Unavailable
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import SpoolOptions
from scrubjay.runtime.waiting_room import RoomOptions, room_options
from scrubjay.settings.load import build
from support.forwarding import KEY as OTHER
from support.path import KEY
from support.pending import plan_of
from support.waiting import CANARY, Worker

POLICIES = ["memory", "disk"]


@pytest.fixture(params=POLICIES)
def worker(request, tmp_path) -> Worker:
    return Worker(tmp_path if request.param == "disk" else None)


def codes(worker: Worker) -> list[str]:
    """Why what was not sent ended."""
    return [booking.reason.code for booking in worker.account.bookings if booking.reason.code != "forwarded"]


async def test_it_waits_and_leaves_scrubbed_when_the_configuration_is_known(worker) -> None:
    await worker.start()
    names = [f"e{number}" for number in range(20)]
    for name in names:
        assert await worker.is_taken(name)
    where = "spool" if worker.root else "memory"
    assert dict(worker.outbox.held()[where]) == {DataCategory.ERROR: 20}
    assert worker.room.awaits(KEY)
    assert worker.closes()
    assert worker.server.bodies == []
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.handed_over == names
    assert sorted(worker.server.names) == sorted(names)
    assert worker.closes()
    assert not worker.room.awaits(KEY)
    assert await worker.stop() == 0


async def test_decisions_45_what_turns_out_to_be_switched_off_ends_then(worker) -> None:
    await worker.start()
    for number in range(3):
        assert await worker.is_taken(f"e{number}")
    worker.learn(KEY, plan_of("{disabled: true, config: {}}"))
    await worker.until(lambda: worker.is_quiet)
    assert codes(worker) == ["project_id"] * 3
    assert worker.server.bodies == []
    assert worker.closes()
    await worker.stop()


async def test_operations_90_beyond_the_bound_503(worker) -> None:
    worker.options = RoomOptions(policy=worker.options.policy, max_bytes=4_000, max_key_share=1.0)
    await worker.start()
    assert await worker.is_taken("a", size=2_500)
    with pytest.raises(Unavailable) as told:
        await worker.send("b", size=2_500)
    assert told.value.reason is reasons.PROJECT_PENDING
    assert told.value.retry_after_s == 32
    assert codes(worker) == ["project_pending"]
    assert worker.closes()
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    worker.forget(KEY)
    assert await worker.is_taken("c", size=2_500)
    await worker.stop()


async def test_many_that_come_at_once_do_not_pass_the_bound_together(tmp_path) -> None:
    worker = await Worker(tmp_path, max_bytes=5_000, max_key_share=1.0).start()
    taken = await asyncio.gather(*(worker.is_taken(f"e{number}", size=1_000) for number in range(20)))
    assert 3 <= sum(taken) <= 5
    assert worker.closes()
    await worker.stop()


async def test_one_key_does_not_take_all_the_room(worker) -> None:
    worker.options = RoomOptions(policy=worker.options.policy, max_bytes=10_000, max_key_share=0.5)
    await worker.start()
    taken = [await worker.is_taken(f"e{number}", size=1_000) for number in range(10)]
    assert 3 <= sum(taken) <= 5
    assert await worker.is_taken("other", OTHER, size=1_000)
    worker.room.reconfigure(RoomOptions(policy=worker.options.policy))
    assert await worker.is_taken("again", size=1_000)
    await worker.stop()


async def test_operations_90_reject_holds_nothing() -> None:
    worker = await Worker(policy="reject").start()
    with pytest.raises(Unavailable) as told:
        await worker.send("a")
    assert told.value.reason is reasons.PROJECT_PENDING
    assert worker.is_quiet
    assert worker.closes()
    await worker.stop()


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


async def test_in_memory_it_is_lost_with_the_process_and_counted() -> None:
    worker = await Worker().start()
    for number in range(3):
        assert await worker.is_taken(f"e{number}")
    assert await worker.stop() == 3
    assert codes(worker) == ["drain_timeout"] * 3
    assert worker.closes()
    with pytest.raises(Unavailable):
        await worker.send("late")
    worker.room.look()  # it has ended
    worker.room.known(KEY)


async def test_a_shutdown_leaves_it_time_to_become_known() -> None:
    worker = await Worker().start()
    assert await worker.is_taken("a")
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(worker.room.drain(worker.clock.mono_s() + 5))
        await asyncio.sleep(0.01)
        worker.learn(KEY, plan_of())
    assert draining.result() == 0
    await worker.until(lambda: worker.server.names == ["a"])
    await worker.outbox.drain(0.0)


async def test_without_room_for_what_becomes_of_it_it_waits_on(worker) -> None:
    await worker.start()
    for number in range(5):
        assert await worker.is_taken(f"e{number}")
    worker.ports.has_memory = lambda: False
    worker.learn(KEY, plan_of())
    for _ in range(20):
        worker.room.look()
        await asyncio.sleep(0.001)
    assert len(worker.outbox.withheld) == 5
    assert worker.closes()
    worker.ports.has_memory = lambda: True
    await worker.until(lambda: worker.is_quiet)
    assert worker.handed_over == [f"e{number}" for number in range(5)]
    assert codes(worker) == []
    await worker.stop()


async def test_what_has_waited_too_long_ends(worker) -> None:
    worker.options = RoomOptions(policy=worker.options.policy, max_age_s=100.0, expiry_holdoff_s=200.0)
    await worker.start()
    assert await worker.is_taken("old")
    worker.clock.advance(150)
    assert await worker.is_taken("young")
    worker.room.look()
    await asyncio.sleep(0.01)
    assert codes(worker) == []  # not so soon after a start
    worker.clock.advance(60)
    await worker.until(lambda: codes(worker) == ["spool_expired"])
    assert worker.observed.dropped["expired"] == 1
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.server.names == ["young"]
    assert worker.closes()
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


def body_noise(noise, number: int) -> str:
    return noise(16).hex()


def keys_of(worker: Worker) -> set[str]:
    return {key for key, _ in worker.outbox.withheld.oldest()}


async def test_another_configuration_that_is_needed_is_waited_for_too(worker) -> None:
    await worker.start()
    assert await worker.is_taken("a")
    body = b'{"trace":{"trace_id":"%b","public_key":"%b"}}' % (b"a" * 32, OTHER.encode())
    worker.learn(KEY, PENDING)
    verdict = await worker.send("b", body=body + b'\n{"type":"event","length":15}\n{"message":"b"}\n')
    assert verdict.status == 200
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.server.names == ["a"] and worker.room.awaits(OTHER))
    assert not worker.room.awaits(KEY)
    worker.learn(OTHER, plan_of())
    await worker.until(lambda: worker.server.names == ["a", "b"])
    await worker.until(lambda: worker.is_quiet)
    assert worker.closes()
    await worker.stop()


async def test_a_bug_ends_one_envelope_and_not_the_others(worker) -> None:
    await worker.start()
    for name in ("a", "b"):
        assert await worker.is_taken(name)
    real, calls = worker.room.process, []

    async def process(ingress):
        calls.append(ingress)
        if len(calls) == 1:
            raise ValueError("made up")
        return await real(ingress)

    worker.room.process = process
    worker.learn(KEY, plan_of())
    await worker.until(lambda: worker.is_quiet)
    assert worker.server.names == ["b"]
    assert codes(worker) == ["internal"]
    assert [place for place, _ in worker.observed.errors] == ["waiting room"]
    assert worker.closes()
    await worker.stop()


async def test_too_many_keys_that_are_asked_for_are_asked_for_later(worker) -> None:
    await worker.start()
    assert await worker.is_taken("a")
    worker.plans.too_many = True
    worker.learn(KEY, plan_of())
    worker.room.look()
    await asyncio.sleep(0.01)
    assert worker.room.awaits(KEY)
    worker.plans.too_many = False
    await worker.until(lambda: worker.is_quiet)
    await worker.stop()


async def test_numbers_of_the_room(worker) -> None:
    await worker.start()
    assert await worker.is_taken("a")
    worker.clock.advance(7)
    worker.room.look()
    count, size_bytes, capacity, age_s = worker.observed.room
    assert (count, capacity, age_s) == (1, worker.options.max_bytes, 7)
    assert size_bytes > 100
    assert "1 for 1 keys" in repr(worker.room)
    await worker.stop()


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


def test_options_are_those_of_the_settings() -> None:
    given = {"relay.upstream": "http://127.0.0.1:9/", "relay.mode": "static"}
    envelopes = "spool.envelopes."
    options = room_options(
        build(
            given
            | {
                envelopes + "path": "/tmp/x",
                envelopes + "pending": "disk",
                envelopes + "pending_max_bytes": 100 * 1024 * 1024,
                envelopes + "max_disk_size": 100 * 1024 * 1024,
            }
        )
    )
    assert (options.policy, options.max_bytes, options.max_key_share) == ("disk", 50 * 1024 * 1024, 0.5)
    assert room_options(build(given)) == RoomOptions()


async def test_a_raw_parcel_is_never_given_to_a_sender(worker) -> None:
    await worker.start()
    assert await worker.is_taken("a")
    (waiting,) = await worker.outbox.withheld.take(KEY, 1)
    with pytest.raises(AssertionError):
        await worker.outbox.put(waiting.parcel)
    worker.outbox.withheld.put_back([waiting], KEY)
    assert worker.server.bodies == []
    await worker.stop()
