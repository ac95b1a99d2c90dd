"""Who has the port that a capture wants (`capture.md` 2): asked, not guessed, and said in one message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from scrubjay.capture_client import CaptureClient, NoAnswer
from scrubjay.cli.terminal import safe
from scrubjay.hosts import url_host

EXIT_RUNNING: Final = 7
"""A sink is running there already."""
_LISTENING: Final = "0A"


def neighbour(host: str, port: int) -> tuple[str, int]:
    """What to say of a port that is taken, and the exit code."""
    client = CaptureClient(f"http://{url_host(host)}:{port}")
    other = "or take another port with --port"
    try:
        health = client.health()
    except NoAnswer as error:
        return f"port {port} is taken by {holder(port)}, which is no capture ({error}); stop it, {other}", 1
    if health.is_scrubjay:
        return (
            f"scrubjay {safe(health.version, 40)} is running at {client.url}: open it, use `scrubjay tail`, {other}",
            7,
        )
    if "spotlight" in health.powered_by.lower() or "scrubjay" in health.powered_by.lower():
        return f"{safe(health.powered_by, 40)} is running at {client.url}: use `scrubjay tail` to look on, {other}", 7
    return f"port {port} is taken by {holder(port)}, a server of another kind; stop it, {other}", 1


def holder(port: int) -> str:
    """Program and process id, where the system tells."""
    inodes = _listeners(port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            for link in (folder / "fd").iterdir():
                if os.readlink(link) in inodes:  # noqa: PTH115  a link to what is no path
                    return f"`{safe((folder / 'comm').read_text().strip(), 40)}` (process {folder.name})"
        except OSError:  # somebody else's, or gone
            continue
    return f"a program of somebody else (`ss -ltnp 'sport = :{port}'` as root tells which)"


def _listeners(port: int) -> frozenset[str]:
    """Listening sockets of the port, as links of descriptors are called."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:  # a system without such tables
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{columns[9]}]")
    return frozenset(found)
