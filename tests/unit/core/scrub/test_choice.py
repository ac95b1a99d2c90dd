"""The rules that have something to do, in their order."""

from __future__ import annotations

from scrubjay.core.scrub.choice import Choice
from scrubjay.core.scrub.redact import Redaction
from scrubjay.core.scrub.rules import Rule


def rule(name: str, bits: int, key_bits: int = 0) -> Rule:
    return Rule(name, name, Redaction("mask"), (), bits, key_bits, takes_nodes=False, skip_overlaps=True)


def test_rules_are_chosen_by_bits_and_by_keys() -> None:
    first, second, third = rule("a", 2), rule("b", 4, 1), rule("c", 6)
    choice = Choice((first, second, third))
    for _ in range(2):
        assert choice.acting(1, 0) == ()
        assert choice.acting(2, 0) == (first, third)
        assert choice.acting(4 | 1024, 2) == (second, third)
        assert choice.acting(0, 1) == (second,)
        assert choice.acting(-1, 0) == (first, second, third)


def test_what_is_remembered_is_bounded() -> None:
    rules = tuple(rule(str(number), 1 << number) for number in range(11))
    choice = Choice(rules)
    for hits in range(1 << 11):
        assert [int(one.id) for one in choice.acting(hits, 0)] == [bit for bit in range(11) if hits >> bit & 1]
    assert len(choice._known) == 1_000
