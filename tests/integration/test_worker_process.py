"""The worker as a process: signals, restarts, what it says of itself. After each scenario the account must close."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.daemon import DEFAULT_SCRUBBING, KEY, READY, Daemon
from support.http_client import auth, post
from support.processes import answers, free_port, get, wait_for
from support.recorder import recording

LIVE = "/api/relay/healthcheck/live/"
STORE = "/api/1/envelope/"
Make = Callable[..., Daemon]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Make]:
    made: list[Daemon] = []

    def make(**options: Any) -> Daemon:
        options.setdefault("upstream", f"http://127.0.0.1:{free_port()}/")
        made.append(Daemon(tmp_path / f"relay{len(made)}", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def event(number: int = 0, **members: Any) -> bytes:
    event_id = f"{number:032x}"
    payload = json.dumps({"event_id": event_id, "message": f"event {number}", **members}).encode()
    return b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)


def send(relay: Daemon, count: int = 1) -> None:
    for number in range(count):
        assert post(relay.port, STORE, event(number)).status == 200


def half_sent(relay: Daemon, body: bytes) -> socket.socket:
    """A connection on which all but the last byte of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", relay.port), timeout=20)
    head = [f"POST {STORE} HTTP/1.1", "Host: relay", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in auth().items()]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body[:-1])
    # One more request, answered after it was read: the half one has been read by then, too.
    assert get(relay.port, LIVE)[0] == 200
    return connection


def read_all(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    connection.close()
    return b"".join(chunks)


def configure(daemon: Daemon, /, **sections: Any) -> None:
    path = daemon.folder / "scrubjay.yaml"
    config = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config))


def generation(relay: Daemon) -> float:
    return relay.metrics()["scrubjay_config_generation", frozenset()]


def reload(relay: Daemon) -> None:
    before = generation(relay)
    relay.signal(signal.SIGHUP)
    wait_for(lambda: generation(relay) > before, "the next generation")


def readiness(relay: Daemon) -> tuple[int, dict[str, Any]]:
    status, body = get(relay.port, READY)
    return status, json.loads(body)["checks"]


# The end


def test_upstream_110_half_sent_at_sigterm_is_answered_and_delivered_after_the_restart(daemon: Make) -> None:
    port = free_port()
    relay = daemon(upstream=f"http://127.0.0.1:{port}/")
    relay.start()
    body = event(5)
    connection = half_sent(relay, body)
    relay.signal(signal.SIGTERM)
    wait_for(lambda: not answers(relay.port, LIVE), "the port is closed")
    connection.sendall(body[-1:])
    answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.lower()
    assert relay.wait() == 0
    with recording(port) as server:
        relay.start()
        account = relay.wait_until_empty()
        assert [delivery.envelope()[0]["event_id"] for delivery in server.deliveries] == [f"{5:032x}"]
    assert account.closed, account
    assert account.forwarded["error"] == 1
    assert relay.stop() == 0


def test_upstream_111_a_body_that_never_ends_does_not_hold_the_end_up(daemon: Make) -> None:
    relay = daemon(options={"limits": {"shutdown_timeout": 1}})
    relay.start()
    send(relay)
    connection = half_sent(relay, event(5))
    began = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - began < 3
    connection.close()
    relay.start()
    account = relay.account()
    assert account.closed, account
    assert account.held["error"] == 1


def test_upstream_111_memory_alone_and_a_dead_upstream_is_told_by_the_exit_status(daemon: Make) -> None:
    relay = daemon(spool=False, options={"limits": {"shutdown_timeout": 1}})
    relay.start()
    send(relay, 3)
    assert relay.account().held["error"] == 3
    began = time.monotonic()
    relay.signal(signal.SIGTERM)
    assert relay.wait() == 3
    assert time.monotonic() - began < 3
    assert "3 envelopes were in memory alone and are lost" in (relay.folder / "log").read_text()
    relay.start()
    account = relay.account()
    assert account.closed, account
    assert account.dropped["error"] == 3
    assert "drain_timeout" in relay.run("drops", "--json").stdout


