"""The promise of a 200, with real parts: the server is away, the relay is killed, and nothing that was acknowledged is lost."""

import http.client
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from support.bugsink import Bugsink, Project
from support.daemon import Daemon
from support.http_client import auth, post
from support.processes import wait_for

EVENTS = 500
SENDERS = 8
KILL_AT = 230
LATE = 400
"""From here on they wait for the kill, which is to be in the middle however slow this process is."""
GIVE_UP_S = 120.0


def envelope(event_id: str, number: int) -> bytes:
    """One error of a worker that lost its database."""
    frame = {"function": "save", "module": "shop.orders", "filename": "shop/orders.py", "lineno": 40 + number % 7}
    error = {"type": "OperationalError", "value": f"order {number}: no connection", "stacktrace": {"frames": [frame]}}
    event = {
        "event_id": event_id,
        "timestamp": 1795339938.5,
        "platform": "python",
        "level": "error",
        "exception": {"values": [error]},
        "extra": {"contact": f"buyer{number}@planted-mail.example"},
    }
    payload = json.dumps(event).encode()
    item = json.dumps({"type": "event", "length": len(payload)}).encode()
    return b"\n".join([json.dumps({"event_id": event_id}).encode(), item, payload, b""])


class Crowd:
    """Senders that repeat an event until it is acknowledged, each event by one sender."""

    def __init__(self, relay: Daemon, project: Project) -> None:
        self.acknowledged: set[str] = set()
        self._relay = relay
        self._project = project
        self._give_up = threading.Event()
        self._killed = threading.Event()

    def send(self, number: int) -> None:
        event_id = uuid.uuid4().hex
        body = envelope(event_id, number)
        if number >= LATE:
            self._killed.wait()
        while not self._give_up.is_set():
            try:
                answer = post(self._relay.port, f"/api/{self._project.id}/envelope/", body, auth(self._project.key))
            except (OSError, http.client.HTTPException):
                self._give_up.wait(0.02)  # the relay is dead: a client with a queue tries again
                continue
            if answer.status == 200:
                assert json.loads(answer.body)["id"] == event_id
                self.acknowledged.add(event_id)
                return
            raise AssertionError(f"{answer.status} {answer.body!r}")

    def killed(self) -> None:
        self._killed.set()

    def give_up(self) -> None:
        self._give_up.set()
        self._killed.set()


def test_nothing_acknowledged_is_lost(bugsink: Bugsink, daemons: Callable[..., Daemon]) -> None:
    project = bugsink.project()
    relay = daemons(upstream=bugsink.url)
    relay.start()
    bugsink.stop()
    try:
        crowd = Crowd(relay, project)
        with ThreadPoolExecutor(SENDERS) as pool:
            try:
                sent = [pool.submit(crowd.send, number) for number in range(EVENTS)]
                wait_for(lambda: len(crowd.acknowledged) >= KILL_AT, f"{KILL_AT} acknowledged", timeout_s=GIVE_UP_S)
                relay.kill()
                assert len(crowd.acknowledged) < EVENTS, "the kill came too late to be in the middle"
                crowd.killed()
                relay.start()
                for each in sent:
                    each.result(GIVE_UP_S)
            finally:
                crowd.give_up()
        assert len(crowd.acknowledged) == EVENTS
        assert project.events() == []
        relay.kill()
        relay.start()
    finally:
        bugsink.start()
    stored = project.wait_for_events(EVENTS, timeout_s=120)
    account = relay.wait_until_empty()
    assert {event["event_id"] for event in project.events()} == crowd.acknowledged
    assert len(stored) == EVENTS
    assert account.closed, account
    assert account.dropped == {}
    assert b"@planted-mail.example" not in project.everything_stored()
    assert relay.stop() == 0
