"""Trace sampling by the reference's rules: which transactions and spans stay, and what becomes of all that came with them.

Owns the order of evaluation (`decisions.md` 5.3), whose context counts (5.5) and the fate of everything else (5.6). Answers only: a `TraceRuling`
says what falls, what stays without its transaction, and what the envelope header `trace` becomes. Pure; state is the envelope's and the rules'.

Where neither the item's project nor the trace's root has rules nothing is looked at: such a relay forwards, and the server decides. Invariant:
what cannot be decided is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, UnsetType

from scrubjay import reasons
from scrubjay.categories import Quantities
from scrubjay.core.conditions import Subject
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.items.batch import SPAN_CONTAINER
from scrubjay.core.items.blobs import is_trace_attachment
from scrubjay.core.items.partial import Container, Dropped, uncounted_spans
from scrubjay.core.sampling.context import TraceContext, context_of, read_context, trace_of_span
from scrubjay.core.sampling.folding import fold
from scrubjay.core.sampling.reason import sampled_reason
from scrubjay.core.sampling.trace_rules import DynamicSampling, TraceRule
from scrubjay.core.sampling.unit import keeps, unit_interval
from scrubjay.core.subjects import subject_of, subject_of_trace
from scrubjay.outcomes import Reason

UNCHANGED: Final = UNSET

_CONCERNED: Final = frozenset({"transaction", "span", "profile"})
"""Types of items that rules of traces can do something to; errors are never sampled by them."""


@dataclass(frozen=True, slots=True)
class Fall:
    """An item that goes. `uncounted`: spans inside it that its headers did not announce; they are lost with it."""

    item: Item
    ruling: Dropped
    uncounted: Quantities = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The rate that rules came to. `seed` is the id that decides; None: the trace's, in the way of `folding`."""

    rate: float
    rule_ids: tuple[int, ...]
    seed: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of the transaction, or of the spans, of an envelope, and by which rules."""

    about: str
    match: Match
    context: TraceContext | None
    is_kept: bool

    def __str__(self) -> str:
        seed = self.match.seed
        if seed is not None:
            decided = f"number {unit_interval(seed):.4f} of id {seed}"
        else:
            decided = "folded into the rate of the trace"
        rules = ", ".join(map(str, self.match.rule_ids))
        return f"{self.about}: rate {self.match.rate:g} by rules {rules}; {decided}: {'kept' if self.is_kept else 'dropped'}"


@dataclass(frozen=True, slots=True)
class TraceRuling:
    """What sampling says of an envelope.

    `falls` names each item that goes, with what rides on it. `detached` are profiles that stay without their transaction, and say so
    (`sampled: false`). `context` is the new value of the header `trace`; None removes it.
    """

    falls: tuple[Fall, ...] = ()
    detached: tuple[Item, ...] = ()
    context: dict[str, object] | UnsetType | None = UNCHANGED
    decisions: tuple[Decision, ...] = ()

    def explained(self) -> str:
        return "; ".join(map(str, self.decisions)) or "no rule came to a rate: kept"


def sample_traces(
    envelope: Envelope,
    own: DynamicSampling | None,
    root: DynamicSampling | None,
    *,
    own_key: str,
    now_unix: float,
    fold_rates: bool = False,
) -> TraceRuling | None:
    """None: nothing to do. `own`: the rules of the project that the envelope is sent to, by `own_key`.

    `root`: those of the project at the head of the trace (`trace_key`), `NO_RULES` if it has none; None if it cannot be used, being unknown,
    disabled or of another organisation, or if there is no trace.
    """
    if not own and not root:
        return None
    if any(rules is not None and not rules.is_supported for rules in (own, root)):
        return None
    if root is not None and not any(item.type in _CONCERNED for item in envelope.items):
        return None
    return _Sampler(envelope, own, root, own_key, now_unix, fold_rates).rule()


class _Sampler:
    """One envelope under judgement."""

    __slots__ = (
        "_changed",
        "_context",
        "_decisions",
        "_detached",
        "_envelope",
        "_falls",
        "_folds",
        "_now_unix",
        "_own",
        "_root",
        "_spans",
        "_transaction",
    )

    def __init__(
        self,
        envelope: Envelope,
        own: DynamicSampling | None,
        root: DynamicSampling | None,
        own_key: str,
        now_unix: float,
        folds: bool,
    ) -> None:
        self._envelope = envelope
        self._own = own
        self._root = root
        self._now_unix = now_unix
        self._folds = folds
        self._transaction = next((item for item in envelope.items if item.type == "transaction"), None)
        self._spans = [item for item in envelope.items if item.type == "span"]
        self._context = read_context(envelope.headers.get("trace"))
        self._changed: dict[str, object] | UnsetType | None = UNCHANGED
        self._falls: list[Fall] = []
        self._detached: list[Item] = []
        self._decisions: list[Decision] = []
        if own is not None and (root is None or self._context is None):
            self._begin_here(own, own_key)

    def rule(self) -> TraceRuling:
        if self._transaction is not None:
            self._sample_transaction(self._transaction)
        elif self._own is not None:
            self._judge_lone_profiles()
        if self._spans and not self._judge_contexts():
            self._sample_spans()
        return TraceRuling(tuple(self._falls), tuple(self._detached), self._changed, tuple(self._decisions))

    def _begin_here(self, own: DynamicSampling, own_key: str) -> None:
        """The trace's root is of no use, or it has none: a transaction begins one, and spans keep theirs; for all else there is none."""
        self._root = own
        context = self._context
        if self._transaction is not None:
            rate = None if context is None else context.sample_rate
            begun = context_of(self._transaction.payload, own_key, rate)
            if begun is not None:
                self._context, self._changed = begun, begun.header()
                return
        if context is not None and not self._spans:
            self._context = self._changed = None

    def _sample_transaction(self, transaction: Item) -> None:
        match = self._match(transaction)
        if match is None or self._keeps("transaction", match):
            return
        ruling = _ruling(match)
        self._falls.append(Fall(transaction, ruling, uncounted_spans(transaction)))
        others = [item for item in self._envelope.items if item is not transaction]
        if any(item.creates_event for item in others):
            return
        for item in others:
            if item.type == "profile":
                self._detached.append(item)
            elif item.type == "form_data" or (item.type == "attachment" and not is_trace_attachment(item)):
                self._falls.append(Fall(item, ruling))

    def _judge_lone_profiles(self) -> None:
        """A profile without its transaction must say that this was left out by sampling."""
        if any(item.creates_event for item in self._envelope.items):
            return
        self._drop(
            (
                item
                for item in self._envelope.items
                if item.type == "profile" and item.headers.get("sampled") is not False
            ),
            reasons.INVALID_STANDALONE_PROFILE,
        )

    def _judge_contexts(self) -> bool:
        """Whether containers of spans fall because they have no context, or that of another trace."""
        containers = [item for item in self._spans if item.kind is SPAN_CONTAINER]
        if not containers:
            return False
        if self._context is None:
            self._drop(containers, reasons.MISSING_DSC)
            return True
        trace_id = self._context.trace_id
        if all(_belongs(item, trace_id) for item in containers):
            return False
        self._drop(containers, reasons.INVALID_DSC)
        return True

    def _sample_spans(self) -> None:
        match = self._match(None)
        if match is not None and not self._keeps("spans", match):
            ruling = _ruling(match)
            self._falls += [Fall(item, ruling) for item in self._spans]

    def _drop(self, items: Iterable[Item], reason: Reason) -> None:
        self._falls += [Fall(item, Dropped(reason, "")) for item in items]

    def _match(self, transaction: Item | None) -> Match | None:
        """The first rate that the rules come to, phase by phase; None if they come to none."""
        own, root, context = self._own, self._root, self._context
        evaluation = _Evaluation(self._now_unix)
        event_id = self._envelope.event_id
        if own is not None and own.transaction and transaction is not None and event_id is not None:
            rate = evaluation.go_through(own.transaction, subject_of(transaction))
            if rate is not None:
                return Match(rate, tuple(evaluation.rule_ids), event_id)
        of_item_alone = len(evaluation.rule_ids)
        if context is None or root is None:
            return None
        subject = subject_of_trace(context.seen)
        rate = None
        if own is not None and own.project:
            rate = evaluation.go_through(own.project, subject)
        # A rate is folded if it follows from the rules of the trace's root alone, and not from what the item itself says.
        folds = self._folds and not (of_item_alone if own is root else evaluation.rule_ids)
        if rate is None and root.trace:
            rate = evaluation.go_through(root.trace, subject)
        if rate is None:
            return None
        return Match(rate, tuple(evaluation.rule_ids), None if folds else context.trace_id)

    def _keeps(self, about: str, match: Match) -> bool:
        context = self._context
        if match.seed is not None:
            is_kept = keeps(match.seed, match.rate)
        else:
            assert context is not None
            folded = fold(context, match.rate)
            is_kept = folded is not None
            if folded is not None and folded is not context:
                self._changed = folded.header()
        self._decisions.append(Decision(about, match, context, is_kept))
        return is_kept


