"""Trace sampling: the order of evaluation, and what becomes of transactions (`decisions.md` 5.3 to 5.7)."""

from typing import Any

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.sampling.dynamic import UNCHANGED, TraceRuling, sample_traces
from scrubjay.core.sampling.trace_rules import NO_RULES, DynamicSampling, compile_dynamic
from support.items import make_envelope, make_item
from support.seeds import HIGH, LOW, ROWS
from support.trace_rules import config, is_in, rule

KEY, OTHER = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ELEVEN, SIXTEEN = ROWS[10][0], ROWS[15][0]
TRANSACTION: dict[str, Any] = {
    "transaction": "/cart",
    "environment": "prod",
    "contexts": {"trace": {"trace_id": LOW}},
    "spans": [],
}


def compiled(*rules: dict[str, Any]) -> DynamicSampling:
    sampling, problems = compile_dynamic(config(*rules))
    assert problems == []
    assert sampling is not None
    return sampling


def transaction_of(
    trace_id: str | None = LOW, *others: Item, event_id: str = LOW, payload: object = TRANSACTION, **trace: Any
) -> Envelope:
    headers: dict[str, Any] = {"event_id": event_id}
    if trace_id is not None:
        headers["trace"] = {"trace_id": trace_id, "public_key": KEY, **trace}
    return make_envelope(make_item("transaction", payload), *others, **headers)


def sample(
    envelope: Envelope,
    own: DynamicSampling | None,
    root: DynamicSampling | str | None = "own",
    *,
    now: float = 0,
    folds: bool = False,
) -> TraceRuling | None:
    """By default the project is the root of its traces."""
    chosen = own if isinstance(root, str) else root
    return sample_traces(envelope, own, chosen, own_key=KEY, now_unix=now, fold_rates=folds)


def ruled(*arguments: Any, **named: Any) -> TraceRuling:
    ruling = sample(*arguments, **named)
    assert ruling is not None
    return ruling


def outcome(ruling: TraceRuling) -> tuple[float, tuple[int, ...], str | None, bool] | None:
    """Rate, rules, the id that decided, and whether the item is kept; None if no rule came to a rate."""
    if not ruling.decisions:
        return None
    (decision,) = ruling.decisions
    assert decision.is_kept is not bool(ruling.falls)
    return round(decision.match.rate, 9), decision.match.rule_ids, decision.match.seed, decision.is_kept


def value(kind: str, number: float) -> dict[str, Any]:
    return {"samplingValue": {"type": kind, "value": number}}


# Whether anything is done


@pytest.mark.parametrize(("own", "root"), [(None, None), (None, NO_RULES), (NO_RULES, NO_RULES), (NO_RULES, None)])
def test_without_rules_nothing_is_looked_at(own: DynamicSampling | None, root: DynamicSampling | None) -> None:
    lone = make_envelope(make_item("profile", b"{}"), trace={"trace_id": LOW, "public_key": OTHER})
    assert sample(lone, own, root) is None
    assert sample(transaction_of(LOW, public_key=OTHER), own, root) is None


def test_rules_that_are_not_supported_keep_everything_decisions_74() -> None:
    unsupported, _ = compile_dynamic(config(rule(1, 0), rule(2, type="martian")))
    drops = compiled(rule(3001, 0))
    for own, root in ((unsupported, unsupported), (drops, unsupported), (unsupported, drops), (unsupported, None)):
        assert sample(transaction_of(), own, root) is None


@pytest.mark.parametrize(
    "broken", [config(version=3), config(rule(1, 0, samplingValue={"type": "reservoir", "limit": 1}))]
)
def test_blocks_that_cannot_be_used_keep_everything_decisions_74(broken: dict[str, Any]) -> None:
    sampling, problems = compile_dynamic(broken)
    assert problems
    assert sample(transaction_of(), sampling) is None


# The order of evaluation


@pytest.mark.parametrize(("rate", "keeps_16"), [(0.25, False), (0.5, True)])
def test_traces_decide_decisions_67(rate: float, keeps_16: bool) -> None:
    rules = compiled(rule(3001, rate))
    assert outcome(ruled(transaction_of(ELEVEN, event_id=HIGH), rules)) == (rate, (3001,), ELEVEN, True)
    assert outcome(ruled(transaction_of(SIXTEEN), rules)) == (rate, (3001,), SIXTEEN, keeps_16)


