"""Whose a partition is, and how it ends: slots, orphans, encryption, closing (upstream-and-operations 7.6, 9.6)."""

from __future__ import annotations

import asyncio
import errno

import pytest

from scrubjay.errors import SpoolError, SpoolLocked, SpoolSealed
from scrubjay.runtime.spool.commit_thread import _Job
from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.partition import SpoolOptions
from scrubjay.runtime.spool.partition_lock import adoptable
from scrubjay.runtime.spool.types import Synced
from support.partitions import NOISE, Gate, bodies, opened, started
from support.spool_log import record


class TestEncrypted:
    async def test_operations_89_no_byte_of_what_waits_is_readable(self, tmp_path):
        """Not in segments, nor in what is rewritten; with the key all of it is there, without it nothing is touched."""
        options = SpoolOptions(encryption_key=bytes(range(32)))
        partition = await opened(tmp_path, options=options)
        await partition.append([record(b"canary %d" % n, b'{"k":"canary"}') for n in range(3)])
        await partition.close()
        before = {path: path.read_bytes() for path in (tmp_path / "p00").rglob("*.seg")}
        assert before
        assert not any(b"canary" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        for key, told in ((None, "there is no key"), (bytes(32), "another key")):
            with pytest.raises(SpoolSealed, match=told):
                await opened(tmp_path, options=SpoolOptions(encryption_key=key))
        assert {path: path.read_bytes() for path in (tmp_path / "p00").rglob("*.seg")} == before
        partition = await opened(tmp_path, options=options)
        assert await bodies(partition) == [b"canary 0", b"canary 1", b"canary 2"]
        await partition.close()


class TestOwnership:
    async def test_operations_87_a_second_instance_takes_the_next_slot(self, tmp_path):
        first = await opened(tmp_path, None)
        second = await opened(tmp_path, None)
        assert (first.slot, second.slot) == (0, 1)
        with pytest.raises(SpoolLocked):
            await opened(tmp_path, 0)
        assert await first.append([record("a")]) == await second.append([record("b")]) == [1]
        assert await bodies(first) == [b"a"]
        await first.close()
        await second.close()

    async def test_an_orphan_is_drained_never_written_and_removed(self, tmp_path):
        orphan = await opened(tmp_path, 7)
        await orphan.append([record("left"), record("behind")])
        await orphan.close()
        assert adoptable(tmp_path, {0}) == [7]
        adopted = await opened(tmp_path, 7, adopt=True)
        assert not adopted.has_capacity
        with pytest.raises(SpoolError, match="takes no records"):
            await adopted.append([record("c")])
        assert repr(adopted).startswith("<Partition p07 adopted: 2 records")
        for each in await adopted.read(0, 1000):
            adopted.acknowledge(each.sequence)
        await adopted.close()
        assert not (tmp_path / "p07").exists()
        assert adoptable(tmp_path) == []

    async def test_an_orphan_that_is_not_drained_stays(self, tmp_path):
        orphan = await opened(tmp_path, 7)
        await orphan.append([record("left")])
        await orphan.close()
        await (await opened(tmp_path, 7, adopt=True)).close()
        assert adoptable(tmp_path) == [7]

    async def test_the_partition_keeps_its_identity(self, tmp_path):
        partition = await opened(tmp_path)
        await partition.append([record("a")])
        await partition.close()
        partition = await opened(tmp_path)
        await partition.append([record("b")])
        await partition.close()
        headers = [path.read_bytes()[32:48] for path in sorted(tmp_path.glob("p00/*.seg"))]
        assert len(headers) == 2
        assert headers[0] == headers[1] != bytes(16)

    @pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), RuntimeError("bug")])
    async def test_a_partition_that_cannot_be_recovered_is_released(self, tmp_path, error):
        class Broken(Disk):
            def list(self, directory):
                raise error

        with pytest.raises((SpoolError, RuntimeError)):
            await opened(tmp_path, disk=Broken())
        await (await opened(tmp_path)).close()


class TestClosing:
    async def test_what_is_queued_is_written_first(self, tmp_path):
        disk = Gate()
        partition = await opened(tmp_path, disk=disk)
        disk.passable.clear()
        appends = [started(partition.append([record(NOISE[:400_000])])) for _ in range(9)]
        await asyncio.to_thread(disk.reached.wait, 10)
        closing = started(partition.close())
        await asyncio.sleep(0)
        with pytest.raises(SpoolError):
            await partition.append([record("late")])
        disk.passable.set()
        await closing
        assert [await append for append in appends] == [[number] for number in range(1, 10)]
        await partition.close()
        assert repr(partition).startswith("<Partition p00 closed")
        assert not partition.has_capacity
        with pytest.raises(SpoolError, match="closed"):
            await partition.read(0, 1)

    async def test_whoever_was_cancelled_is_not_answered(self, tmp_path):
        disk = Gate()
        partition = await opened(tmp_path, disk=disk)
        disk.passable.clear()
        waiting = started(partition.append([record("a")]))
        await asyncio.to_thread(disk.reached.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        disk.passable.set()
        assert await partition.append([record("b")]) == [2]
        assert await bodies(partition) == [b"a", b"b"], "stored all the same"
        await partition.close()

    def test_a_loop_that_is_gone_is_nobody_to_tell(self, tmp_path):
        disk = Gate()

        async def leave():
            partition = await opened(tmp_path, disk=disk)
            disk.passable.clear()
            disk.reached.clear()
            task = started(partition.append([record("a")]))
            await asyncio.to_thread(disk.reached.wait, 10)
            task.cancel()
            return partition

        partition = asyncio.run(leave())
        disk.passable.set()
        partition._closed = False
        partition._thread._queue.put(_Job(partition._shut, None, last=True))
        partition._thread._thread.join(10)
        assert not partition._thread._thread.is_alive()

    async def test_synced_at_the_latest_at_the_end(self, tmp_path):
        events = []
        partition = await opened(tmp_path, options=SpoolOptions(fsync_interval_s=1000), on_event=events.append)
        await partition.append([record("a")])
        assert not any(isinstance(event, Synced) for event in events)
        await partition.close()
        assert any(isinstance(event, Synced) for event in events)