class _Evaluation:
    """What rules that apply leave behind for those that follow."""

    __slots__ = ("_factor", "_minimum", "_now_unix", "rule_ids")

    def __init__(self, now_unix: float) -> None:
        self._now_unix = now_unix
        self._factor = 1.0
        self._minimum: float | None = None
        self.rule_ids: list[int] = []

    def go_through(self, rules: Sequence[TraceRule], subject: Subject) -> float | None:
        """The rate that one of the rules comes to; None if none does."""
        for rule in rules:
            value = rule.value_at(self._now_unix)
            if value is None or not rule.matches(subject):
                continue
            if rule.kind == "minimumSampleRate":
                if self._minimum is not None:
                    continue
                self._minimum = value
            elif rule.kind == "factor":
                self._factor *= value
            self.rule_ids.append(rule.id)
            if rule.kind == "sampleRate":
                return min(max(max(value, self._minimum or 0.0) * self._factor, 0.0), 1.0)
        return None


def _ruling(match: Match) -> Dropped:
    return Dropped(reasons.sampled(sampled_reason(match.rule_ids)), ",".join(map(str, match.rule_ids)))


def _belongs(container: Item, trace_id: str) -> bool:
    """Whether all spans are of this trace. Of a container that cannot be read nothing is known: scrubbing decides its fate."""
    opened = Container.open(container)
    return opened is None or all(trace_of_span(record) == trace_id for record in opened.records)
