"""How much the upstream is asked, and when: the state of the connection, and the number of requests at once.

Pure: times are handed in as monotonic seconds, chance as a function. `outbox` obeys; what counts as a network error is decided in
`upstream` (`upstream-and-operations.md` 6.6, 6.7).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

_GROWTH: Final = 1.5
_FIRST_DELAY_S: Final = 1.0
_LEAST_JITTER: Final = 0.5
_UNPACED: Final = 1 << 30

Chance = Callable[[], float]
"""Uniform in [0, 1)."""


def back_off_s(tries: int, longest_s: float, chance: Chance) -> float:
    """How long to wait after so many tries: 1, 1.5, 2.25 … seconds up to `longest_s`, times U(0.5, 1)."""
    # 64 growths are beyond any cap; the bound keeps the power finite.
    delay_s = min(longest_s, _FIRST_DELAY_S * _GROWTH ** min(tries - 1, 64))
    return delay_s * (_LEAST_JITTER + (1.0 - _LEAST_JITTER) * chance())


class State(StrEnum):
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    OUTAGE = "outage"


class Link:
    """The connection to one upstream: connected, interrupted since a first network error, or out."""

    def __init__(self, *, grace_s: float, retry_delay_s: float, longest_delay_s: float, chance: Chance) -> None:
        self.reconfigure(grace_s=grace_s, retry_delay_s=retry_delay_s, longest_delay_s=longest_delay_s)
        self._chance = chance
        self._since_mono = 0.0
        self._failed_mono = 0.0
        self._probes = 0
        self.state = State.CONNECTED

    def reconfigure(self, *, grace_s: float, retry_delay_s: float, longest_delay_s: float) -> None:
        self._grace_s = grace_s
        self._retry_delay_s = retry_delay_s
        self._longest_delay_s = longest_delay_s

    def failed(self, now_mono: float) -> bool:
        """A network error. True if it is the one that makes an outage of an interruption."""
        self._failed_mono = now_mono
        if self.state is State.CONNECTED:
            self.state = State.INTERRUPTED
            self._since_mono = now_mono
        if self.state is State.INTERRUPTED and now_mono - self._since_mono >= self._grace_s:
            self.state = State.OUTAGE
            self._probes = 0
            return True
        return False

    def answered(self) -> bool:
        """Any answer but 502 to 504. True if the upstream had been away."""
        was_away = self.state is not State.CONNECTED
        self.state = State.CONNECTED
        return was_away

    @property
    def is_out(self) -> bool:
        return self.state is State.OUTAGE

    def retries_from_mono(self) -> float:
        """When what failed for the network's sake may be tried again."""
        if self.state is State.CONNECTED:
            return 0.0
        return float("inf") if self.is_out else self._failed_mono + self._retry_delay_s

    def next_probe_delay_s(self) -> float:
        """The pause before the next probe of this outage: 0, 1, 1.5, 2.25 … with jitter."""
        self._probes += 1
        if self._probes == 1:
            return 0.0
        return back_off_s(self._probes - 1, self._longest_delay_s, self._chance)

    def __repr__(self) -> str:
        return f"<Link {self.state}>"


class Pace:
    """At most so many per second, with a second's worth at once; without a rate, no bound."""

    def __init__(self, per_s: float | None) -> None:
        self._interval_s = 1.0 / per_s if per_s else 0.0
        self.from_mono = 0.0

    @property
    def at_once(self) -> int:
        """As many as one request may take along."""
        return max(1, int(1.0 / self._interval_s)) if self._interval_s else _UNPACED

    def spend(self, now_mono: float, count: int = 1) -> None:
        """So many were sent; `from_mono` is when the next may be."""
        if self._interval_s:
            self.from_mono = max(self.from_mono, now_mono - 1.0) + self._interval_s * count


class Permits:
    """Requests at once: one more per round trip of successes, half after trouble, from one up and doubling after an outage.

    Trouble counts once per round trip: a failure of a request that started before the last halving says nothing new. Doubling ends at half of
    what was too much for a server that did not answer in time: such a one works on what it was sent, though we send it again, and
    would be flooded anew after each outage that is made of its slowness.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = float(most)
        self._doubling = False
        self._doubles_to = float("inf")
        self._round = 0

    def reconfigure(self, most: int) -> None:
        """Another upper bound; what trouble took away has still to be won back."""
        is_whole = self._allowed == self._most
        self._most = float(most)
        self._allowed = self._most if is_whole else min(self._allowed, self._most)

    @property
    def allowed(self) -> int:
        return int(self._allowed)

    @property
    def round(self) -> int:
        """To be noted when a request starts and given back when it fails."""
        return self._round

    def succeeded(self) -> None:
        if self._allowed < self._most:
            doubling = self._doubling and self._allowed < self._doubles_to
            self._allowed = min(self._most, self._allowed + (1.0 if doubling else 1.0 / self._allowed))

    def troubled(self, started_in_round: int, *, unanswered: bool = False) -> None:
        """`unanswered`: the server has all of the request, and may be at work on it."""
        if started_in_round == self._round:
            self._round += 1
            self._doubling = False
            self._allowed = max(1.0, self._allowed / 2)
            if unanswered:
                self._doubles_to = self._allowed

    def restart(self) -> None:
        """After an outage."""
        self._round += 1
        self._doubling = True
        self._allowed = 1.0

    def __repr__(self) -> str:
        return f"<Permits {self.allowed} of {int(self._most)}>"
