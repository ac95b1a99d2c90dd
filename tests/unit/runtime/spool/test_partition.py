from __future__ import annotations

import asyncio
import errno

import pytest

from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.partition import SpoolOptions
from scrubjay.runtime.spool.types import Committed, Damaged, Evicted, Faulted
from support.partitions import NOISE, Gate, bodies, opened, started, until
from support.simulated_disk import SimulatedClock
from support.spool_log import record


@pytest.mark.parametrize("mode", ["always", "interval", "never"])
async def test_what_is_appended_is_there_after_a_restart(tmp_path, mode):
    partition = await opened(tmp_path, options=SpoolOptions(fsync=mode))
    assert await partition.append([]) == []
    assert await partition.append([record("a"), record("b")]) == [1, 2]
    assert await partition.append([record("c", b'{"r":5}')]) == [3]
    assert await bodies(partition) == [b"a", b"b", b"c"]
    await partition.close()
    partition = await opened(tmp_path)
    assert partition.recovered.records == 3
    assert await bodies(partition) == [b"a", b"b", b"c"]
    assert [each.meta for each in await partition.read(2, 10)] == [b'{"r":5}']
    await partition.close()


async def test_a_batch_forms_while_the_previous_commit_runs(tmp_path):
    disk = Gate()
    partition = await opened(tmp_path, disk=disk)
    disk.passable.clear()
    disk.reached.clear()
    tasks = [started(partition.append([record("first")]))]
    await asyncio.to_thread(disk.reached.wait, 10)
    tasks += [started(partition.append([record(b"%d" % n)])) for n in range(600)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    disk.passable.set()
    numbers = [number for numbers in await asyncio.gather(*tasks) for number in numbers]
    assert numbers == list(range(1, 602))
    assert disk.writes == 1 + 1 + 3, "a segment header, the first record, and 600 in frames of up to 256"
    await partition.close()


async def test_a_frame_takes_a_mebibyte_and_larger_records_stand_alone(tmp_path):
    events = []
    partition = await opened(tmp_path, on_event=events.append)
    sizes = [600_000, 300_000, 300_000, 3_000_000, 10]
    done = await asyncio.gather(*[partition.append([record(NOISE[:size])]) for size in sizes])
    assert done == [[1], [2], [3], [4], [5]]
    assert [len(body) for body in await bodies(partition)] == sizes
    await partition.close()
    frames = [event.records for event in events if isinstance(event, Committed)]
    assert sum(frames) == 5
    assert frames[-2:] == [1, 1]


async def test_an_append_is_one_frame_however_many_records_it_has(tmp_path):
    events = []
    partition = await opened(tmp_path, on_event=events.append)
    assert await partition.append([record("x")] * 1000) == list(range(1, 1001))
    await partition.close()
    assert [event.records for event in events if isinstance(event, Committed)] == [1000]


async def test_acknowledged_records_leave_the_disk(tmp_path):
    partition = await opened(tmp_path)
    await partition.append([record(b"%d" % number) for number in range(10)])
    for number in range(1, 10):
        partition.acknowledge(number)
    assert await bodies(partition) == [b"9"], "reading knows what is still in the buffer"
    assert partition.usage.records == 1
    partition.acknowledge(10)
    await partition.close()
    partition.acknowledge(10)
    assert list(tmp_path.glob("p00/*.seg")) == []


async def test_many_acknowledgements_are_written_at_once(tmp_path):
    partition = await opened(tmp_path)
    await partition.append([record("x")] * 1500)
    for number in range(1, 1025):
        partition.acknowledge(number)
    await partition.append([record("y")])
    while not (written := [path.stat().st_size for path in tmp_path.glob("p00/*.ack") if path.stat().st_size]):
        await partition.read(0, 1)
    assert partition.usage.records == 477
    assert written == [16]
    await partition.close()


async def test_few_acknowledgements_are_written_within_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.spool.partition._ACK_DELAY_S", 0.01)
    partition = await opened(tmp_path)
    await partition.append([record("x")] * 3)
    partition.acknowledge(1)
    partition.acknowledge(3)
    await until(lambda: partition.usage.records == 1)
    await partition.close()


async def test_books_are_written_before_what_ended_leaves_the_disk(tmp_path):
    partition, on_disk = await opened(tmp_path), []
    await partition.append([record("x")] * 3)
    partition.before_acks = lambda: on_disk.append(partition.usage.records)
    partition.acknowledge(1)
    assert len(await bodies(partition)) == 2
    await bodies(partition)
    assert on_disk == [3], "where nothing ended there is nothing to write"
    partition.acknowledge(2)
    partition.flush_acks()
    await bodies(partition)
    assert on_disk == [3], "whoever keeps the books has just written them"
    partition.acknowledge(3)
    await partition.close()
    assert on_disk == [3, 1]


class TestFull:
    async def test_operations_81_refuses_and_takes_again(self, tmp_path):
        disk, clock = Gate(), SimulatedClock()
        partition = await opened(tmp_path, disk=disk, clock=clock)
        await partition.append([record("a")])
        disk.error = errno.ENOSPC
        with pytest.raises(SpoolFull):
            await partition.append([record("b")])
        with pytest.raises(SpoolFull):
            await partition.append([record("c")])
        assert not partition.has_capacity
        assert not partition.is_given_up
        assert partition.condition == "no space on the disk"
        assert await bodies(partition) == [b"a"]
        disk.error = 0
        clock.advance(1)
        await partition.read(0, 1)
        await until(lambda: partition.has_capacity)
        assert partition.condition == "0% full"
        assert await partition.append([record("d")]) == [2]
        await partition.close()

    async def test_by_our_own_bound(self, tmp_path):
        partition = await opened(tmp_path, options=SpoolOptions(max_bytes=2_000))
        with pytest.raises(SpoolFull):
            await partition.append([record(NOISE[:4_000])])
        await partition.append([record("small")])
        assert partition.usage.segments == 1
        await partition.close()

    async def test_evictions_are_told(self, tmp_path):
        events = []
        options = SpoolOptions(segment_bytes=1_000, max_bytes=4_000, when_full="drop_oldest")
        partition = await opened(tmp_path, options=options, on_event=events.append)
        for number in range(6):
            await partition.append([record(NOISE[:1_000], b'{"n":%d}' % number)])
        evicted = [each for event in events if isinstance(event, Evicted) for each in event.records]
        assert evicted[0] == (1, b'{"n":0}', 1_000, False)
        await partition.close()


class TestFailing:
    async def test_operations_88_waiting_requests_hear_of_a_failed_sync(self, tmp_path):
        disk, events = Gate(), []
        partition = await opened(tmp_path, disk=disk, options=SpoolOptions(fsync="always"), on_event=events.append)
        await partition.append([record("a")])
        disk.sync_error = errno.EIO
        with pytest.raises(SpoolError):
            await partition.append([record("b")])
        assert any(isinstance(event, Faulted) for event in events), "told before the answer"
        await partition.append([record("c")])
        assert await bodies(partition) == [b"a", b"c"]
        await partition.close()

    @pytest.mark.parametrize("mode", ["always", "interval", "never"])
    async def test_repeatedly(self, tmp_path, mode):
        """Where nobody was promised that the disk holds, memory may do instead."""
        disk = Gate()
        partition = await opened(tmp_path, disk=disk, options=SpoolOptions(fsync=mode))
        disk.error = errno.EIO
        for _ in range(3):
            with pytest.raises(SpoolError):
                await partition.append([record("a")])
        assert partition.is_given_up is (mode == "never")
        assert not partition.has_capacity
        assert partition.condition == "the disk failed repeatedly"
        await partition.close()

    async def test_one_record_over_the_format_does_not_harm_the_others_of_its_batch(self, tmp_path):
        disk = Gate()
        partition = await opened(tmp_path, disk=disk)
        disk.passable.clear()
        appends = [partition.append([record("x", meta)]) for meta in (b"{}", b"{}", b"m" * 70_000, b"{}")]
        gathering = asyncio.gather(*appends, return_exceptions=True)
        await asyncio.to_thread(disk.reached.wait, 10)
        disk.passable.set()
        results = await gathering
        assert [type(result) for result in results] == [list, list, ValueError, list]
        await partition.close()

    async def test_a_chore_that_breaks_does_not_end_the_thread(self, tmp_path, monkeypatch):
        events = []
        partition = await opened(tmp_path, on_event=events.append)

        def broken():
            raise RuntimeError("no such luck")

        monkeypatch.setattr(partition._log, "chores", broken)
        assert await partition.append([record("a")]) == [1]
        assert await partition.append([record("b")]) == [2]
        assert any("no such luck" in event.detail for event in events if isinstance(event, Faulted))
        await partition.close()

    async def test_a_listener_that_breaks_keeps_nobody_waiting(self, tmp_path):
        def broken(event):
            raise RuntimeError("listener")

        heard = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context["exception"]))
        partition = await opened(tmp_path, on_event=broken)
        assert await partition.append([record("a")]) == [1]
        await partition.close()
        assert heard

    async def test_files_that_cannot_be_read(self, tmp_path, monkeypatch):
        partition = await opened(tmp_path, options=SpoolOptions(segment_bytes=64))
        await partition.append([record("a")])
        await partition.append([record("b")])
        await partition.close()
        disk = Disk()
        partition = await opened(tmp_path, disk=disk)

        def none_left(path):
            raise OSError(errno.EMFILE, "too many")

        monkeypatch.setattr(disk, "open", none_left)
        with pytest.raises(SpoolError, match="cannot be read"):
            await partition.read(0, 100)
        monkeypatch.undo()
        assert await bodies(partition) == [b"a", b"b"]
        await partition.close()


