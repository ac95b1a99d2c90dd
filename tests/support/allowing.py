"""Allow lists in short, and what they left of a document."""

from __future__ import annotations

from typing import Any

from scrubjay.core.scrub.allow import AllowList
from scrubjay.settings.scrub import Scrub

GONE = {"": {"rem": [["@allow", "x"]]}}


def allow_list(*selectors: str) -> AllowList:
    return AllowList(Scrub(mode="allow", allow=selectors))


def leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [found for value in node.values() for found in leaves(value)]
    if isinstance(node, list):
        return [found for value in node for found in leaves(value)]
    return [] if node is None else [node]
