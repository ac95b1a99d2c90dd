"""`scrubjay doctor` about listeners of every kind: nobody has them yet, somebody else has, a relay serves them with TLS and apart."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scrubjay.cli.findings import Verdict
from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.doctoring import KEY, Setup, compile_once
from support.mini_upstream import mini_upstream
from support.openssl import Chain
from support.processes import free_port


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)


def test_three_that_are_free(tmp_path: Path) -> None:
    own = {"internal_host": "127.0.0.1", "internal_port": free_port(), "unix_socket": str(tmp_path / "relay.sock")}
    found = Setup(tmp_path, relay=own).diagnose()
    for check in ("listener", "internal listener", "unix socket"):
        assert [each.verdict for each in found.of(check)] == [Verdict.OK]


def test_three_that_cannot_be_had(tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    path.touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = {"internal_host": "127.0.0.1", "internal_port": free_port(), "unix_socket": str(path)}
        setup = Setup(tmp_path, relay=own)
        setup.config["relay"]["port"] = taken.getsockname()[1]
        setup.write()
        found = setup.diagnose()
        assert "Address already in use" in found.failed("listener").text
        assert "is no socket" in found.failed("unix socket").text
    setup.config["relay"]["unix_socket"] = str(tmp_path / "none" / "relay.sock")
    setup.write()
    assert "cannot be written to" in setup.diagnose().failed("unix socket").text


async def test_a_relay_with_tls_and_an_internal_listener(tmp_path: Path) -> None:
    pair = Chain(tmp_path / "chain").leaf("relay", days=60)
    async with mini_upstream() as server:
        own = {"internal_host": "127.0.0.1", "internal_port": free_port()}
        setup = Setup(tmp_path, server.url, relay=own, tls={"cert": str(pair.cert), "key": str(pair.key)})
        worker = Worker(load(setup.folder))
        await worker.start()
        try:
            dsn = f"https://{KEY}@127.0.0.1:{setup.port}/42"
            found = await setup.diagnosed(dsn, probes=False)
        finally:
            await worker.stop()
    assert not found.bad(but=("configuration",)), found
    assert "https://127.0.0.1" in found.of("listener")[0].text
    assert "it leads to this relay" in found.of("dsn")[0].text
    assert "the relay that runs takes the probe" in found.of("stages")[0].text


async def test_a_server_that_nothing_is_configured_for(tmp_path: Path) -> None:
    """In mode `capture` there is no upstream: that of the DSN is looked at."""
    setup = Setup(tmp_path, relay={"mode": "capture"})
    setup.config["relay"].pop("upstream")
    setup.write()
    async with mini_upstream() as server:
        found = await setup.diagnosed(f"http://{KEY}@127.0.0.1:{server.port}/prefix/7")
        (probe,) = server.envelopes
    assert probe.path == "/prefix/api/7/envelope/"
    assert "in place of an upstream" in found.of("dsn")[0].text
    assert found.of("probe")[0].verdict is Verdict.OK
