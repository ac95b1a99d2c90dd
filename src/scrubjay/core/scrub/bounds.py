"""How much one document may cost before it counts as unscrubbable (scrubbing.md 15.7).

Nodes are counted by the walk itself, in slices: while there is a clock it is looked at between two slices, so that it costs nothing
where a document is small. The core has no clock of its own; one is handed in with the program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub

SLICE_NODES: Final = 256
TEXT_BYTES_OF_A_NODE: Final = 256
"""A text costs as many nodes as it has such stretches, since a long one takes as long as many short ones."""
MANY: Final = 20
"""A payload that holds many documents, such as a recording, may cost as much as so many."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`clock` gives seconds that only rise; without one time is no bound."""

    max_text_bytes: int
    max_nodes: int
    max_depth: int
    max_s: float
    clock: Callable[[], float] | None = None

    @property
    def first_nodes(self) -> int:
        """What may be visited before an allowance is asked for more."""
        return self.max_nodes if self.clock is None else min(SLICE_NODES, self.max_nodes)


def read_bounds(options: Scrub, clock: Callable[[], float] | None = None) -> Bounds:
    return Bounds(options.max_text_bytes, options.max_nodes, options.max_depth, options.max_event_ms / 1000, clock)


class Allowance:
    """What is left to one document, or to one payload of many."""

    __slots__ = ("_clock", "_end_s", "_nodes")

    def __init__(self, bounds: Bounds, *, spent: int = 0, documents: int = 1) -> None:
        """`spent`: nodes that were visited before."""
        self._nodes = bounds.max_nodes * documents - spent
        self._clock = bounds.clock
        self._end_s = 0.0 if bounds.clock is None else bounds.clock() + bounds.max_s * documents

    def more(self) -> int:
        """A further slice of nodes. Raises Unscrubbable."""
        if self._nodes <= 0:
            raise Unscrubbable("more nodes than may be scrubbed")
        self.check_time()
        nodes = min(SLICE_NODES, self._nodes)
        self._nodes -= nodes
        return nodes

    def check_time(self) -> None:
        """Raises Unscrubbable."""
        if self._clock is not None and self._clock() > self._end_s:
            raise Unscrubbable("longer than scrubbing may take")
