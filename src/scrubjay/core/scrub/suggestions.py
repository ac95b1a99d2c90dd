"""Selectors to offer for a place: the shortest specific one, and the basic type that takes it among others (scrubbing.md 15.2).

The same as the reference suggests for the same node. A place of class false gets none: nothing reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scrubjay.core.scrub.matching import FALSE, TRUE
from scrubjay.core.scrub.selectors import BASIC_TYPES, Item, KeyItem, Path, TypeItem, Wildcard, print_selector
from scrubjay.core.scrub.survey import Node


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a rule for one place could be applied to. `basic`: empty where no basic type reaches it."""

    node: Node
    specific: str
    basic: str


def suggest(nodes: Iterable[Node]) -> list[Suggestion]:
    """One for every node that a rule can reach, in the order of the document."""
    return [
        Suggestion(node, print_selector(specific_selector(node)), _basic(node))
        for node in nodes
        if node.node_class != FALSE and node.steps and node.value is not None and not isinstance(node.value, bool)
    ]


def specific_selector(node: Node) -> Path:
    """Keys from the innermost protocol object on, else from the root; array positions as `*`."""
    items: list[Item] = []
    for step in reversed(node.steps):
        named = next((name for name in step.types if name not in BASIC_TYPES), None)
        if named is not None:
            items.append(TypeItem(named))
            break
        items.append(KeyItem(step.name) if isinstance(step.name, str) else Wildcard())
    return Path(tuple(reversed(items)))


def _basic(node: Node) -> str:
    if node.node_class != TRUE:
        return ""
    return next((f"${name}" for name in node.steps[-1].types if name in BASIC_TYPES), "")
