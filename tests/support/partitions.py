"""Partitions on the real disk, which can be made to wait and to fail."""

from __future__ import annotations

import asyncio
import random
import threading

from scrubjay.runtime.spool.disk import Disk
from scrubjay.runtime.spool.partition import Partition, SpoolOptions

NOISE = random.Random(9).randbytes(4_000_000)


class Gate(Disk):
    """The real disk, which can be made to wait, and to fail."""

    def __init__(self):
        self.passable = threading.Event()
        self.passable.set()
        self.reached = threading.Event()
        self.writes = 0
        self.error = 0
        self.sync_error = 0

    def write(self, descriptor, parts, offset):
        self.reached.set()
        self.passable.wait(60)
        if self.error:
            raise OSError(self.error, "made up")
        self.writes += 1
        super().write(descriptor, parts, offset)

    def sync(self, descriptor):
        if self.sync_error:
            number, self.sync_error = self.sync_error, 0
            raise OSError(number, "made up")
        super().sync(descriptor)


def opened(root, slot=0, **more):
    options = more.pop("options", SpoolOptions())
    return Partition.open(root, slot, options=options, **more)


def started(coroutine):
    return asyncio.get_running_loop().create_task(coroutine)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (the state of another thread)
            await asyncio.sleep(0.005)


async def bodies(partition):
    return [each.body for each in await partition.read(0, 1 << 30)]