class TestReading:
    async def test_damage_is_told_and_passed_over(self, tmp_path):
        partition = await opened(tmp_path)
        for name in "abc":
            await partition.append([record(name * 100)])
        await partition.close()
        segment = next(tmp_path.glob("p00/*.seg"))
        data = bytearray(segment.read_bytes())
        data[64 + 60] ^= 1
        segment.write_bytes(data)
        events = []
        partition = await opened(tmp_path, on_event=events.append)
        assert await bodies(partition) == [b"b" * 100, b"c" * 100]
        assert [event.records for event in events if isinstance(event, Damaged)] == [1]
        assert len(list(tmp_path.glob("p00/quarantine/*"))) == 1
        await partition.close()

    async def test_about_as_much_as_was_asked(self, tmp_path):
        partition = await opened(tmp_path)
        for number in range(12):
            await partition.append([record(NOISE[number * 300_000 : number * 300_000 + 300_000])])
        assert len(await partition.read(0, 2_000_000)) == 7
        assert len(await partition.read(0, 1)) == 1
        assert [each.sequence for each in await partition.read(8, 1 << 30, until=11)] == [9, 10]
        assert await partition.read(12, 1 << 30) == []
        await partition.close()

    async def test_the_survey_sees_what_was_there_at_the_start(self, tmp_path):
        partition = await opened(tmp_path)
        await partition.append([record("x", b'{"n":%d}' % number) for number in range(3)])
        await partition.append([record("y", b"{}")])
        await partition.close()
        partition = await opened(tmp_path)
        await partition.append([record("new")])
        partition.acknowledge(2)
        await partition.read(0, 1)
        seen, after = [], 0
        while part := await partition.survey(after):
            seen += part
            after = part[-1].sequence
        assert seen == [(1, b'{"n":0}', 1, False), (3, b'{"n":2}', 1, False), (4, b"{}", 1, False)]
        await partition.close()


