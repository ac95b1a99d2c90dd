"""Relays that send to each other in a ring (upstream-and-operations 2.6, 6.1)."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from scrubjay.errors import ConfigError
from scrubjay.runtime.forwarding.origin import Origin
from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.forwarding import until
from support.relay import E, relay

EVENT = b'{"event_id":"%s"}\n{"type":"event"}\n{"message":"x"}\n' % E.encode()


async def test_operations_74_what_came_through_here_before_is_refused(tmp_path: Path) -> None:
    async with relay(tmp_path / "a") as one:
        own = one.worker.ports.instance
        for via in (own, f"other, {own}", ",".join("abcdefgh")):
            answer = await one.env(EVENT, {"X-Scrubjay-Via": via})
            assert answer.status == 508
            assert b"before" in answer.body
        assert (
            await one.send("POST", "/api/7/store/?sentry_key=" + "a" * 32, b"{}", {"X-Scrubjay-Via": own})
        ).status == 508
        assert await one.forwards_nothing()


async def test_the_way_is_told_on(tmp_path: Path) -> None:
    async with relay(tmp_path / "a") as one:
        own = one.worker.ports.instance
        for given, told in (({}, own), ({"X-Scrubjay-Via": "first,second"}, f"first, second, {own}")):
            assert (await one.env(EVENT, given)).status == 200
            assert (await one.forwarded()).headers["x-scrubjay-via"] == told


async def test_the_way_is_not_forgotten_on_disk(tmp_path: Path) -> None:
    options = {"spool": {"envelopes": {"path": str(tmp_path / "spool"), "fsync": "never"}}}
    async with relay(tmp_path / "a", options=options) as one:
        await one.upstream.stop()
        assert (await one.env(EVENT, {"X-Scrubjay-Via": "first"})).status == 200
        own = one.worker.ports.instance
    options["relay"] = {"state_dir": str(tmp_path / "a" / "run")}
    async with relay(tmp_path / "b", options=options) as one:
        assert one.worker.ports.instance == own
        assert (await one.forwarded()).headers["x-scrubjay-via"] == f"first, {own}"


async def test_operations_74_a_ring_of_two_relays_ends_with_a_counted_loss(tmp_path: Path) -> None:
    http = {"max_5xx_attempts": 1, "retry_delay": 0.01}
    async with relay(tmp_path / "a", options={"http": http}) as one:
        folder = tmp_path / "b"
        folder.mkdir()
        sections = {
            "relay": {"mode": "proxy", "host": "127.0.0.1", "port": 0, "upstream": f"http://127.0.0.1:{one.port}", "state_dir": str(folder / "run")},
            "http": http,
            "logging": {"level": "off"},
        }  # fmt: skip
        (folder / "scrubjay.yaml").write_text(yaml.safe_dump(sections))
        other = Worker(load(folder))
        await other.start()
        try:
            one.worker._delivery.roads._clients[0]._dialer.origin = Origin("http", "127.0.0.1", other.port)  # type: ignore[union-attr]
            assert (await one.env(EVENT)).status == 200
            await until(lambda: other.telemetry._drops)
            (drop,) = other.telemetry._drops
            assert drop.reason == "upstream_error"
            assert drop.detail.startswith("508 ")
        finally:
            await other.stop()


async def test_operations_74_an_address_of_our_own_is_refused_at_the_start(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    relay_section = {"mode": "proxy", "host": "0.0.0.0", "port": port, "upstream": f"http://127.0.0.5:{port}"}
    sections = {"relay": {**relay_section, "state_dir": str(tmp_path / "run")}, "logging": {"level": "off"}}
    (tmp_path / "scrubjay.yaml").write_text(yaml.safe_dump(sections))
    with pytest.raises(ConfigError) as caught:
        await Worker(load(tmp_path)).start()
    assert (caught.value.path, "own address" in caught.value.problem) == ("relay.upstream", True)
