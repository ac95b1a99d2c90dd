"""One request to the central server: our client beside aiohttp's, on the same body in one process.

    python tests/bench/bench_send.py

The reason why the relay has a client of its own: a general one costs more processor time than all of receiving. CPU time of
the best of several rounds, taken in turn; the server is another process and does not count.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.bench_relay import peer
from scrubjay.runtime.forwarding.http_client import HttpClient, Origin

BODY = os.urandom(4096)
"""What a 16 KB event is compressed to."""


async def measure(port: int, *, rounds: int, per_round: int) -> tuple[float, float]:
    """Microseconds of CPU for a request of ours, and of aiohttp's."""
    ours = HttpClient(Origin.parse(f"http://127.0.0.1:{port}"))
    head = f"POST /api/1/envelope/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    jar, timeout = aiohttp.DummyCookieJar(), aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout, raise_for_status=False) as session:

        async def post() -> None:
            url = f"http://127.0.0.1:{port}/api/1/envelope/"
            async with session.post(url, data=BODY, allow_redirects=False) as response:
                await response.read()

        async def request() -> None:
            await ours.request(head, BODY, 60.0)

        best = [await _cpu(send, per_round) for send in (request, post)]
        for _ in range(rounds):
            best = [min(old, await _cpu(send, per_round)) for old, send in zip(best, (request, post), strict=True)]
    ours.close()
    return best[0], best[1]


async def _cpu(send: Callable[[], Awaitable[None]], count: int) -> float:
    started = time.process_time()
    for _ in range(count):
        await send()
    return (time.process_time() - started) / count * 1e6


def run(*, rounds: int = 8, per_round: int = 1000) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, peer("sink", Path(folder)) as (_, port):
        return uvloop.run(measure(port, rounds=rounds, per_round=per_round))


if __name__ == "__main__":
    print("{:.0f} µs ours, {:.0f} µs aiohttp".format(*run()))