def test_memory_alone_is_sent_before_the_end(daemon: Make) -> None:
    with recording() as server:
        relay = daemon(upstream=server.url, spool=False)
        relay.start()
        send(relay, 20)
        assert relay.stop() == 0
        assert len(server.deliveries) == 20
        relay.start()
        account = relay.account()
        assert account.closed, account
        assert account.forwarded["error"] == 20


@pytest.mark.parametrize(("signals", "status"), [([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGQUIT], 131)])
def test_a_second_sigint_or_a_sigquit_waits_for_nothing(daemon: Make, signals: list[int], status: int) -> None:
    relay = daemon(options={"limits": {"shutdown_timeout": 60}})
    relay.start()
    send(relay, 2)
    connection = half_sent(relay, event(5))
    for number in signals:
        relay.signal(number)
        if number != signals[-1] or len(signals) > 1:
            wait_for(lambda: "stopping" in relay.log, "it is stopping")
    assert relay.wait(timeout_s=5) == status
    connection.close()
    relay.start()
    wait_for(lambda: relay.account().held["error"] == 2, "what is on disk is counted")
    assert relay.account().closed


def test_while_it_waits_for_the_end_it_accepts_and_is_unready(daemon: Make) -> None:
    relay = daemon(options={"relay": {"shutdown_delay": 60}, "limits": {"shutdown_timeout": 1}})
    relay.start()
    relay.signal(signal.SIGTERM)
    wait_for(lambda: readiness(relay)[0] == 503, "it is unready")
    assert readiness(relay)[1]["running"] == {"ok": False, "detail": "stopping"}
    send(relay)
    assert get(relay.port, LIVE)[0] == 200
    relay.signal(signal.SIGTERM)
    assert relay.wait(timeout_s=5) == 143
    relay.start()
    assert relay.account().closed


# Restarts


def test_upstream_114_an_orderly_restart_continues_the_counters(daemon: Make) -> None:
    with recording() as server:
        relay = daemon(upstream=server.url)
        relay.start()
        send(relay, 5)
        first = relay.wait_until_empty()
        assert relay.stop() == 0
        relay.start()
        assert relay.account().received["error"] == first.received["error"] == 5
        send(relay, 2)
        account = relay.wait_until_empty()
        assert account.closed, account
        assert account.received["error"] == account.forwarded["error"] == 7
        assert relay.status()["account"]["error"]["open"] == 0


def test_the_account_closes_after_a_kill(daemon: Make) -> None:
    port = free_port()
    relay = daemon(upstream=f"http://127.0.0.1:{port}/")
    relay.start()
    send(relay, 10)
    relay.kill()
    relay.start()
    wait_for(lambda: relay.account().held["error"] == 10, "the spool is gone through")
    wait_for(lambda: relay.account().closed, "the account is closed")
    with recording(port) as server:
        account = relay.wait_until_empty()
        assert len(server.deliveries) >= 10
    assert account.closed, account
    assert account.forwarded["error"] == account.received["error"] == 10


def test_a_port_that_is_taken_ends_the_start_and_leaves_the_spool_free(daemon: Make) -> None:
    first, second = daemon(), daemon()
    first.start()
    configure(second, relay={"port": first.port})
    done = second.run("run")
    assert done.returncode == 1
    assert "relay.port: cannot listen on 127.0.0.1" in done.stderr
    assert len(done.stderr.strip().splitlines()[-1].split("config: ")) == 2
    configure(second, relay={"port": second.port})
    second.start()
    assert [path.name for path in (second.folder / "spool").glob("p*")] == ["p00"]


# Reload


