"""How processes are started: workers on their slots, and the one that writes new orders.

Owns command lines and what is inherited. Everything is started by exec: a worker opens its spool, its connections and its locks itself, and
inherits two descriptors, its socket and its end of the channel (`upstream-and-operations.md` 7.8).
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Final

from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervision.slot import Slot

_PROGRAM: Final = (sys.executable, "-P", "-m", "scrubjay", "worker")
_STATE_DIR: Final = "SCRUBJAY__RELAY__STATE_DIR"
_LONGEST_CHECK_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Workers:
    """Starts workers. `flags` are those that the operator gave; `port` is the one that was bound; `ledger` the quota ledger's socket."""

    flags: Sequence[str]
    orders: Orders
    port: int
    ledger: Path

    def command(self, slot: Slot, channel: int) -> list[str]:
        # Of an option that is given twice the last one counts: what is pinned holds whatever the flags and the sources say.
        pinned = ["--host", self.orders.host, "--port", str(self.port), "--workers", str(self.orders.workers)]
        seat = ["--slot", str(slot.partition), "--socket", str(slot.listener.fileno()), "--channel", str(channel)]
        seat += ["--ledger", str(self.ledger)]
        for name, held in slot.beside.items():
            seat += [f"--{name}-socket", str(held.fileno())]
        if slot.follows_a_death:
            seat.append("--again")
        return [*_PROGRAM, *self.flags, *pinned, *seat]

    def __call__(self, slot: Slot, channel: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  our own program
            self.command(slot, channel.fileno()),
            stdin=subprocess.DEVNULL,
            pass_fds=(slot.listener.fileno(), channel.fileno(), *(held.fileno() for held in slot.beside.values())),
            env={**environ, _STATE_DIR: self.orders.state_dir},
        )


class Check:
    """Reads the configuration in a process of its own: it is judged before anybody is told of it, and its code stays out of here."""

    def __init__(self, flags: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [*_PROGRAM, *flags, "--orders"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._give_up_mono = time.monotonic() + _LONGEST_CHECK_S

    def result(self) -> Orders | str | None:
        """New orders, or why there are none; None while it is not known."""
        if self._process.poll() is None:
            if time.monotonic() < self._give_up_mono:
                return None
            self._process.send_signal(signal.SIGKILL)
        written, told = self._process.communicate()
        if self._process.returncode != 0:
            lines = told.decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else f"checking it ended with {self._process.returncode}"
        return Orders.load(written)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
