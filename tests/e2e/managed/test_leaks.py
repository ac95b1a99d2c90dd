"""What waits for its rules is unscrubbed: it is nowhere but where it waits, and nobody is told of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable

import pytest

from support.authority import WAITING, Authority
from support.daemon import KEY, Daemon
from support.managed import ORDER, SECRET, event, files, is_scrubbed, scrubbing, send, wait_for_state
from support.processes import get
from support.searching import Needles

Relays = Callable[..., Daemon]
CANARIES = (SECRET, ORDER, "canary@example.com", "4111 1111 1111 1111", "203.0.113.77")
IN_MEMORY = {"pending": "memory"}
SEALED = {"pending": "disk", "encryption_key": base64.b64encode(os.urandom(32)).decode()}
EXPORT = ("spool", "export")


def needles() -> Needles:
    made = Needles()
    for canary in CANARIES:
        made.add(canary, canary)
    return made


def laden() -> bytes:
    return event(
        f"paid {ORDER} with 4111 1111 1111 1111",
        user={"email": "canary@example.com", "ip_address": "203.0.113.77"},
        tags={"password": SECRET},
    )


def assert_nowhere(relay: Daemon) -> None:
    """Neither on disk, in log and state files too, nor in what it says of itself."""
    told = [relay.run(*words) for words in (("status", "--json"), ("drops", "--json"), ("doctor", "--json"), EXPORT)]
    told += [relay.run("spool", verb) for verb in ("ls", "stat")]
    places = {path.name: path.read_bytes() for path in files(relay.folder)}
    places |= {" ".join(each.args[4:]): (each.stdout + each.stderr).encode() for each in told}
    places["metrics"] = get(relay.port, "/metrics")[1]
    wanted = needles()
    assert {name: list(wanted.hits(content)) for name, content in places.items() if any(wanted.hits(content))} == {}


@pytest.mark.parametrize("envelopes", [IN_MEMORY, SEALED], ids=["in memory", "sealed on disk"])
def test_what_waits_is_nowhere_else(envelopes: dict[str, str], sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": envelopes}, logging={"level": "debug"}, scrub={"audit": "items"})
    relay.start()
    assert send(relay, laden()).status == 200
    wait_for_state(relay, waiting=1)
    assert_nowhere(relay)
    sentry.projects[KEY] = scrubbing()
    (delivery,) = sentry.wait_for_deliveries()
    assert is_scrubbed(delivery)
    relay.wait_until_empty()
    assert_nowhere(relay)


def test_the_search_would_find_it(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": {"pending": "disk"}})
    relay.start()
    assert send(relay, laden()).status == 200
    wait_for_state(relay, waiting=1)
    with pytest.raises(AssertionError, match=SECRET):
        assert_nowhere(relay)
