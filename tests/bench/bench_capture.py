"""What a developer waits for and pays for with the capture page: from installing to the first event seen, from an event's POST to its
row, memory beside Spotlight's sidecar, and the page while 10,000 envelopes come at full speed.

Owns the loads and the clock in the page: each message says when it was sent, and the page notes in the first frame that shows it how long ago
that was; both clocks are this machine's. Spotlight's sidecar is npm's, with the version of `hono` that it was made with: it answers 500 to
everything with the one that a fresh install brings.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page

from bench.bench_sidecar import post as whole_request
from bench.load import send
from bench.report import Row
from support.chromium import chromium, long_tasks, open_page
from support.corpus import recorded
from support.daemon import Daemon
from support.environments import npm_folder
from support.http_client import auth
from support.processes import Child, free_port, get, wait_for
from support.requirements import node_program

T = TypeVar("T")
MIB = 1 << 20
GOAL_MEMORY_MIB = 90
GOAL_DELAY_MS = 100
GOAL_TASK_MS = 200
GOAL_INSTALL_S = 30
GOAL_OURS_S = 2
SPOTLIGHT = ("@spotlightjs/spotlight@4.11.8", "hono@4.12.25")
ROOT = Path(__file__).parents[2]

NOTE_DELAYS = r"""
window.delays = new Map();
addEventListener('DOMContentLoaded', () => {
  const look = (changes) => {
    const found = [];
    for (const change of changes) for (const node of change.addedNodes) {
      for (const [, id, sent] of (node.textContent ?? '').matchAll(/no\. (\d+) sent at (\d+\.\d+)/g)) {
        if (!window.delays.has(id)) { window.delays.set(id, null); found.push([id, Number(sent)]); }
      }
    }
    if (found.length) requestAnimationFrame(() => {
      const now = performance.timeOrigin + performance.now();
      for (const [id, sent] of found) window.delays.set(id, now - sent);
    });
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
});
"""


def event(number: int) -> bytes:
    """An envelope whose title says when it was made."""
    event_id = uuid.uuid4().hex
    message = f"no. {number} sent at {time.time() * 1000:.3f}"
    payload = json.dumps({"event_id": event_id, "platform": "python", "level": "error", "message": message})
    return f'{{"event_id":"{event_id}"}}\n{{"type":"event"}}\n{payload}\n'.encode()


def corpus() -> list[bytes]:
    """All recorded envelopes."""
    return [one.body for one in recorded("envelope")]


@contextmanager
def capture(folder: Path, **options: Any) -> Iterator[Daemon]:
    relay = Daemon(
        folder,
        mode="capture",
        spool=False,
        options={"capture": {"spotlight_port": None, **options}, "logging": {"level": "warn"}},
    )
    relay.start()
    try:
        yield relay
    finally:
        relay.close()


def memory_rows(*, count: int, beside: bool) -> Iterator[Row]:
    """The same envelopes for both, one after the other."""
    bodies = corpus()
    with tempfile.TemporaryDirectory() as temporary:
        with capture(Path(temporary) / "relay", max_envelopes=count) as relay:
            idle = relay.resident_bytes()
            send(relay.port, [whole_request(body) for body in bodies], count, connections=4)
            wait_for(lambda: _is_settled(relay), "everything captured is examined")
            kept = _status(relay)["kept"]
            resident = relay.resident_bytes()
            met = resident <= GOAL_MEMORY_MIB * MIB
            told = f"{kept['envelopes']} kept, {kept['bytes'] / MIB:.1f} MiB of payload; idle {idle / MIB:.1f} MiB"
            yield Row(
                f"{count:,} real envelopes captured", f"{resident / MIB:.1f} MiB", f"≤ {GOAL_MEMORY_MIB} MiB", met, told
            )
        if not beside:
            return
        with spotlight(Path(temporary)) as (child, port):
            idle = _resident(child.pid)
            refused = sum(_post(port, "/stream", bodies[number % len(bodies)]) != 200 for number in range(count))
            told = f"idle {idle / MIB:.1f} MiB; {refused} of {count:,} refused"
            yield Row(
                f"the same in Spotlight's sidecar ({SPOTLIGHT[0]})",
                f"{_resident(child.pid) / MIB:.1f} MiB",
                detail=told,
            )


@contextmanager
def spotlight(folder: Path) -> Iterator[tuple[Child, int]]:
    program = npm_folder("spotlight", *SPOTLIGHT) / "node_modules" / "@spotlightjs" / "spotlight" / "dist" / "run.js"
    port = free_port()
    child = Child([node_program(), program, "server", "-p", str(port)], cwd=folder, log=folder / "spotlight.log")
    try:
        child.wait_until(lambda: _is_up(port), "Spotlight answers", timeout_s=60)
        yield child, port
    finally:
        child.kill()


def delay_row(*, seconds: float, per_second: int = 100) -> Row:
    """From before an event's POST to the first frame with its row."""
    with tempfile.TemporaryDirectory() as temporary, capture(Path(temporary) / "relay") as relay, _page(relay) as page:
        page.add_init_script(NOTE_DELAYS)
        _open(page, relay)
        count = int(seconds * per_second)
        _send_steadily(relay.port, count, per_second)
        page.wait_for_function(
            "(count) => [...window.delays.values()].filter(Boolean).length >= count", arg=int(count * 0.99)
        )
        delays = sorted(value for value in page.evaluate("[...window.delays.values()]") if value)
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99) - 1]
    told = f"p50 {p50:.0f} ms, slowest {delays[-1]:.0f} ms, of {len(delays)} rows seen of {count}"
    return Row(
        f"POST to visible row, p99 at {per_second} a second",
        f"{p99:.0f} ms",
        f"≤ {GOAL_DELAY_MS} ms",
        p99 <= GOAL_DELAY_MS,
        told,
    )


