"""How often something was seen: the state of rules that keep the first few of a window (`decisions.md` 5.9).

`Occasions` is one per process and lives in the event loop. It counts in fixed windows, by the time that it is handed. Invariants: it
never holds more than its bounds allow, the least recently seen is forgotten first; a flood of new fingerprints past a rule's
`new_per_window` displaces none that are known. What is forgotten is new again: forgetting keeps too much, never too little.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MAX_PER_PROJECT: Final = 10_000
MAX_PER_PROCESS: Final = 100_000

_COUNT_BITS: Final = 32
_COUNT: Final = 2**_COUNT_BITS - 1

_Key = tuple[int, int, str]
"""Project, rule, fingerprint; an empty one stands for all that the rule kept."""


class Occasions:
    """Each of `workers` processes grants its share, rounded up."""

    __slots__ = ("_counts", "_max", "_max_per_project", "_projects", "_workers")

    def __init__(
        self, workers: int = 1, *, max_per_project: int = MAX_PER_PROJECT, max_per_process: int = MAX_PER_PROCESS
    ) -> None:
        self._workers = workers
        self._max_per_project = max_per_project
        self._max = max_per_process
        # Least recently seen first; the value is the window's number and the count in it, in one number to save memory.
        self._counts: OrderedDict[_Key, int] = OrderedDict()
        self._projects: dict[int, OrderedDict[_Key, None]] = {}

    def is_first(
        self, project_id: int, rule_id: int, fingerprint: str, *, n: int, new_per_window: int | None, window: int
    ) -> bool:
        """Whether this is one of the first `n` of a fingerprint in a window, and of the first `new_per_window` of all."""
        total, key = (project_id, rule_id, ""), (project_id, rule_id, fingerprint)
        kept = self._count(total, window)
        if new_per_window is not None and kept >= self._share(new_per_window):
            self._touch(total)
            return False
        seen = self._count(key, window)
        if seen >= self._share(n):
            self._touch(key)
            return False
        self._note(key, window, seen + 1)
        self._note(total, window, kept + 1)
        return True

    def has_room(self, project_id: int, rule_id: int, *, size: int, window: int) -> bool:
        """Whether a reservoir takes one more in this window; then it has."""
        key = (project_id, rule_id, "")
        taken = self._count(key, window)
        if taken >= self._share(size):
            self._touch(key)
            return False
        self._note(key, window, taken + 1)
        return True

    def _share(self, n: int) -> int:
        return -(-n // self._workers)

    def _count(self, key: _Key, window: int) -> int:
        packed = self._counts.get(key)
        return packed & _COUNT if packed is not None and packed >> _COUNT_BITS == window else 0

    def _touch(self, key: _Key) -> None:
        self._counts.move_to_end(key)
        self._projects[key[0]].move_to_end(key)

    def _note(self, key: _Key, window: int, count: int) -> None:
        project = self._projects.setdefault(key[0], OrderedDict())
        if key not in project:
            project[key] = None
            if len(project) > self._max_per_project:
                del self._counts[project.popitem(last=False)[0]]
        self._counts[key] = window << _COUNT_BITS | count
        self._touch(key)
        if len(self._counts) > self._max:
            self._forget(self._counts.popitem(last=False)[0])

    def _forget(self, key: _Key) -> None:
        project = self._projects[key[0]]
        del project[key]
        if not project:
            del self._projects[key[0]]

    @property
    def remembered(self) -> int:
        """How many counts it holds."""
        return len(self._counts)

    def __repr__(self) -> str:
        return f"<Occasions {len(self._counts)} of {len(self._projects)} projects>"
