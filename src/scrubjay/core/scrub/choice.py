"""Which of the rules at a place have something to do, by what the screen saw and what the key says; remembered, for that recurs.

What is remembered are bits of patterns, never a key or a value.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.rules import Rule

_MOST_KNOWN: Final = 1_000


class Choice:
    """The rules that act on a node in one state, in order."""

    __slots__ = ("_bits", "_key_bits", "_known", "_rules")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._bits = self._key_bits = 0
        for rule in rules:
            self._bits |= rule.bits
            self._key_bits |= rule.key_bits
        self._known: dict[tuple[int, int], tuple[Rule, ...]] = {}

    def acting(self, hits: int, key_verdict: int) -> tuple[Rule, ...]:
        """Those that a text with these bits, below a key with this verdict, can concern; the order stays."""
        seen = (hits & self._bits, key_verdict & self._key_bits)
        rules = self._known.get(seen)
        if rules is None:
            rules = tuple(rule for rule in self._rules if rule.bits & seen[0] or rule.key_bits & seen[1])
            if len(self._known) < _MOST_KNOWN:
                self._known[seen] = rules
        return rules
