"""Workers that are none: a slot's process and its end of the channel, in the hands of the test."""

from __future__ import annotations

import signal
import socket

from scrubjay.runtime.supervision.slot import Slot


class FakeProcess:
    """`obeys`: ends by itself when it is told to."""

    pids = iter(range(1000, 10_000))

    def __init__(self, slot: Slot, channel: socket.socket) -> None:
        self.pid = next(self.pids)
        self.slot = slot
        self.follows_a_death = slot.follows_a_death
        self.channel = channel.dup()
        self.channel.setblocking(False)
        self.signals: list[int] = []
        self.status: int | None = None
        self.obeys = True

    def poll(self) -> int | None:
        return self.status

    def send_signal(self, number: int) -> None:
        if self.status is not None:
            raise ProcessLookupError
        self.signals.append(number)
        if number in (signal.SIGKILL, signal.SIGQUIT):
            self.end(-number)
        elif number == signal.SIGTERM and self.obeys:
            self.end(0)

    def say(self, word: int) -> None:
        self.channel.send(bytes([word]))

    def heard(self) -> bytes:
        try:
            return self.channel.recv(100)
        except BlockingIOError:
            return b""

    def end(self, status: int) -> None:
        self.status = status
        self.channel.close()


class Launches:
    """Starts such workers and remembers them, oldest first. `fails`: there can be no process."""

    def __init__(self) -> None:
        self.started: list[FakeProcess] = []
        self.fails = False

    def __call__(self, slot: Slot, channel: socket.socket) -> FakeProcess:
        if self.fails:
            raise OSError(11, "Resource temporarily unavailable")
        self.started.append(FakeProcess(slot, channel))
        return self.started[-1]

    def close(self) -> None:
        for process in self.started:
            process.channel.close()
            process.slot.hang_up()
