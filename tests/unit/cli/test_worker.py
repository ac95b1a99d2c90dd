"""`scrubjay worker` and its orders: what a supervisor and its workers tell each other on command lines. Serving is a stand-in."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import Result

from scrubjay.cli import run as running
from scrubjay.cli.program import VERBS
from scrubjay.runtime.supervision.orders import Orders

Call = Callable[..., Result]
Folder = Callable[..., Path]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []

    def run(loaded: Any, seat: Any = None) -> int:
        found.append((loaded, seat))
        return 3

    worker = ModuleType("scrubjay.runtime.worker")
    worker.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "scrubjay.runtime.worker", worker)
    return found


def orders(call: Call, *arguments: str) -> Orders:
    result = call("worker", *arguments, "--orders")
    assert result.exit_code == 0, result.output
    return Orders.load(result.stdout)


def test_a_worker_takes_the_seat_that_it_is_given(call: Call, served: list[tuple[Any, Any]]) -> None:
    listener, (ours, theirs) = socket.socket(), socket.socketpair()
    with ours:
        given = ["--slot=5", f"--socket={listener.detach()}", f"--channel={theirs.detach()}", "--ledger=/l", "--again"]
        assert call("worker", "--mode=proxy", "--workers=4", "--port=0", "--port=7", *given).exit_code == 3
        ((loaded, seat),) = served
        assert (loaded.settings.relay.workers, loaded.settings.relay.port) == (4, 7)
        assert (seat.slot, seat.workers, seat.ledger, seat.follows_a_death) == (5, 4, "/l", True)
        seat.listener.close()
        seat.channel.close()


def test_people_do_not_start_workers(call: Call, served: list[tuple[Any, Any]]) -> None:
    result = call("worker", "--mode=proxy")
    assert result.exit_code == 2
    assert "scrubjay run --workers N" in result.stderr
    assert "worker" not in VERBS
    assert served == []


def test_orders_say_what_a_supervisor_needs(call: Call, folder: Folder) -> None:
    conf = folder("relay: {mode: proxy, port: 1, workers: 3, shutdown_delay: 5}\nhttp: {proxy: 'http://u:hidden@h:1'}")
    flags = (f"--config={conf}", "--log-level=debug", "--shutdown-timeout=7", "--port=8", "--host=::1")
    found = orders(call, *flags)
    assert (found.mode, found.host, found.port, found.workers) == ("proxy", "::1", 8, 3)
    assert (found.shutdown_delay_s, found.shutdown_timeout_s, found.log_level) == (5, 7, "debug")
    assert found.state_dir.endswith("-8")
    assert found.problems == ()
    assert "hidden" not in found.dump()
    assert found.digests.keys() >= {"relay.mode", "relay.workers", "http.proxy"}
    assert "http.timeout" not in found.digests, "a reload is enough for it"
    folder("relay: {mode: proxy, port: 1, workers: 3, shutdown_delay: 5}\nhttp: {proxy: 'http://u:other@h:1'}")
    assert found.changes(orders(call, *flags)).replacing == ("http.proxy",)


def test_orders_name_what_a_worker_would_stumble_over(call: Call, folder: Folder) -> None:
    blocked = folder("http: {ca_bundle: missing.pem}", p7="publicKeys: [{publicKey: short}]") / "scrubjay.yaml"
    text = f"relay: {{upstream: 'https://h'}}\nhttp: {{ca_bundle: missing.pem}}\nspool: {{envelopes: {{path: {blocked}/x}}}}\n"
    blocked.write_text(text + "quotas: {redis: 'redis+sentinel://h'}")
    problems = orders(call, f"--config={blocked.parent}").problems
    assert len(problems) == 4
    for expected in ("7.yaml", "spool.envelopes.path", "http.ca_bundle", "quotas.redis"):
        assert any(expected in problem for problem in problems), expected


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_run_with_several_workers_becomes_their_supervisor(
    call: Call, served: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch, folder: Folder, workers: str
) -> None:
    became: list[tuple[str, list[str], dict[str, str], Orders]] = []

    def execve(program: str, command: list[str], env: dict[str, str]) -> None:
        assert os.get_inheritable(int(command[4]))
        with os.fdopen(int(command[4])) as source:
            became.append((program, command, env, Orders.load(source.read())))
        sys.exit(0)

    monkeypatch.setattr(running.os, "execve", execve)
    monkeypatch.setattr("scrubjay.settings.resolve.processors", lambda: 2)
    conf = folder(f"spool: {{envelopes: {{path: '{Path.cwd()}/spool'}}}}")
    call(
        "--strict-config",
        "run",
        f"--config={conf}",
        "--mode=proxy",
        f"--workers={workers}",
        "--log-format=json",
        "-P",
        "9",
    )
    ((program, command, _, given),) = became
    assert program == sys.executable
    assert command[:4] == [sys.executable, "-P", "-m", "scrubjay.runtime.supervisor"]
    assert command[5:] == [
        "--strict-config",
        f"--config={conf}",
        "--log-format=json",
        "--mode=proxy",
        "--port=9",
        f"--workers={workers}",
    ]
    assert (given.workers, given.port, given.problems) == (2, 9, ())
    assert (Path.cwd() / "spool" / "run").stat().st_mode & 0o077 == 0
    assert served == []
    folder("relay: {}")
    assert orders(call, *command[5:-1], f"--workers={workers}").port == 9, "workers understand what run was told"


def test_an_identity_goes_by_the_environment(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from scrubjay.settings.credentials import generate

    became: list[tuple[list[str], dict[str, str]]] = []

    def execve(program: str, command: list[str], env: dict[str, str]) -> None:
        os.close(int(command[4]))
        became.append((command, env))
        sys.exit(0)

    monkeypatch.setattr(running.os, "execve", execve)
    monkeypatch.setenv("SCRUBJAY__RELAY__STATE_DIR", str(tmp_path / "run"))
    made = generate().dump()
    identity = ["-i", made["id"], "-p", made["public_key"], "-s", made["secret_key"]]
    call("run", "--mode=proxy", "--workers=2", *identity)
    ((command, env),) = became
    assert env["RELAY_SECRET_KEY"] == made["secret_key"]
    assert made["secret_key"] not in " ".join(command)
    assert "RELAY_SECRET_KEY" not in os.environ


def test_other_credentials_are_another_worker(call: Call, folder: Folder) -> None:
    conf = str(folder("relay: {mode: proxy, workers: 2}"))
    before = orders(call, f"--config={conf}")
    call("credentials", "generate", "-c", conf)
    after = orders(call, f"--config={conf}")
    assert before.changes(after).replacing == ("credentials",)
    stored = json.loads(Path(conf, "credentials.json").read_text())
    assert stored["secret_key"] not in after.dump()
