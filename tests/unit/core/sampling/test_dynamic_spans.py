"""Trace sampling of standalone spans, and of rates that are folded (`decisions.md` 5.3, 5.6, 5.8)."""

from typing import Any

import pytest

from scrubjay import reasons
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.sampling.dynamic import UNCHANGED, TraceRuling, sample_traces
from scrubjay.core.sampling.trace_rules import NO_RULES, DynamicSampling, compile_dynamic
from support.items import make_envelope, make_item
from support.seeds import HIGH, LOW
from support.trace_rules import config, is_in, rule

KEY, OTHER = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
MEDIA_TYPE = "application/vnd.sentry.items.span.v2+json"


def compiled(*rules: dict[str, Any]) -> DynamicSampling:
    sampling, problems = compile_dynamic(config(*rules))
    assert problems == []
    assert sampling is not None
    return sampling


def container(*traces: object) -> Item:
    spans = [{"trace_id": trace, "span_id": str(number)} for number, trace in enumerate(traces)]
    return make_item("span", {"items": spans}, item_count=len(spans), content_type=MEDIA_TYPE)


def envelope_of(*items: Item, trace_id: object = LOW, **trace: Any) -> Envelope:
    if trace_id is None:
        return make_envelope(*items, event_id=LOW)
    return make_envelope(*items, event_id=LOW, trace={"trace_id": trace_id, "public_key": KEY, **trace})


def ruled(
    envelope: Envelope, own: DynamicSampling | None, root: DynamicSampling | None, *, folds: bool = False
) -> TraceRuling:
    ruling = sample_traces(envelope, own, root, own_key=KEY, now_unix=0, fold_rates=folds)
    assert ruling is not None
    return ruling


def fallen(ruling: TraceRuling) -> list[tuple[Item, str, str]]:
    return [(fall.item, fall.ruling.reason.code, fall.ruling.origin) for fall in ruling.falls]


# Standalone spans


@pytest.mark.parametrize("make", [lambda: container(HIGH, HIGH), lambda: make_item("span", {"trace_id": HIGH})])
def test_spans_are_sampled_by_their_trace(make: Any) -> None:
    one, two = make(), make()
    envelope = envelope_of(one, two, make_item("log"), trace_id=HIGH)
    rules = compiled(rule(3001, 0.5))
    assert fallen(ruled(envelope, rules, rules)) == [(one, "Sampled:3000", "3001"), (two, "Sampled:3000", "3001")]
    assert not ruled(envelope, None, compiled(rule(3001, 1))).falls


def test_rules_for_transactions_are_not_asked_about_spans() -> None:
    rules = compiled(rule(1, 0, type="transaction"), rule(2, 1, type="project"), rule(3, 0))
    ruling = ruled(envelope_of(container(LOW)), rules, rules)
    assert not ruling.falls
    assert [decision.match.rule_ids for decision in ruling.decisions] == [(2,)]
    assert ruling.explained().startswith("spans: rate 1 by rules 2; ")


def test_containers_need_a_context() -> None:
    spans, single = container(LOW), make_item("span", {"trace_id": HIGH})
    rules = compiled(rule(1, 0))
    for envelope in (envelope_of(spans, single, trace_id=None), envelope_of(spans, single, sample_rate=-1)):
        ruling = ruled(envelope, rules, None)
        assert fallen(ruling) == [(spans, "missing_dsc", "")]
        assert ruling.falls[0].ruling.reason is reasons.MISSING_DSC
        assert ruling.context is UNCHANGED


def test_containers_need_the_context_of_their_trace() -> None:
    good, bad = container(LOW, LOW.upper()), container(LOW, HIGH)
    rules = compiled(rule(1, 1))
    assert fallen(ruled(envelope_of(good), rules, rules)) == []
    assert fallen(ruled(envelope_of(good, bad), rules, rules)) == [(good, "invalid_dsc", ""), (bad, "invalid_dsc", "")]
    assert fallen(ruled(envelope_of(container(None)), rules, rules))[0][1] == "invalid_dsc"


def test_single_spans_without_a_context_are_kept() -> None:
    assert (
        ruled(envelope_of(make_item("span", {"trace_id": HIGH}), trace_id=None), compiled(rule(1, 0)), None)
        == TraceRuling()
    )