class TestBounds:
    async def test_they_can_change_while_it_runs(self, tmp_path):
        partition = await opened(tmp_path, options=SpoolOptions(max_bytes=3_000))
        await partition.append([record(NOISE[:2_000])])
        with pytest.raises(SpoolFull):
            await partition.append([record(NOISE[:2_000])])
        assert partition.fullness == pytest.approx(0.7, abs=0.05)
        partition.reconfigure(SpoolOptions(fsync="never", max_bytes=10_000, encryption_key=bytes(32)))
        await partition.read(0, 1)
        assert await partition.append([record(NOISE[:2_000])]) == [2]
        assert partition.capacity_bytes == 10_000
        assert (
            b"SJFR" + bytes([1, 0, 0, 0]) in next((tmp_path / "p00").glob("*.seg")).read_bytes()
        )  # still in the clear
        partition.reconfigure(SpoolOptions(max_bytes=1_000))
        await partition.read(0, 1)
        assert partition.fullness > 1
        with pytest.raises(SpoolFull):
            await partition.append([record("x")])
        assert len(await bodies(partition)) == 2
        await partition.close()
        partition.reconfigure(SpoolOptions())

    async def test_what_is_only_to_be_emptied_may_use_nothing(self, tmp_path):
        partition = await opened(tmp_path, adopt=True)
        assert partition.capacity_bytes == 0
        assert not partition.is_given_up
        await partition.close()
