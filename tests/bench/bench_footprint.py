"""What a relay costs that has little to do: processor and memory when idle and at a hundred envelopes a second, its image, its start in a container.

Owns the figures of docs/container.md. Processor time is that of the relay's own threads, in nanoseconds as the kernel's scheduler counts it; other work on
the machine makes it somewhat larger, never smaller. The image is built and run as the tests do it, which needs root and buildah.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from bench.bench_relay import peer, settle
from bench.bench_sidecar import GOAL_MIB, MIB, peak_bytes
from bench.load import send
from bench.report import Row
from bench.traffic import requests
from scrubjay import __version__
from support.daemon import Daemon
from support.image import Container, base_store
from support.processes import free_port

GOAL_IDLE_PERCENT = 0.5
GOAL_LAYERS_MB = 45
GOAL_START_S = 1.5
ENVELOPE_BYTES = 20 * 1024
RATE_HZ = 100
BEAT_S = 0.1
STARTS = 5
SETTLING_S = 3


def rows(*, quick: bool = False) -> Iterator[Row]:
    yield from _beside_an_application(watch_s=2 if quick else 30)
    yield from _gateway(watch_s=2 if quick else 30)
    if quick or os.geteuid() != 0 or not shutil.which("buildah"):
        yield Row("the image", detail="left out: takes a minute, root and buildah")
    else:
        yield from _image()


def cpu_ns(pid: int) -> int:
    """What the threads of a process and of its children have used so far."""
    own = sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_ns(int(child)) for child in children)


def _idle(name: str, daemon: Daemon, watch_s: float) -> Row:
    time.sleep(min(watch_s, SETTLING_S))
    before_ns, began_mono = cpu_ns(daemon.pid), time.monotonic()
    time.sleep(watch_s)
    percent = (cpu_ns(daemon.pid) - before_ns) / (time.monotonic() - began_mono) / 1e7
    goal = f"≤ {GOAL_IDLE_PERCENT} %"
    return Row(f"{name}, processor", f"{percent:.2f} %", goal, percent <= GOAL_IDLE_PERCENT, "of one core")


def _memory(name: str, size_bytes: int, detail: str = "") -> Row:
    return Row(
        f"{name}, memory", f"{size_bytes / MIB:.1f} MiB", f"< {GOAL_MIB} MiB", size_bytes < GOAL_MIB * MIB, detail
    )


@contextmanager
def _relay(**options: object) -> Iterator[tuple[Daemon, int]]:
    """A running one, and the port of the server behind it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with peer("sink", folder) as (_, sink_port):
            settings = {"relay": options, "logging": {"level": "warn"}}
            daemon = Daemon(folder / "relay", upstream=f"http://127.0.0.1:{sink_port}/", options=settings)
            daemon.start()
            try:
                yield daemon, sink_port
            finally:
                daemon.close()


def _beside_an_application(watch_s: float) -> Iterator[Row]:
    with _relay(profile="sidecar") as (daemon, sink_port):
        yield _idle("sidecar, idle", daemon, watch_s)
        yield _memory("sidecar, idle", daemon.resident_bytes())
        peak_bytes(daemon)
        before_ns, began_mono = cpu_ns(daemon.pid), time.monotonic()
        sent = _send_steadily(daemon.port, watch_s)
        rate_hz = sent / (time.monotonic() - began_mono)
        settle(daemon, sink_port, sent)
        detail = (
            f"{rate_hz:.0f} a second of 20 KB, {(cpu_ns(daemon.pid) - before_ns) / sent / 1e3:.0f} µs of processor each"
        )
        yield _memory("sidecar, at work", peak_bytes(daemon), detail)
        yield _idle("sidecar, idle again", daemon, watch_s)


def _gateway(watch_s: float) -> Iterator[Row]:
    with _relay(workers=2) as (daemon, _):
        yield _idle("gateway of two workers, idle", daemon, watch_s)


def _send_steadily(port: int, seconds: float) -> int:
    """A beat's worth at a time, over connections of its own; how many it were."""
    traffic, beats, each = cycle(requests(ENVELOPE_BYTES)), int(seconds / BEAT_S), int(RATE_HZ * BEAT_S)
    began_mono = time.monotonic()
    for beat in range(1, beats + 1):
        send(port, list(islice(traffic, each)), each, connections=2)
        time.sleep(max(0.0, began_mono + beat * BEAT_S - time.monotonic()))
    return beats * each


def _image() -> Iterator[Row]:
    store = base_store()
    store.tidy()
    image = store.build(VERSION=__version__)
    try:
        with tempfile.TemporaryDirectory() as temporary, store.mounted(image) as root:
            _, *layers = store.layer_bytes(image, Path(temporary, "oci"))
            megabytes, goal = sum(layers) / 1e6, f"≤ {GOAL_LAYERS_MB} MB"
            yield Row(
                "image, on top of its base", f"{megabytes:.1f} MB", goal, megabytes <= GOAL_LAYERS_MB, "compressed"
            )
            env = {"RELAY_UPSTREAM_URL": "http://127.0.0.1:9/", "RELAY_HOST": "127.0.0.1"}
            box = Container(root, store.config(image), Path(temporary, "volume"), free_port(), env)
            seconds = sorted(_start_s(box, Path(temporary, "log")) for _ in range(STARTS))
            worst = f"until ready; the slowest of {STARTS}, the quickest {seconds[0]:.2f} s"
            yield Row("image, start", f"{seconds[-1]:.2f} s", f"≤ {GOAL_START_S} s", seconds[-1] <= GOAL_START_S, worst)
    finally:
        store.tidy()


def _start_s(box: Container, log: Path) -> float:
    began_mono = time.monotonic()
    relay = box.start(log=log)
    seconds = time.monotonic() - began_mono
    relay.stop()
    return seconds