def test_upstream_112_sighup_reloads_and_a_bad_file_changes_nothing(daemon: Make) -> None:
    relay = daemon()
    relay.start()
    send(relay)
    configure(relay, limits={"max_event_size": 20}, http={"timeout": 2}, spool={"envelopes": {"path": "elsewhere"}})
    reload(relay)
    assert post(relay.port, STORE, event()).status == 413
    assert "in force only after a restart: spool.envelopes.path" in relay.log
    assert "changed: http.timeout, limits.max_event_size" in relay.log

    before, good = generation(relay), (relay.folder / "scrubjay.yaml").read_text()
    for bad in ("relay: {", "limits: {max_event_size: 5mb}", good.replace("mode: static", "mode: proxy")):
        (relay.folder / "scrubjay.yaml").write_text(bad)
        told = relay.log.count("configuration not used")
        relay.signal(signal.SIGHUP)
        wait_for(lambda: "was refused" in readiness(relay)[1]["configuration"]["detail"], "readiness says so")
        assert relay.log.count("configuration not used") == told + 1
        assert generation(relay) == before
        assert post(relay.port, STORE, event()).status == 413
        (relay.folder / "scrubjay.yaml").write_text(good)
        reload(relay)
        assert "refused" not in readiness(relay)[1]["configuration"]["detail"]
        before = generation(relay)
    assert readiness(relay)[0] == 200
    assert "the mode changes with a restart only" in relay.log
    account = relay.account()
    assert account.closed, account
    assert relay.stop() == 0


def test_upstream_21_106_108_the_memory_mark_in_a_file_is_obeyed_while_it_runs(daemon: Make) -> None:
    relay = daemon(options={"relay": {"config_reload_interval": 0}, "health": {"max_memory_bytes": "${file:mark}"}})
    mark = relay.folder / "mark"
    mark.write_text("4GiB")
    relay.start()
    mark.write_text("42")
    wait_for(lambda: readiness(relay)[0] == 503, "it is unready", timeout_s=10)
    assert not readiness(relay)[1]["memory"]["ok"]
    refused = post(relay.port, STORE, event())
    assert refused.status == 503
    assert 5 <= int(refused.headers["retry-after"]) <= 60
    assert get(relay.port, LIVE)[0] == 200
    (relay.folder / "mark").write_text("nonsense")
    wait_for(lambda: "was refused" in readiness(relay)[1]["configuration"]["detail"], "the file is refused")
    assert readiness(relay)[0] == 503
    mark.write_text("4GiB")
    wait_for(lambda: readiness(relay)[0] == 200, "it is ready again")
    before = generation(relay)
    send(relay)
    assert generation(relay) == before
    account = relay.account()
    assert account.closed, account
    assert account.dropped["error"] == 1


def test_upstream_27_28_project_files_are_picked_up_and_one_bad_file_stays_alone(daemon: Make) -> None:
    one, two = "1" * 32, "2" * 32

    def status(key: str) -> int:
        return post(relay.port, STORE, event(), auth(key)).status

    def folder(name: str, **files: str) -> Path:
        path = relay.folder / name
        path.mkdir()
        for stem, text in files.items():
            (path / f"{stem}.yaml").write_text(text)
        return path

    relay = daemon(options={"cache": {"file_interval": 0.05}, "relay": {"override_project_ids": True}}, projects={})
    projects = relay.folder / "projects"
    projects.rmdir()
    good = "publicKeys: [{publicKey: '%s'}]\n"
    first = folder("first", **{"1": good % one})
    second = folder("second", **{"1": good % one + "config: 5\n", "2": good % two})
    third = folder("third", **{"2": good % two + "disabled: true\n"})
    projects.symlink_to(first)
    relay.start()
    # A broken main file does not keep projects from changing.
    (relay.folder / "scrubjay.yaml").write_text("relay: {")
    assert (status(one), status(two)) == (200, 403)

    def swap(target: Path) -> None:
        draft = relay.folder / "draft"
        draft.symlink_to(target)
        draft.replace(projects)

    swap(second)
    wait_for(lambda: status(two) == 200, "the new project", timeout_s=5)
    assert status(one) == 200
    code, checks = readiness(relay)
    assert (code, checks["configuration"]["ok"]) == (200, True)
    assert "a file cannot be used" in checks["configuration"]["detail"]
    assert "project file not used" in relay.log
    swap(third)
    wait_for(lambda: status(two) == 403, "the project is switched off", timeout_s=5)
    assert status(one) == 403
    assert "a file cannot be used" not in readiness(relay)[1]["configuration"]["detail"]
    account = relay.account()
    assert account.closed, account


