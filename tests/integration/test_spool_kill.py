"""A process that appends in a loop is killed with -9 at random times: what it was told is stored is there afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from scrubjay.runtime.spool.partition import Partition, SpoolOptions

WRITER = textwrap.dedent(
    """
    import asyncio, os, random, sys
    from pathlib import Path
    from scrubjay.runtime.spool.partition import Partition, Record, SpoolOptions

    async def main(root, mode, prefix):
        options = SpoolOptions(fsync=mode, segment_bytes=100_000, fsync_interval_s=0.01)
        partition = await Partition.open(Path(root), 0, options=options)
        rng = random.Random(prefix)

        async def client(number):
            for count in range(1_000_000):
                body = f"{prefix}/{number}/{count}:".encode() + rng.randbytes(rng.choice([10, 500, 5_000]))
                await partition.append([Record(b"{}", body)])
                os.write(1, body.partition(b":")[0] + b"\\n")

        await asyncio.gather(*(client(number) for number in range(20)))

    asyncio.run(main(*sys.argv[1:]))
    """
)


def live_and_die(root, mode, prefix, delay_s) -> set[bytes]:
    """One life of a writer. Returns the names of the records that it was told are stored."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root), mode, prefix], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(delay_s)
    os.kill(writer.pid, signal.SIGKILL)
    output = first + writer.stdout.read()
    writer.stdout.close()
    writer.wait()
    return set(output.rpartition(b"\n")[0].split())


async def kill_and_look(root, mode, prefix, delay_s) -> int:
    """Compares what is there after a kill with what was said to be stored, and empties the spool. Returns how much that was."""
    stored = live_and_die(root, mode, prefix, delay_s)
    partition = await Partition.open(root, 0, options=SpoolOptions(fsync="never"))
    found = []
    while part := await partition.read(found[-1].sequence if found else 0, 8 << 20):
        found += part
    names = {each.body.partition(b":")[0] for each in found}
    assert stored <= names, f"{len(stored - names)} of {len(stored)} are missing"
    assert [each.sequence for each in found] == sorted(each.sequence for each in found)
    assert partition.recovered.lost_records == partition.recovered.quarantined == 0
    assert partition.recovered.torn_tails <= 1
    for each in found:
        partition.acknowledge(each.sequence)
    await partition.close()
    assert list(root.glob("p00/*.seg")) == []
    return len(stored)


@pytest.mark.parametrize("mode", ["always", "interval", "never"])
async def test_operations_76_nothing_that_was_answered_for_is_missing(tmp_path, mode):
    rng = random.Random(mode)
    told = 0
    for life in range(5):
        told += await kill_and_look(tmp_path, mode, f"{mode}{life}", rng.uniform(0, 0.15))
    assert told > 50


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["always", "interval", "never"])
async def test_operations_76_at_length(tmp_path, mode):
    rng = random.Random()
    for life in range(200):
        await kill_and_look(tmp_path, mode, f"{mode}{life}", rng.uniform(0, 0.5))
