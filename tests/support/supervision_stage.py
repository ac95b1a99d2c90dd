"""A supervisor over workers that are none, with a check that answers when the test says so."""

from __future__ import annotations

import signal
import socket

from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervisor import Supervisor
from support.fake_workers import FakeProcess, Launches

ORDERS = Orders(
    "static", "127.0.0.1", 3000, 2, "/run", shutdown_timeout_s=10, digests={"relay.port": "a", "http.proxy": "a"}
)


class FakeCheck:
    """`answer` None: still at it."""

    def __init__(self) -> None:
        self.answer: Orders | str | None = None
        self.ended = False

    def result(self) -> Orders | str | None:
        return self.answer

    def end(self) -> None:
        self.ended = True


class Stage:
    """A supervisor of two slots, its clock at `now`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.launches = Launches()
        self.checks: list[FakeCheck] = []
        self.sharings: list[Sharing] = []
        self.listeners = [socket.socket() for _ in range(ORDERS.workers)]
        self.one = Supervisor(
            ORDERS, self.listeners, self.launches, self._check, self.sharings.append, mono=lambda: self.now
        )

    def _check(self) -> FakeCheck:
        self.checks.append(FakeCheck())
        return self.checks[-1]

    def step(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.one.step()
        for key, _ in self.one._selector.select(0):
            key.data()

    def worker(self, slot: int) -> FakeProcess:
        """The last one of a slot."""
        return [process for process in self.launches.started if process.slot.number == slot][-1]

    def start(self) -> None:
        self.step()
        for slot in (0, 1):
            self.worker(slot).say(slot)
        self.step()

    def reload(self, answer: Orders | str) -> None:
        self.one._on_signals(bytes([signal.SIGHUP]))
        self.checks[-1].answer = answer
        self.step()

    def close(self) -> None:
        self.launches.close()
        for listener in self.listeners:
            listener.close()
        self.one._selector.close()

    @property
    def started(self) -> list[int]:
        """The slots that got a process, in order."""
        return [process.slot.number for process in self.launches.started]
