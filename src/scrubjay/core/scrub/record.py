"""What scrubbing did to a payload, counted by rule (scrubbing.md 15.1).

The walk asks a `Record` to apply a rule instead of asking the rule, where it was given one; without one nothing is counted and nothing
is paid. Counts are numbers under rule ids and never hold anything of the payload, so they may be logged, exposed and kept. Rules
that are only tried (`DryRule`) are counted apart; they change nothing. `trace.py` keeps, besides, each change itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scrubjay.core.scrub.redact import Remark, Text
from scrubjay.core.scrub.rules import DryRule, Rule

if TYPE_CHECKING:
    from scrubjay.core.scrub.program import Pass
    from scrubjay.core.scrub.remarks import NodePath

OTHER: Final = "other"
"""Stands for the rules that are too many to be counted one by one. Rule ids come from configuration, so they are bounded."""
_MAX_RULES: Final = 1_000
_MAX_ID_CHARACTERS: Final = 64


@dataclass(slots=True)
class Count:
    """What one rule did. `hits`: remarks; `bytes`: of content that was taken; `nodes`: removed whole, texts included; `whole`:
    texts of which nothing is left.
    """

    hits: int = 0
    bytes: int = 0
    nodes: int = 0
    whole: int = 0

    def add(self, other: Count) -> None:
        self.hits += other.hits
        self.bytes += other.bytes
        self.nodes += other.nodes
        self.whole += other.whole


@dataclass(slots=True)
class Record:
    """Counts by rule: of one payload, or of many that were merged. `rules` by the origin that remarks name, `tried` for dry runs."""

    rules: dict[str, Count] = field(default_factory=dict)
    tried: dict[str, Count] = field(default_factory=dict)

    def merge(self, other: Record) -> None:
        """Add what another one counted."""
        for mine, theirs in ((self.rules, other.rules), (self.tried, other.tried)):
            for origin, count in theirs.items():
                _count(mine, origin).add(count)

    def attempt(self) -> Record:
        """A record for what may be thrown away. What is kept of it is merged."""
        return Record()

    # ---- what the walk calls

    def begin(self, one: Pass) -> None:
        """A pass over the payload begins."""

    def enter(self, base: NodePath) -> None:
        """What follows stands below this place of the payload."""

    def apply(self, rule: Rule, text: Text, key_verdict: int, hits: int, path: NodePath) -> bool:
        """`Rule.apply`, counted. The text of a rule that is only tried stays as it is."""
        target = text if type(rule) is not DryRule else copy_of(text)
        before, remarks = text.value, text.remarks
        removed = Rule.apply(rule, target, key_verdict, hits)
        if removed or target.value is not before:
            self.count_text(rule, before, remarks, None if removed else target)
        return removed and target is text

    def apply_to_key(self, rule: Rule, text: Text, hits: int, path: NodePath) -> None:
        """`Rule.apply` on a key (gap G15), counted."""
        self.apply(rule, text, 0, hits, path)

    def removes_node(self, rule: Rule, key_verdict: int, data: bytes, path: NodePath) -> bool:
        """`Rule.removes_node`, counted. `data` is the JSON of the node."""
        removed = Rule.removes_node(rule, key_verdict)
        if removed:
            self.add(rule, Count(1, len(data), 1, 0))
        return removed and type(rule) is not DryRule

    def count_text(self, rule: Rule, before: bytes, remarks: list[Remark], after: Text | None) -> bool:
        """Count what a rule did to a text, of which `before` and `remarks` are the state before it; None: the text is gone.

        Whether it did anything.
        """
        if after is None:
            self.add(rule, Count(1, plain_bytes(before, remarks), 1, 1))
        elif after.value is before:
            return False
        else:
            taken, left = plain_bytes(before, remarks), plain_bytes(after.value, after.remarks)
            written = _named(after.remarks, rule.origin) - _named(remarks, rule.origin)
            self.add(rule, Count(max(1, written), taken - left, 0, int(not left)))
        return True

    def add(self, rule: Rule, count: Count) -> None:
        """Count something that a rule did or, tried, would have done."""
        _count(self.rules if type(rule) is not DryRule else self.tried, rule.origin).add(count)


def copy_of(text: Text) -> Text:
    """The same text, to try a rule on."""
    return Text(text.value, list(text.remarks), text.length)


def plain_bytes(value: bytes, remarks: list[Remark]) -> int:
    """How much of a text no remark covers."""
    left = len(value)
    for remark in remarks:
        if remark.span is not None:
            start, end = remark.span
            left -= end - start
    return left


def _named(remarks: list[Remark], origin: str) -> int:
    count = 0
    for remark in remarks:
        if remark.origin == origin:
            count += 1
    return count


def _count(table: dict[str, Count], origin: str) -> Count:
    """The count of an origin; that of all others if the table is full."""
    key = origin[:_MAX_ID_CHARACTERS]
    count = table.get(key)
    if count is None:
        if len(table) >= _MAX_RULES:
            key = OTHER
        count = table.setdefault(key, Count())
    return count
