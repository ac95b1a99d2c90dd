"""The log of a relay that everybody talks to: each line is one JSON object, and nothing stands in it that should not (operations-116).

Planted are values in bodies, headers, paths and forms, addresses of clients, keys, and every secret that a configuration holds; the upstream quotes what it
is sent, and the log is at its loudest.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.carriers import carriers
from support.daemon import KEY, Daemon
from support.hostile_envelopes import hostile
from support.http_client import auth, post
from support.labels import Source
from support.leaky_requests import Requests, Sent
from support.planting import Planter
from support.processes import free_port, wait_for
from support.searching import Needles

SEED = 20261123
CLIENT = "203.0.113.77"
SECRETS = {
    "sentry.dsn": "sentrysecret0123",
    "webhooks.url": "webhooksecret0123",
    "webhooks.secret": "signingsecret0123",
    "admin.token": "admintoken0123456",
}
TARGET = "/api/1/envelope/"
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
FIELDS = {"timestamp", "level", "target", "message", "filename", "line_number"}


class Quoting(BaseHTTPRequestHandler):
    """A server that takes every other envelope, and says of the others who sent them with which key."""

    protocol_version = "HTTP/1.1"
    turns = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        Quoting.turns += 1
        status = (200, 400, 403, 500)[Quoting.turns % 4]
        said = f"{self.headers.get('X-Forwarded-For')} may not use {self.headers.get('X-Sentry-Auth')}, {KEY}"
        body = json.dumps({"detail": said}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def quoting() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def loud(folder: Path, upstream: str) -> Daemon:
    """Every part that has a secret is on, and speaks to somebody who is not there."""
    away = f"127.0.0.1:{free_port()}"
    options = {
        "logging": {"level": "trace", "format": "json"},
        "admin": {"token": SECRETS["admin.token"]},
        "sentry": {"enabled": True, "dsn": f"http://{KEY[::-1]}:{SECRETS['sentry.dsn']}@{away}/1"},
        "webhooks": {
            "url": f"http://user:{SECRETS['webhooks.url']}@{away}/hook",
            "secret": SECRETS["webhooks.secret"],
        },
        "tracing": {"endpoint": f"http://{away}", "sample_rate": 1},
        "metrics": {"statsd": "statsd.invalid:8125"},
        "scrub": {"audit": "counts"},
        "limits": {"shutdown_timeout": 1},
    }
    quotas = [{"id": "few", "scope": "project", "categories": ["error"], "limit": 20, "window": 3600}]
    project = {"publicKeys": [{"publicKey": KEY}], "projectId": 1, "config": {"quotas": quotas}}
    return Daemon(folder, upstream=upstream, options=options, projects={"1.yaml": project})


def ask(port: int, sent: Sent) -> None:
    """As `post`, by any method; whatever is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with suppress(OSError, http.client.HTTPException):
        headers = {**auth(), "X-Forwarded-For": CLIENT, **sent.headers}
        connection.request(sent.method, sent.target, sent.body, headers)
        connection.getresponse().read()
    connection.close()


def talk(relay: Daemon) -> Needles:
    """Everything that anybody may send; returns what was planted."""
    needles = Needles()
    requests = Requests(SEED)
    for sent in requests.all():
        ask(relay.port, sent)
    for needle, place in requests.owners:
        needles.add(needle, place)
    planter = Planter(Source(SEED))
    for _, body in carriers():
        ask(relay.port, Sent("planted", TARGET, planter.envelope(body)))
    for plant in planter.plants:
        for needle in plant.label.needles:
            needles.add(needle, str(plant))
    for name, body in hostile().items():
        ask(relay.port, Sent(name, TARGET, body))
    for key in ("f" * 32, KEY[:31], KEY.upper()):
        post(relay.port, TARGET, b"{}", {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7"})
    return needles


def test_operations_116_each_line_is_json_and_says_nothing_of_anybody(tmp_path: Path) -> None:
    with quoting() as upstream:
        relay = loud(tmp_path / "relay", upstream)
        try:
            relay.start()
            needles = talk(relay)
            relay.signal(signal.SIGUSR2)
            relay.signal(signal.SIGHUP)
            wait_for(lambda: '"generation": 2' in relay.log, "the second generation")
            text = relay.log.rpartition("\n")[0]  # it may be in the middle of the last line
            assert relay.stop() in (0, 3)
        finally:
            relay.close()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) > 50
    for line in lines:
        check_form(line)
    assert {line["level"] for line in lines} >= {"DEBUG", "INFO", "WARN"}
    assert any("the upstream refused an envelope" in line["message"] for line in lines)
    found = {hit.owner: hit.context for line in text.splitlines() for hit in needles.hits(line.encode())}
    assert not found
    assert not [line for line in lines for secret in SECRETS.values() if secret in json.dumps(line)]
    assert not re.search(rf"{KEY}|{KEY[::-1]}", text, re.IGNORECASE)
    assert not {
        line: found for line in text.splitlines() if (found := ADDRESS.findall(line)) and set(found) != {"127.0.0.1"}
    }


def check_form(line: dict[str, Any]) -> None:
    """What 9.8 says of each line."""
    assert line.keys() >= FIELDS, line
    assert line["level"] in {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert isinstance(line["line_number"], int)
    assert len(line.get("project_key", "")) <= 8