def flood_rows(*, count: int) -> Iterator[Row]:
    """Real envelopes as fast as they are taken, while the page is open."""
    bodies = corpus()
    with tempfile.TemporaryDirectory() as temporary, capture(Path(temporary) / "relay") as relay, _page(relay) as page:
        _open(page, relay)
        run = _beside(lambda: send(relay.port, [whole_request(body) for body in bodies], count, connections=8))
        wait_for(lambda: _is_settled(relay), "everything captured is examined")
        newest = _status(relay)["totals"]["envelopes"]
        page.wait_for_timeout(1000 if count > 50 else 0)
        longest = max(long_tasks(page), default=0)
        resident = relay.resident_bytes()
        kept = _status(relay)["kept"]
    told = f"{count / run.seconds:,.0f} a second taken, {newest:,} seen"
    yield Row(
        f"longest task of the page, {count:,} at full speed",
        f"{longest} ms",
        f"< {GOAL_TASK_MS} ms",
        longest < GOAL_TASK_MS,
        told,
    )
    told = f"{kept['envelopes']} kept, {kept['bytes'] / MIB:.1f} MiB of payload"
    yield Row("memory after it", f"{resident / MIB:.1f} MiB", detail=told)


def install_rows() -> Iterator[Row]:
    """A fresh virtual environment, the package from this checkout, its dependencies from the registry, and the first event in the page."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        pip = [folder / "venv" / "bin" / "pip", "install", "-q", "--disable-pip-version-check", str(ROOT)]
        subprocess.run(pip, check=True, stdout=subprocess.DEVNULL)
        installed = time.perf_counter()
        port = free_port()
        with chromium() as browser:
            page, _ = open_page(browser, f"http://127.0.0.1:{port}")
            ready = time.perf_counter()
            command = [folder / "venv" / "bin" / "scrubjay", "run", "--port", str(port)]
            child = Child(command, cwd=folder, log=folder / "log", env={"SCRUBJAY__CAPTURE__SPOTLIGHT_PORT": "0"})
            try:
                child.wait_until(lambda: _is_up(port, "/api/capture/status"), "the sink answers")
                _post(port, "/api/1/envelope/", event(1))
                page.goto(f"http://127.0.0.1:{port}/")
                page.get_by_text("no. 1 sent at").first.wait_for()
                seen = time.perf_counter()
            finally:
                child.kill()
    ours, whole = seen - ready, installed - started + seen - ready
    told = f"venv and pip {installed - started:.1f} s, start and page {ours:.2f} s; without the browser's own start"
    yield Row(
        "from pip install to the first event seen",
        f"{whole:.1f} s",
        f"≤ {GOAL_INSTALL_S} s",
        whole <= GOAL_INSTALL_S,
        told,
    )
    yield Row("of which ours, compiled afresh", f"{ours:.2f} s", f"≤ {GOAL_OURS_S} s", ours <= GOAL_OURS_S)


@contextmanager
def _page(relay: Daemon) -> Iterator[Page]:
    with chromium() as browser:
        page, _ = open_page(browser, relay.url)
        yield page


def _open(page: Page, relay: Daemon) -> None:
    """Ready for what comes: one event is there and seen."""
    page.goto(relay.url)
    _post(relay.port, "/api/1/envelope/", event(0))
    page.get_by_text("no. 0 sent at").first.wait_for()


def _beside(work: Callable[[], T]) -> T:
    """In a thread: the browser's driver has the event loop of this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _send_steadily(port: int, count: int, per_second: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start = time.perf_counter()

    for number in range(1, count + 1):
        time.sleep(max(0.0, start + number / per_second - time.perf_counter()))
        connection.request("POST", "/api/1/envelope/", event(number), auth())
        connection.getresponse().read()
    connection.close()


def _post(port: int, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {**auth(), "Content-Type": "application/x-sentry-envelope"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def _is_up(port: int, path: str = "/health") -> bool:
    try:
        return get(port, path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def _status(relay: Daemon) -> Any:
    return json.loads(get(relay.port, "/api/capture/status")[1])


def _is_settled(relay: Daemon) -> bool:
    """A filter on what still looks personal waits until all of it is examined."""
    return get(relay.port, "/api/capture/events?has=suspects&limit=1", timeout_s=60)[0] == 200


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Goals: what the capture page is measured by. `quick` leaves out what installs."""
    yield from memory_rows(count=30 if quick else 1_000, beside=not quick)
    yield delay_row(seconds=1 if quick else 20)
    yield from flood_rows(count=50 if quick else 10_000)
    if not quick:
        yield from install_rows()
