"""What travels from a sidecar to a gateway for 1,000 envelopes: requests, bytes and processor time, in batches and one by one.

    python -m tests.bench batches

Bytes are counted where they pass, headers and answers among them. How many envelopes a batch holds depends on how many come within its
linger: so there is a trickle, as fast as it goes, and what had piled up. The traffic is all requests that SDKs were recorded with, and errors
of 16 KB that differ in their numbers, which is what one application's errors do.
"""

from __future__ import annotations

import asyncio
import gzip
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bench_relay import cpu_s, peer
from bench.load import send
from bench.report import Row
from bench.traffic import envelope, sized_event
from support.chain import Chain, chain, total
from support.corpus import recorded
from support.daemon import KEY, Daemon
from support.processes import free_port, wait_for

TRICKLE_PER_S = 200
_STEP_S = 0.02


@dataclass(frozen=True)
class Cost:
    """Of 1,000 envelopes, between the two relays; `cpu_ms` is of both together. `per_s`: how many came in a second."""

    per_s: float
    requests: float
    wire_bytes: float
    cpu_ms: float


class Wire:
    """Passes connections on, and counts what passes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.target = 0
        self.passed_bytes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, is_over: threading.Event) -> None:
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", self.port):
            await asyncio.to_thread(is_over.wait)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._copy(reader, there[1]), self._copy(there[0], writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(256 * 1024):
                self.passed_bytes += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def relays(folder: Path, batch: str) -> Iterator[tuple[Chain, Wire]]:
    """Sidecar, counted wire, gateway, and a server that takes everything."""
    made: list[Daemon] = []

    def daemons(**options: object) -> Daemon:
        made.append(Daemon(folder / f"relay-{len(made)}", **options))
        return made[-1]

    wire, is_over = Wire(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(wire.serve(is_over)), name="wire")
    thread.start()
    try:
        with peer("sink", folder) as (_, sink_port):
            sidecar = {"relay": {"upstream": wire.url}, "http": {"batch": batch}}
            both = chain(daemons, f"http://127.0.0.1:{sink_port}", sidecar=sidecar)
            wire.target = both.gateway.port
            both.start()
            if batch != "off":
                wait_for(lambda: _upstream_requests(both, "capabilities"), "it is known what the gateway takes")
            yield both, wire
    finally:
        for daemon in made:
            daemon.close()
        is_over.set()
        thread.join()


def _upstream_requests(both: Chain, route: str) -> int:
    return total(both.sidecar.metrics(), "scrubjay_upstream_requests_total", route=route)


def post(body: bytes) -> bytes:
    packed = gzip.compress(body)
    head = (
        "POST /api/1/envelope/ HTTP/1.1\r\nHost: relay\r\nContent-Encoding: gzip\r\nUser-Agent: sentry.python/2.75.0\r\n"
        f"X-Sentry-Auth: Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
        f"Content-Length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed


def traffics(count: int) -> dict[str, list[bytes]]:
    corpus = [each.body for each in recorded("envelope")]
    return {
        f"{len(corpus)} recorded requests": [post(body) for body in corpus],
        "errors of 16 KB": [post(envelope(sized_event(16 * 1024, number))) for number in range(count)],
    }


def trickle(port: int, requests: Sequence[bytes], count: int) -> None:
    """So many a second if the machine can, a few at a time."""
    at_once = int(TRICKLE_PER_S * _STEP_S)
    for number in range(0, count, at_once):
        due_mono = time.monotonic() + _STEP_S
        rotated = [requests[(number + index) % len(requests)] for index in range(at_once)]
        send(port, rotated, at_once, connections=1)
        time.sleep(max(0.0, due_mono - time.monotonic()))  # the rate is what is set


def piled_up(both: Chain, requests: Sequence[bytes], count: int) -> None:
    """Sending pauses while all of it comes."""
    both.sidecar.signal(signal.SIGUSR1)
    send(both.sidecar.port, requests, count)
    both.sidecar.signal(signal.SIGUSR1)


def cost(both: Chain, wire: Wire, load: str, requests: Sequence[bytes], count: int) -> Cost:
    route_before = {route: _upstream_requests(both, route) for route in ("envelope", "batch")}
    bytes_before, cpu_before = wire.passed_bytes, cpu_s(both.sidecar.pid) + cpu_s(both.gateway.pid)
    started_mono = time.monotonic()
    if load == "a trickle":
        trickle(both.sidecar.port, requests, count)
    elif load == "piled up":
        piled_up(both, requests, count)
    else:
        send(both.sidecar.port, requests, count, connections=64)
    per_s = count / (time.monotonic() - started_mono)
    for daemon in (both.sidecar, both.gateway):
        daemon.wait_until_empty(timeout_s=120)
    sent = sum(_upstream_requests(both, route) - before for route, before in route_before.items())
    cpu_ms = (cpu_s(both.sidecar.pid) + cpu_s(both.gateway.pid) - cpu_before) * 1e3
    thousands = count / 1000
    return Cost(per_s, sent / thousands, (wire.passed_bytes - bytes_before) / thousands, cpu_ms / thousands)


def rows(*, quick: bool = False) -> Iterator[Row]:
    """The goals are for as fast as it goes, and for what had piled up."""
    count = 60 if quick else 2000
    loads = ["as fast as it goes"] if quick else ["a trickle", "as fast as it goes", "piled up"]
    given = traffics(count)
    costs: dict[tuple[str, str, str], Cost] = {}
    for batch in ("off", "auto"):
        for name, requests in given.items():
            with tempfile.TemporaryDirectory() as folder, relays(Path(folder), batch) as (both, wire):
                for load in loads:
                    costs[batch, name, load] = cost(both, wire, load, requests, count)
    for name in given:
        for load in loads:
            single, batched = costs["off", name, load], costs["auto", name, load]
            judged = load != "a trickle"
            yield _row(
                f"requests, {name}, {load}",
                single.requests / batched.requests,
                50 if judged else None,
                _requests(single, batched),
            )
            yield _row(
                f"bytes, {name}, {load}",
                single.wire_bytes / batched.wire_bytes,
                2 if judged else None,
                _bytes(single, batched),
            )


def _row(what: str, ratio: float, goal: float | None, detail: str) -> Row:
    if goal is None:
        return Row(what, f"÷ {ratio:.1f}", detail=detail)
    return Row(what, f"÷ {ratio:.1f}", f"÷ {goal:g}", ratio >= goal, detail)


def _requests(single: Cost, batched: Cost) -> str:
    return (
        f"per 1,000 envelopes {batched.requests:.1f} instead of {single.requests:.0f}, at {batched.per_s:.0f}/s; "
        f"CPU of both relays {batched.cpu_ms:.0f} ms instead of {single.cpu_ms:.0f}"
    )


def _bytes(single: Cost, batched: Cost) -> str:
    return f"per 1,000 envelopes {batched.wire_bytes / 1024:.0f} KiB instead of {single.wire_bytes / 1024:.0f}"
