"""`scrubjay doctor` on this machine: files, spool, port, workers that died, losses. Each set-up is wrong in one way, and it says which."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from scrubjay.cli.findings import Verdict
from scrubjay.core.spool_format import FORMAT_LINE
from scrubjay.runtime.process import process_space
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.state import Drop, Snapshot, StateFile
from support.doctoring import KEY, PROJECT, Setup, compile_once
from support.openssl import Chain
from support.small_disks import small_disk

GONE = 4_194_000
"""No process has such a number here."""


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)
    for name in [name for name in os.environ if name.startswith(("RELAY_", "SCRUBJAY_"))]:
        monkeypatch.delenv(name)


# ---- files


def test_a_configuration_that_cannot_be_loaded(tmp_path: Path) -> None:
    setup = Setup(tmp_path, limits={"max_event_size": "1 mib"})
    found = setup.diagnose()
    assert "limits.max_event_size" in found.failed("configuration").text
    assert "scrubjay.yaml:" in found.failed("configuration").text
    assert [each.check for each in found.findings] == ["configuration", "all else"]


def test_a_key_that_nobody_knows(tmp_path: Path) -> None:
    found = Setup(tmp_path, limits={"max_event_sise": "1MiB"}).diagnose()
    assert "max_event_sise" in found.of("configuration")[1].text


def test_keys_that_do_not_belong_together(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    pair = {
        "id": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001",
        "secret_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
    }
    path = setup.folder / "credentials.json"
    path.write_text(json.dumps(pair))
    path.chmod(0o644)
    found = setup.diagnose()
    assert "others may read" in found.warned("credentials").text
    assert pair["id"] in found.of("credentials")[1].text
    path.write_text(json.dumps({**pair, "secret_key": pair["public_key"]}))
    assert "does not belong" in setup.diagnose().failed("configuration").text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("publicKeys: [{publicKey: " + KEY, "42.yaml"),
        ({**PROJECT, "config": {"piiConfig": {"rules": {"r": {"type": "pattern", "pattern": "("}}}}}, "42"),
    ],
    ids=["no YAML", "a rule that does not compile"],
)
def test_a_project_that_cannot_be_used(tmp_path: Path, content: object, text: str) -> None:
    setup = Setup(tmp_path)
    setup.project("default.yaml", {"config": {}})
    setup.project("42.yaml", content)
    assert text in setup.diagnose().failed("projects").text


def test_no_project_at_all(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    (setup.folder / "projects" / "42.yaml").unlink()
    found = setup.diagnose()
    assert "everything is refused" in found.failed("projects").text
    assert "projects/default.yaml" in found.failed("projects").remedy
    assert "--dsn" in found.of("probe")[0].text


def test_a_mode_that_forwards_unscrubbed(tmp_path: Path) -> None:
    found = Setup(tmp_path, relay={"mode": "proxy"}).diagnose()
    assert "unscrubbed" in found.warned("projects").text


# ---- the listener's certificate


def test_the_listeners_certificate(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    good, old, other = chain.leaf("good", days=60), chain.leaf("old", days=-1), chain.leaf("other")
    setup = Setup(tmp_path)

    def diagnosed(cert: Path, key: Path) -> Any:
        setup.config["tls"] = {"cert": str(cert), "key": str(key), "client_ca": str(chain.root)}
        setup.write()
        return setup.diagnose()

    assert diagnosed(good.cert, good.key).of("listener tls")[0].verdict is Verdict.OK
    assert "is not that of" in diagnosed(good.cert, other.key).failed("listener tls").text
    assert "expired on" in diagnosed(old.cert, old.key).failed("listener tls").text
    assert "cannot read" in diagnosed(tmp_path / "none.pem", good.key).failed("listener tls").text
    assert "no certificate in" in diagnosed(chain.folder / "good.ext", good.key).failed("listener tls").text


# ---- the spool


def _with_spool(tmp_path: Path, path: Path, **options: object) -> Setup:
    return Setup(tmp_path, spool={"envelopes": {"path": str(path), **options}})


def test_a_spool_that_is_well(tmp_path: Path) -> None:
    found = _with_spool(tmp_path, tmp_path / "spool", encryption_key="A" * 43).diagnose()
    assert [each.verdict for each in (*found.of("spool"), *found.of("spool room"))] == [Verdict.OK] * 2
    assert not (tmp_path / "spool").exists()


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with small_disk("tmpfs", tmp_path, 1) as mount:
        (mount / "ballast").write_bytes(b"x" * 1024 * 1024)
        found = _with_spool(tmp_path, mount / "spool").diagnose()
        assert "No space left" in found.failed("spool").text
        assert "make room" in found.failed("spool").remedy
        (mount / "ballast").write_bytes(b"x" * 512 * 1024)
        assert "free on its disk" in _with_spool(tmp_path / "2", mount / "spool").diagnose().failed("spool room").text


def test_a_disk_that_is_smaller_than_the_spool_may_be(tmp_path: Path) -> None:
    with small_disk("tmpfs", tmp_path, 32) as mount:
        assert "it may take 500.0 MiB more" in _with_spool(tmp_path, mount).diagnose().warned("spool room").text


@pytest.mark.parametrize(
    ("path", "text"), [("/proc/scrubjay", "cannot be written to"), ("{file}/spool", "is no folder")]
)
def test_a_folder_that_cannot_be_written_to(tmp_path: Path, path: str, text: str) -> None:
    (tmp_path / "file").touch()
    setup = _with_spool(tmp_path, Path(path.format(file=tmp_path / "file")))
    assert text in setup.diagnose().failed("spool").text


def test_a_spool_that_somebody_else_uses(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    lock, setup = PartitionLock.claim(root, 0, {"pid": os.getpid()}), _with_spool(tmp_path, root)
    try:
        young = setup.diagnose()
        os.utime(root / "p00" / "OWNER", (0, time.time() - 11))
        found = setup.diagnose().failed("spool")
    finally:
        lock.release()
    assert "starting" in young.warned("spool").remedy
    assert f"locked by process {os.getpid()}" in found.text
    assert "two relays cannot share a spool" in found.remedy


def test_a_spool_of_another_version(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    root.mkdir()
    (root / "FORMAT").write_text("scrubjay-spool 99\n")
    found = _with_spool(tmp_path, root).diagnose().failed("spool")
    assert "99" in found.text
    assert FORMAT_LINE in found.remedy


# ---- the port


class Somebody(BaseHTTPRequestHandler):
    """A server of another kind, or a relay that is not ours."""

    body = b"hello"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


class Relay(Somebody):
    body = b'{"is_healthy": true}'


@contextmanager
def _serving(port: int, handler: type[Somebody]) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    with _serving(setup.port, Somebody):
        found = setup.diagnose().failed("listener")
    assert f"(process {os.getpid()}), which is no relay" in found.text
    assert "another `relay.port`" in found.remedy


def test_a_port_that_another_relay_has(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    with _serving(setup.port, Relay):
        found = setup.diagnose().failed("listener")
    assert "not this configuration's" in found.text


def test_a_port_whose_owner_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.cli.doctor_listener._PATIENCE_S", 0.1)
    setup = Setup(tmp_path)
    with socket.create_server(("127.0.0.1", setup.port)):
        assert "does not answer within" in setup.diagnose().failed("listener").text


def test_an_address_of_no_machine_here(tmp_path: Path) -> None:
    found = Setup(tmp_path, relay={"host": "192.0.2.1"}).diagnose().of("listener")[0]
    assert found.verdict is Verdict.FAILED


# ---- the relay


def _state(setup: Setup, **facts: Any) -> None:
    now_unix = time.time()
    given = {"heartbeat_unix": now_unix, "started_unix": now_unix - 60, "heartbeat_mono": 0.0, "pid": GONE}
    StateFile(setup.state, 0).write(Snapshot(slot=0, version="1", **{**given, **facts}))


def test_a_relay_on_another_port(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    _state(setup)
    found = setup.diagnose().warned("listener")
    assert f"this configuration's relay runs (process {GONE})" in found.text
    assert "RELAY_PORT" in found.remedy


def test_a_relay_that_died(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    _state(setup, heartbeat_unix=time.time() - 180)
    found = setup.diagnose().failed("relay")
    assert f"worker 0 (process {GONE}) died without ending in order; its last sign of life is 3m old" in found.text
    assert "scrubjay run" in found.remedy


def test_a_relay_that_died_just_now(tmp_path: Path) -> None:
    """Its last sign of life is no proof of life where the process can be seen to be gone."""
    setup = Setup(tmp_path)
    _state(setup, process_space=process_space())
    assert "died without ending in order" in setup.diagnose().failed("relay").text


def test_a_relay_that_hangs(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    _state(setup, heartbeat_unix=time.time() - 180, pid=os.getpid())
    found = setup.diagnose().failed("relay")
    assert "is there and writes no state" in found.text
    assert "`relay.state_dir` writable" in found.remedy
    with _serving(setup.port, Relay):
        found = setup.diagnose().warned("listener")
    assert f"if it is process {os.getpid()}, whose state is old" in found.text


def test_a_relay_that_was_stopped(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    _state(setup, heartbeat_unix=time.time() - 180, stopped=True)
    assert "stopped 3m ago" in setup.diagnose().warned("relay").text


def test_an_outage(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    _state(setup, upstream_up=False, held={"spool": {"error": 7}})
    found = setup.diagnose()
    assert "does not reach its upstream; held 7 error" in found.failed("outage").text
    assert "cannot be asked" in found.warned("readiness").text
    assert "this configuration (the relay that runs cannot be asked" in found.of("stages")[0].text


def test_what_was_lost_and_why(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    now_unix = time.time()
    lost = [
        Drop(
            now_unix - 60 - number,
            0,
            "cors",
            "invalid",
            project_id=42,
            item_type="event",
            detail="https://evil.example",
        )
        for number in range(3)
    ]
    wanted = Drop(now_unix, 0, "localhost", "filtered", {"error": 1})
    old = Drop(now_unix - 7200, 0, "spool_expired", "lost", {"error": 1})
    _state(setup, drops=[old, *lost, wanted])
    found = setup.diagnose().warned("drops")
    assert "3 × cors in the last hour; the last 1m ago, event of project 42: https://evil.example" in found.text
    assert "add the domain to the project" in found.remedy


def test_a_spool_whose_name_cannot_be(tmp_path: Path) -> None:
    path = str(tmp_path / ("s" * 300))
    found = Setup(tmp_path, spool={"envelopes": {"path": path}}).diagnose(probes=False).failed("spool")
    assert found.text == f"{path} cannot be looked at: File name too long"
