"""What a managed relay knows and holds outlives its upstream's absence, and its own: a restart, and a kill at any moment."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from support.authority import WAITING, Authority
from support.daemon import KEY, Daemon
from support.managed import (
    ORDER,
    SECRET,
    event,
    files,
    is_scrubbed,
    messages,
    scrubbing,
    send,
    state_of,
    wait_for_state,
)
from support.processes import answers, wait_for

Relays = Callable[..., Daemon]
KIB = 1024
RAW = 2
"""The flag of a frame whose records are unscrubbed (`upstream-and-operations.md` 7.3)."""


def spooled(relay: Daemon) -> bytes:
    return b"".join(path.read_bytes() for path in files(relay.folder / "spool"))


def frame_flags(folder: Path) -> list[int]:
    """Those of all frames of all segments."""
    found = []
    for path in files(folder):
        data = path.read_bytes() if path.suffix == ".seg" else b""
        at = data.find(b"SJFR")
        while at >= 0:
            found.append(struct.unpack_from("<H", data, at + 6)[0])
            at = data.find(b"SJFR", at + 4)
    return found


def test_operations_57_a_restart_in_an_outage_neither_refuses_nor_sends_unscrubbed(
    sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = scrubbing()
    relay = relays(auth={"ready": "always"})
    relay.start()
    assert send(relay, event("before")).status == 200
    sentry.wait_for_deliveries(1)
    relay.wait_until_empty()
    assert relay.stop() == 0
    assert (relay.folder / "spool" / "projectconfigs" / f"{KEY}.json").stat().st_mode & 0o777 == 0o600
    sentry.is_away = True
    relay.start()
    assert send(relay, event(f"during {ORDER}")).status == 200
    wait_for(lambda: relay.account().held["error"] == 1, "held")
    assert wait_for_state(relay, waiting=0)["configs"]["known"] == 1
    assert SECRET.encode() not in spooled(relay)
    sentry.is_away = False
    _, delivery = sentry.wait_for_deliveries(2)
    assert messages([delivery]) == ["during [order]"]
    assert is_scrubbed(delivery)


def test_operations_90_no_more_waits_in_memory_than_there_is_room(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": {"pending_max_bytes": 64 * KIB}})
    relay.start()
    statuses = [send(relay, event("m" * 20 * KIB)).status for _ in range(5)]
    taken = statuses.count(200)
    assert 1 <= taken < 5
    assert statuses == [200] * taken + [503] * (5 - taken)
    wait_for(lambda: "project_pending" in relay.run("drops").stdout, "told")
    assert SECRET.encode() not in spooled(relay)
    sentry.projects[KEY] = scrubbing()
    assert all(map(is_scrubbed, sentry.wait_for_deliveries(taken)))
    assert send(relay).status == 200
    account = relay.wait_until_empty()
    assert account.closed
    assert account.forwarded["error"] == taken + 1


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=[pytest.mark.deep, pytest.mark.timeout(1800)])])
def test_operations_90_what_waits_on_disk_survives_kills_and_is_replaced_by_its_scrubbed_copy(
    kills: int, sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(spool={"envelopes": {"pending": "disk", "fsync": "always"}})
    relay.start()
    sent: list[str] = []
    for _ in range(kills):
        for _ in range(10):
            sent.append(f"number {len(sent)}")
            assert send(relay, event(sent[-1])).status == 200
        relay.kill()
        assert RAW in {flags & RAW for flags in frame_flags(relay.folder / "spool")}
        assert sentry.deliveries == []
        relay.start()
    wait_for_state(relay, waiting=len(sent))
    assert relay.account().held["error"] == len(sent)
    sentry.projects[KEY] = scrubbing()
    sentry.wait_for_deliveries(len(sent))
    account = relay.wait_until_empty()
    assert sorted(messages(sentry.deliveries)) == sorted(sent)
    assert all(map(is_scrubbed, sentry.deliveries))
    assert account.forwarded["error"] == len(sent)
    assert relay.stop() == 0
    assert relay.run("spool", "verify").returncode == 0


@pytest.mark.deep
def test_what_waits_in_memory_alone_is_counted_at_the_end(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays(limits={"shutdown_timeout": 1})
    relay.start()
    assert send(relay).status == 200
    wait_for_state(relay, waiting=1)
    assert relay.stop() == 3
    assert "drain_timeout" in relay.run("drops").stdout


@pytest.mark.deep
def test_configurations_stay_in_force_while_the_server_is_away(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = scrubbing()
    relay = relays(cache={"project_expiry": 1, "project_grace_period": 60})
    relay.start()
    assert send(relay, event("before")).status == 200
    sentry.wait_for_deliveries(1)
    sentry.is_away = True
    sent = 1

    def is_past_its_time() -> bool:
        nonlocal sent
        assert send(relay, event(f"during {ORDER}")).status == 200
        sent += 1
        return state_of(relay).get("stale_s", 0) > 1

    wait_for(is_past_its_time, "past its time", poll_s=0.25)
    assert state_of(relay)["configs"]["known"] == 1
    assert state_of(relay)["waiting"] == 0
    assert SECRET.encode() not in spooled(relay)
    assert answers(relay.port, "/api/relay/healthcheck/ready/")
    sentry.is_away = False
    sentry.wait_for_deliveries(sent)
    assert set(messages(sentry.deliveries)) == {"before", "during [order]"}
