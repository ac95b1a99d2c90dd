"""What `scrubjay doctor` finds of the addresses that the relay listens on: whose they are, or whether they could be had."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.cli.own_listener import ask, local_address
from scrubjay.cli.port_taken import holder
from scrubjay.runtime.bound_socket import bound_socket
from scrubjay.runtime.process import is_gone
from scrubjay.runtime.state import Merged
from scrubjay.settings.load import Loaded
from scrubjay.settings.relay import Relay
from scrubjay.settings.schema import Settings

_PATIENCE_S: Final = 3.0


def listener(loaded: Loaded, merged: Merged) -> Iterator[Finding]:
    """Whose the port is: nobody's, ours, or somebody else's."""
    relay = loaded.settings.relay
    if relay.port == 0:
        yield skipped("listener", "any free port is taken at the start")
        return
    address = local_address(loaded.settings, public=True)
    try:
        _, document = health(loaded.settings, "live")
    except (ConnectionRefusedError, FileNotFoundError):
        yield from _nobodys(address, relay, merged)
    except TimeoutError:
        yield failed(
            "listener",
            f"{holder(relay.port)} has {address} and does not answer within {_PATIENCE_S:g} s",
            "if it is the relay: it hangs, restart it and report the log; else give the relay another `relay.port`",
        )
    except OSError:
        yield _somebody_elses(address, relay)
    else:
        yield _a_relays(address, relay, merged) if "is_healthy" in document else _somebody_elses(address, relay)


def health(settings: Settings, question: Literal["live", "ready"]) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the relay's own answer; `{}` for what is no JSON object. Raises `OSError` if there is none."""
    status, body = ask(settings, "GET", f"/api/relay/healthcheck/{question}/", timeout_s=_PATIENCE_S)
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return status, document if isinstance(document, dict) else {}


def _nobodys(address: str, relay: Relay, merged: Merged) -> Iterator[Finding]:
    if merged.alive:
        yield warning(
            "listener",
            f"nobody listens at {address}, though this configuration's relay runs (process {_pids(merged)})",
            "if it was started with another port (a flag, a variable), set the same here, such as RELAY_PORT; else see its log",
        )
        return
    yield _could_be_ours("listener", relay.host, relay.port)
    if relay.internal_host is not None and relay.internal_port:
        yield _could_be_ours("internal listener", relay.internal_host, relay.internal_port)
    if relay.unix_socket is not None:
        yield _could_be_made(Path(relay.unix_socket))


def _a_relays(address: str, relay: Relay, merged: Merged) -> Finding:
    if merged.alive:
        return ok("listener", f"{address} is this relay's (process {_pids(merged)})")
    silent = [worker for worker in merged.workers if not worker.stopped and not worker.is_adopted]
    if silent and not all(is_gone(worker.pid) for worker in silent):
        return warning(
            "listener",
            f"a relay answers at {address}: this configuration's, if it is process {silent[0].pid}, whose state is old",
            "see the findings of the relay",
        )
    return failed(
        "listener",
        f"a relay answers at {address}, but it is {holder(relay.port)}, not this configuration's",
        f"name its configuration with -c; or stop it. Looked for in {relay.state_dir}",
    )


def _somebody_elses(address: str, relay: Relay) -> Finding:
    return failed(
        "listener",
        f"{address} is taken by {holder(relay.port)}, which is no relay",
        "stop it, or set another `relay.port`",
    )


def _pids(merged: Merged) -> str:
    return ", ".join(str(worker.pid) for worker in merged.alive)


def _could_be_made(path: Path) -> Finding:
    """A Unix socket: what is left of an old one is removed, but not what somebody else put there."""
    if path.exists() and not path.is_socket():
        return failed("unix socket", f"{path} is there and is no socket", "remove it, or change `relay.unix_socket`")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return failed("unix socket", f"{path.parent} cannot be written to", "make the folder, for the relay's user")
    return ok("unix socket", f"{path} can be made")


def _could_be_ours(check: str, host: str, port: int) -> Finding:
    """Nobody listens: whether we could."""
    try:
        bound_socket(host, port).close()
    except OSError as error:
        remedies = {
            errno.EACCES: "take a port above 1023, or allow it: setcap, or the container's `NET_BIND_SERVICE`",
            errno.EADDRNOTAVAIL: "set `relay.host` to an address of this machine; 0.0.0.0 is all of them",
            errno.EADDRINUSE: f"it is {holder(port)}: stop it, or set another `relay.port`",
        }
        text = f"cannot listen on {host}:{port}: {error.strerror}"
        return failed(check, text, remedies.get(error.errno or 0, "set another `relay.host` or `relay.port`"))
    return ok(check, f"{host}:{port} is free")
