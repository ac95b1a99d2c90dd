"""A record that keeps each change: what every rule did at every place, in the order applied, middle values included.

Only explanations ask for it, since it holds the values themselves. It looks at one step of a rule at a time, so that a change is the
work of one detector. Which selector led there and of which class the place is, `explain.py` finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from scrubjay.core.scrub.json_text import BRACE, BRACKET
from scrubjay.core.scrub.record import Count, Record, copy_of
from scrubjay.core.scrub.redact import Span, Text, lines, spans_in
from scrubjay.core.scrub.rules import DryRule, Rule

if TYPE_CHECKING:
    from scrubjay.core.scrub.program import Pass
    from scrubjay.core.scrub.remarks import NodePath

WHOLE: Final = "anything"
"""Stands for the detector where a rule takes whatever it is applied to."""


@dataclass(frozen=True, slots=True)
class Touch:
    """What one step of a rule did to one node. `after` None: the node is gone.

    `spans` are bytes of `before` and what was taken there; for nodes that are no text, and keys that decided, the whole. `kind` is that of
    the node, or `key` where it was the key itself.
    """

    one: Pass | None
    path: NodePath
    rule: Rule
    detector: str
    by_key: bool
    kind: str
    before: bytes
    after: bytes | None
    spans: tuple[Span, ...]

    @property
    def dry(self) -> bool:
        return type(self.rule) is DryRule


@dataclass(slots=True)
class Trace(Record):
    """Counts, and every touch."""

    touches: list[Touch] = field(default_factory=list)
    _one: Pass | None = None
    _base: NodePath = ()
    _text_kind: str = "string"

    def attempt(self) -> Trace:
        return Trace(_one=self._one, _base=self._base)

    def merge(self, other: Record) -> None:
        Record.merge(self, other)
        if isinstance(other, Trace):
            self.touches += other.touches

    def begin(self, one: Pass) -> None:
        self._one, self._base = one, ()

    def enter(self, base: NodePath) -> None:
        self._base = base

    def apply(self, rule: Rule, text: Text, key_verdict: int, hits: int, path: NodePath) -> bool:
        target = text if type(rule) is not DryRule else copy_of(text)
        for step in _by_step(rule):
            before = copy_of(target)
            removed = Rule.apply(step, target, key_verdict, hits)
            if self.count_text(rule, before.value, before.remarks, None if removed else target):
                by_key = any(look.key_bit & key_verdict for look in step.steps)
                spans = ((0, len(before.value)),) if removed or by_key else _spans(step, before)
                after = None if removed else target.value
                self._touch(rule, step, path, by_key, self._text_kind, before.value, after, spans)
            if removed:
                return target is text
        return False

    def apply_to_key(self, rule: Rule, text: Text, hits: int, path: NodePath) -> None:
        self._text_kind = "key"
        try:
            self.apply(rule, text, 0, hits, path)
        finally:
            self._text_kind = "string"

    def removes_node(self, rule: Rule, key_verdict: int, data: bytes, path: NodePath) -> bool:
        for step in _by_step(rule):
            if Rule.removes_node(step, key_verdict):
                self.add(rule, Count(1, len(data), 1, 0))
                by_key = any(look.key_bit & key_verdict for look in step.steps)
                self._touch(rule, step, path, by_key, kind_of(data), data, None, ((0, len(data)),))
                return type(rule) is not DryRule
        return False

    def _touch(
        self,
        rule: Rule,
        step: Rule,
        path: NodePath,
        by_key: bool,
        kind: str,
        before: bytes,
        after: bytes | None,
        spans: tuple[Span, ...],
    ) -> None:
        detector = WHOLE if rule.takes_nodes else step.steps[0].name
        self.touches.append(Touch(self._one, (*self._base, *path), rule, detector, by_key, kind, before, after, spans))


def kind_of(data: bytes) -> str:
    """The kind of a JSON value that is neither text nor a word."""
    return {BRACE: "object", BRACKET: "array"}.get(data[0], "number")


def _by_step(rule: Rule) -> Iterator[Rule]:
    """The rule, once with each of its steps alone; together they do what it does."""
    if len(rule.steps) < 2:
        yield rule
        return
    for step in rule.steps:
        yield replace(rule, steps=(step,), bits=step.bits, key_bits=step.key_bit)


def _spans(rule: Rule, before: Text) -> tuple[Span, ...]:
    finder = lines if rule.takes_nodes else rule.steps[0].find
    return tuple(spans_in(before, finder)) if finder is not None else ((0, len(before.value)),)
