"""Little room, as processes meet it: what is refused first, who, what waits, and that memory stays below what it may be."""

from __future__ import annotations

import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from support.daemon import KEY, Daemon
from support.http_client import Answer, auth, post
from support.processes import free_port, get, wait_for
from support.recorder import recording
from support.requirements import require

Daemons = Callable[..., Daemon]
MIB = 1 << 20
NOWHERE = "http://127.0.0.1:9/"
OTHER_KEY = "0" * 31 + "1"
TARGET = "/api/1/envelope/"
REPLAY = b'{"event_id":"%b"}\n{"type":"replay_video","length":3}\nabc\n'
SPOOL_BYTES = 4 * MIB
OPAQUE = {"config": {"scrubjay": {"scrub": {"opaque": "forward"}}}}
PROFILE = b'{}\n{"type":"profile_chunk","platform":"python","length":2}\n{}\n'
SHED = "60:profile;replay;profile_chunk;profile_chunk_ui:key:backpressure"


def error(size_bytes: int = 100) -> bytes:
    event_id = uuid.uuid4().hex.encode()
    payload = b'{"event_id":"%b","extra":{"a":"%b"}}' % (event_id, b"nothing to see here. " * (size_bytes // 21))
    return b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id, len(payload), payload)


def attachment(size_bytes: int) -> bytes:
    """Nothing compresses it."""
    header = b'{"event_id":"%b"}\n{"type":"attachment","filename":"a","length":%d}\n' % (
        uuid.uuid4().hex.encode(),
        size_bytes,
    )
    return header + os.urandom(size_bytes) + b"\n"


def send(relay: Daemon, body: bytes, key: str = KEY) -> Answer:
    return post(relay.port, TARGET, body, auth(key), timeout_s=60)


def fullness(relay: Daemon) -> float:
    """Of a spool of `SPOOL_BYTES`, as it stands on disk: a segment that is done with may go while it is looked at."""
    size_bytes = 0
    for path in relay.folder.glob("spool/p*/*.seg"):
        with suppress(FileNotFoundError):
            size_bytes += path.stat().st_size
    return size_bytes / SPOOL_BYTES


def fill(relay: Daemon, until: float) -> None:
    while fullness(relay) < until:
        assert send(relay, attachment(60_000)).status == 200


def test_operations_113_replays_and_profiles_are_refused_before_errors(daemons: Daemons) -> None:
    options = {"spool": {"envelopes": {"max_disk_size": "4MiB", "max_project_share": 1.0}}}
    port = free_port()
    relay = daemons(upstream=f"http://127.0.0.1:{port}/", options=options, projects={"default.yaml": OPAQUE})
    relay.start()
    assert send(relay, PROFILE).status == 200
    fill(relay, 0.85)
    told = send(relay, PROFILE)
    assert told.status == 429
    assert told.headers["x-sentry-rate-limits"] == SHED
    assert told.headers["retry-after"] == "60"
    assert send(relay, REPLAY % (b"a" * 32)).status == 429
    assert send(relay, error()).status == 200
    account = relay.account()
    assert account.closed
    assert account.ended["rate_limited"]["profile_chunk"] >= 1
    assert get(relay.port, "/api/relay/healthcheck/live/")[0] == 200, "operations-106"
    with recording(port) as upstream:
        relay.wait_until_empty()
        assert upstream.deliveries
        wait_for(lambda: fullness(relay) < 0.75, "the spool is emptied")
        wait_for(lambda: send(relay, PROFILE).status == 200, "profiles are taken again")


def test_operations_83_one_key_cannot_fill_the_spool(daemons: Daemons) -> None:
    options = {"spool": {"envelopes": {"max_disk_size": "4MiB"}}}
    relay = daemons(upstream=NOWHERE, options=options, projects={"default.yaml": OPAQUE})
    relay.start()
    while (told := send(relay, attachment(60_000))).status == 200:
        assert fullness(relay) < 0.9
    assert (told.status, told.headers["x-sentry-rate-limits"]) == (429, "60::key:spool_share")
    assert 0.45 < fullness(relay) < 0.75
    assert send(relay, error(), OTHER_KEY).status == 200
    assert relay.account().closed


def sizes(relay: Daemon) -> tuple[int, int]:
    """The resident size now, and the highest ever, in bytes."""
    status = Path(f"/proc/{relay.pid}/status").read_text()
    now, highest = (int(status.split(f"{name}:")[1].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, highest


def crowd(relay: Daemon, bodies: list[bytes], clients: int) -> Counter[int]:
    """Answers by status; 0 where there was none."""

    def one(body: bytes) -> int:
        try:
            return send(relay, body).status
        except OSError:
            return 0

    with ThreadPoolExecutor(clients) as pool:
        return Counter(pool.map(one, bodies))


def test_a_sidecar_stays_below_100_mib(daemons: Daemons) -> None:
    """All of it, longer: `python -m tests.bench sidecar`."""
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options={"relay": {"profile": "sidecar"}})
        relay.start()
        bodies = [error(900_000), attachment(1_500_000), error(200_000), error(16_000)] * 8
        assert crowd(relay, bodies, 24) == Counter({200: len(bodies)})
        account = relay.wait_until_empty()
        assert account.closed
        assert not account.dropped
        _, highest = sizes(relay)
        assert highest < 100 * MIB
        too_large = send(relay, attachment(3 * MIB))
        assert too_large.status == 413, "the profile bounds an envelope, since memory does"


def test_large_uploads_wait_for_each_other(daemons: Daemons) -> None:
    """Six times 10 MiB at once, of which two are let in."""
    with recording() as upstream:
        options = {"limits": {"max_bodies_size": "20MiB"}, "spool": {"envelopes": {"max_memory_size": "1MiB"}}}
        relay = daemons(upstream=upstream.url, mode="proxy", options=options)
        relay.start()
        before, _ = sizes(relay)
        assert crowd(relay, [attachment(10 * MIB) for _ in range(6)], 6) == Counter({200: 6})
        _, highest = sizes(relay)
        assert highest - before < 160 * MIB, (
            "two bodies at about six times their size; all six would take thrice as much"
        )
        assert relay.wait_until_empty().closed


def test_connections_beyond_the_bound_wait(daemons: Daemons) -> None:
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options={"limits": {"max_connections": 3, "idle_timeout": 1}})
        relay.start()
        assert crowd(relay, [error() for _ in range(40)], 20) == Counter({200: 40})
        relay.wait_until_empty()
        assert relay.stop() == 0


def own_group() -> Path | None:
    """Where a control group of memory can be made below our own, version 2 or 1; None if nobody lets us."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        folder = Path("/sys/fs/cgroup" if not controllers else "/sys/fs/cgroup/memory") / name.lstrip("/")
        limit = folder / ("memory.max" if not controllers else "memory.limit_in_bytes")
        if (not controllers or controllers == "memory") and limit.exists() and os.access(folder, os.W_OK):
            return folder
    return None


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of 200 MiB, below our own."""
    parent = own_group()
    require(parent, "needs a control group of memory to make others in")
    group = Path(str(parent)) / f"scrubjay-{uuid.uuid4().hex[:8]}"
    with suppress(OSError):
        group.mkdir()
    require(group.is_dir(), "needs the right to make a control group")
    try:
        limits = [group / "memory.max", group / "memory.limit_in_bytes"]
        limit = next((each for each in limits if each.exists()), None)
        require(limit, "needs control groups that bound memory")
        Path(str(limit)).write_text(str(200 * MIB))
        yield group
    finally:
        with suppress(OSError):
            wait_for(lambda: not (group / "cgroup.procs").read_text().strip(), "its processes are gone")
        group.rmdir()


def test_a_real_control_group_bounds_it_and_nobody_is_killed(
    small_group: Path, daemons: Daemons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 MiB, no server, and uploads of 20 MiB from 10 clients: what finds room is accepted, the rest is told to come again."""
    options = {"spool": {"envelopes": {"max_project_share": 1.0}}, "limits": {"body_idle_timeout": 2}}
    relay = daemons(upstream=NOWHERE, options=options)
    joining = tmp_path / "python"
    joining.write_text(f'#!/bin/sh\necho $$ > {small_group}/cgroup.procs\nexec {sys.executable} "$@"\n')
    joining.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(joining))
        relay.start()
    assert str(relay.pid) in (small_group / "cgroup.procs").read_text().split()
    name = "scrubjay_memory_ratio", frozenset({("worker", "0")})
    ratio = wait_for(lambda: relay.metrics().get(name), "memory is measured") or 0
    assert 0.1 < ratio < 0.8, "a share of the group's memory, not of the machine's"
    relay_pid = relay.pid
    answers = crowd(relay, [attachment(20 * MIB) for _ in range(10)], 10)
    assert set(answers) <= {200, 429, 503}, answers
    assert answers[200]
    assert relay.running
    assert relay.pid == relay_pid
    assert send(relay, error()).status in {200, 503}
    assert relay.account().closed
