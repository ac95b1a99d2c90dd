"""One worker's place: its socket, the process that serves it now, and when the next one starts.

Owns the life of a slot (`upstream-and-operations.md` 7.8): starting, being heard of, dying, the pauses between starts, giving up. Times are handed
in; what to do with all slots together is the supervisor's.

A worker is heard of through a channel, one byte a second, written by its event loop: a blocked loop is silent, and a full disk, on which the
state file cannot be renewed, silences nobody. Silence is counted in looks taken here, not in time that passed: a machine that was suspended,
or so busy that the supervisor itself did not run, has not seen its workers be silent. While a worker starts or stops it may be silent.

Bytes from a worker: the number of the partition it owns (0 to 99), or STOPPING. To a worker: RETIRE, REFUSED. The end of the channel
tells either side that the other is gone, however it went.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final, Protocol

STOPPING: Final = 255
RETIRE: Final = b"r"
"""A successor waits for the socket: end in order, without the pause for load balancers."""
REFUSED: Final = b"x"
"""The configuration was found unusable, and nothing of it will be put in force."""

DEATHS: Final = 5
WITHIN_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 30.0
_GROWTH: Final = 1.5
_SILENCE_S: Final = 30.0
_LOOK_S: Final = 2.0
"""Most time that a single look may add to a silence."""

EXIT_REFUSED: Final = 1
"""A worker that ends so before it was ready cannot use its configuration."""


class Process(Protocol):
    """`subprocess.Popen` is the real one."""

    pid: int

    def poll(self) -> int | None: ...

    def send_signal(self, number: int) -> None: ...


Launch = Callable[["Slot", socket.socket], Process]
"""Starts a worker on a slot; the socket is its end of the channel."""


class Slot:
    """`partition` is what the worker owns: its number, unless somebody else had that when it came. `beside`: sockets of further listeners,
    by name.
    """

    def __init__(
        self, number: int, listener: socket.socket, beside: Mapping[str, socket.socket] = MappingProxyType({})
    ) -> None:
        self.number = number
        self.partition = number
        self.listener = listener
        self.beside = beside
        self.process: Process | None = None
        self.channel: socket.socket | None = None
        self.is_ready = False
        self.was_ready = False
        """Whether any worker of this slot ever was."""
        self.is_stopping = False
        self.must_reload = False
        """What it read at its start may be older than what the others were told since."""
        self.start_at_mono: float | None = 0.0
        """When the next worker is due; None while there is one."""
        self.follows_a_death = False
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._in_a_row = 0
        self._ready_mono = 0.0
        self._silence_s = 0.0
        self._looked_mono = 0.0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    def start(self, launch: Launch, now_mono: float) -> None:
        """Raises `OSError` if there can be no process, after which the slot is due again as after a death."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.is_ready = self.is_stopping = self.must_reload = False
        self.start_at_mono = None
        self._looked_mono, self._silence_s = now_mono, 0.0
        try:
            self.process = launch(self, theirs)
        except OSError:
            ours.close()
            self.died(now_mono)
            raise
        finally:
            theirs.close()
        self.channel = ours

    def hear(self, now_mono: float) -> bool:
        """Reads what the worker said; whether it became ready by it."""
        heard = b""
        if self.channel is not None:
            try:
                heard = self.channel.recv(4096)
            except BlockingIOError:
                return False
            except OSError:
                pass
        if not heard:
            self.hang_up()
            return False
        self._silence_s = 0.0
        for byte in heard:
            if byte == STOPPING:
                self.is_stopping = True
            else:
                self.partition = byte
        if self.is_ready or self.is_stopping:
            return False
        self.is_ready = self.was_ready = True
        self._ready_mono = now_mono
        return True

    def hang_up(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def tell(self, word: bytes) -> None:
        if self.channel is not None:
            with suppress(OSError):
                self.channel.send(word)

    def signal(self, number: int) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def is_silent(self, now_mono: float) -> bool:
        """One look; whether the worker serves and has not been heard of for too long."""
        passed_s, self._looked_mono = now_mono - self._looked_mono, now_mono
        if not self.is_ready or self.is_stopping:
            return False
        self._silence_s += min(passed_s, _LOOK_S)
        return self._silence_s >= _SILENCE_S

    def ended(self) -> int | None:
        """The status of a worker that is no more, which leaves the slot empty; None while it lives, or if there is none."""
        status = self.process.poll() if self.process is not None else None
        if status is not None:
            self.process = None
            self.hang_up()
        return status

    def died(self, now_mono: float) -> float:
        """The slot is empty and nobody meant it to be: in how many seconds the next worker is due."""
        if self.is_ready and now_mono - self._ready_mono >= WITHIN_S:
            self._in_a_row = 0
        pause_s = 0.0 if not self._in_a_row else min(_LONGEST_PAUSE_S, _GROWTH ** (self._in_a_row - 1))
        self._in_a_row += 1
        self._deaths.append(now_mono)
        self.is_ready = False
        self.follows_a_death = True
        self.start_at_mono = now_mono + pause_s
        return pause_s

    def vacate(self, now_mono: float) -> None:
        """The slot is empty, as it should be: the next worker is due now."""
        self.is_ready = self.follows_a_death = False
        self.start_at_mono = now_mono

    def dies_too_often(self, now_mono: float) -> bool:
        return len(self._deaths) == DEATHS and now_mono - self._deaths[0] <= WITHIN_S

    def __repr__(self) -> str:
        state = (
            "stopping" if self.is_stopping else "ready" if self.is_ready else "starting" if self.process else "empty"
        )
        return f"<Slot {self.number} {state} pid={self.pid} partition={self.partition}>"