def test_nothing_and_all_decisions_68() -> None:
    assert outcome(ruled(transaction_of(LOW), compiled(rule(1, 0)))) == (0, (1,), LOW, False)
    assert outcome(ruled(transaction_of(HIGH), compiled(rule(1, 1)))) == (1, (1,), HIGH, True)
    beyond = compiled(rule(1, **value("factor", 3.4)), rule(2, 0.5))
    assert outcome(ruled(transaction_of(HIGH), beyond)) == (1, (1, 2), HIGH, True)
    below = compiled(rule(1, **value("factor", -1)), rule(2, 0.5))
    assert outcome(ruled(transaction_of(LOW), below)) == (0, (1, 2), LOW, False)


def test_ids_in_any_spelling_decisions_68() -> None:
    dashed = f"{ELEVEN[:8]}-{ELEVEN[8:12]}-{ELEVEN[12:16]}-{ELEVEN[16:20]}-{ELEVEN[20:]}".upper()
    assert outcome(ruled(transaction_of(dashed), compiled(rule(1)))) == (0.25, (1,), ELEVEN, True)


@pytest.mark.parametrize(("environment", "rate", "ids"), [("prod", 0.4, (1, 2)), ("dev", 0.2, (2,))])
def test_factors_decisions_69(environment: str, rate: float, ids: tuple[int, ...]) -> None:
    rules = compiled(rule(1, **value("factor", 2), condition=is_in("prod")), rule(2, 0.2))
    assert outcome(ruled(transaction_of(LOW, environment=environment), rules)) == (rate, ids, LOW, True)


def test_factors_multiply() -> None:
    rules = compiled(rule(1, **value("factor", 0.5)), rule(2, **value("factor", 0.25)), rule(3, 0.8))
    assert outcome(ruled(transaction_of(), rules)) == (0.1, (1, 2, 3), LOW, True)


def test_phases_hand_on_their_state_decisions_70() -> None:
    own = compiled(
        rule(1, type="transaction", condition={"op": "eq", "name": "event.transaction", "value": "/other"}),
        rule(2, type="project", **value("factor", 0.5)),
    )
    assert outcome(ruled(transaction_of(ELEVEN), own, compiled(rule(3, 0.8)))) == (0.4, (2, 3), ELEVEN, True)
    assert outcome(ruled(transaction_of(SIXTEEN), own, compiled(rule(3, 0.8)))) == (0.4, (2, 3), SIXTEEN, False)


def test_transactions_are_asked_first_and_decide_by_event_decisions_71() -> None:
    condition = {"op": "eq", "name": "event.transaction", "value": "/cart"}
    own = compiled(rule(1, 0.5, type="transaction", condition=condition), rule(2, 0, type="project"), rule(3, 0))
    assert outcome(ruled(transaction_of(HIGH, event_id=LOW), own)) == (0.5, (1,), LOW, True)
    assert outcome(ruled(transaction_of(LOW, event_id=HIGH), own)) == (0.5, (1,), HIGH, False)
    without_id = transaction_of(HIGH)
    del without_id.headers["event_id"]
    assert outcome(ruled(without_id, own)) == (0, (2,), HIGH, False)


def test_the_least_rate_comes_before_the_factor_decisions_72() -> None:
    rules = compiled(rule(1, **value("factor", 0.5)), rule(2, **value("minimumSampleRate", 0.5)), rule(3, 0.1))
    assert outcome(ruled(transaction_of(), rules)) == (0.25, (1, 2, 3), LOW, True)


def test_only_the_first_least_rate_counts() -> None:
    """The worked example of 5.3."""
    rules = compiled(
        rule(1, **value("factor", 1.5)),
        rule(2, **value("minimumSampleRate", 0.2)),
        rule(3, **value("minimumSampleRate", 0.9)),
        rule(4, 0.05),
    )
    assert outcome(ruled(transaction_of(), rules)) == (0.3, (1, 2, 4), LOW, True)


def test_the_first_rate_ends_the_evaluation() -> None:
    own = compiled(rule(1, 0.5, type="project"), rule(2, 0), rule(3, 0, type="project"))
    assert outcome(ruled(transaction_of(), own)) == (0.5, (1,), LOW, True)


