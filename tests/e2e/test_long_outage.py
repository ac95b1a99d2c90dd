"""Half an hour without a server: all of it arrives afterwards, and each event at the time at which it happened.

`upstream-and-operations.md` 6.3, 6.7 and 7.10, with a real Bugsink. The half hour is made of moments: between them time passes for
the relay at once, by all its clocks, so that its retries, probes and ages are those of a real one. What is not compressed is `sent_at`:
the server's clock, less the time that was skipped, has to find it right to the second.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.bugsink import Bugsink
from support.daemon import Daemon
from support.faulty_system import FaultySystem
from support.http_client import auth, post
from support.processes import wait_for
from support.raw_http import connect, request
from support.steady_load import TARGET
from support.tally_server import tally_server

OUTAGE_S = 1800
MOMENTS = 18
RATE_PER_S = 200
SENDERS = 4
FLAT_BYTES = 160 << 20
"""Of the process: its program, the window of what it reads back, and room to work."""
CLOCK_ERRORS_S = (0, 60, -90, 7200, -7200)
"""How far the clocks of the clients are behind. The last two are for the server to correct, for all that is in the envelope."""
LATE_S = 20.0
"""So much after a request was sent a busy server may note when it came: nothing here can know of that. Early it is never."""
UPSTREAM_UP = ("scrubjay_upstream_up", frozenset({("upstream", "default")}))
GENTLE = {"http": {"encoding": "gzip"}, "limits": {"max_concurrent_requests": 2}}
"""What is sent is taken at once: a request that waits inside the server arrives later than its `sent_at` can know."""
CORRECTED_FROM_S = 55 * 60


@dataclass(frozen=True)
class Sent:
    """What one client knows of its event: when it happened, by the true clock of its world, and how wrong its own clock is."""

    happened: datetime
    error_s: int


def envelope(event_id: str, sent: Sent) -> bytes:
    believed = sent.happened - timedelta(seconds=sent.error_s)
    text = believed.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {"event_id": event_id, "timestamp": text, "platform": "python", "level": "error", "message": "no server"}
    payload = json.dumps(event).encode()
    header = json.dumps({"event_id": event_id, "sent_at": text}).encode()
    return header + b'\n{"type":"event","length":%d}\n%b\n' % (len(payload), payload)


def corrected(timestamp: datetime, sent_at: datetime, received: datetime) -> datetime:
    """The server's rule for clocks that are wrong by much (`ingest.md` 5.5)."""
    drift = received - sent_at
    return timestamp + drift if abs(drift.total_seconds()) >= CORRECTED_FROM_S else timestamp


class World:
    """The clients' and the relay's: its time is the server's and what was skipped."""

    def __init__(self, relay: Daemon, project_id: int, key: str, machine: FaultySystem) -> None:
        self.sent: dict[str, Sent] = {}
        self._relay = relay
        self._target = f"/api/{project_id}/envelope/"
        self._headers = auth(key)
        self._machine = machine

    def now(self) -> datetime:
        return self.seen_from_here(datetime.now(UTC))

    def seen_from_here(self, moment: datetime) -> datetime:
        """The server's time as this world's."""
        return moment + timedelta(seconds=self._machine.passed_s)

    def send(self, number: int) -> str:
        event_id = uuid.uuid4().hex
        sent = Sent(self.now(), CLOCK_ERRORS_S[number % len(CLOCK_ERRORS_S)])
        answer = post(self._relay.port, self._target, envelope(event_id, sent), self._headers)
        assert answer.status == 200, answer
        self.sent[event_id] = sent
        return event_id


