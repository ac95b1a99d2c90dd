"""Rules of plain sampling as they are run: what they are about, and what share they keep (`decisions.md` 5.9).

`load_rule` (in `rule_config`) makes them of what an operator wrote; `plain` asks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.conditions import Condition

SMALLEST_RATE: Final = 2.0**-53
"""The finest step of the number that decides: a lower rate keeps nothing, and no weight is larger than its inverse."""

SAMPLED_AS: Final = {
    "event": DataCategory.ERROR,
    "transaction": DataCategory.TRANSACTION,
    "feedback": DataCategory.FEEDBACK,
    "user_report": DataCategory.FEEDBACK,
    "log": DataCategory.LOG_ITEM,
    "span": DataCategory.SPAN,
    "session": DataCategory.SESSION,
    "sessions": DataCategory.SESSION,
    "replay_event": DataCategory.REPLAY,
    "replay_recording": DataCategory.REPLAY,
    "replay_video": DataCategory.REPLAY,
    "profile": DataCategory.PROFILE,
    "check_in": DataCategory.MONITOR,
}
"""What rules can apply to, by item type. Crash reports and other attachments are never sampled, only what they ride on."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Keeps a fixed share."""

    rate: float

    def at(self, now_unix: float) -> float:
        return self.rate

    def __str__(self) -> str:
        return f"rate {self.rate:g}"


@dataclass(frozen=True, slots=True)
class Decay:
    """Keeps a share that halves every `half_life_s` from `start_unix` on, down to `floor`."""

    rate: float
    half_life_s: float
    start_unix: float
    floor: float = 0.0

    def at(self, now_unix: float) -> float:
        halvings = max(0.0, now_unix - self.start_unix) / self.half_life_s
        # Python refuses floats beyond their range in powers of itself, but not of a half: that is 0.
        return float(max(min(self.floor, self.rate), self.rate * 0.5**halvings))

    def __str__(self) -> str:
        return f"rate {self.rate:g} halving every {self.half_life_s:g} s down to {self.floor:g}"


@dataclass(frozen=True, slots=True)
class FirstN:
    """Keeps the first `n` of each fingerprint per window, then a share; at most `new_per_window` of all as firsts."""

    n: int
    window_s: int
    then: float
    new_per_window: int | None = None

    def __str__(self) -> str:
        cap = "" if self.new_per_window is None else f", {self.new_per_window} of all"
        return f"first {self.n} in {self.window_s} s{cap}, then rate {self.then:g}"


@dataclass(frozen=True, slots=True)
class Reservoir:
    """Keeps the first `size` matches per window and leaves the others to the rules that follow."""

    size: int
    window_s: int

    def __str__(self) -> str:
        return f"first {self.size} of all in {self.window_s} s"


Share = Rate | Decay | FirstN | Reservoir


@dataclass(frozen=True, slots=True)
class Rule:
    """`protects`: crashes, fatal errors and feedback stay whatever the share."""

    id: int
    categories: frozenset[DataCategory]
    share: Share
    condition: Condition | None = None
    protects: bool = True

    @property
    def origin(self) -> str:
        return str(self.id)
