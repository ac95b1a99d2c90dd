"""Managed relays as they are run: several workers, a reload, and a folder that was the reference's."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scrubjay.settings.credentials import generate, write_credentials
from support.authority import CHALLENGE, RESPONSE, WAITING, Authority
from support.daemon import KEY, READY, Daemon
from support.http_client import auth, post
from support.managed import event, is_scrubbed, messages, scrubbing, send, wait_for_state
from support.processes import Child, answers, free_port, wait_for

Relays = Callable[..., Daemon]


def test_each_of_two_workers_registers_fetches_and_waits(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(relay={"workers": 2})
    relay.start()
    sentry.wait_for(RESPONSE, 2)
    sent = [f"number {number}" for number in range(20)]
    assert {send(relay, event(message)).status for message in sent} == {200}
    wait_for_state(relay, registration="registered", waiting=len(sent))
    assert len(relay.status()["workers"]) == 2
    sentry.projects[KEY] = scrubbing()
    sentry.wait_for_deliveries(len(sent))
    account = relay.wait_until_empty()
    assert account.closed
    assert account.forwarded["error"] == len(sent)
    assert sorted(messages(sentry.deliveries)) == sorted(sent)
    assert all(map(is_scrubbed, sentry.deliveries))
    assert relay.stop() == 0


def test_a_reload_brings_overlays_and_other_credentials_into_force(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = scrubbing()
    relay = relays()
    relay.start()
    assert send(relay, event("before")).status == 200
    sentry.wait_for_deliveries(1)
    rule = {"type": "pattern", "pattern": "purple", "redaction": {"method": "replace", "text": "[colour]"}}
    pii = {"rules": {"colour": rule}, "applications": {"$string": ["colour"]}}
    overlay = {"overlay": True, "publicKeys": [{"publicKey": KEY}], "config": {"piiConfig": pii}}
    (relay.folder / "projects" / "1.yaml").write_text(yaml.safe_dump(overlay))
    keys = generate()
    (relay.folder / "credentials.json").unlink()
    write_credentials(relay.folder, keys)
    relay.signal(signal.SIGHUP)
    wait_for(lambda: keys.id in sentry.relays, "registered anew")
    asked = sentry.asked_for(KEY)

    def arrives() -> str:
        seen = len(sentry.deliveries)
        assert send(relay, event("purple ORD-1-1")).status == 200
        return messages(sentry.wait_for_deliveries(seen + 1))[-1]

    wait_for(lambda: arrives() == "[colour] [order]", "both rules")
    assert sentry.deliveries[-1].headers["x-sentry-relay-id"] == keys.id
    assert sentry.asked_for(KEY) == asked, "what was fetched is used again"


@pytest.fixture
def reference(tmp_path: Path, sentry: Authority) -> Iterator[tuple[Child, Path, int]]:
    """A folder as the reference writes and its users keep it: no mode, its defaults, members that mean nothing here."""
    folder, port = tmp_path / ".relay", free_port()
    folder.mkdir()
    config = {
        "relay": {"upstream": sentry.url, "host": "127.0.0.1", "port": port},
        "logging": {"level": "INFO"},
        "processing": {"enabled": False},
        "cache": {"project_expiry": 300, "envelope_buffer_size": 100},
        "spool": {"envelopes": {"path": str(tmp_path / "relay.db")}},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    write_credentials(folder, generate())
    child = Child([sys.executable, "-m", "scrubjay", "run"], cwd=tmp_path, log=tmp_path / "log")
    yield child, folder, port
    child.kill()


def test_a_folder_of_the_reference_runs_as_it_is(sentry: Authority, reference: tuple[Child, Path, int]) -> None:
    sentry.projects[KEY] = scrubbing()
    child, folder, port = reference
    child.wait_until(lambda: answers(port, READY), "ready")
    assert post(port, "/api/1/envelope/", event(), auth()).status == 200
    (delivery,) = sentry.wait_for_deliveries()
    assert is_scrubbed(delivery)
    (asked,) = sentry.of(CHALLENGE)
    assert asked.is_signed
    assert asked.json["relay_id"] in (folder / "credentials.json").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["config.yml", "credentials.json"]
    assert child.stop() == 0
