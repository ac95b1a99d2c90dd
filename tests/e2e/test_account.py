"""The account over kills: whatever the state file missed, received = forwarded + dropped + held once the relay runs again."""

import json
import random
from collections.abc import Callable

from support.daemon import Daemon
from support.http_client import post
from support.processes import free_port, wait_for
from support.recorder import recording

ROUNDS = 4
EVENTS = 30


def event_body(event_id: str) -> bytes:
    payload = json.dumps({"event_id": event_id, "message": "x" * random.Random(event_id).randrange(2_000)})
    return "\n".join(
        (json.dumps({"event_id": event_id}), json.dumps({"type": "event", "length": len(payload)}), payload)
    ).encode()


def test_the_account_closes_after_each_kill_and_no_counter_falls(daemons: Callable[..., Daemon]) -> None:
    """Kills at odd moments, the server there in every second round: parcels end and wait at the time of death."""
    port = free_port()
    relay = daemons(upstream=f"http://127.0.0.1:{port}/")
    acknowledged: set[str] = set()
    arrived: set[str] = set()
    seen = 0
    for number in range(ROUNDS):
        relay.start()
        after_start = relay.account()
        assert after_start.received["error"] >= seen, "a counter fell"
        if number % 2:
            with recording(port) as server:
                seen = relay.account().received["error"]
                wait_for(lambda server=server: server.deliveries, "the backlog is on its way")
                send(relay, number, acknowledged)
                relay.kill()
            arrived |= {str(delivery.envelope()[0]["event_id"]) for delivery in server.deliveries}
        else:
            send(relay, number, acknowledged)
            seen = relay.account().received["error"]
            relay.kill()
    with recording(port) as server:
        relay.start()
        account = relay.wait_until_empty()
        arrived |= {str(delivery.envelope()[0]["event_id"]) for delivery in server.deliveries}
    assert account.closed, account
    assert account.received["error"] >= seen
    assert account.forwarded["error"] == account.received["error"]
    assert acknowledged <= arrived
    status = relay.status()
    assert status["account"]["error"]["open"] == 0
    assert relay.stop() == 0


def send(relay: Daemon, number: int, acknowledged: set[str]) -> None:
    for position in range(EVENTS):
        event_id = f"{number:016x}{position:016x}"
        if post(relay.port, "/api/1/envelope/", event_body(event_id)).status == 200:
            acknowledged.add(event_id)
