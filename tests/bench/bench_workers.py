"""What a second worker brings, and how long a client waits for its 200 at half load.

Owns both loads. Everything shares one machine: the clients and the server take their part of the processors, so that beside the throughput the
processor time of an envelope stands, which says what workers cost each other. Latency is measured at a fixed rate, half of what was reached before,
beside a bare handler at the same rate; what the relay adds is the difference.
"""

import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

from bench.bench_relay import cpu_s, peer, settle
from bench.load import send
from bench.report import Row
from bench.traffic import requests
from support.daemon import Daemon
from support.processes import wait_for

GOAL_SPEEDUP = 1.8
_CONNECTIONS = 32


class Paced(asyncio.Protocol):
    """One connection that sends at given times and notes how long each answer took."""

    def __init__(self, traffic: Sequence[bytes], times: Sequence[float], done: asyncio.Future[None]) -> None:
        self.latencies: list[float] = []
        self._traffic, self._times, self._done = traffic, times, done
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._plan()

    def _plan(self) -> None:
        number = len(self.latencies)
        if number == len(self._times):
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._loop.call_at(self._times[number], self._send, number)

    def _send(self, number: int) -> None:
        self._transport.write(self._traffic[number % len(self._traffic)])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """An answer of this size comes in one piece. Measured from when it was due, so that no pause is hidden."""
        if not data.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"answered {data[:200]!r}"))
            return
        self.latencies.append(self._loop.time() - self._times[len(self.latencies)])
        self._plan()


def latencies(port: int, traffic: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    """Of requests at an even rate over `_CONNECTIONS` connections, in seconds, sorted."""

    async def run() -> list[float]:
        loop = asyncio.get_running_loop()
        count, began = int(rate * seconds), loop.time() + 0.2
        ends, paced = [], []
        for number in range(_CONNECTIONS):
            times = [began + each / rate for each in range(number, count, _CONNECTIONS)]
            end: asyncio.Future[None] = loop.create_future()
            _, one = await loop.create_connection(lambda t=times, e=end: Paced(traffic, t, e), "127.0.0.1", port)  # type: ignore[misc]
            ends.append(end)
            paced.append(one)
        await asyncio.wait_for(asyncio.gather(*ends), 60 + 2 * seconds)
        return sorted(value for one in paced for value in one.latencies)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def family_cpu_s(pid: int) -> float:
    """Processor time of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_s(pid) + sum(cpu_s(int(child)) for child in children)


def throughput(workers: int, count: int) -> tuple[float, float]:
    """Envelopes a second that were accepted, and processor milliseconds of each until it was forwarded."""
    traffic = requests(16 * 1024)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with peer("sink", folder) as (_, sink_port):
            options = {"relay": {"workers": workers}, "logging": {"level": "info"}}
            daemon = Daemon(folder / "relay", upstream=f"http://127.0.0.1:{sink_port}/", options=options)
            daemon.start()
            try:
                if workers > 1:
                    wait_for(lambda: daemon.log.count("is ready") >= workers, "all workers serve")
                send(daemon.port, traffic, count // 4, connections=_CONNECTIONS)
                settle(daemon, sink_port, count // 4)
                before, started = family_cpu_s(daemon.pid), time.perf_counter()
                send(daemon.port, traffic, count, connections=_CONNECTIONS)
                rate = count / (time.perf_counter() - started)
                settle(daemon, sink_port, count // 4 + count)
                return rate, (family_cpu_s(daemon.pid) - before) / count * 1000
            finally:
                daemon.close()


def waiting(rate: float, seconds: float) -> tuple[list[float], list[float]]:
    """Latencies of the relay and of a bare handler, at the same rate."""
    traffic = requests(16 * 1024)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with peer("sink", folder) as (_, sink_port), peer("bare", folder) as (_, bare_port):
            theirs = latencies(bare_port, traffic, rate, seconds)
            options = {"logging": {"level": "warn"}}
            daemon = Daemon(folder / "relay", upstream=f"http://127.0.0.1:{sink_port}/", options=options)
            daemon.start()
            try:
                latencies(daemon.port, traffic, rate, min(2.0, seconds))
                return latencies(daemon.port, traffic, rate, seconds), theirs
            finally:
                daemon.close()


def share_of(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, math.ceil(share * len(values)))]


def rows(*, quick: bool = False) -> Iterator[Row]:
    count, rounds, seconds = (200, 1, 0.5) if quick else (8_000, 3, 20.0)
    runs = {workers: [throughput(workers, count) for _ in range(rounds)] for workers in (1, 2)}
    rate, cost = ({w: statistics.median(run[part] for run in each) for w, each in runs.items()} for part in (0, 1))
    speedup = rate[2] / rate[1]
    detail = f"{rate[1]:,.0f} and {rate[2]:,.0f} a second, clients and server on the same processors"
    yield Row(
        "two workers against one, 16 KB", f"{speedup:.2f}×", f"≥ {GOAL_SPEEDUP}×", speedup >= GOAL_SPEEDUP, detail
    )
    yield Row(
        "the same by processor time",
        f"{2 * cost[1] / cost[2]:.2f}×",
        f"≥ {GOAL_SPEEDUP}×",
        2 * cost[1] / cost[2] >= GOAL_SPEEDUP,
        f"{cost[1]:.3f} and {cost[2]:.3f} ms an envelope",
    )
    ours, theirs = waiting(rate[1] / 2, seconds)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        mine, bare = (share_of(values, share) * 1000 for values in (ours, theirs))
        detail = f"{mine:.2f} ms, bare handler {bare:.2f} ms, at {rate[1] / 2:,.0f} a second"
        yield Row(f"added latency of the 200 at half load, {name}", f"{mine - bare:.2f} ms", detail=detail)
