"""Whatever comes between an envelope's arrival and its configuration: it is sent scrubbed, or its end is in the books (7.10, I1, I8)."""

import asyncio
import random

import pytest

from support.forwarding import KEY as OTHER
from support.path import KEY
from support.pending import plan_of
from support.waiting import CANARY, Worker

THIRD = "c" * 32
KEYS = (KEY, OTHER, THIRD)


async def interleave(worker: Worker, chance: random.Random, steps: int) -> set[str]:
    """What was answered with 200. `Server` sees to it that nothing raw arrives; the account is asked whenever nobody works."""
    plan, accepted = plan_of(), set[str]()
    await worker.start()
    for step in range(steps):
        deed = chance.choices(
            ("send", "learn", "forget", "full", "room", "work", "restart", "die"), (40, 6, 6, 3, 6, 10, 1, 2)
        )[0]
        key = chance.choice(KEYS)
        if deed == "send":
            names = [f"{step}-{number}" for number in range(chance.randint(1, 4))]
            taken = await asyncio.gather(*(worker.is_taken(name, key) for name in names))
            accepted |= {name for name, is_taken in zip(names, taken, strict=True) if is_taken}
        elif deed == "learn":
            worker.learn(key, plan)
        elif deed == "forget":
            worker.forget(key)
        elif deed == "full":
            worker.ports.has_memory = lambda: False
        elif deed == "room":
            worker.ports.has_memory = lambda: True
        elif deed == "work":
            worker.room.look()
            for _ in range(chance.randint(0, 20)):
                await asyncio.sleep(0)
        elif worker.root is not None:
            await (worker.stop() if deed == "restart" else worker.die())
            await worker.start(is_surveyed=chance.random() < 0.5)
    worker.ports.has_memory = lambda: True
    for key in KEYS:
        worker.learn(key, plan)
    await worker.until(lambda: worker.is_quiet)
    return accepted


@pytest.mark.parametrize("seed", range(6))
async def test_on_disk_all_that_was_answered_with_200_arrives(tmp_path, seed: int) -> None:
    worker = Worker(tmp_path)
    accepted = await interleave(worker, random.Random(seed), 250)
    assert accepted <= set(worker.server.names)
    assert worker.closes()
    assert {place for place, _ in worker.observed.errors} <= {"reading the spool"}  # by a process that dies just then
    await worker.stop()
    assert worker.partition is not None
    left = b"".join(bytes(inode.data) for inode in worker.disk.names.values())
    assert CANARY.encode() not in left


@pytest.mark.parametrize("seed", range(3))
async def test_in_memory_it_arrives_once(seed: int) -> None:
    worker = Worker()
    accepted = await interleave(worker, random.Random(seed), 250)
    assert sorted(worker.server.names) == sorted(accepted)
    assert worker.closes()
    assert await worker.stop() == 0


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 300))
async def test_at_length(tmp_path, seed: int) -> None:
    worker = Worker(tmp_path)
    accepted = await interleave(worker, random.Random(seed), 400)
    assert accepted <= set(worker.server.names)
    assert worker.closes()
    await worker.stop()
