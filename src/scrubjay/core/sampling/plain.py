"""Plain sampling by the rules of a project, the first that matches wins (`decisions.md` 5.9).

Three steps. `PlainSampling.examine` reads the payload: which rules match, the number that decides, the fingerprint, what is protected.
`settle` is cheap, runs in the loop and may count in `Occasions`. `rule` answers what becomes of the item and what is to be written into
it. The first and the last are pure and may run in a thread. How a rule decides is `candidates`' business, what it looks at that of
`specimens`, what a kept item stands for that of `weights`.

Invariants: what cannot be read is kept; the same item meets the same decision on every relay and retry, but for what is counted in
windows. An item that no rule decided on has no weight, which means 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay import reasons
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.items.partial import Container, Dropped, Thinned
from scrubjay.core.sampling.candidates import Branch, Candidate, candidate_of
from scrubjay.core.sampling.context import TraceContext, read_context
from scrubjay.core.sampling.documents import Members
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.rule_config import load_rules
from scrubjay.core.sampling.rules import SAMPLED_AS, Rule
from scrubjay.core.sampling.specimens import Record, WholeItem
from scrubjay.core.sampling.weights import weigh_event, weigh_headers, weigh_records

_OF_A_TRACE: Final = frozenset({"transaction", "span"})


@dataclass(frozen=True, slots=True)
class Weighted:
    """The item stays, and this is to be written into it: `payload` if it is not None, and `headers`, of which None removes one.

    `trace`: what the envelope's trace header is from now on, where rates are folded. `kept`: how many items or records each rule
    let stay, by its id.
    """

    payload: bytes | None
    headers: Mapping[str, object]
    trace: Mapping[str, object] | None = None
    kept: Mapping[int, int] = field(default_factory=dict, compare=False)


Ruling = Dropped | Thinned | Weighted


@dataclass(frozen=True, slots=True)
class ExaminedItem:
    """An item that is decided as a whole. `document`: an event, opened."""

    candidate: Candidate
    document: Members | None

    @property
    def candidates(self) -> Sequence[Candidate]:
        return (self.candidate,)

    def explained(self) -> str:
        return str(self.candidate)


@dataclass(frozen=True, slots=True)
class ExaminedContainer:
    """A container of which each record is decided; None for those that no rule is about."""

    container: Container
    candidates: Sequence[Candidate | None]

    def explained(self) -> str:
        return "; ".join(f"record {number}: {found or 'no rule'}" for number, found in enumerate(self.candidates, 1))


Examined = ExaminedItem | ExaminedContainer
Settled = Sequence[Branch | None]
"""What was decided on each candidate; None where no rule has the last word."""


class PlainSampling:
    """A project's rules, by what they are about."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: dict[str, tuple[Rule, ...]] = {}
        for item_type, category in SAMPLED_AS.items():
            about = tuple(rule for rule in rules if category in rule.categories)
            if about:
                self._rules[item_type] = about

    def examine(self, item: Item, envelope: Envelope, *, folds: bool = False) -> Examined | None:
        """What the rules see of an item; None: it stays as it is.

        `folds`: rates of transactions and spans are folded into that of their trace. For that this project must be the trace's root
        (`decisions.md` 5.8).
        """
        rules = self._rules.get(item.type)
        if rules is None:
            return None
        trace = read_context(envelope.headers.get("trace")) if folds and item.type in _OF_A_TRACE else None
        if item.type != "log" and (item.type != "span" or "item_count" not in item.headers):
            whole = WholeItem(item, envelope)
            candidate = candidate_of(rules, whole, trace)
            return None if candidate is None else ExaminedItem(candidate, whole.document)
        container = Container.open(item)
        if container is None:
            return None
        headers = envelope.headers
        candidates = [candidate_of(rules, Record(item.type, raw, headers), trace) for raw in container.records]
        return ExaminedContainer(container, candidates) if any(candidates) else None

    def settle(self, examined: Examined, occasions: Occasions, project_id: int, now_unix: float) -> Settled:
        """What becomes of each thing that was examined: one, or the records of a container. The step that counts."""
        return [
            None if candidate is None else candidate.settle(occasions, project_id, now_unix)
            for candidate in examined.candidates
        ]

    def rule(self, item: Item, examined: Examined, settled: Settled) -> tuple[Ruling, ...]:
        """What follows for the item, to be done one after another; nothing: it stays as it is. Pure, as `examine` is."""
        if isinstance(examined, ExaminedContainer):
            return _decide_records(item, examined.container, settled)
        candidate, (branch,) = examined.candidate, settled
        if branch is None:
            return ()
        if not branch.keeps:
            return (_fall(branch),)
        payload = None
        if examined.document is not None:
            payload = weigh_event(examined.document, branch.rate, branch.rule.id, candidate.fingerprint)
        headers = weigh_headers(item.headers, branch.rate) if payload is None else {}
        return (Weighted(payload, headers, _header(branch.trace), {branch.rule.id: 1}),)

    def __repr__(self) -> str:
        about = {SAMPLED_AS[item_type].wire: len(rules) for item_type, rules in self._rules.items()}
        return f"<PlainSampling {', '.join(f'{name} by {count}' for name, count in about.items())}>"


def compile_plain(rules: Sequence[object]) -> tuple[PlainSampling | None, list[str]]:
    """`config.scrubjay.sampling`; None if no rule can act. The texts name what will not act; `ConfigError` for what cannot be honoured."""
    loaded, problems = load_rules(rules)
    return PlainSampling(loaded) if loaded else None, problems


def _fall(branch: Branch) -> Dropped:
    return Dropped(reasons.SAMPLE_RATE, branch.rule.origin)


def _decide_records(item: Item, container: Container, settled: Settled) -> tuple[Ruling, ...]:
    """A container without the records that fell, and what the others stand for."""
    if not any(settled):
        return ()
    falls = [None if branch is None or branch.keeps else _fall(branch) for branch in settled]
    rulings = container.let_fall(falls)
    kept = [
        (record, 1.0 if branch is None else branch.rate)
        for record, branch, fall in zip(container.records, settled, falls, strict=True)
        if fall is None
    ]
    if not kept:
        return rulings
    headers, weighed = weigh_records(item.headers, [record for record, _ in kept], [rate for _, rate in kept])
    payload = None if weighed is None else container.holding(weighed)
    by_rule = Counter(branch.rule.id for branch in settled if branch is not None and branch.keeps)
    return (*rulings, Weighted(payload, headers, _folded(settled), by_rule))


def _folded(settled: Settled) -> Mapping[str, object] | None:
    """One header for all: of several rates the highest, so that a server never makes more of the records than there were."""
    kept = [branch for branch in settled if branch is not None and branch.trace is not None]
    highest = max(kept, key=lambda branch: branch.rate, default=None)
    return None if highest is None else _header(highest.trace)


def _header(trace: TraceContext | None) -> Mapping[str, object] | None:
    return None if trace is None else trace.header()
