"""How much memory the profile `sidecar` takes at full load: the highest resident size, in each of these, all on one process.

Owns the loads: ordinary events, large ones, the largest ones, attachments, more connections than are let in, and an outage with its backlog.
Each sends as fast as it is answered. The kernel keeps the highest mark, so that no moment is missed.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.bench_relay import peer, settle
from bench.load import send
from bench.report import Row
from bench.traffic import requests
from support.daemon import KEY, Daemon

MIB = 1 << 20
GOAL_MIB = 100
_LOG_RECORDS = 4_000


def post(body: bytes) -> bytes:
    """A whole HTTP request."""
    head = (
        "POST /api/1/envelope/ HTTP/1.1\r\nHost: relay.local\r\nUser-Agent: sentry.python/2.75.0\r\n"
        f"X-Sentry-Auth: Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def attachment(size_bytes: int) -> bytes:
    """An envelope of one attachment that nothing compresses."""
    header = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n'
    item = b'{"type":"attachment","length":%d,"filename":"core.bin"}\n' % size_bytes
    return header + item + os.urandom(size_bytes) + b"\n"


def logs(size_bytes: int) -> bytes:
    """An envelope of one container of log records."""
    text = "GET /cart?user=ana@example.com 200 in 12 ms; " * max(1, (size_bytes // _LOG_RECORDS - 130) // 45)
    record = {"timestamp": 1767607200.5, "trace_id": "a" * 32, "level": "info", "body": text, "attributes": {}}
    payload = json.dumps({"items": [record] * _LOG_RECORDS}).encode()
    item = {
        "type": "log",
        "item_count": _LOG_RECORDS,
        "content_type": "application/vnd.sentry.items.log+json",
        "length": len(payload),
    }
    return b"{}\n" + json.dumps(item).encode() + b"\n" + payload + b"\n"


def peak_bytes(daemon: Daemon) -> int:
    """The highest resident size since the last time that somebody asked."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    Path(f"/proc/{daemon.pid}/clear_refs").write_text("5")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def loads(*, part: int) -> Iterator[tuple[str, list[bytes], int, int]]:
    """Name, requests, how many, over how many connections."""
    yield "16 KB events", requests(16 * 1024), 12_000 // part, 64
    yield "16 KB events, 300 connections", requests(16 * 1024), 6_000 // part, 300
    yield "200 KB events", requests(200_000), 800 // part, 64
    yield "980 KB events", requests(980_000), 200 // part, 32
    yield "980 KB of logs", [post(logs(980_000))], 40 // part, 16
    yield "1.5 MB attachments", [post(attachment(1_500_000))], 120 // part, 32


def rows(*, quick: bool = False) -> Iterator[Row]:
    part = 60 if quick else 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        options = {"relay": {"profile": "sidecar"}, "logging": {"level": "warn"}}
        with peer("sink", folder) as (_, sink_port):
            daemon = Daemon(folder / "relay", upstream=f"http://127.0.0.1:{sink_port}/", options=options)
            daemon.start()
            try:
                yield from _rows(daemon, sink_port, part)
            finally:
                daemon.close()


def _rows(daemon: Daemon, sink_port: int, part: int) -> Iterator[Row]:
    yield _row("starting", peak_bytes(daemon))
    yield _row("idle", daemon.resident_bytes())
    sent = 0
    for name, traffic, count, connections in loads(part=part):
        run = send(daemon.port, traffic, count, connections=connections)
        sent += count
        settle(daemon, sink_port, sent)
        yield _row(name, peak_bytes(daemon), f"{count / run.seconds:,.0f} a second")
    daemon.signal(signal.SIGUSR1)
    count = 6_000 // part
    for traffic in (requests(16 * 1024), [post(attachment(1_500_000))]):
        send(daemon.port, traffic, count, connections=32)
        sent += count
        count //= 100
    daemon.signal(signal.SIGUSR1)
    settle(daemon, sink_port, sent)
    yield _row("an outage, and what waited", peak_bytes(daemon))
    yield _row("idle again", daemon.resident_bytes())


def _row(name: str, size_bytes: int, detail: str = "") -> Row:
    met = size_bytes < GOAL_MIB * MIB
    return Row(f"sidecar, {name}", f"{size_bytes / MIB:.1f} MiB", f"< {GOAL_MIB} MiB", met, detail)
