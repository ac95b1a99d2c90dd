"""Records that nearly matched, and what they failed: the first thing to read when a test waited in vain (`capture.md` 9.3).

A record counts as nearer the fewer conditions it fails, and among equals if it is newer. Records of another time, project or key than
was asked for count only where there are no others. Shown records by portions, like `select.Selection`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.filters import Condition
from scrubjay.core.capture.query import Query
from scrubjay.core.capture.shaping import shaped

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

MAX_MISSES: Final = 5
_MAX_ACTUAL: Final = 5
_MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Miss:
    """One record, and the conditions that it does not meet."""

    found: Found
    failed: tuple[Condition, ...]

    def document(self) -> dict[str, object]:
        failed = [{"condition": one.shown, "actual": actual(self.found, one)} for one in self.failed]
        return {"event": shaped(self.found, ()), "failed": failed}

    def line(self) -> str:
        """For people, without control characters."""
        record = self.found.record
        wanted = "; ".join(f"{one.shown}, but {', '.join(actual(self.found, one)) or 'nothing'}" for one in self.failed)
        return printable(f'{record.value("type")} "{record.value("title") or ""}" ({record.id}): wanted {wanted}')


class NearMisses:
    """Only of records that do not match."""

    __slots__ = ("_conditions", "_inside", "_outside")

    def __init__(self, query: Query) -> None:
        self._conditions = query.conditions
        self._inside: list[Miss] = []
        self._outside: list[Miss] = []

    def look(self, founds: Sequence[Found]) -> None:
        """Newest first."""
        for found in founds:
            failed: list[Condition] = []
            for one in self._conditions:
                if not one.test(found):
                    failed.append(one)
                    if len(failed) > self._most(failed):
                        break
            else:
                self._note(found, failed)

    @property
    def misses(self) -> list[Miss]:
        return self._inside or self._outside

    def answer(self) -> list[dict[str, object]]:
        return [miss.document() for miss in self.misses]

    def _note(self, found: Found, failed: list[Condition]) -> None:
        if failed:
            nearest = self._list(failed)
            insort(nearest, Miss(found, tuple(failed)), key=lambda miss: len(miss.failed))
            del nearest[MAX_MISSES:]

    def _most(self, failed: list[Condition]) -> int:
        """So many conditions may fail; what fails more is no nearer than what is known."""
        nearest = self._list(failed)
        return len(self._conditions) if len(nearest) < MAX_MISSES else len(nearest[-1].failed)

    def _list(self, failed: list[Condition]) -> list[Miss]:
        return self._outside if any(one.is_scope for one in failed) else self._inside


def near_misses(founds: Iterable[Found], query: Query) -> list[dict[str, object]]:
    """Up to five records, nearest first; `founds` newest first."""
    found = NearMisses(query)
    found.look(list(founds))
    return found.answer()


def actual(found: Found, condition: Condition) -> list[str]:
    """What the record has in place of what was wanted, in part."""
    values = dict.fromkeys(value[:_MAX_CHARS] for value, _ in zip(condition.read(found), range(100), strict=False))
    return list(values)[:_MAX_ACTUAL]


def printable(text: str) -> str:
    """Whatever stands in event data: one line that does nothing to a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
