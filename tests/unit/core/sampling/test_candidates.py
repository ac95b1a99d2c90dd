"""How the rules that match decide (`decisions.md` 5.9)."""

from collections.abc import Sequence

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.conditions import Subject, compile_condition
from scrubjay.core.sampling.candidates import Branch, Candidate, candidate_of
from scrubjay.core.sampling.context import TraceContext
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.rules import Decay, FirstN, Rate, Reservoir, Rule, Share
from scrubjay.core.subjects import subject_of_trace
from support.seeds import HIGH, LOW

NOW = 1_795_339_884.0


class Specimen:
    def __init__(self, seed: str = HIGH, *, is_protected: bool = False, shows_kind: bool = True) -> None:
        self.shows_kind = shows_kind
        self._seed = seed
        self._is_protected = is_protected
        self.asked: list[str] = []

    def subject(self) -> Subject:
        return subject_of_trace({"environment": "live"})

    def seed(self) -> str:
        return self._seed

    def is_protected(self) -> bool:
        self.asked.append("protected")
        return self._is_protected

    def fingerprint(self) -> str:
        self.asked.append("fingerprint")
        return "b0acdb57ac34e387"


def rule(share: Share, *, number: int = 3100, environment: str | None = None, protects: bool = True) -> Rule:
    condition = None
    if environment is not None:
        condition = compile_condition({"op": "eq", "name": "trace.environment", "value": environment})
    return Rule(number, frozenset({C.ERROR}), share, condition, protects)


def settle(rules: Sequence[Rule], specimen: Specimen, occasions: Occasions | None = None) -> Branch | None:
    candidate = candidate_of(rules, specimen)
    assert candidate is not None
    assert str(candidate)
    return candidate.settle(occasions or Occasions(), 42, NOW)


def test_the_first_match_has_the_last_word() -> None:
    rules = (
        rule(Rate(0), number=1, environment="dev"),
        rule(Reservoir(1, 60), number=2, environment="live"),
        rule(Reservoir(1, 60), number=3, environment="dev"),
        rule(Rate(0.5), number=4, environment="live"),
        rule(Rate(0), number=5),
    )
    candidate = candidate_of(rules, Specimen())
    assert candidate is not None
    assert [found.id for found in candidate.rules] == [2, 4]


@pytest.mark.parametrize("rules", [(), (rule(Rate(0), environment="dev"),), (rule(Rate(1)),)])
def test_nothing_to_decide(rules: Sequence[Rule]) -> None:
    assert candidate_of(rules, Specimen()) is None


@pytest.mark.parametrize(("seed", "keeps"), [(LOW, True), (HIGH, False)])
def test_the_number_decides(seed: str, keeps: bool) -> None:
    for share in (Rate(0.5), Decay(0.5, 60, NOW), FirstN(1, 60, 0.5)):
        occasions = Occasions()
        the_rule = rule(share)
        if isinstance(share, FirstN):
            assert settle([the_rule], Specimen(), occasions) == Branch(the_rule, 1, keeps=True)
        assert settle([the_rule], Specimen(seed), occasions) == Branch(the_rule, 0.5, keeps)


def test_what_is_protected_is_kept_with_certainty() -> None:
    for share in (Rate(0.5), Rate(0), Decay(0.5, 60, NOW), FirstN(1, 60, 0)):
        assert settle([rule(share)], Specimen(is_protected=True)) == Branch(rule(share), 1, keeps=True)
    unprotecting = rule(Rate(0), protects=False)
    assert settle([unprotecting], Specimen(is_protected=True)) == Branch(unprotecting, 0, keeps=False)


def test_a_reservoir_alone_asks_for_nothing() -> None:
    specimen, occasions = Specimen(), Occasions()
    assert settle([rule(Reservoir(1, 60))], specimen, occasions) == Branch(rule(Reservoir(1, 60)), 1, keeps=True)
    assert settle([rule(Reservoir(1, 60))], specimen, occasions) is None
    assert specimen.asked == []


@pytest.mark.parametrize(
    ("rules", "seed", "is_protected", "trace", "asked"),
    [
        ([rule(Rate(0.5))], HIGH, False, None, ["protected"]),
        ([rule(Rate(0.5))], HIGH, True, None, ["protected", "fingerprint"]),
        ([rule(Rate(0.5))], LOW, False, None, ["protected", "fingerprint"]),
        ([rule(Rate(0.5), protects=False)], HIGH, False, None, []),
        ([rule(Rate(0.5))], HIGH, False, TraceContext(HIGH, "k"), ["protected", "fingerprint"]),
        ([rule(Decay(0.5, 60, NOW))], HIGH, False, None, ["protected", "fingerprint"]),
        ([rule(Reservoir(1, 60)), rule(Rate(0.5))], HIGH, False, None, ["protected", "fingerprint"]),
    ],
)
def test_what_certainly_falls_needs_no_fingerprint(
    rules: Sequence[Rule], seed: str, is_protected: bool, trace: TraceContext | None, asked: list[str]
) -> None:
    specimen = Specimen(seed, is_protected=is_protected)
    assert candidate_of(rules, specimen, trace) is not None
    assert specimen.asked == asked


def test_what_shows_no_kind_needs_a_fingerprint_to_be_counted_alone() -> None:
    for share, asked in ((Rate(0.5), ["protected"]), (FirstN(1, 60, 0), ["protected", "fingerprint"])):
        specimen = Specimen(LOW, shows_kind=False)
        assert candidate_of([rule(share)], specimen) is not None
        assert specimen.asked == asked


def test_rates_are_folded() -> None:
    the_rule = rule(Rate(0.5))
    context = TraceContext(LOW, "k", 0.5, {"sample_rand": 0.2})
    candidate = Candidate((the_rule,), 0.99, trace=context)
    assert candidate.settle(Occasions(), 42, NOW) == Branch(the_rule, 0.5, keeps=True, trace=context.sampled_at(0.25))
    candidate = Candidate((the_rule,), 0.0, trace=TraceContext(LOW, "k", 0.5, {"sample_rand": 0.3}))
    assert candidate.settle(Occasions(), 42, NOW) == Branch(the_rule, 0.5, keeps=False)
    candidate = Candidate((rule(Rate(0)),), 0.0, trace=context)
    assert candidate.settle(Occasions(), 42, NOW) == Branch(rule(Rate(0)), 0, keeps=False)


def test_candidates_are_told() -> None:
    told = str(Candidate((rule(Reservoir(1, 60)), rule(Rate(0.5), number=7)), 0.25, fingerprint="b0acdb57ac34e387"))
    assert told == (
        "rule 3100: first 1 of all in 60 s; rule 7: rate 0.5; number 0.250000, fingerprint b0acdb57ac34e387"
    )
    assert str(Candidate((rule(Rate(0.5)),), is_protected=True)) == "rule 3100: rate 0.5; protected"
