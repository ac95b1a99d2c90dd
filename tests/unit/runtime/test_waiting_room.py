"""Waiting for a configuration, end to end but for the port (`upstream-and-operations.md` 2.4, 7.4, 7.10)."""

import asyncio

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.plan import PENDING
from scrubjay.errors import Unavailable
from scrubjay.runtime.waiting_room import RoomOptions, room_options
from scrubjay.settings.load import build
from support.forwarding import KEY as OTHER
from support.forwarding import until
from support.path import KEY
from support.pending import plan_of
from support.waiting import Worker

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
    worker = await Worker(tmp_path, max_bytes=10_000, max_key_share=1.0).start()
    taken = await asyncio.gather(*(worker.is_taken(f"e{number}", size=1_000) for number in range(20)))
    assert 3 <= sum(taken) <= 5
    assert worker.closes()
    await worker.stop()


async def test_one_key_does_not_take_all_the_room(worker) -> None:
    worker.options = RoomOptions(policy=worker.options.policy, max_bytes=20_000, max_key_share=0.5)
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
    await until(lambda: len(worker.outbox.withheld) == 5)  # a turn that is under way puts back what did not go
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