# What it says


def test_upstream_116_log_lines_are_json_and_tell_no_secrets(daemon: Make) -> None:
    secrets = ["ana@lab.example", "hunter2hunter2", "203.0.113.77", KEY, "s3cr3ts3cr3t", "4242424242424242"]
    relay = daemon(options={"logging": {"level": "trace"}})
    relay.start()
    headers = {"X-Forwarded-For": "203.0.113.77", "User-Agent": "hunter2hunter2"}
    planted = event(1, extra={"password": "hunter2hunter2", "mail": "ana@lab.example", "card": "4242424242424242"})
    assert post(relay.port, STORE, planted, headers).status == 200
    for body in (
        b"{broken ana@lab.example",
        event(2)[:-30],
        b'{"dsn":"http://%b:s3cr3ts3cr3t@h/9"}\n{}' % KEY.encode(),
    ):
        assert post(relay.port, STORE, body, headers).status in (200, 400)
    assert post(relay.port, STORE, planted, {**headers, **auth("nonsense")}).status in (400, 401, 403)
    assert post(relay.port, STORE, b'{}\n{"type":"event"}\n{broken ana@lab.example', headers).status == 200
    assert (
        post(relay.port, f"/api/1/store/?sentry_key={KEY}&sentry_secret=s3cr3ts3cr3t", b"ana@lab.example").status == 401
    )
    relay.signal(signal.SIGUSR2)
    wait_for(lambda: "account of error" in relay.log, "the dump")
    relay.signal(signal.SIGUSR1)
    wait_for(lambda: "sending is paused" in relay.log, "the pause")
    relay.signal(signal.SIGUSR1)
    wait_for(lambda: "sending goes on" in relay.log, "the end of the pause")
    assert relay.stop() == 0
    text = (relay.folder / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"timestamp", "level", "target", "message", "filename", "line_number"} <= set.intersection(*map(set, lines))
    assert [secret for secret in secrets if secret in text] == []
    for path in (relay.folder / "run").rglob("*.json*"):
        assert not [secret for secret in secrets if secret in path.read_text()]


def test_a_capture_prints_what_to_use_and_shows_what_came(daemon: Make) -> None:
    relay = daemon(mode="capture", upstream=None, spool=False, projects={})
    relay.start()
    dsn = next(line.split()[-1] for line in relay.log.splitlines() if line.startswith("DSN"))
    assert dsn.endswith(f"@localhost:{relay.port}/1")
    assert relay.log.splitlines().count(f"listening http://127.0.0.1:{relay.port}") == 1
    assert get(relay.port, "/")[1].lstrip().lower().startswith(b"<!doctype html>")
    key = dsn.split("//")[1].split("@")[0]
    assert post(relay.port, STORE, event(1, user={"email": "ana@lab.example"}), auth(key)).status == 200
    captured = json.loads(get(relay.port, "/api/capture/events")[1])
    assert captured["matched"] == 1
    assert b"ana@lab.example" not in json.dumps(captured).encode()
    account = relay.account()
    assert account.closed, account
    assert account.ended["captured"]["error"] == 1
    assert relay.stop() == 0


def test_a_default_plan_serves_keys_without_a_file(daemon: Make) -> None:
    """upstream-30"""
    with recording() as server:
        relay = daemon(upstream=server.url, projects={"default.yaml": DEFAULT_SCRUBBING})
        relay.start()
        assert post(relay.port, STORE, event(message="ana@lab.example")).status == 200
        account = relay.wait_until_empty()
        assert b"ana@lab.example" not in server.deliveries[0].body
        assert account.closed, account
