"""The relay as a whole: CPU for each envelope, memory, start. Figures are ratios and bounds, not times of this machine.

Owns the measurements of the README's table that need a running daemon. `python -m tests.bench relay` prints them alone.
CPU is user and system time of the relay's process with all its threads, from the first request until nothing waits any
more: receiving, inflating, scrubbing, the spool, compressing and forwarding. The yardstick is an aiohttp handler that
reads the same body without looking into it; both are driven in turn, by the same generator, in the same run.
"""

import http.client
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import send
from bench.report import Row
from bench.traffic import requests
from support.daemon import Daemon
from support.http_client import auth, post
from support.processes import Child, answers, free_port, get, wait_for

EVENT_BYTES = 16 * 1024
GOAL_SCRUBBING = 5.0
GOAL_PROXY = 3.0
GOAL_MEMORY_MIB = 70
GOAL_GROWTH_MIB = 2
"""Allowed as noise of an allocator; growth for each envelope would show as far more."""
GOAL_START_S = 1.0
MIB = 1 << 20
BARE_FACTOR = 3
"""The yardstick gets more requests in a round, since its CPU time is read in whole ticks."""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, dead threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


@contextmanager
def peer(role: str, folder: Path) -> Iterator[tuple[Child, int]]:
    """One process of `peers.py`, running; it and its port."""
    port = free_port()
    script = Path(__file__).with_name("peers.py")
    child = Child([sys.executable, script, role, str(port)], cwd=folder, log=folder / f"{role}.log")
    try:
        child.wait_until(lambda: answers(port, "/count"), f"{role} answers")
        yield child, port
    finally:
        child.kill()


@contextmanager
def relay(folder: Path, mode: str, sink_port: int) -> Iterator[Daemon]:
    """A daemon with the sample configuration's choices: spool on, one worker, default scrubbing unless `proxy`."""
    options = {"logging": {"level": "warn"}}
    daemon = Daemon(folder / mode, mode=mode, upstream=f"http://127.0.0.1:{sink_port}/", options=options)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.close()


def forwarded(sink_port: int) -> int:
    return int(get(sink_port, "/count")[1])


def settle(daemon: Daemon, sink_port: int, expected: int) -> None:
    """Wait until the sink has `expected` envelopes and the relay holds nothing; hardly asks the relay itself."""
    wait_for(lambda: forwarded(sink_port) >= expected, f"{expected} envelopes forwarded", timeout_s=600)
    daemon.wait_until_empty()


def cpu_ratio(mode: str, *, rounds: int, per_round: int) -> tuple[float, float, float]:
    """Median over rounds of relay CPU / yardstick CPU; CPU ms for an envelope of the relay and of the yardstick."""
    traffic = requests(EVENT_BYTES)
    ratios, ours, theirs = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with (
            peer("sink", folder) as (_, sink_port),
            peer("bare", folder) as (bare, bare_port),
            relay(folder, mode, sink_port) as daemon,
        ):
            expected = 0
            for number in range(rounds + 1):
                before = cpu_s(bare.pid)
                send(bare_port, traffic, BARE_FACTOR * per_round)
                bare_cpu = (cpu_s(bare.pid) - before) / BARE_FACTOR
                before = cpu_s(daemon.pid)
                send(daemon.port, traffic, per_round)
                expected += per_round
                settle(daemon, sink_port, expected)
                relay_cpu = cpu_s(daemon.pid) - before
                if number:  # the first round warms both up
                    ratios.append(relay_cpu / bare_cpu)
                    ours.append(relay_cpu / per_round * 1000)
                    theirs.append(bare_cpu / per_round * 1000)
            account = daemon.account()
            if not account.closed or account.dropped:
                raise RuntimeError(f"the relay lost envelopes: {account}")
    return statistics.median(ratios), statistics.median(ours), statistics.median(theirs)


def cpu_row(mode: str, goal: float, *, rounds: int, per_round: int) -> Row:
    ratio, ours, theirs = cpu_ratio(mode, rounds=rounds, per_round=per_round)
    what = "scrubbing" if mode == "static" else f"mode {mode}"
    detail = f"{ours:.3f} ms CPU an envelope, bare handler {theirs:.3f} ms"
    return Row(f"whole path, 16 KB gzip, {what}", f"{ratio:.2f}×", f"≤ {goal:g}×", ratio <= goal, detail)


def memory_rows(*, envelopes: int) -> list[Row]:
    """Resident size: idle, half-way, at the end, and the highest in between."""
    traffic = requests(EVENT_BYTES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with peer("sink", folder) as (_, sink_port), relay(folder, "static", sink_port) as daemon:
            post(daemon.port, "/api/1/envelope/", b"{}", auth())
            idle = daemon.resident_bytes()
            half = envelopes // 2
            first = send(daemon.port, traffic, half)
            settle(daemon, sink_port, half)
            middle = daemon.resident_bytes()
            second = send(daemon.port, traffic, envelopes - half)
            settle(daemon, sink_port, envelopes)
            end = daemon.resident_bytes()
            status = Path(f"/proc/{daemon.pid}/status").read_text()
            peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    rate = envelopes / (first.seconds + second.seconds)
    goal = f"≤ {GOAL_MEMORY_MIB} MiB"
    growth = (end - middle) / MIB
    return [
        Row("memory, idle", f"{idle / MIB:.1f} MiB", goal, idle <= GOAL_MEMORY_MIB * MIB),
        Row(
            f"memory after {envelopes:,} envelopes",
            f"{end / MIB:.1f} MiB",
            goal,
            end <= GOAL_MEMORY_MIB * MIB,
            f"highest {peak / MIB:.1f} MiB; {rate:,.0f} a second accepted",
        ),
        Row(f"growth over the last {envelopes - half:,}", f"{growth:+.1f} MiB", "none", growth <= GOAL_GROWTH_MIB),
    ]


def start_row(*, runs: int) -> Row:
    """From starting the process to the first accepted envelope, as a client that tries every few milliseconds sees it."""
    body = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{"message":"first"}\n'
    times = []
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(runs):
            with peer("sink", Path(temporary)) as (_, sink_port):
                daemon = Daemon(Path(temporary) / str(number), upstream=f"http://127.0.0.1:{sink_port}/")
                started = time.perf_counter()
                daemon.launch()
                try:
                    wait_for(lambda d=daemon: accepted(d, body), "the first envelope accepted")  # type: ignore[misc]
                    times.append(time.perf_counter() - started)
                finally:
                    daemon.close()
    median = statistics.median(times)
    detail = f"slowest of {runs}: {max(times):.2f} s"
    return Row(
        "start to first accepted envelope", f"{median:.2f} s", f"≤ {GOAL_START_S:g} s", median <= GOAL_START_S, detail
    )


def accepted(daemon: Daemon, body: bytes) -> bool:
    if not daemon.running:
        raise RuntimeError(f"the daemon ended:\n{daemon.log}")
    try:
        return post(daemon.port, "/api/1/envelope/", body).status == 200
    except (OSError, http.client.HTTPException):
        return False


def rows(*, quick: bool = False) -> Iterator[Row]:
    """All of it, the fast measurements first. `quick` is for a check that it works, not for figures."""
    rounds, per_round, envelopes = (1, 200, 600) if quick else (5, 3_000, 100_000)
    yield start_row(runs=1 if quick else 7)
    yield cpu_row("static", GOAL_SCRUBBING, rounds=rounds, per_round=per_round)
    yield cpu_row("proxy", GOAL_PROXY, rounds=rounds, per_round=per_round)
    yield from memory_rows(envelopes=envelopes)
