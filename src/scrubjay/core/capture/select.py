"""The answer of a list: which records, in which order, and where the next page begins (`capture.md` 9.2).

A `Selection` is shown records as many at a time as its caller likes, so that long looks can be shared out. Invariant: cursors walk through
everything once, whatever arrives or goes meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from scrubjay.core.capture.query import Query
from scrubjay.core.capture.shaping import shaped

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found


class Selection:
    """What a query finds. `look` wants records in the order of the list (`in_order`)."""

    __slots__ = ("_after", "_query", "_shown", "_tests", "matched", "total")

    def __init__(self, query: Query) -> None:
        self._query = query
        self._tests = [one.test for one in query.conditions]
        self._after = _after(query)
        self._shown: list[Found] = []
        self.matched = self.total = 0

    def look(self, founds: Sequence[Found]) -> None:
        self.total += len(founds)
        matching: Iterable[Found] = founds
        for test in self._tests:
            matching = filter(test, matching)
        most, after, shown = self._query.limit + 1, self._after, self._shown
        for found in matching:
            self.matched += 1
            if len(shown) < most and (after is None or after(found)):
                shown.append(found)

    @property
    def founds(self) -> list[Found]:
        """Those that are shown."""
        return self._shown[: self._query.limit]

    def answer(self) -> dict[str, object]:
        fields, founds = self._query.fields, self.founds
        more = len(self._shown) > len(founds)
        answer: dict[str, object] = {
            "events": [shaped(found, fields) for found in founds],
            "more": more,
            "matched": self.matched,
            "total": self.total,
        }
        return answer | {"cursor": founds[-1].id} if more else answer


def select(founds: Iterable[Found], query: Query) -> dict[str, object]:
    """`founds` are all records, newest first. For plain filters; what looks into payloads takes long enough to be shared out."""
    selection = Selection(query)
    selection.look(in_order(founds, query))
    return selection.answer()


def in_order(founds: Iterable[Found], query: Query) -> list[Found]:
    """From newest first to the order of the list; inside an envelope it is always its own."""
    found = list(founds)
    if query.order == "asc":
        found.sort(key=lambda one: one.captured.id)
    return found


def _after(query: Query) -> Callable[[Found], bool] | None:
    """Whether a record comes later in the list than the cursor."""
    if not query.cursor:
        return None
    capture_id, place = query.cursor[:36], _place(query.cursor[36:])
    is_ascending = query.order == "asc"

    def is_after(found: Found) -> bool:
        if found.captured.id != capture_id:
            return (found.captured.id > capture_id) is is_ascending
        return _place(found.id[36:]) > place

    return is_after


def _place(suffix: str) -> tuple[int, ...]:
    """`-3.12` → (3, 12)."""
    return tuple(int(digits) for digits in re.findall(r"\d{1,9}", suffix, re.ASCII))
