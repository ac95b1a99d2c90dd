"""A managed scrubjay behind another one, which has the projects in files and registers it: scrubbed beside the application, by the gateway's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from scrubjay.settings.credentials import generate, write_credentials
from support.daemon import Daemon
from support.managed import MARKED, ORDER, SECRET, event, files, is_scrubbed, messages, scrubbing, send, wait_for_state
from support.processes import wait_for
from support.recorder import Recorder, recording

Daemons = Callable[..., Daemon]
PROJECT = {name: member for name, member in scrubbing().items() if name in ("slug", "publicKeys", "config")}


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recording() as one:
        yield one


def test_a_relay_has_its_projects_from_a_static_gateway(server: Recorder, daemons: Daemons) -> None:
    keys = generate()
    auth = {
        "registration": "local",
        "static_relays": {keys.id: {"public_key": keys.public_key, "internal": True}},
    }
    gateway = daemons(upstream=server.url, options={"auth": auth}, projects={"1.yaml": PROJECT})
    gateway.start()
    relay = daemons(mode="managed", upstream=gateway.url, options={"http": {"batch": "require"}})
    write_credentials(relay.folder, keys)
    relay.start()
    assert send(relay, event(f"paid {ORDER}")).status == 200
    wait_for(lambda: server.deliveries, "delivered")
    assert messages(server.deliveries) == [f"paid {MARKED}"]
    assert all(map(is_scrubbed, server.deliveries))
    assert wait_for_state(relay, registration="registered")["configs"]["known"] == 1
    for one in (relay, gateway):
        account = one.wait_until_empty()
        assert account.closed
        assert account.forwarded["error"] == 1
    assert all(SECRET.encode() not in path.read_bytes() for path in files(gateway.folder))
    assert send(relay, key="f" * 32).status == 200, "a key that the gateway does not have"
    assert wait_for(lambda: send(relay, key="f" * 32).status == 403, "refused once that is known")


@pytest.mark.deep
def test_a_relay_that_is_not_listed_is_not_let_in(server: Recorder, daemons: Daemons) -> None:
    keys, other = generate(), generate()
    auth = {"registration": "local", "static_relays": {other.id: {"public_key": other.public_key}}}
    gateway = daemons(upstream=server.url, options={"auth": auth}, projects={"1.yaml": PROJECT})
    gateway.start()
    relay = daemons(mode="managed", upstream=gateway.url)
    write_credentials(relay.folder, keys)
    relay.start_unready()
    assert send(relay).status == 200
    wait_for_state(relay, registration="registering")
    assert server.deliveries == []
