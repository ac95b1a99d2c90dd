"""What an operator does to a running relay, from outside: reload, stop, ask what was lost and why."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import yaml

from support.daemon import DEFAULT_SCRUBBING, Daemon
from support.http_client import Answer, post
from support.processes import get, wait_for
from support.recorder import recording

TARGET = "/api/1/envelope/"


def envelope(message: str, **fields: Any) -> bytes:
    event_id = uuid.uuid4().hex
    payload = json.dumps({"event_id": event_id, "message": message, "level": "error", **fields}).encode()
    return b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)


def send(relay: Daemon, message: str, **fields: Any) -> Answer:
    return post(relay.port, TARGET, envelope(message, **fields))


def plan(**config: Any) -> dict[str, Any]:
    return {"config": {**DEFAULT_SCRUBBING["config"], **config}}


def generation(relay: Daemon) -> float:
    return relay.metrics()[("scrubjay_config_generation", frozenset())]


def reload_with(relay: Daemon, content: str) -> None:
    (relay.folder / "projects" / "default.yaml").write_text(content)
    os.kill(relay.pid, signal.SIGHUP)


def test_reload_takes_a_good_plan_and_refuses_a_bad_one(daemons: Callable[..., Daemon]) -> None:
    """SIGHUP never replaces a good plan by a bad one: what scrubbed before goes on scrubbing."""
    with recording() as upstream:
        relay = daemons(upstream=upstream.url)
        relay.start()
        filtered = plan(filterSettings={"errorMessages": {"isEnabled": True, "patterns": ["*ignore me*"]}})
        assert send(relay, "please ignore me").status == 200
        wait_for(lambda: upstream.deliveries, "the first event forwarded")

        reload_with(relay, yaml.safe_dump(filtered))

        def is_filtered() -> bool:
            before = relay.account().dropped["error"]
            send(relay, "please ignore me")
            return relay.account().dropped["error"] > before

        wait_for(is_filtered, "the new plan is in force")
        count = len(upstream.deliveries)
        reload_with(relay, "config: {filterSettings: [this is no mapping")
        wait_for(
            lambda: "default.yaml" in relay.log.splitlines()[-1] or "not used" in relay.log, "the refusal is logged"
        )
        assert is_filtered()
        assert send(relay, "mail ana@lab.example").status == 200
        account = relay.wait_until_empty()
        assert account.closed
        arrived = b"".join(delivery.body for delivery in upstream.deliveries[count:])
        assert b"mail [email]" in arrived
        assert b"ignore me" not in arrived
        assert relay.stop() == 0


def test_losses_are_explained(daemons: Callable[..., Daemon]) -> None:
    """A quota, a filter and a sampling rule, each seen in the answer, in `drops`, in `status` and in a client report."""
    project = plan(
        filterSettings={"releases": {"releases": ["old@*"]}},
        quotas=[
            {
                "id": "few",
                "categories": ["error"],
                "scope": "key",
                "limit": 3,
                "window": 3600,
                "reasonCode": "few_errors",
            }
        ],
    )
    with recording() as upstream:
        options = {"outcomes": {"aggregator": {"bucket_interval": 1, "initial_delay": 0}}}
        relay = daemons(upstream=upstream.url, options=options, projects={"default.yaml": project})
        relay.start()
        assert send(relay, "old", release="old@1").status == 200
        answers = [send(relay, f"new {number}") for number in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert "error" in answers[3].headers["x-sentry-rate-limits"]
        assert int(answers[3].headers["retry-after"]) > 0

        wait_for(lambda: reported(upstream.deliveries), "a client report", timeout_s=30)
        account = relay.wait_until_empty()
        assert account.closed
        assert account.dropped["error"] == 3
        wait_for(lambda: relay.status()["account"]["error"]["dropped"] == 3, "status says it")
        drops = relay.run("drops", "--json")
        assert drops.returncode == 0
        assert "few_errors" in drops.stdout
        assert "release-version" in drops.stdout
        assert "new 4" not in drops.stdout, "no payload in drop records"
        assert relay.stop() == 0


def reported(deliveries: list[Any]) -> dict[str, int]:
    """What client reports said was dropped: reason → quantity."""
    reasons: dict[str, int] = {}
    for delivery in list(deliveries):
        for item in delivery.envelope()[1]:
            if item.headers["type"] == "client_report":
                for group in ("discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"):
                    for entry in json.loads(item.payload).get(group, []):
                        reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + entry["quantity"]
    return reasons


def test_sigterm_drains_a_slow_upstream(daemons: Callable[..., Daemon]) -> None:
    """What is under way is finished, what cannot be sent in time waits on disk and goes out after the next start."""
    release = Event()
    seen: list[bytes] = []

    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            release.wait(300)
            seen.append(b"")
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        options = {"limits": {"shutdown_timeout": 1, "max_concurrent_requests": 2}, "http": {"timeout": 30}}
        relay = daemons(upstream=f"http://127.0.0.1:{server.server_port}/", options=options)
        relay.start()
        assert [send(relay, f"event {number}").status for number in range(20)] == [200] * 20
        started = time.monotonic()
        assert relay.stop() == 0, relay.log
        assert time.monotonic() - started < 25, "it waits for less than the upstream's time"
        assert not seen
        release.set()
        relay.start()
        account = relay.wait_until_empty()
        assert account.closed
        assert account.forwarded["error"] == 20
        assert account.dropped == {}
        assert relay.stop() == 0
    finally:
        release.set()
        server.shutdown()
        server.server_close()


def test_a_chain_of_two_relays(daemons: Callable[..., Daemon]) -> None:
    """A scrubbing relay beside the application, a passing one as gateway: both accounts close on the same numbers."""
    with recording() as upstream:
        gateway = daemons(mode="proxy", upstream=upstream.url)
        gateway.start()
        sidecar = daemons(upstream=gateway.url + "/")
        sidecar.start()
        for number in range(30):
            assert (
                send(sidecar, f"order {number} of ana@lab.example", user={"ip_address": "198.51.100.7"}).status == 200
            )
        first, second = sidecar.wait_until_empty(), wait_for(lambda: at_end(gateway, 30), "all at the end")
        assert first.closed
        assert second.closed
        assert first.forwarded["error"] == second.received["error"] == second.forwarded["error"] == 30
        bodies = b"".join(delivery.body for delivery in upstream.deliveries)
        assert bodies.count(b"of [email]") == 30
        assert b"ana@lab.example" not in bodies
        assert b"198.51.100.7" not in bodies
        assert sidecar.stop() == gateway.stop() == 0


def at_end(relay: Daemon, count: int) -> Any:
    account = relay.account()
    return account if account.forwarded["error"] == count and not account.held else None


def test_check_says_what_is_in_force(daemons: Callable[..., Daemon]) -> None:
    relay = daemons(upstream="http://127.0.0.1:9/")
    good = relay.run("check")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "static" in good.stdout
    (relay.folder / "projects" / "7.yaml").write_text("publicKeys: [{publicKey: short}]")
    bad = relay.run("check")
    assert bad.returncode == 1
    assert "7.yaml" in bad.stdout + bad.stderr


def test_health_and_metrics_of_a_relay_whose_upstream_is_away(daemons: Callable[..., Daemon]) -> None:
    """An outage makes nobody unready: what arrives is kept."""
    relay = daemons(upstream="http://127.0.0.1:9/")
    relay.start()
    assert send(relay, "kept").status == 200
    wait_for(
        lambda: relay.metrics().get(("scrubjay_upstream_up", frozenset({("upstream", "default")}))) == 0, "outage seen"
    )
    assert get(relay.port, "/api/relay/healthcheck/ready/")[0] == 200
    assert get(relay.port, "/api/relay/healthcheck/live/")[0] == 200
    assert relay.account().held["error"] == 1
    assert relay.account().closed
    wait_for(lambda: relay.status()["upstream_up"] is False, "status says it")
    relay.kill()
    relay.start()
    assert relay.account().held["error"] == 1
    assert relay.stop() == 0
