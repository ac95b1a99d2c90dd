"""Numbers that are long enough to be a card or an account are searched as their digits (scrubbing.md 14, G7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.rules import Rule

if TYPE_CHECKING:
    from scrubjay.core.scrub.descend import Walk

# An integer, also where a serialiser made it a float.
_LONG: Final = re.compile(rb"-?([0-9]{12,19})(?:\.0)?")
SHORTEST: Final = 12


def tells(walk: Walk, data: bytes, rules: tuple[Rule, ...], path: NodePath, hits: int) -> bool:
    """Whether a number has to go, noted if so. `rules` are those of a text at its place."""
    integer = _LONG.fullmatch(data)
    if integer is None:
        return False
    text = Text(integer[1])
    for rule in rules:
        if not rule.takes_nodes:
            walk.run(text, (rule,), 0, hits, path)
            if text.changed:
                walk.notes.remove(path, rule.removal)
                return True
    return False
