"""When a worker ends, and how hurriedly (`upstream-and-operations.md` 9.6).

Owns the signals that end it, and what its supervisor's word or death means; what is done to end in order is the worker's.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from scrubjay.runtime.seat import Seat


class Ending:
    """`begun` is set once; from then on the worker stops. `is_awaited`: a successor waits for the socket, or nobody would start one."""

    def __init__(self, seat: Seat | None) -> None:
        self.begun = asyncio.Event()
        self.is_awaited = False
        self._seat = seat

    def listen(self, on_refused: Callable[[], None]) -> None:
        """On the running loop. `on_refused`: the supervisor found that the configuration cannot be used."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self.on_signal, number)
        if self._seat is not None:
            loop.add_signal_handler(signal.SIGINT, lambda: None)  # a terminal sends it to all; the supervisor tells us
            self._seat.listen(self._retire, on_refused)

    def on_signal(self, number: signal.Signals) -> None:
        """The second one, or SIGQUIT, waits for nothing: what was accepted is on disk already.

        With a supervisor SIGTERM may come from it and from whoever stops all processes at once, so that the second means nothing.
        """
        if number == signal.SIGQUIT or (self.begun.is_set() and self._seat is None):
            os._exit(128 + number)
        self.begun.set()

    def _retire(self) -> None:
        self.is_awaited = True
        self.begun.set()

    def __repr__(self) -> str:
        return f"<Ending {'begun' if self.begun.is_set() else 'not begun'}>"
