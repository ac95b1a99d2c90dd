"""Telling a DogStatsD server how the relay does (`upstream-and-operations.md` 9.7).

Owns when is looked and by whom. What is sent is `changes`', what it is called `names`', how it gets there `wire`'s. Of several workers the one in slot 0
reads the state files of all, as whoever asks for `/metrics` does, so that no sum is sent twice and no gauge is overwritten by another worker's.

Invariants: it runs in a thread of its own and touches nothing but files and its socket, so that neither a slow name service nor a server that is away costs
the ingestion anything; switched off, nothing of it is there.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.state import Merged
from scrubjay.runtime.statsd.changes import Changes
from scrubjay.runtime.statsd.names import STARTING
from scrubjay.runtime.statsd.wire import Wire
from scrubjay.settings.reporting import Metrics as Options
from scrubjay.settings.reporting import tags_of

EVERY_S: Final = 1.0
"""What is counted is told so often; states as often as `metrics.periodic_secs` says."""
_LAST_WORDS_S: Final = 0.5
_COMPLAIN_AGAIN_S: Final = 600.0


class Statsd:
    """From `start` to `stop`. `read`: all workers, as they are now or were a second ago."""

    def __init__(
        self, options: Options, read: Callable[[], Merged], *, now_mono: Callable[[], float] = time.monotonic
    ) -> None:
        assert options.statsd is not None
        self.wire = Wire(options.statsd)
        self._tags = [(tag.name, tag.value) for tag in tags_of(options.default_tags)]
        if options.hostname_tag is not None:
            self._tags.append((options.hostname_tag, socket.gethostname()))
        self._prefix = options.prefix
        self._states_every_s = options.periodic_secs
        self._read = read
        self._now_mono = now_mono
        self._states_due_mono = now_mono()
        self._log = LimitedLog("statsd", now_mono)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="statsd", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tells what was written last, if that can be done at once."""
        self._ended.set()
        self._thread.join(_LAST_WORDS_S)

    def _run(self) -> None:
        changes = Changes(self._prefix, self._tags, self._read().values)
        self._send([changes.line(STARTING, 1, "c")])
        while not self._ended.wait(EVERY_S):
            self._look(changes)
        self._look(changes)
        self.wire.close()

    def _look(self, changes: Changes) -> None:
        values = self._read().values
        lines = list(changes.added(values))
        if self._states_every_s and self._now_mono() >= self._states_due_mono:
            self._states_due_mono = self._now_mono() + self._states_every_s
            lines += changes.standing(values)
        self._send(lines)

    def _send(self, lines: list[str]) -> None:
        problem = self.wire.send(lines)
        if problem:
            fields = {"server": self.wire.address, "problem": problem}
            text = "metrics do not reach the statsd server"
            self._log.line(logging.WARNING, "statsd", text, fields, repeat_s=_COMPLAIN_AGAIN_S)

    def __repr__(self) -> str:
        return f"<Statsd {self.wire!r}>"


def start_statsd(number: int | None, options: Options, read: Callable[[], Merged]) -> Statsd | None:
    """None if nobody is to be told. `number`: of the worker; None: it is alone."""
    if options.statsd is None or number not in (None, 0):
        return None
    statsd = Statsd(options, read)
    statsd.start()
    return statsd
