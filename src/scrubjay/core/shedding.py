"""What is given up first as room runs out, so that errors still get in (`upstream-and-operations.md` 9.5).

Owns the order, the thresholds and their hysteresis, and the limits that clients are told. How full memory and disk are is measured by
`runtime.pressure`; what a limit takes from an envelope is `enforcement`'s. Pure: fullness and the time are handed in.

Invariant: errors, sessions, check-ins, feedback and client reports are never shed, whatever the order says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.limits import KEY, ActiveLimit

ORIGIN: Final = "pressure"
"""Of the limits here, in the account and in explanations."""
STARTS_AT: Final = 0.80
"""Fullness at which the first category is shed; memory at its soft mark counts as so full."""
FULL_AT: Final = 0.95
"""Memory at its hard mark counts as so full."""
_STEP_PERCENT: Final = 3
_HYSTERESIS: Final = 0.05
_TOLD_S: Final = 60

_C = DataCategory
_SHED: Final[Mapping[str, frozenset[DataCategory]]] = {
    "replay": frozenset({_C.REPLAY}),
    "profile": frozenset({_C.PROFILE, _C.PROFILE_CHUNK, _C.PROFILE_CHUNK_UI}),
    "attachment": frozenset({_C.ATTACHMENT, _C.ATTACHMENT_ITEM}),
    "span": frozenset({_C.SPAN}),
    "log_item": frozenset({_C.LOG_ITEM, _C.LOG_BYTE}),
    "trace_metric": frozenset({_C.TRACE_METRIC, _C.TRACE_METRIC_BYTE}),
    "transaction": frozenset({_C.TRANSACTION}),
}
"""By the words of `spool.envelopes.shed_order`: what an item may be checked for, in the categories that SDKs know."""


class Shedding:
    """How many of the categories in `order` are refused now. It goes up at once, and down only when there is clearly more room."""

    def __init__(self, order: Sequence[str]) -> None:
        self.level = 0
        self.reorder(order)

    def reorder(self, order: Sequence[str]) -> None:
        """Another order; how many of it are refused stays."""
        self._order = tuple(order)
        self.level = min(self.level, len(self._order))

    def limits(self, fullness: float, now_mono: float) -> tuple[ActiveLimit, ...]:
        """What is refused to every key at this `fullness`, a share of 1; almost always nothing."""
        if self.level or fullness >= STARTS_AT:
            self.level = self._level(fullness)
        if not self.level:
            return ()
        categories = frozenset[DataCategory]().union(*[_SHED[name] for name in self.shed])
        return (ActiveLimit(KEY, categories, now_mono + _TOLD_S, "backpressure", ORIGIN),)

    @property
    def shed(self) -> tuple[str, ...]:
        """The categories that are refused, in the words of the setting."""
        return self._order[: self.level]

    def _level(self, fullness: float) -> int:
        level = self.level
        while level < len(self._order) and fullness >= _begins(level):
            level += 1
        while level and fullness < _begins(level - 1) - _HYSTERESIS:
            level -= 1
        return level

    def __repr__(self) -> str:
        return f"<Shedding {', '.join(self.shed) or 'nothing'}>"


def _begins(position: int) -> float:
    return (STARTS_AT * 100 + _STEP_PERCENT * position) / 100


def over_share(now_mono: float) -> ActiveLimit:
    """For a key that takes more of the disk than it may: everything of it is refused (`upstream-and-operations.md` 7.7)."""
    return ActiveLimit(KEY, frozenset(), now_mono + _TOLD_S, "spool_share", ORIGIN)
