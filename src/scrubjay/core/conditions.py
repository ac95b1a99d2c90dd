"""Rule conditions: predicates over what an item says of itself (`decisions.md` 6).

Owns the grammar. What a name stands for in an item is the business of the `Subject` (`subjects`). A condition that the reference
would not understand is *unsupported*: it never matches, and whoever uses it decides what follows (`decisions.md` 5.2, 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol


class HexId(str):
    """An id of hexadecimal digits, lower case, without dashes: texts equal it in any case."""

    __slots__ = ()


Value = str | HexId | bool | int | float | IPv4Address | IPv6Address | None
"""What a field holds; None: it is missing."""


class Subject(Protocol):
    """What a condition is held against: an item, a record of a container, a trace, or one element of an array."""

    def value(self, name: str) -> Value:
        """What stands under a full name (`event.release`); None if it is missing or the prefix is another's."""
        ...

    def elements(self, name: str) -> Sequence[Subject] | None:
        """The members of an array field (`event.exception.values`); None if it is missing or no array."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """`matches` never raises. `problems`: parts that are skipped or cannot match, a sentence each."""

    matches: Callable[[Subject], bool]
    is_supported: bool = True
    problems: tuple[str, ...] = ()


def compile_condition(config: object) -> Condition:
    """Raises `ValueError` for what the reference could not parse either: no `op`, a missing member, a wrong type."""
    raise NotImplementedError
