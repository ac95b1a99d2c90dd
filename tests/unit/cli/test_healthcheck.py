"""`scrubjay healthcheck`: one request, asked of a server that answers what the test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import Result

Call = Callable[..., Result]


class Server(HTTPServer):
    status = 200
    paths: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.paths = []
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, name="health")
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 0), (503, 1), (404, 1)])
@pytest.mark.parametrize("mode", ["live", "ready"])
def test_operations_18_the_status_decides(call: Call, server: Server, status: int, code: int, mode: str) -> None:
    server.status = status
    result = call("healthcheck", "--mode", mode, "--addr", f"127.0.0.1:{server.server_port}", "--timeout", "10")
    assert result.exit_code == code
    assert server.paths == [f"/api/relay/healthcheck/{mode}/"]
    assert (f"status {status}" in result.stderr) == bool(code)


def test_the_configuration_says_where(call: Call, server: Server, tmp_path: Path) -> None:
    (tmp_path / "scrubjay.yaml").write_text(
        f"relay: {{host: 0.0.0.0, port: {server.server_port}, upstream: 'https://h'}}"
    )
    assert call("healthcheck", "-c", str(tmp_path)).exit_code == 0
    assert server.paths == ["/api/relay/healthcheck/live/"]


def test_operations_18_nobody_listens(call: Call) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    result = call("healthcheck", "--addr", address, "--timeout", "1")
    assert result.exit_code == 1
    assert f"no answer from {address}" in result.stderr


def test_operations_18_somebody_listens_and_says_nothing(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        result = call("healthcheck", "--addr", f"127.0.0.1:{mute.getsockname()[1]}", "--timeout", "0.05")
    assert result.exit_code == 1
