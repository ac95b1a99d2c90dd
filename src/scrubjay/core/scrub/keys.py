"""Keys that hold personal values: `{"ana@lab.example": 1}` (scrubbing.md 14, G15).

The value detectors of the default rules run on keys of more than five characters; what they find is replaced. Which keys they are is
remembered with what else is known of a key, as a bit of its verdict; their new names are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from scrubjay.core.scrub.json_text import Raw, encode
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.screen import EVERY, Screen

_LONGEST_HARMLESS: Final = 5
RENAMED: Final = 1 << 60
"""In the verdict on a key: it holds something. Far above the bits of patterns."""


def key_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Of these rules the steps that find values in a text, whatever its key."""
    out = []
    for rule in rules:
        steps = tuple(step for step in rule.steps if step.find is not None and not step.gate_bit)
        if steps and rule.redaction.writes:
            out.append(replace(rule, steps=steps, key_bits=0))
    return tuple(out)


def renamed(
    key: str, rules: tuple[Rule, ...], hits: int = EVERY, record: Record | None = None, path: NodePath = ()
) -> str:
    """The key without what rules find in it. `hits` is what the screen saw in it; `record` counts what is done at `path`."""
    text = Text(key.encode("utf-8", "surrogatepass"))
    for rule in rules:
        if not rule.bits & hits:
            continue
        if record is None:
            rule.apply(text, 0, hits)
        else:
            record.apply_to_key(rule, text, hits, path)
    return text.value.decode("utf-8", "surrogatepass") if text.changed else key


def is_renamed(key: str, rules: tuple[Rule, ...], screen: Screen) -> bool:
    """Whether rules find anything in a key."""
    if len(key) <= _LONGEST_HARMLESS:
        return False
    scan = screen.borrow()
    hits = scan(encode(key))
    screen.give_back(scan)
    return renamed(key, rules, hits) != key


class Names:
    """New names of an object's members. A name that is taken gets `~2`, `~3` and so on appended."""

    __slots__ = ("_numbers", "_taken", "new")

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}
        self.new: dict[str, str] = {}

    def add(self, key: str, name: str) -> str:
        """What `key` is to be called, if it can be had `name`."""
        number = self._numbers.get(name, 1)
        free = name if number == 1 else f"{name}~{number}"
        while free in self._taken:
            number += 1
            free = f"{name}~{number}"
        self._numbers[name] = number
        self._taken.add(free)
        self.new[key] = free
        return free

    def put(self, fields: dict[str, Raw]) -> None:
        """Name the members anew, in place and in their order."""
        members = [(self.new.get(key, key), value) for key, value in fields.items()]
        fields.clear()
        fields.update(members)
