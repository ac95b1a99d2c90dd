"""Short ways to a worker as a process: what it is sent, half and whole, how it is reloaded, what it says of itself."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from support.daemon import READY, Daemon
from support.http_client import auth, post
from support.processes import free_port, get, wait_for

LIVE = "/api/relay/healthcheck/live/"
STORE = "/api/1/envelope/"
Make = Callable[..., Daemon]


@contextmanager
def daemons(folder: Path) -> Iterator[Make]:
    """Makes daemons, not started, whose upstream is away unless another is named; whatever still runs at the end is killed."""
    made: list[Daemon] = []

    def make(**options: Any) -> Daemon:
        options.setdefault("upstream", f"http://127.0.0.1:{free_port()}/")
        made.append(Daemon(folder / f"relay{len(made)}", **options))
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
