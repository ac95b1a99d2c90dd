"""What the spool costs: appends per second alone and in groups, in each mode, and reading back. Run it as a script.

`loop µs` is the CPU time of the event loop's thread per append, what a request pays; the rest is in the partition's thread.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from scrubjay.runtime.spool.partition import Partition, Record, SpoolOptions

SINGLE, GROUPED = 1_000, 5_000


def event(size_bytes: int = 16_000) -> bytes:
    """About `size_bytes` of JSON that compresses as stack traces do."""
    rng = random.Random(size_bytes)
    frames: list[dict[str, object]] = []
    while len(json.dumps(frames)) < size_bytes:
        frames.append(
            {
                "filename": f"app/module_{rng.randrange(99)}.py",
                "function": f"function_{rng.randrange(999)}",
                "lineno": rng.randrange(9_999),
                "vars": {f"value_{rng.randrange(99)}": rng.getrandbits(64)},
            }
        )
    return json.dumps({"exception": {"values": [{"stacktrace": {"frames": frames}}]}}).encode()


async def measure(root: Path, mode: str) -> str:
    partition = await Partition.open(root / mode, 0, options=SpoolOptions(fsync=mode))  # type: ignore[arg-type]
    record = Record(b'{"k":"a94ae32be2584e0bbd7a4cbb95971fee","p":"42","r":1767323045678}', event())
    await partition.append([record])

    async def alone() -> None:
        for _ in range(SINGLE):
            await partition.append([record])

    async def together() -> None:
        await asyncio.gather(*[partition.append([record]) for _ in range(GROUPED)])

    async def back() -> None:
        after = 0
        while part := await partition.read(after, 4 << 20):
            after = part[-1].sequence

    columns = []
    for work, count in ((alone, SINGLE), (together, GROUPED), (back, SINGLE + GROUPED)):
        wall, cpu, loop = time.perf_counter(), time.process_time(), time.thread_time()
        await work()
        wall, cpu, loop = time.perf_counter() - wall, time.process_time() - cpu, time.thread_time() - loop
        columns.append(f"{count / wall:9,.0f}/s {cpu / count * 1e6:6.0f} {loop / count * 1e6:6.0f}")
    await partition.close()
    return f"{mode:9}" + " |".join(columns)


async def main() -> None:
    print(f"records of {len(event()):,} bytes; CPU µs and loop µs per record")
    print(f"{'mode':9}{'one by one':>25} |{'grouped':>25} |{'read back':>25}")
    for mode in ("never", "interval", "always"):
        with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
            print(await measure(Path(folder), mode))


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
