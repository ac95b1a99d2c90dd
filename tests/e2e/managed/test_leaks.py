"""What waits for its rules is unscrubbed: it is nowhere but where it waits, and nobody is told of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Iterator

import pytest
from click.testing import CliRunner

from scrubjay.cli.program import program
from support.authority import WAITING, Authority
from support.daemon import KEY, Daemon
from support.managed import ORDER, SECRET, event, files, scrubbing, send, wait_for_state
from support.processes import get
from support.searching import Needles

Relays = Callable[..., Daemon]
CANARIES = (SECRET, ORDER, "canary@example.com", "4111 1111 1111 1111", "203.0.113.77")
IN_MEMORY = {"pending": "memory"}
SEALED = {"pending": "disk", "encryption_key": base64.b64encode(os.urandom(32)).decode()}
ADDRESSES_TOO = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}
VERBS = (
    ("status", "--json"),
    ("drops", "--json"),
    ("spool", "ls"),
    ("spool", "stat"),
    ("spool", "export"),
)


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


def told_by(relay: Daemon) -> Iterator[tuple[str, bytes]]:
    """What it says of itself: to operators, and to Prometheus."""
    for words in VERBS:
        done = CliRunner().invoke(program, [words[0], *words[1:], "-c", str(relay.folder)])
        yield " ".join(words), done.output.encode()
    yield "metrics", get(relay.port, "/metrics")[1]


def seen(places: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """(where, what) of all that is found."""
    wanted = needles()
    return {(name, hit.owner) for name, content in places for hit in wanted.hits(content)}


def on_disk(relay: Daemon) -> Iterator[tuple[str, bytes]]:
    """Spool, configurations, state files, audit log, log."""
    yield from ((path.name, path.read_bytes()) for path in files(relay.folder))


@pytest.mark.parametrize(
    "envelopes",
    [pytest.param(IN_MEMORY, id="in memory"), pytest.param(SEALED, id="sealed on disk", marks=pytest.mark.deep)],
)
def test_what_waits_is_nowhere_else(envelopes: dict[str, str], sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": envelopes}, logging={"level": "debug"}, scrub={"audit": "items"})
    relay.start()
    assert send(relay, laden()).status == 200
    wait_for_state(relay, waiting=1)
    assert seen(on_disk(relay)) == set()
    assert seen(told_by(relay)) == set()
    sentry.projects[KEY] = scrubbing(datascrubbingSettings=ADDRESSES_TOO)
    (delivery,) = sentry.wait_for_deliveries()
    assert seen([("delivery", delivery.body)]) == set()
    relay.wait_until_empty()
    assert seen(on_disk(relay)) == set()


def test_the_search_would_find_it(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": {"pending": "disk"}})
    relay.start()
    assert send(relay, laden()).status == 200
    wait_for_state(relay, waiting=1)
    found = seen(on_disk(relay))
    assert {what for _, what in found} == set(CANARIES)
    assert all(name.endswith(".seg") for name, _ in found), "but in the spool, where it was asked for"
    assert seen(told_by(relay)) == set()
