"""`scrubjay explain`: each stage's decision, nothing done (`decisions.md` 9.5)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from scrubjay.cli.program import program
from scrubjay.core.explanation import Explanation

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PROJECT = f"""
publicKeys: [{{publicKey: {KEY}}}]
config:
  filterSettings: {{releases: {{releases: ["0.*"]}}}}
  quotas:
    - {{id: none, categories: [session], limit: 0, reasonCode: no_sessions}}
"""
EVENT = {"event_id": "5d2c7a5e1b8f4c0e9a3d6f7081920abc", "release": "1.0", "user": {"email": "ana@lab.example"}}

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    projects = tmp_path / "projects"
    projects.mkdir()
    (projects / "42.yaml").write_text(PROJECT)
    (tmp_path / "scrubjay.yaml").write_text(
        "relay: {mode: static, upstream: 'http://127.0.0.1:9', host: 127.0.0.1, port: 1}"
    )

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(program, ["-c", str(tmp_path), "explain", *arguments], input=stdin)

    return run


def body(*items: dict[str, Any], kind: str = "event", **headers: object) -> bytes:
    lines: list[object] = [headers]
    for item in items:
        lines += [{"type": kind}, item]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def test_it_says_what_happens_and_shows_no_payload(run: Run) -> None:
    result = run("-", "--key", KEY, stdin=body(EVENT, event_id=EVENT["event_id"]))
    assert result.exit_code == 0, result.output
    assert "@email" in result.output
    assert "answer: 200" in result.output
    assert "leaves: event (1 error)" in result.output
    assert "ana@lab" not in result.output


def test_a_drop_is_named_with_its_rule(run: Run) -> None:
    result = run("-", "--key", KEY, stdin=body(EVENT | {"release": "0.9"}, event_id=EVENT["event_id"]))
    assert "filtered: release-version" in result.output
    assert "leaves: nothing" in result.output


def test_a_refusal_names_the_limit(run: Run) -> None:
    result = run("-", "--key", KEY, stdin=body({"sid": "1"}, kind="session"))
    assert "rate_limited: no_sessions" in result.output
    assert "answer: 429, Retry-After: 60, X-Sentry-Rate-Limits: 60:session:organization:no_sessions" in result.output


def test_the_envelope_can_say_whose_it_is(run: Run) -> None:
    dsn = f"https://{KEY}@o1.ingest.example/42"
    assert "answer: 200" in run("-", stdin=body(EVENT, event_id=EVENT["event_id"], dsn=dsn)).output


def test_without_any_key_it_asks_for_one(run: Run) -> None:
    result = run("-", stdin=body(EVENT, event_id=EVENT["event_id"]))
    assert result.exit_code == 1
    assert "--key" in result.output


def test_an_unknown_key_is_refused(run: Run) -> None:
    result = run("-", "--key", "f" * 32, stdin=body(EVENT, event_id=EVENT["event_id"]))
    assert "answer: 403 project_id" in result.output


def test_a_file_that_is_compressed_and_holds_an_event_alone(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "event.json.gz"
    file.write_bytes(gzip.compress(json.dumps(EVENT).encode()))
    result = run(str(file), "--key", KEY, "--at", "2026-03-01 00:00:00")
    assert "leaves: event (1 error)" in result.output


def test_an_event_alone_needs_a_key(run: Run) -> None:
    assert run("-", stdin=json.dumps(EVENT).encode()).exit_code == 1


def test_for_programs(run: Run) -> None:
    result = run("-", "--key", KEY, "--json", stdin=body({"sid": "1"}, kind="session"))
    told = json.loads(result.output)
    assert told["answer"] == {
        "status": 429,
        "reason": "",
        "retry_after": 60,
        "rate_limits": "60:session:organization:no_sessions",
    }
    assert [(step["stage"], step["reason"]) for step in told["steps"] if step["outcome"]] == [("gate", "no_sessions")]
    assert told["leaves"] == {"items": [], "quantities": {}, "bytes": 0}


def test_a_mode_that_forwards_unknown_keys(tmp_path: Path) -> None:
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: proxy, upstream: 'http://127.0.0.1:9'}")
    result = CliRunner().invoke(
        program, ["-c", str(tmp_path), "explain", "-", "--key", KEY], input=body(EVENT, event_id=EVENT["event_id"])
    )
    assert "plan pass" in result.output
    assert "answer: 200" in result.output


class Relay(BaseHTTPRequestHandler):
    """A relay that explains as it is told to."""

    asked: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    answer: ClassVar[tuple[int, bytes]] = (200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, dict(self.headers), body))
        status, content = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Relay.asked.clear()
    Relay.answer = 200, json.dumps(Explanation(status=200, revision="live").document()).encode()
    with HTTPServer(("127.0.0.1", 0), Relay) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(run: Run, port: int, tmp_path: Path) -> Callable[[], Result]:
    """Asks the relay that runs for what it would do with an event."""
    (tmp_path / "scrubjay.yaml").write_text(
        f"relay: {{mode: static, upstream: 'http://127.0.0.1:9', host: 127.0.0.1, port: {port}}}\nadmin: {{token: t0ken}}"
    )
    return lambda: run("-", "--key", KEY, "--live", "--user-agent", "curl/8", stdin=json.dumps(EVENT).encode())


def test_the_relay_that_runs_can_be_asked(ask: Callable[[], Result]) -> None:
    result = ask()
    assert "plan live" in result.output
    ((path, headers, envelope),) = Relay.asked
    assert path == f"/api/scrubjay/explain?key={KEY}&project=42"
    assert (headers["Authorization"], headers["User-Agent"]) == ("Bearer t0ken", "curl/8")
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert envelope.startswith(b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"')


def test_a_relay_that_will_not_tell(ask: Callable[[], Result]) -> None:
    Relay.answer = 401, b'{"error":{"code":"token"}}'
    result = ask()
    assert result.exit_code == 1
    assert "answers 401" in result.output


def test_no_relay_there(run: Run) -> None:
    result = run("-", "--key", KEY, "--live", stdin=json.dumps(EVENT).encode())
    assert result.exit_code == 1
    assert "no relay answers" in result.output
