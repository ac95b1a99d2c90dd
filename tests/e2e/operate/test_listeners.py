"""What answers where: the internal listener has what is for operators and nothing else, and a Unix socket takes what comes from this machine."""

from __future__ import annotations

import http.client
import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scrubjay.cli.own_listener import UnixConnection
from support.daemon import KEY, Daemon
from support.http_client import auth
from support.processes import free_port, get, wait_for
from support.recorder import Recorder, recording

Daemons = Callable[..., Daemon]
INSIDE = (
    "/api/relay/healthcheck/live/",
    "/api/relay/healthcheck/ready/",
    "/api/relay/autoscaling/",
    "/healthz",
    "/livez",
    "/readyz",
    "/startupz",
    "/metrics",
    "/api/scrubjay/limits",
    "/api/scrubjay/decisions",
)
ENVELOPE = b'{}\n{"type":"event"}\n{"message":"x"}'


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as server:
        yield server


def with_all(daemons: Daemons, upstream: Recorder, folder: Path, **relay: Any) -> tuple[Daemon, Path]:
    path = folder / "relay.sock"
    options = {"relay": {"internal_port": free_port(), "unix_socket": str(path), **relay}}
    daemon = daemons(mode="proxy", upstream=upstream.url, options=options)
    daemon.start()
    return daemon, path


def posted(connection: http.client.HTTPConnection, headers: dict[str, str] | None = None) -> int:
    with closing(connection):
        connection.request("POST", "/api/1/envelope/", ENVELOPE, {**auth(KEY), **(headers or {})})
        return connection.getresponse().status


@pytest.mark.parametrize("workers", [1, 2])
def test_operations_20_each_listener_has_its_own(
    daemons: Daemons, upstream: Recorder, tmp_path: Path, workers: int
) -> None:
    daemon, path = with_all(daemons, upstream, tmp_path, workers=workers)
    for target in INSIDE:
        assert get(daemon.admin_port, target)[0] == 200, target
        assert get(daemon.port, target)[0] == 404, target
    for port, status in ((daemon.port, 200), (daemon.admin_port, 404)):
        assert posted(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) == status
    assert get(daemon.port, "/api/0/relays/live/")[0] == 200, "relays that send to us ask it"
    assert daemon.run("healthcheck", "--mode", "ready").returncode == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    chain = {"X-Forwarded-For": "203.0.113.7"}
    for number in range(8):
        assert posted(UnixConnection(str(path), 10), {**chain, "User-Agent": f"unix-{workers}-{number}"}) == 200

    def came() -> list[str]:
        """For whom, of what was sent here: of others something may be on its way still."""
        sent = [each.headers for each in upstream.deliveries]
        return [each["x-forwarded-for"] for each in sent if each.get("user-agent", "").startswith(f"unix-{workers}-")]

    wait_for(lambda: len(came()) >= 8, "what came through the socket is sent on")
    assert came() == ["203.0.113.7"] * 8
    assert daemon.stop() == 0
    assert not path.exists()


def test_a_socket_that_is_left_behind_is_taken_away_and_what_is_in_use_is_not(
    daemons: Daemons, upstream: Recorder, tmp_path: Path
) -> None:
    daemon, path = with_all(daemons, upstream, tmp_path, trusted_proxies=["10.0.0.0/8"])
    daemon.kill()
    assert path.exists(), "a killed relay removes nothing"
    daemon.start()
    assert posted(UnixConnection(str(path), 10)) == 200
    other = daemons(mode="proxy", upstream=upstream.url, options={"relay": {"unix_socket": str(path)}})
    other.launch()
    assert other.wait() == 1
    assert f"relay.unix_socket: cannot listen on {path}: Address already in use" in (other.folder / "log").read_text()
    assert posted(UnixConnection(str(path), 10)) == 200, "the other one took nothing away"


def test_administration_needs_a_token_where_others_reach_it(
    daemons: Daemons, upstream: Recorder, tmp_path: Path
) -> None:
    options = {"relay": {"internal_host": "0.0.0.0", "internal_port": free_port()}, "admin": {"token": "sesame"}}
    daemon = daemons(mode="proxy", upstream=upstream.url, options=options)
    daemon.start()
    assert get(daemon.admin_port, "/metrics")[0] == 200
    assert get(daemon.admin_port, "/api/scrubjay/limits")[0] == 401
    with closing(http.client.HTTPConnection("127.0.0.1", daemon.admin_port, timeout=10)) as connection:
        connection.request("GET", "/api/scrubjay/limits", headers={"Authorization": "Bearer sesame"})
        assert connection.getresponse().status == 200


def test_nobody_is_remote_on_the_unix_socket(daemons: Daemons, upstream: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    options = {"relay": {"host": "0.0.0.0", "unix_socket": str(path)}, "admin": {"token": "sesame"}}
    daemon = daemons(mode="proxy", upstream=upstream.url, options=options)
    daemon.start()
    assert get(daemon.port, "/api/scrubjay/limits")[0] == 401
    with closing(UnixConnection(str(path), 10)) as connection:
        connection.request("GET", "/api/scrubjay/limits", headers={"Host": "whatever"})
        assert connection.getresponse().status == 200
    assert daemon.run("healthcheck", "--addr", f"unix:{path}").returncode == 0


SDK = """
import json, os, socket, sys
import sentry_sdk, urllib3
from sentry_sdk.transport import HttpTransport

class Connection(urllib3.connection.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["RELAY_SOCKET"])

class Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = Connection

class UnixTransport(HttpTransport):
    def _make_pool(self):
        manager = urllib3.PoolManager(**self._get_pool_options())
        manager.pool_classes_by_scheme = {"http": Pool}
        return manager

client = sentry_sdk.Client(sys.argv[1], transport=UnixTransport, default_integrations=False)
client.capture_event({"message": "from an sdk, through a socket"})
client.close(timeout=10)
"""


def test_an_sdk_comes_through_the_unix_socket(daemons: Daemons, upstream: Recorder, tmp_path: Path) -> None:
    daemon, path = with_all(daemons, upstream, tmp_path)
    command = [sys.executable, "-c", SDK, f"http://{KEY}@relay/1"]
    subprocess.run(command, env={"RELAY_SOCKET": str(path)}, check=True, timeout=60)
    wait_for(lambda: any(b"through a socket" in each.body for each in upstream.deliveries), "the event arrives")
    assert json.loads(get(daemon.admin_port, "/readyz")[1])["is_healthy"] is True
