"""Which patterns over keys a key matches, as bits (scrubbing.md 8.1).

Most keys match none, so patterns are first asked many at a time, all in one expression; only where that matches, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import re2

_AT_A_TIME: Final = 16

# Pattern and bit.
KeyPattern = tuple[Any, int]


class KeyVerdicts:
    """The verdict of keys. Patterns may still be added to the list that it was given."""

    __slots__ = ("_groups", "_known", "_patterns")

    def __init__(self, patterns: Sequence[KeyPattern]) -> None:
        self._patterns = patterns
        self._known = 0
        self._groups: list[tuple[Any, list[KeyPattern]]] = []

    def __call__(self, key: str) -> int:
        if self._known != len(self._patterns):
            self._groups = list(_grouped(self._patterns))
            self._known = len(self._patterns)
        raw = key.encode("utf-8", "surrogatepass")
        verdict = 0
        for union, members in self._groups:
            if union is None or union.search(raw) is not None:
                for pattern, bit in members:
                    if pattern.search(raw) is not None:
                        verdict |= bit
        return verdict


def _grouped(patterns: Sequence[KeyPattern]) -> Iterator[tuple[Any, list[KeyPattern]]]:
    """Patterns some at a time, with what matches wherever one of them does; None where there is no such expression."""
    rest = iter(patterns)
    while members := list(islice(rest, _AT_A_TIME)):
        yield _union(members), members


def _union(members: list[KeyPattern]) -> Any:
    if len(members) == 1:
        return None
    options = re2.Options()
    options.log_errors = False
    flags = ("(?i:", "(?:")
    try:
        return re2.compile(
            "|".join(f"{flags[pattern.options.case_sensitive]}{pattern.pattern})" for pattern, _ in members),
            options=options,
        )
    except re2.error:  # too large together, or with groups of equal names
        return None
