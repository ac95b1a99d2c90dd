"""A real file system of 8 MiB: it fills up, is drained without a free byte, and takes records again without a restart."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from scrubjay.errors import SpoolFull
from scrubjay.runtime.spool.partition import Partition, Record, SpoolOptions
from support.small_disks import small_disk

NOISE = random.Random(5).randbytes(200_000)


@pytest.fixture(name="disk", params=["tmpfs", "ext4"])
def _disk(request, tmp_path):
    with small_disk(request.param, tmp_path) as mount:
        yield mount


@pytest.mark.parametrize("mode", ["always", "interval", "never"])
async def test_operations_81_full_drained_and_taking_again(disk, mode):
    root = disk / "spool"
    partition = await Partition.open(root, 0, options=SpoolOptions(fsync=mode, segment_bytes=1 << 20))
    stored = await _fill(partition)
    assert len(stored) > 30
    assert not partition.has_capacity

    seen = []
    while part := await partition.read(seen[-1] if seen else 0, 1 << 20):
        for each in part:
            assert each.body == stored[each.sequence]
            partition.acknowledge(each.sequence)
            seen.append(each.sequence)
    assert seen == list(stored)
    assert await partition.read(0, 1) == []
    deadline = time.monotonic() + 60
    while not partition.has_capacity:
        assert time.monotonic() < deadline, "still full"
        await asyncio.sleep(0.02)
    assert len(await partition.append([Record(b"{}", NOISE[:1000])])) == 1
    assert partition.usage.segments == 1
    await partition.close()


async def test_started_on_a_full_disk_it_drains(disk):
    root = disk / "spool"
    options = SpoolOptions(fsync="never", segment_bytes=1 << 20)
    partition = await Partition.open(root, 0, options=options)
    stored = await _fill(partition)
    await partition.close()
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError:
            pass
    partition = await Partition.open(root, 0, options=options)
    count = 0
    while part := await partition.read(0, 1 << 20):
        count += len(part)
        for each in part:
            partition.acknowledge(each.sequence)
    assert count == partition.recovered.records == len(stored)
    await partition.append([Record(b"{}", b"again")])
    await partition.close()


async def _fill(partition: Partition) -> dict[int, bytes]:
    stored = {}
    for size in (150_000, 10_000, 100):
        while True:
            body = NOISE[:size]
            try:
                stored[(await partition.append([Record(b"{}", body)]))[0]] = body
            except SpoolFull:
                break
        partition._log.disk_full = False  # the next smaller size may still fit
    partition._log.disk_full = True
    return stored
