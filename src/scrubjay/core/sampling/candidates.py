"""One thing to decide on, and what the rules that match it say (`decisions.md` 5.9).

A `Candidate` is made of a specimen where payloads may be read, and settled in the loop, where it is counted. Reservoirs come first: a
full one leaves the candidate to the next rule that matches. What is protected is kept with certainty, whatever was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scrubjay.core.sampling.context import TraceContext
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.folding import fold
from scrubjay.core.sampling.rules import SMALLEST_RATE, FirstN, Rate, Reservoir, Rule
from scrubjay.core.sampling.specimens import Specimen
from scrubjay.core.sampling.unit import unit_interval


@dataclass(frozen=True, slots=True)
class Branch:
    """The rule that decided, the rate it decided at (1: with certainty), and how. `trace`: the context with this rate in it."""

    rule: Rule
    rate: float
    keeps: bool
    trace: TraceContext | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """`rules` match, all but the last are reservoirs. `number` is U. `trace`: the context to fold rates into; None: they are not."""

    rules: tuple[Rule, ...]
    number: float = 0.0
    is_protected: bool = False
    fingerprint: str = ""
    trace: TraceContext | None = None

    def settle(self, occasions: Occasions, project_id: int, now_unix: float) -> Branch | None:
        """None: it stays without a weight, since no rule has the last word."""
        for rule in self.rules:
            share = rule.share
            if isinstance(share, Reservoir):
                if occasions.has_room(project_id, rule.id, size=share.size, window=int(now_unix) // share.window_s):
                    return Branch(rule, 1.0, keeps=True)
                continue
            if rule.protects and self.is_protected:
                return Branch(rule, 1.0, keeps=True)
            if not isinstance(share, FirstN):
                return self._draw(rule, share.at(now_unix))
            window = int(now_unix) // share.window_s
            if occasions.is_first(
                project_id, rule.id, self.fingerprint, n=share.n, new_per_window=share.new_per_window, window=window
            ):
                return Branch(rule, 1.0, keeps=True)
            return self._draw(rule, share.then)
        return None

    def _draw(self, rule: Rule, rate: float) -> Branch:
        if rate < SMALLEST_RATE:
            return Branch(rule, 0.0, keeps=False)
        if self.trace is None:
            return Branch(rule, rate, self.number < rate)
        folded = fold(self.trace, rate)
        return Branch(rule, rate, folded is not None, folded)

    def __str__(self) -> str:
        rules = "; ".join(f"rule {rule.id}: {rule.share}" for rule in self.rules)
        kind = f", fingerprint {self.fingerprint}" if self.fingerprint else ""
        return f"{rules}; {'protected' if self.is_protected else f'number {self.number:.6f}'}{kind}"


def candidate_of(rules: Sequence[Rule], specimen: Specimen, trace: TraceContext | None = None) -> Candidate | None:
    """None: no rule matches, or one that keeps everything."""
    matching = _matching(rules, specimen)
    if not matching:
        return None
    last = matching[-1]
    if isinstance(last.share, Reservoir):
        return Candidate(matching)
    if len(matching) == 1 and isinstance(last.share, Rate) and last.share.rate >= 1:
        return None
    number = unit_interval(specimen.seed())
    is_protected = last.protects and specimen.is_protected()
    # What certainly falls needs no fingerprint.
    falls = len(matching) == 1 and isinstance(last.share, Rate) and trace is None and number >= last.share.rate
    counts = isinstance(last.share, FirstN)
    fingerprint = specimen.fingerprint() if counts or (specimen.shows_kind and (is_protected or not falls)) else ""
    return Candidate(matching, number, is_protected, fingerprint, trace)


def _matching(rules: Sequence[Rule], specimen: Specimen) -> tuple[Rule, ...]:
    """Reservoirs that match, up to the first rule that matches and is none."""
    found: list[Rule] = []
    for rule in rules:
        if rule.condition is None or rule.condition.matches(specimen.subject()):
            found.append(rule)
            if not isinstance(rule.share, Reservoir):
                break
    return tuple(found)