def moment_of(text: object) -> datetime:
    """A time as Bugsink's database writes it, or a client."""
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("events", [180, pytest.param(7_200, marks=pytest.mark.deep)], ids=["short", "long"])
def test_operations_68_half_an_hour_without_a_server(
    events: int, tmp_path: Path, bugsink: Bugsink, daemons: Callable[..., Daemon]
) -> None:
    machine = FaultySystem(tmp_path)
    project = bugsink.project()
    relay = daemons(upstream=bugsink.url, env=machine.env, options=GENTLE)
    relay.start()
    world = World(relay, project.id, project.key, machine)
    before = world.send(0)
    project.wait_for_events(1)
    bugsink.stop()
    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            for moment in range(MOMENTS):
                numbers = range(moment * events // MOMENTS, (moment + 1) * events // MOMENTS)
                list(pool.map(world.send, numbers))
                machine.pass_time(OUTAGE_S // MOMENTS)
        account = relay.account()
        assert account.held["error"] == events
        assert account.closed, account
    finally:
        bugsink.start()
    wait_for(lambda: relay.metrics()[UPSTREAM_UP] == 1, "the relay sends again")
    fresh = [world.send(number) for number in range(10)]
    already = len(project.envelopes())
    stored = project.wait_for_events(events + 11, timeout_s=30 + events / 10)
    account = relay.wait_until_empty()
    assert {event["event_id"] for event in stored} == world.sent.keys()
    assert len(stored) == len(world.sent)
    assert account.closed, account
    assert account.dropped == {}
    assert account.forwarded["error"] == events + 11
    assert check_times(world, project.envelopes(), stored, before) == events + 10
    order = [event["event_id"] for event in sorted(stored, key=lambda event: str(event["ingested_at"]))]
    assert max(map(order.index, fresh)) < (already + len(order)) / 2 + len(fresh), (
        "what is fresh does not wait behind half an hour"
    )
    assert relay.stop() == 0


def check_times(world: World, envelopes: list[bytes], stored: list[dict[str, object]], before: str) -> int:
    """Each envelope keeps the error of its client's clock; each event is dated when it happened. Returns how many.

    `before` came when no time had been skipped yet.
    """
    arrived = {event["event_id"]: world.seen_from_here(moment_of(event["ingested_at"])) for event in stored}
    checked = 0
    for body in envelopes:
        lines = body.split(b"\n")
        header, event = json.loads(lines[0]), json.loads(lines[2])
        if header["event_id"] == before:
            continue
        sent = world.sent[header["event_id"]]
        received, sent_at = arrived[header["event_id"]], moment_of(header["sent_at"])
        drift_s = (received - sent_at).total_seconds()
        assert -1 < drift_s - sent.error_s < LATE_S, f"{drift_s} s instead of {sent.error_s} s"
        dated = corrected(moment_of(event["timestamp"]), sent_at, received)
        error_s = sent.error_s if abs(sent.error_s) < CORRECTED_FROM_S else 0
        assert -1 < (dated - sent.happened).total_seconds() + error_s < LATE_S, (dated, sent)
        checked += 1
    return checked


@pytest.mark.deep
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("events", [20_000, OUTAGE_S * RATE_PER_S], ids=["some", "all"])
def test_operations_67_all_of_half_an_hour_at_200_a_second(
    events: int, tmp_path: Path, daemons: Callable[..., Daemon]
) -> None:
    """Every envelope of it, against a server that only counts: memory stays flat while they wait, and while they are sent."""
    machine = FaultySystem(tmp_path)
    with tally_server() as server:
        server.is_away = True
        relay = daemons(upstream=server.url, env=machine.env, options={"http": {"encoding": "identity"}})
        relay.start()
        sent: dict[str, Sent] = {}
        memory_bytes = []
        for _ in range(MOMENTS):
            sent |= asyncio.run(crowd(relay, machine, events // MOMENTS))
            memory_bytes.append(relay.resident_bytes())
            machine.pass_time(OUTAGE_S // MOMENTS)
        assert relay.account().held["error"] == len(sent)
        server.is_away = False
        waiting_bytes = max(memory_bytes)
        while len(server.taken) < len(sent):
            taken = len(server.taken)
            time.sleep(1)  # in which something must have arrived
            assert len(server.taken) > taken, "it sends without pause"
            memory_bytes.append(relay.resident_bytes())
        account = relay.wait_until_empty(timeout_s=300)
        assert account.closed, account
        assert account.dropped == {}
        assert relay.stop() == 0
    assert sorted(each.event_id for each in server.taken) == sorted(sent)
    for each in server.taken:
        arrived = datetime.fromtimestamp(each.arrived_unix + machine.passed_s, UTC)
        drift_s = (arrived - moment_of(each.sent_at)).total_seconds()
        assert -1 < drift_s - sent[each.event_id].error_s < LATE_S, (each, drift_s)
    print(
        f"\n{len(sent)} envelopes; resident {waiting_bytes >> 20} MiB while they wait, {max(memory_bytes) >> 20} MiB in all"
    )
    assert max(memory_bytes) < FLAT_BYTES


async def crowd(relay: Daemon, machine: FaultySystem, count: int) -> dict[str, Sent]:
    """So many events from a few clients that keep their connections."""
    sent: dict[str, Sent] = {}

    async def client(numbers: range) -> None:
        connection = await connect(relay.port)
        for number in numbers:
            event_id = uuid.uuid4().hex
            happened = datetime.now(UTC) + timedelta(seconds=machine.passed_s)
            each = Sent(happened, CLOCK_ERRORS_S[number % len(CLOCK_ERRORS_S)])
            await connection.send(request("POST", TARGET, envelope(event_id, each), auth()))
            assert (await connection.answer()).status == 200
            sent[event_id] = each
        await connection.close()

    await asyncio.gather(*(client(range(first, count, SENDERS)) for first in range(SENDERS)))
    return sent
