"""What TLS on the listener costs: CPU for each envelope beside the same relay in the clear, for each handshake, memory for each connection.

Both relays run at once and are driven in turn by the same generator. Certificates are ECDSA P-256 with one authority in between, as most are.
`python -m tests.bench tls` prints it alone.
"""

import asyncio
import ssl
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.bench_relay import EVENT_BYTES, cpu_s, forwarded, peer
from bench.load import send
from bench.report import Row
from bench.traffic import requests
from support.daemon import Daemon
from support.openssl import Chain
from support.processes import free_port, wait_for
from support.tls_load import trusting

KIB = 1024


@contextmanager
def relays(folder: Path, chain: Chain, sink_port: int) -> Iterator[tuple[Daemon, Daemon]]:
    """In the clear, and over TLS; otherwise alike, with an internal listener in the clear."""
    pair = chain.leaf("relay")
    made = []
    for name, tls in (("plain", {}), ("tls", {"cert": str(pair.cert), "key": str(pair.key)})):
        options = {"logging": {"level": "warn"}, "relay": {"internal_port": free_port()}, "tls": tls}
        made.append(Daemon(folder / name, upstream=f"http://127.0.0.1:{sink_port}/", options=options))
    try:
        for each in made:
            each.start()
        yield made[0], made[1]
    finally:
        for each in made:
            each.close()


def path_row(folder: Path, chain: Chain, *, rounds: int, per_round: int) -> Row:
    traffic, context = requests(EVENT_BYTES), trusting(chain.root)
    costs: list[tuple[float, float]] = []
    folder.mkdir()
    with peer("sink", folder) as (_, sink_port), relays(folder, chain, sink_port) as (plain, secured):
        expected = 0
        for number in range(rounds + 1):
            took = []
            for daemon, tls in ((plain, None), (secured, context)):
                before = cpu_s(daemon.pid)
                send(daemon.port, traffic, per_round, tls=tls)
                expected += per_round
                wait_for(lambda n=expected: forwarded(sink_port) >= n, "all is sent on", timeout_s=600)  # type: ignore[misc]
                took.append((cpu_s(daemon.pid) - before) / per_round * 1000)
            if number:  # the first round warms both up
                costs.append((took[0], took[1]))
    ratio = statistics.median(secured / plain for plain, secured in costs)
    detail = f"{statistics.median(each[1] for each in costs):.3f} ms CPU an envelope, in the clear {statistics.median(each[0] for each in costs):.3f} ms"
    return Row("TLS, kept connections, 16 KB gzip, scrubbing", f"{ratio:.2f}×", "≤ 1.25×", ratio <= 1.25, detail)


async def connect(port: int, tls: ssl.SSLContext | None, count: int, *, at_once: bool) -> list[asyncio.StreamWriter]:
    """Connections that were made; one after the other and closed again, or `at_once` and open."""
    kept = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        if at_once:
            kept.append(writer)
        else:
            writer.close()
    return kept


def connection_rows(folder: Path, chain: Chain, *, count: int) -> Iterator[Row]:
    context = trusting(chain.root)
    with relays(folder, chain, 9) as (plain, secured):
        cpu_ms, memory = [], []
        for daemon, tls in ((plain, None), (secured, context)):
            uvloop.run(connect(daemon.port, tls, 20, at_once=False))
            before = cpu_s(daemon.pid)
            uvloop.run(connect(daemon.port, tls, count, at_once=False))
            cpu_ms.append((cpu_s(daemon.pid) - before) / count * 1000)
            memory.append(uvloop.run(_memory_for_each(daemon, tls, count)))
    detail = f"{cpu_ms[1]:.2f} ms CPU, in the clear {cpu_ms[0]:.2f} ms"
    yield Row("TLS, a new connection", f"{cpu_ms[1] - cpu_ms[0]:.2f} ms", "≤ 2 ms", cpu_ms[1] - cpu_ms[0] <= 2, detail)
    detail = f"in the clear {memory[0]:.0f} KiB"
    yield Row("TLS, memory of an open connection", f"{memory[1]:.0f} KiB", "≤ 100 KiB", memory[1] <= 100, detail)


async def _memory_for_each(daemon: Daemon, tls: ssl.SSLContext | None, count: int) -> float:
    before = daemon.resident_bytes()
    kept = await connect(daemon.port, tls, count, at_once=True)
    after = daemon.resident_bytes()
    for each in kept:
        each.close()
    return (after - before) / count / KIB


def rows(*, quick: bool = False) -> Iterator[Row]:
    """`quick` is for a check that it works, not for figures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        chain = Chain(folder / "chain")
        yield path_row(folder / "path", chain, rounds=1 if quick else 5, per_round=200 if quick else 2_000)
        yield from connection_rows(folder / "connections", chain, count=50 if quick else 400)
