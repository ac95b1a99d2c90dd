"""What durability costs: the spool beside SQLite, recovery for each GiB, and its part of the CPU of the whole path.

Owns the measurements of the spool's table in the README. Both engines take the same records in the same commits, one thread each, in turns
in one run; `python -m tests.bench durability` prints them. Rates are of this machine; what holds elsewhere are the ratios.
SQLite is as the reference uses it: WAL, one table, zstd level 1 for each record; drained in batches of 256, read and then deleted.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import zstandard

from bench.bench_relay import EVENT_BYTES, cpu_s, peer, settle
from bench.bench_spool import event
from bench.load import send
from bench.report import Row
from bench.traffic import requests
from scrubjay.core.spool_format import Record
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import SpoolOptions
from support.daemon import Daemon

GOAL_SHARE = 12.0
_META = b'{"k":"a94ae32be2584e0bbd7a4cbb95971fee","p":"42","r":1767323045678,"c":{"error":1}}'
_DRAIN_RECORDS = 256
_DRAIN_BYTES = 1 << 20
_LARGE = 1 << 40
_SYNCHRONOUS = {"never": "OFF", "interval": "NORMAL", "always": "FULL"}
Mode = Literal["never", "interval", "always"]


def _log(folder: Path, mode: Mode, key: bytes | None = None) -> SegmentLog:
    options = SpoolOptions(fsync=mode, max_bytes=_LARGE, encryption_key=key)
    return SegmentLog(Disk(), folder, options, Clock(), partition=bytes(16))


def segments(
    folder: Path, mode: Mode, records: list[Record], group: int, key: bytes | None = None
) -> tuple[float, float]:
    """Seconds to append all in groups, and to read and acknowledge them."""
    log = _log(folder, mode, key)
    started = time.perf_counter()
    for at in range(0, len(records), group):
        log.append(records[at : at + group])
        log.chores()
    appended = time.perf_counter()
    after = 0
    while part := log.shelf.read(after, _DRAIN_BYTES, None):
        log.shelf.acknowledge([each.sequence for each in part])
        after = part[-1].sequence
    drained = time.perf_counter()
    log.close()
    return appended - started, drained - appended


def sqlite(folder: Path, mode: Mode, records: list[Record], group: int) -> tuple[float, float]:
    base = sqlite3.connect(folder / "spool.db", isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute(f"PRAGMA synchronous={_SYNCHRONOUS[mode]}")
    base.execute("CREATE TABLE envelopes (id INTEGER PRIMARY KEY AUTOINCREMENT, meta BLOB, envelope BLOB)")
    compress = zstandard.ZstdCompressor(level=1).compress
    decompress = zstandard.ZstdDecompressor().decompress
    started = time.perf_counter()
    for at in range(0, len(records), group):
        rows = [(record.meta, compress(record.body)) for record in records[at : at + group]]
        base.execute("BEGIN")
        base.executemany("INSERT INTO envelopes (meta, envelope) VALUES (?, ?)", rows)
        base.execute("COMMIT")
    appended = time.perf_counter()
    while found := base.execute("SELECT * FROM envelopes ORDER BY id LIMIT ?", (_DRAIN_RECORDS,)).fetchall():
        for _, _, envelope in found:
            decompress(envelope)
        base.execute("DELETE FROM envelopes WHERE id <= ?", (found[-1][0],))
    drained = time.perf_counter()
    base.close()
    return appended - started, drained - appended


def _in_folder(work: Callable[[Path], tuple[float, float]]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        return work(Path(folder))


def engine_rows(*, quick: bool) -> Iterator[Row]:
    bodies = [event(5_300).replace(b"function_", b"f%d_" % number) for number in range(64)]
    rounds = 1 if quick else 3
    for mode in ("never", "interval", "always"):
        for group in (1, 16, 64):
            count = (100 if quick else 1_500) * (1 if group == 1 else 8)
            records = [Record(_META, bodies[number % 64]) for number in range(count)]
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(_in_folder(lambda folder: segments(folder, mode, records, group)))  # noqa: B023 (at once)
                theirs.append(_in_folder(lambda folder: sqlite(folder, mode, records, group)))  # noqa: B023
            mine = [count / statistics.median(times) for times in zip(*ours, strict=True)]
            other = [count / statistics.median(times) for times in zip(*theirs, strict=True)]
            detail = (
                f"append {mine[0]:,.0f}/s, SQLite {other[0]:,.0f}/s; drain {mine[1]:,.0f}/s, SQLite {other[1]:,.0f}/s"
            )
            figure = f"{mine[0] / other[0]:.1f}× {mine[1] / other[1]:.1f}×"
            yield Row(f"spool, fsync {mode}, {group} a commit", figure, detail=detail)


def encryption_row(*, quick: bool) -> Row:
    records = [Record(_META, event(5_300))] * (100 if quick else 6_000)
    plain, sealed = [], []
    for _ in range(1 if quick else 3):
        plain.append(_in_folder(lambda folder: segments(folder, "interval", records, 16)))
        sealed.append(_in_folder(lambda folder: segments(folder, "interval", records, 16, bytes(32))))
    ratios = [
        statistics.median(one) / statistics.median(other)
        for one, other in zip(zip(*sealed, strict=True), zip(*plain, strict=True), strict=True)
    ]
    return Row(
        "spool, encrypted", f"{ratios[0]:.2f}× {ratios[1]:.2f}×", detail="time to append and to drain, beside the clear"
    )


def recovery_rows(*, quick: bool) -> Iterator[Row]:
    """A start looks into the last segment; the rest is gone through beside the traffic."""
    size_bytes = (2 if quick else 256) << 20
    rng = random.Random(1)
    for group in (1, 64):
        with tempfile.TemporaryDirectory() as folder:
            log = _log(Path(folder), "never")
            while log.shelf.size_bytes < size_bytes:
                log.append([Record(_META, rng.randbytes(1_000)) for _ in range(group)])
            log.close()
            started = time.perf_counter()
            log = _log(Path(folder), "never")
            opened = time.perf_counter()
            while not log.shelf.is_whole:
                log.shelf.reveal()
            looked, after = time.perf_counter(), 0
            while part := log.shelf.read(after, 1 << 16, None):
                after = part[-1].sequence
            surveyed = time.perf_counter()
            per_gib = (1 << 30) / size_bytes
            detail = f"all segments looked into: {(looked - opened) * per_gib:.2f} s, all records read: {(surveyed - looked) * per_gib:.1f} s a GiB, both beside the traffic"
            yield Row(
                f"start with {size_bytes >> 20} MiB, {group} KB frames",
                f"{(opened - started) * 1000:.0f} ms",
                detail=detail,
            )
            log.close()


def share_row(*, quick: bool) -> Row:
    """CPU of the whole path with the spool less that without, of that with it; in turns, the median over rounds."""
    traffic, per_round = requests(EVENT_BYTES), 100 if quick else 3_000
    shares, costs = [], []
    with tempfile.TemporaryDirectory() as temporary, peer("sink", Path(temporary)) as (_, sink_port):
        upstream, expected = f"http://127.0.0.1:{sink_port}/", 0
        options = {"logging": {"level": "warn"}}
        daemons = [
            Daemon(Path(temporary) / name, upstream=upstream, options=options, spool=name == "spool")
            for name in ("memory", "spool")
        ]
        try:
            for daemon in daemons:
                daemon.start()
            for number in range((1 if quick else 7) + 1):
                spent = []
                for daemon in daemons:
                    before = cpu_s(daemon.pid)
                    send(daemon.port, traffic, per_round)
                    expected += per_round
                    settle(daemon, sink_port, expected)
                    spent.append(cpu_s(daemon.pid) - before)
                if number:  # the first round warms both up
                    shares.append((spent[1] - spent[0]) / spent[1] * 100)
                    costs.append((spent[1] - spent[0]) / per_round * 1e6)
        finally:
            for daemon in daemons:
                daemon.close()
    share = statistics.median(shares)
    detail = f"{statistics.median(costs):.0f} µs of CPU an envelope; fsync interval, 16 KB events, static"
    return Row(
        "durability's part of the path's CPU", f"{share:.1f} %", f"≤ {GOAL_SHARE:g} %", share <= GOAL_SHARE, detail
    )


def rows(*, quick: bool = False) -> Iterator[Row]:
    yield share_row(quick=quick)
    yield encryption_row(quick=quick)
    yield from engine_rows(quick=quick)
    yield from recovery_rows(quick=quick)