def test_containers_that_cannot_be_read_are_judged_by_the_context_alone() -> None:
    broken = make_item("span", b"{", item_count=3, content_type=MEDIA_TYPE)
    rules = compiled(rule(1, 1))
    assert not ruled(envelope_of(broken), rules, rules).falls


def test_where_the_root_is_of_no_use_the_own_rules_serve() -> None:
    rules = compiled(rule(3001, 0.5, condition=is_in("prod")))
    spans = container(HIGH)
    ruling = ruled(envelope_of(spans, trace_id=HIGH, public_key=OTHER, environment="prod"), rules, None)
    assert fallen(ruling) == [(spans, "Sampled:3000", "3001")]
    assert ruling.context is UNCHANGED


def test_spans_beside_a_transaction_are_sampled_for_themselves() -> None:
    rules = compiled(rule(1, 1, type="transaction"), rule(2, 0))
    transaction, spans = make_item("transaction", {}), container(HIGH)
    ruling = ruled(envelope_of(transaction, spans, trace_id=HIGH), rules, rules)
    assert fallen(ruling) == [(spans, "Sampled:0", "2")]
    assert [(decision.about, decision.is_kept) for decision in ruling.decisions] == [
        ("transaction", True),
        ("spans", False),
    ]


# Folding


def folded(own: DynamicSampling | None, root: DynamicSampling | None, **trace: Any) -> TraceRuling:
    return ruled(envelope_of(make_item("transaction", {}), **trace), own, root, folds=True)


@pytest.mark.parametrize(
    ("number", "is_kept"),
    [pytest.param("0.2", True, id="decisions-85-kept"), pytest.param("0.3", False, id="decisions-85-dropped")],
)
def test_rates_are_folded_into_the_context(number: str, is_kept: bool) -> None:
    rules = compiled(rule(1, 0.5))
    ruling = folded(rules, rules, trace_id=HIGH, sample_rate="0.5", sample_rand=number)
    assert [decision.is_kept for decision in ruling.decisions] == [is_kept]
    assert bool(ruling.falls) is not is_kept
    if is_kept:
        expected = {"trace_id": HIGH, "public_key": KEY, "sample_rand": number, "sample_rate": "0.25"}
        assert ruling.context == expected
        assert ruling.explained() == "transaction: rate 0.5 by rules 1; folded into the rate of the trace: kept"
    else:
        assert ruling.context is UNCHANGED


def test_a_rate_of_one_leaves_the_context_as_it_came() -> None:
    rules = compiled(rule(1, 1))
    assert folded(rules, rules, sample_rate=0.5).context is UNCHANGED


def test_the_roots_rate_is_folded_by_every_service() -> None:
    ruling = folded(None, compiled(rule(1, 0.5)), sample_rate="0.5")
    assert isinstance(ruling.context, dict)
    assert ruling.context["sample_rate"] == "0.25"


def test_rates_that_do_not_follow_from_the_root_alone_are_not_folded() -> None:
    factor = {"type": "factor", "value": 0.5}
    by_event = compiled(rule(1, type="transaction", samplingValue=factor), rule(2, 0.5))
    by_project = compiled(rule(1, type="project", samplingValue=factor), rule(2, 0.5))
    whole = compiled(rule(1, 0.5, type="transaction"))
    for own, root in ((by_event, by_event), (by_project, compiled(rule(3, 0.5))), (whole, NO_RULES)):
        ruling = folded(own, root, sample_rate="0.5", sample_rand="0.9")
        assert ruling.context is UNCHANGED
        assert [decision.is_kept for decision in ruling.decisions] == [True]
    assert folded(by_project, by_project, sample_rate="0.5", sample_rand="0.9").falls


def test_a_rebuilt_context_is_folded_too() -> None:
    payload = {"contexts": {"trace": {"trace_id": LOW}}}
    envelope = envelope_of(make_item("transaction", payload), trace_id=HIGH, public_key=OTHER, sample_rate="0.5")
    ruling = ruled(envelope, compiled(rule(1, 0.5)), None, folds=True)
    assert ruling.context == {"trace_id": LOW, "public_key": KEY, "sample_rate": "0.25"}
