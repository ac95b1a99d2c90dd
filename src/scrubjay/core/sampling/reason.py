"""What the server is told of traces that rules left out: the categories of the matched rules, not their ids (`decisions.md` 5.7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PREFIX: Final = "Sampled:"
_RANGES: Final = (
    *((rule, rule, rule) for rule in range(1000, 1006)),
    (1400, 1499, 1400),
    (1500, 1599, 1500),
    (3000, 4999, 3000),
)
"""First and last id, and the category that they are shown as."""
_OTHER: Final = 0
_MAX_ID: Final = 2**32 - 1


def sampled_reason(rule_ids: Iterable[int]) -> str:
    """Each category once, in the order of their numbers; 0, which stands for all ids without one, is last."""
    categories = {_category(rule_id) for rule_id in rule_ids}
    shown = sorted(categories, key=lambda category: (category == _OTHER, category))
    return PREFIX + ",".join(map(str, shown))


def _category(rule_id: int) -> int:
    return next((category for first, last, category in _RANGES if first <= rule_id <= last), _OTHER)


def normal_reason(text: str) -> str | None:
    """A reason of somebody else, which may name ids, in this form; None if it is none (`decisions.md` 8.6)."""
    listed = text.removeprefix(PREFIX)
    parts = listed.split(",")
    if listed == text or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if any(len(part) > 10 or int(part) > _MAX_ID for part in parts):
        return None
    return sampled_reason(map(int, parts))
