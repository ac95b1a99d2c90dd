"""`scrubjay mcp`: messages by lines, tools run by a sink, which may be away (`capture.md` 14)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from scrubjay.capture_client import CaptureClient
from scrubjay.cli import mcp
from scrubjay.cli.program import program
from scrubjay.cli.tail_source import envelope_of
from scrubjay.testing.housing import InThread, Lodging
from support.processes import free_port

CALL = {"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": {"name": "search", "arguments": {"query": ""}}}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@contextmanager
def sink(**settings: str) -> Iterator[CaptureClient]:
    home = InThread(Lodging(settings={f"capture.{name}": value for name, value in settings.items()}))
    try:
        yield CaptureClient(home.url, timeout_s=60)
    finally:
        home.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with sink(mcp="true") as client:
        client.post(
            "/stream", envelope_of(json.dumps([{}, [[{"type": "event"}, {"message": "to ana@lab.example"}]]])), {}
        )
        client.wait({"type": "error"}, timeout_s=60)
        yield client.port


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Somebody else, who answers this to everything."""

    class Somebody(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Somebody) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def talk(port: int, *messages: object) -> list[Any]:
    """What is answered, line by line."""
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    done = CliRunner().invoke(program, ["mcp", "--port", str(port)], input=b"\n".join(lines) + b"\n")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(answer: Any) -> str:
    assert answer["result"]["isError"] is True
    return str(answer["result"]["content"][0]["text"])


def test_a_conversation(port: int) -> None:
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}
    begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    first, listed, called = talk(port, hello, begun, b"", {**PING, "method": "tools/list"}, CALL)
    assert first["result"]["protocolVersion"] == "2025-06-18"
    assert len(listed["result"]["tools"]) == 7
    assert called["id"] == "c"
    assert "to [email]" in called["result"]["content"][0]["text"]


def test_a_request_that_stands_by_itself(port: int) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    (called,) = talk(port, {**CALL, "params": {**CALL["params"], "_meta": meta}})  # type: ignore[dict-item]
    assert called["result"]["resultType"] == "complete"


def test_what_is_wrong_ends_nothing(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "MAX_LINE_BYTES", 1_000)
    long = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b"x" * 5_000 + b'"}}'
    answers = talk(port, b"{", long, {**PING, "method": "nope"}, [PING, PING], [], [5], PING)
    assert [one["error"]["code"] for one in answers[:3]] == [-32700, -32600, -32601]
    assert [one["id"] for one in answers[3]] == [1, 1]
    assert answers[4]["error"]["code"] == -32600
    assert answers[5][0]["error"]["code"] == -32600
    assert answers[6]["result"] == {}


def test_a_batch_of_notifications_and_a_response_are_answered_by_nothing(port: int) -> None:
    assert talk(port, [{"jsonrpc": "2.0", "method": "x"}], {"jsonrpc": "2.0", "id": 1, "result": {}}) == []


def test_a_line_that_is_too_long_may_be_the_last(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "MAX_LINE_BYTES", 10)
    done = CliRunner().invoke(program, ["mcp", "--port", str(port)], input=b"x" * 25)
    assert json.loads(done.stdout)["error"]["code"] == -32600


def test_without_a_sink_the_tools_are_there_and_say_what_to_do() -> None:
    listed, called = talk(free_port(), {**PING, "method": "tools/list"}, CALL)
    assert len(listed["result"]["tools"]) == 7
    assert "nobody answers" in said(called)
    assert "SCRUBJAY__CAPTURE__MCP=true scrubjay capture" in said(called)


def test_a_sink_that_has_it_off_is_told_of() -> None:
    with sink() as client:
        (called,) = talk(client.port, CALL)
    assert "start it with `capture.mcp: true`" in said(called)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b'{"error":{"code":"token","message":"send the token"}}', "answers 401: send the token; set --token"),
        (403, b"no \x1b[2J", "answers 403: no"),
        (200, b"<html>", "no capture API"),
    ],
)
def test_other_answers_are_told_too(status: int, body: bytes, says: str) -> None:
    with answering(status, body) as port:
        (called,) = talk(port, CALL)
    assert says in said(called)
    assert "\x1b" not in said(called)


@pytest.mark.parametrize("body", [b"[]", b'{"error":{"code":1,"message":"gone"}}', b'{"result":5}'])
def test_what_is_no_result_is_an_error_of_ours(body: bytes) -> None:
    with answering(200, body) as port:
        (called,) = talk(port, CALL)
    assert (called["id"], called["error"]["code"]) == ("c", -32603)