def test_rules_out_of_time_are_stepped_over_decisions_73() -> None:
    rules = compiled(rule(1, 0, timeRange={"end": "1970-01-01T00:01:00Z"}), rule(2, 1))
    assert outcome(ruled(transaction_of(), rules, now=59.5)) == (0, (1,), LOW, False)
    assert outcome(ruled(transaction_of(), rules, now=60)) == (1, (2,), LOW, True)


def test_no_rate_no_match() -> None:
    rules = compiled(rule(1, **value("factor", 0)), rule(2, 0, condition=is_in("nowhere")))
    ruling = ruled(transaction_of(), rules)
    assert ruling == TraceRuling()
    assert ruling.explained() == "no rule came to a rate: kept"


def test_the_roots_rules_are_asked_and_the_own_trace_rules_are_not() -> None:
    own, root = compiled(rule(1, 0)), compiled(rule(2, 0.5, condition=is_in("prod")), rule(9, 0, type="project"))
    elsewhere = transaction_of(LOW, public_key=OTHER, environment="prod")
    assert outcome(ruled(elsewhere, own, root)) == (0.5, (2,), LOW, True)
    assert outcome(ruled(elsewhere, None, root)) == (0.5, (2,), LOW, True)
    assert outcome(ruled(elsewhere, own, NO_RULES)) is None


def test_explained() -> None:
    rules = compiled(rule(3001, 0.5), rule(1, type="project", **value("factor", 0.5)))
    told = ruled(transaction_of(SIXTEEN), rules).explained()
    assert told == f"transaction: rate 0.25 by rules 1, 3001; number 0.4537 of id {SIXTEEN}: dropped"


# Whose context counts


def test_a_context_of_no_use_is_built_anew_decisions_80() -> None:
    rules = compiled(rule(1, 0.5, condition=is_in("prod")))
    foreign = transaction_of(HIGH, public_key=OTHER, sample_rate="0.1", sampled=True, environment="theirs", org_id="7")
    ruling = ruled(foreign, rules, None)
    assert ruling.context == {
        "trace_id": LOW,
        "public_key": KEY,
        "environment": "prod",
        "transaction": "/cart",
        "sample_rate": "0.1",
    }
    assert outcome(ruling) == (0.5, (1,), LOW, True)


@pytest.mark.parametrize("trace", [None, {"public_key": "short"}, {"sample_rate": -1}])
def test_a_transaction_without_a_context_begins_one(trace: dict[str, Any] | None) -> None:
    envelope = transaction_of(None) if trace is None else transaction_of(HIGH, **trace)
    ruling = ruled(envelope, compiled(rule(1, 0.5)), NO_RULES)
    assert outcome(ruling) == (0.5, (1,), LOW, True)
    assert ruling.context == {"trace_id": LOW, "public_key": KEY, "environment": "prod", "transaction": "/cart"}


def test_rules_see_the_user_of_a_context_that_is_built() -> None:
    rules = compiled(rule(1, 0, condition={"op": "eq", "name": "trace.user.id", "value": "17"}))
    ruling = ruled(transaction_of(None, payload={**TRANSACTION, "user": {"id": 17}}), rules, None)
    assert outcome(ruling) == (0, (1,), LOW, False)
    assert isinstance(ruling.context, dict)
    assert "user_id" not in ruling.context


def test_a_transaction_without_a_trace_is_kept() -> None:
    rules = compiled(rule(1, 0))
    assert ruled(transaction_of(None, payload={}), rules, None) == TraceRuling()
    assert ruled(transaction_of(LOW, payload={}), rules, None) == TraceRuling(context=None)


def test_a_context_of_no_use_without_a_transaction_is_removed() -> None:
    envelope = make_envelope(make_item("event"), event_id=LOW, trace={"trace_id": LOW, "public_key": OTHER})
    assert ruled(envelope, compiled(rule(1, 0)), None) == TraceRuling(context=None)


def test_a_context_that_is_not_valid_is_left_as_it_came_decisions_79() -> None:
    envelope = make_envelope(
        make_item("event"), event_id=LOW, trace={"trace_id": LOW, "public_key": OTHER, "sample_rate": -1}
    )
    assert ruled(envelope, compiled(rule(1, 0)), None).context is UNCHANGED


