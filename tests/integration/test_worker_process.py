"""The worker as a process: signals, restarts, what it says of itself. After each scenario the account must close."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import DEFAULT_SCRUBBING, KEY
from support.http_client import auth, post
from support.processes import answers, free_port, get, wait_for
from support.recorder import recording
from support.worker_process import (
    LIVE,
    STORE,
    Make,
    configure,
    daemons,
    event,
    half_sent,
    read_all,
    readiness,
    send,
)

BY_DEFAULT_S = 9
"""What is in force has to show in an end that is sooner than by default, on a busy machine too."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Make]:
    with daemons(tmp_path) as make:
        yield make


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
    assert time.monotonic() - began < BY_DEFAULT_S
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
    assert time.monotonic() - began < BY_DEFAULT_S
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
    assert relay.wait(timeout_s=30) == status
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
    assert relay.wait(timeout_s=30) == 143
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