def test_a_context_in_use_is_left_as_it_came() -> None:
    assert ruled(transaction_of(LOW, sample_rate=0.1, sampled="maybe"), compiled(rule(1, 1))).context is UNCHANGED


# Of what falls with a transaction


def test_what_falls_and_what_stays_decisions_76_77() -> None:
    attachment, view = (
        make_item("attachment", b"x" * 52),
        make_item("attachment", b"{}", attachment_type="event.view_hierarchy"),
    )
    form, profile = make_item("form_data", b"{}"), make_item("profile", b"{}")
    staying = [
        make_item(name) for name in ("replay_event", "user_report", "session", "check_in", "log", "client_report")
    ]
    staying.append(
        make_item("attachment", b"{}x", content_type="application/vnd.sentry.trace-attachment", meta_length=2)
    )
    envelope = transaction_of(
        HIGH, attachment, view, form, profile, *staying, payload={**TRANSACTION, "spans": [{}, {}, {}]}
    )
    transaction = envelope.items[0]
    ruling = ruled(envelope, compiled(rule(3001, 0)))
    assert [fall.item for fall in ruling.falls] == [transaction, attachment, view, form]
    assert {fall.ruling.reason for fall in ruling.falls} == {reasons.sampled("Sampled:3000")}
    assert {fall.ruling.origin for fall in ruling.falls} == {"3001"}
    assert ruling.falls[0].uncounted == ((C.SPAN, 3), (C.SPAN_INDEXED, 3))
    assert not any(fall.uncounted for fall in ruling.falls[1:])
    assert ruling.detached == (profile,)


def test_announced_spans_are_not_counted_again() -> None:
    envelope = make_envelope(
        make_item("transaction", {"spans": [{}]}, span_count=1), trace={"trace_id": HIGH, "public_key": KEY}
    )
    assert ruled(envelope, compiled(rule(1, 0))).falls[0].uncounted == ()


def test_what_belongs_to_another_event_stays() -> None:
    envelope = transaction_of(HIGH, make_item("attachment", b"x"), make_item("event"), make_item("profile"))
    ruling = ruled(envelope, compiled(rule(1, 0)))
    assert [fall.item for fall in ruling.falls] == envelope.items[:1]
    assert ruling.detached == ()


def test_errors_are_never_sampled_decisions_78() -> None:
    envelope = make_envelope(
        make_item("event"), make_item("attachment", b"x"), event_id=HIGH, trace={"trace_id": HIGH, "public_key": KEY}
    )
    everything = compiled(rule(1, 0), rule(2, 0, type="project"), rule(3, 0, type="transaction"))
    assert sample(envelope, everything) is None
    assert ruled(envelope, everything, None) == TraceRuling(context=None)


def test_reasons_name_categories_decisions_81() -> None:
    rules = compiled(rule(1500, **value("factor", 1)), rule(3500, **value("factor", 1)), rule(12, 0))
    (fall,) = ruled(transaction_of(), rules).falls
    assert fall.ruling.reason.code == "Sampled:1500,3000,0"
    assert fall.ruling.origin == "1500,3500,12"


@pytest.mark.parametrize(
    ("headers", "falls"), [({}, True), ({"sampled": True}, True), ({"sampled": "false"}, True), ({"sampled": False}, False)]
)  # fmt: skip
def test_lone_profiles(headers: dict[str, Any], falls: bool) -> None:
    profile = make_item("profile", b"{}", **headers)
    ruling = ruled(make_envelope(profile, event_id=LOW), compiled(rule(1, 1)))
    assert [fall.item for fall in ruling.falls] == ([profile] if falls else [])
    assert all(fall.ruling.reason is reasons.INVALID_STANDALONE_PROFILE for fall in ruling.falls)


def test_profiles_that_are_not_alone_or_not_ours_to_judge() -> None:
    rules = compiled(rule(1, 1))
    assert not ruled(make_envelope(make_item("event"), make_item("profile"), event_id=LOW), rules).falls
    assert not ruled(transaction_of(LOW, make_item("profile")), rules).falls
    assert not ruled(make_envelope(make_item("profile"), event_id=LOW), None, rules).falls
